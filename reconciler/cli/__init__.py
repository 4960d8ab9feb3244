"""The command line: reads flags, environment and clock, calls the line, prints, and ends with its exit code.

Only this folder knows click. Each module holds the commands of one purpose; here they come together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module

import click

from reconciler import __version__
from reconciler.cli import logs
from reconciler.cli.language import HELP_OPTIONS, LANGUAGES, choose, say_anew, say_in, say_name
from reconciler.cli.shared import talk
from reconciler.findings import Exit, Failure
from reconciler.words import _, mark

MODULES = {
    **dict.fromkeys(("validate", "plan", "apply", "status"), "line"),
    **dict.fromkeys(("fmt", "import", "follow", "adopt", "undo", "new"), "edit"),
    **dict.fromkeys(("simulate", "doctor", "snapshot"), "world"),
    "review": "review",
    "history": "history",
    "explain": "explain",
    "db": "database",
}
"""The commands, and the module of this folder that each is in."""


class Commands(click.Group):
    """The commands, each loaded when it is asked for: a run pays for its own alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all, loaded or not."""
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command; what it is, is said in the language that is spoken."""
        # Where the name is wrong, click offers those that are close to it, of those that are loaded.
        for name in (cmd_name,) if cmd_name in MODULES else MODULES:
            say_name(self.loaded(name))
        return super().get_command(ctx, cmd_name)

    def loaded(self, name: str) -> click.Command:
        """Return a command, which is loaded where it is not yet."""
        if name not in self.commands:
            module = import_module(f"reconciler.cli.{MODULES[name]}")
            self.add_command(getattr(module, "import_" if name == "import" else name))
        return self.commands[name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called, with all of its help in the language that is spoken."""
        name, command, rest = super().resolve_command(ctx, args)
        if command:
            say_anew(command)
        return name, command, rest


@click.group(
    cls=Commands, name="reconciler", context_settings={"help_option_names": HELP_OPTIONS, "max_content_width": 110}
)
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), help=mark("The language to speak; else that of settings or locale.")
)
@click.option("--settings", metavar="FILE", help=mark("Settings file; else reconciler.toml here or in a folder above."))
@click.option("--config", metavar="FOLDER", help=mark("The folder that holds regions/ and approvals.yaml."))
@click.option("--database", metavar="URL", help=mark("The database, as sqlite:///file."))
@click.option(
    "--log-level",
    type=click.Choice(logs.LEVELS),
    envvar="RECONCILER_LOG_LEVEL",
    help=mark("Say on stderr what is done; at debug, each request as a command for curl."),
)
@click.option(
    "--log-format",
    type=click.Choice(logs.FORMS),
    envvar="RECONCILER_LOG_FORMAT",
    help=mark("How to say on stderr what is done; as json, all that goes there is one event a line."),
)
@click.pass_context
def main(
    context: click.Context,
    lang: str | None,
    settings: str | None,
    config: str | None,
    database: str | None,
    log_level: str | None,
    log_format: str | None,
) -> None:
    """Keep the 1177 complaints service as the region files say it should be."""
    logs.start(log_level, log_format)
    context.obj = {"lang": lang, "settings": settings, "config": config, "database": database}


def commands() -> Mapping[str, click.Command]:
    """Load all commands, and return them by name."""
    return {name: main.loaded(name) for name in MODULES}


# ---- how a run ends


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code; never a traceback for what a user or the world did."""
    arguments = sys.argv[1:] if arguments is None else arguments
    say_in(choose(arguments, os.environ), main)
    try:
        return int(main.main(arguments, prog_name="reconciler", standalone_mode=False) or Exit.DONE)
    except click.ClickException as error:
        if not logs.took(error.format_message()):
            error.show()
        return Exit.USAGE if isinstance(error, click.UsageError) else Exit.ERRORS
    except Failure as failure:
        from reconciler.report.terminal import source_word

        talk(f"{source_word(failure.source)}: {failure.problem}\n    {failure.remedy}")
        return failure.exit
    except (KeyboardInterrupt, click.Abort):
        talk(_("interrupted; the region at hand is rolled back"))
        return Exit.INTERRUPTED
    except Exception as bug:  # noqa: BLE001  (the one place where a bug is caught, so that it can be reported)
        talk(_crash(bug))
        return Exit.BUG


def _crash(bug: Exception) -> str:
    """Return a block ready to paste into an issue; it holds no environment and no settings."""
    import platform
    import traceback

    trace = "".join(traceback.format_exception(bug)).rstrip()
    facts = f"reconciler {__version__}, Python {platform.python_version()}, {platform.system()}"
    command = next((word for word in sys.argv[1:] if word in MODULES), "–")
    ask = _("this is a bug in reconciler; please report it with the following block:")
    return f"{ask}\n\n```\n{facts}\ncommand: {command}\n{trace}\n```"
