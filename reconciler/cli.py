"""The command line: reads flags, environment and clock, calls the line, prints, and ends with its exit code.

Only this module knows click. Everything heavy is imported when a command runs, so that `--help` is immediate.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from reconciler import __version__
from reconciler.findings import Exit, Failure
from reconciler.words import _, speak

if TYPE_CHECKING:
    from datetime import datetime
    from types import FrameType

    from rich.console import Console

    from reconciler.model import HsaId, Settings


def _format() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help=_("How to say it."),
    )


def _regions() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--region", "regions", multiple=True, metavar="NN", help=_("Only this region; can be repeated.")
    )


def _now() -> datetime:
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.now(UTC)


def _settings(context: click.Context) -> Settings:
    from reconciler import settings  # noqa: PLC0415

    flags = context.obj or {}
    file = flags.get("settings")
    loaded = settings.load(
        Path(file) if file else None, os.environ, {key: flags.get(key) for key in ("database", "config")}
    )
    if loaded.lang:
        speak(loaded.lang)
    return loaded


def _stdout() -> Console:
    from reconciler.report import text  # noqa: PLC0415

    return text.console(sys.stdout)


def _say(form: str, name: str, result: Any, **options: Any) -> None:
    """Print *result* to stdout: the JSON document, or the text that is made from it."""
    from reconciler.report import json  # noqa: PLC0415

    document = getattr(json, name)(result)
    try:
        if form == "json":
            sys.stdout.write(json.dump(document))
        else:
            from reconciler.report import text  # noqa: PLC0415

            getattr(text, name)(document, _stdout(), **options)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        # Whoever read the output has seen enough (rich says so with SystemExit); the exit code still tells.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _talk(text: str) -> None:
    click.echo(text, err=True)


def _tell_empty(database: str | None) -> None:
    if database:
        _talk(_("there is no database at {url} yet: compared with an empty one").format(url=database))


def _check_codes(codes: tuple[str, ...], settings: Settings) -> None:
    for code in codes:
        if code not in settings.regions:
            problem = _("{code} is not a region that is kept: use one of {codes}")
            raise click.BadParameter(
                problem.format(code=code, codes=", ".join(settings.regions)), param_hint="--region"
            )


@click.group(name="reconciler", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
@click.option("--settings", metavar="FILE", help=_("Settings file; else reconciler.toml here or in a folder above."))
@click.option("--config", metavar="FOLDER", help=_("The folder that holds regions/ and approvals.yaml."))
@click.option("--database", metavar="URL", help=_("The database, as sqlite:///file."))
@click.pass_context
def main(context: click.Context, settings: str | None, config: str | None, database: str | None) -> None:
    """Keep the 1177 complaints service as the region files say it should be."""
    context.obj = {"settings": settings, "config": config, "database": database}


@main.command()
@click.option("--live", is_flag=True, help=_("Ask register and routes as well; every clinic counts as a new one."))
@_format()
@click.pass_context
def validate(context: click.Context, live: bool, form: str) -> Exit:
    """Tell every fault of every region file, each in its place."""
    from reconciler import pipeline  # noqa: PLC0415

    result = pipeline.validate(_settings(context), _now(), live=live)
    _say(form, "validate", result)
    return result.exit


@main.command()
@_regions()
@_format()
@click.option("--detailed-exitcode", is_flag=True, help=_("Exit 2 where there are changes, 0 where there are none."))
@click.option("--all", "everything", is_flag=True, help=_("List every change, however many."))
@click.pass_context
def plan(
    context: click.Context, regions: tuple[str, ...], form: str, detailed_exitcode: bool, everything: bool
) -> Exit:
    """Show what would change, region by region, and why. Changes nothing."""
    from reconciler import pipeline  # noqa: PLC0415

    settings = _settings(context)
    _check_codes(regions, settings)
    result = pipeline.plan(settings, _now()).only(regions)
    _tell_empty(result.empty_database)
    _say(form, "plan", result, **({} if form == "json" else {"everything": everything}))
    return result.exit(detailed=detailed_exitcode)


@main.command()
@_regions()
@_format()
@click.option("--all", "everything", is_flag=True, help=_("List every change, however many."))
@click.pass_context
def apply(context: click.Context, regions: tuple[str, ...], form: str, everything: bool) -> Exit:
    """Do what plan shows: one transaction for each region, residents shut out first and let in last."""
    from reconciler import pipeline  # noqa: PLC0415

    settings = _settings(context)
    _check_codes(regions, settings)
    signal.signal(signal.SIGTERM, _terminated)
    result = pipeline.apply(settings, _now(), _actor(), regions)
    _say(form, "apply", result, **({} if form == "json" else {"everything": everything}))
    return result.exit


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt("SIGTERM")


def _actor() -> str:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER"):
        if os.environ.get(name):
            return os.environ[name]
    return f"uid {os.getuid()}"


@main.command()
@_format()
@click.pass_context
def status(context: click.Context, form: str) -> Exit:
    """Show each region: its patient board, whether it is active, clinics declared and enrolled, what is pending."""
    from reconciler import pipeline  # noqa: PLC0415

    result = pipeline.status(_settings(context), _now())
    _tell_empty(result.empty_database)
    _say(form, "status", result)
    return result.exit


@main.command()
@click.argument("what", metavar="RULE|HSA-ID")
@_format()
@click.pass_context
def explain(context: click.Context, what: str, form: str) -> Exit:
    """Explain a rule, or tell all that is known of a clinic."""
    from reconciler.model import canonical  # noqa: PLC0415
    from reconciler.rules import RULES  # noqa: PLC0415
    from reconciler.rules.shape import is_hsa_id  # noqa: PLC0415

    if what in RULES:
        _say(form, "explain_rule", RULES[what])
        return Exit.DONE
    if is_hsa_id(canonical(what)):
        return _explain_clinic(context, canonical(what), form)
    from reconciler.rules.close import close  # noqa: PLC0415

    meant = close(what, RULES)
    hint = _("; did you mean {rule}?").format(rule=meant) if meant else ""
    raise click.BadParameter(
        _("{what} is neither a rule nor an HSA-id").format(what=what) + hint, param_hint="RULE|HSA-ID"
    )


def _explain_clinic(context: click.Context, hsa_id: HsaId, form: str) -> Exit:
    from reconciler import pipeline  # noqa: PLC0415

    story = pipeline.explain_clinic(_settings(context), _now(), hsa_id)
    _say(form, "explain_clinic", story)
    return story.exit


@main.group()
def db() -> None:
    """Make, migrate and check the database."""


@db.command("init")
@click.pass_context
def db_init(context: click.Context) -> Exit:
    """Make the tables; what is there already is left as it is."""
    from reconciler import store  # noqa: PLC0415

    settings = _settings(context)
    store.init(settings.database)
    _talk(_("the database at {url} is ready").format(url=store.shown(settings.database)))
    return Exit.DONE


@db.command("upgrade")
@click.pass_context
def db_upgrade(context: click.Context) -> Exit:
    """Bring the tables of an older version up to this one."""
    from reconciler import store  # noqa: PLC0415

    settings = _settings(context)
    store.upgrade(settings.database)
    _talk(_("the database at {url} is ready").format(url=store.shown(settings.database)))
    return Exit.DONE


@db.command("check")
@click.pass_context
def db_check(context: click.Context) -> Exit:
    """Tell whether the tables are there, in this version, and the log is whole."""
    from reconciler import pipeline, store  # noqa: PLC0415

    settings = _settings(context)
    problems = pipeline.check_database(settings)
    for problem in problems:
        click.echo(problem)
    if not problems:
        _talk(_("the database at {url} is in order").format(url=store.shown(settings.database)))
    return Exit.SETTINGS if problems else Exit.DONE


# ---- how a run ends


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code; never a traceback for what a user or the world did."""
    try:
        return int(main.main(arguments, prog_name="reconciler", standalone_mode=False) or Exit.DONE)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE if isinstance(error, click.UsageError) else Exit.ERRORS
    except Failure as failure:
        _talk(f"{failure.source}: {failure.problem}\n    {failure.remedy}")
        return failure.exit
    except (KeyboardInterrupt, click.Abort):
        _talk(_("interrupted; the region at hand is rolled back"))
        return Exit.INTERRUPTED
    except Exception as bug:  # noqa: BLE001  (the one place where a bug is caught, so that it can be reported)
        _talk(_crash(bug))
        return Exit.BUG


def _crash(bug: Exception) -> str:
    """Return a block ready to paste into an issue; it holds no environment and no settings."""
    import platform  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    trace = "".join(traceback.format_exception(bug)).rstrip()
    facts = f"reconciler {__version__}, Python {platform.python_version()}, {platform.system()}"
    ask = _("this is a bug in reconciler; please report it with the following block:")
    return f"{ask}\n\n```\n{facts}\ncommand: {' '.join(sys.argv[1:2])}\n{trace}\n```"
