"""What the commands share: settings, clock, options, and how a result or a word gets out.

Everything heavy is imported when it is used, so that `--help` is immediate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import logs
from reconciler.cli.timings import taken, tell_taken
from reconciler.words import _, mark

if TYPE_CHECKING:
    from datetime import datetime

    from click.shell_completion import CompletionItem

    from reconciler.model import Settings
    from reconciler.report.terminal import Console


def format_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--format`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help=mark("How to say it."),
    )


def regions_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--region`, repeatable."""
    return click.option(
        "--region",
        "regions",
        multiple=True,
        metavar="NN",
        help=mark("Only this region; can be repeated."),
        shell_complete=_complete_region,
    )


def _complete_region(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Offer the codes, each with its region's name."""
    from click.shell_completion import CompletionItem

    from reconciler.model import REGIONS

    return [CompletionItem(code, help=name) for code, name in REGIONS.items() if code.startswith(begun)]


def strict_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--strict`."""
    return click.option("--strict", is_flag=True, help=mark("Warnings fail too: exit 1."))


def now() -> datetime:
    """Return the time; the only place that reads the clock."""
    from datetime import UTC, datetime

    return datetime.now(UTC)


def settings_of(context: click.Context) -> Settings:
    """Return the settings that flags, environment and file give."""
    from reconciler import settings

    flags = context.obj or {}
    file = flags.get("settings")
    return settings.load(
        Path(file) if file else None,
        os.environ,
        {key: flags.get(key) for key in ("lang", "database", "config", "lock_timeout")},
    )


def stdout() -> Console:
    """Return the console that results are printed on."""
    from reconciler.report import text

    return text.console(sys.stdout)


def say(form: str, name: str, result: Any, *, timings: bool = False, **options: Any) -> None:
    """Print *result* to stdout: the JSON document, or the text that is made from it."""
    from reconciler import stations
    from reconciler.report import json, text

    stations.at("report")
    document = getattr(json, name)(result)
    if timings:
        document["timings"] = taken()
    _print(form, document, lambda: getattr(text, name)(document, stdout(), **options))
    if timings:
        tell_taken()


def print_logged(form: str, name: str, result: Any, **options: Any) -> None:
    """Print what the log tells."""
    from reconciler.report import logbook

    document = getattr(logbook, name)(result)
    _print(form, document, lambda: getattr(logbook, f"print_{name}")(document, stdout(), **options))


def _print(form: str, document: dict[str, Any], as_text: Callable[[], None]) -> None:
    from reconciler.report import json

    with read_to_the_end():
        if form == "json":
            sys.stdout.write(json.dump(document))
        else:
            with fenced(document):
                as_text()
        sys.stdout.flush()


@contextmanager
def read_to_the_end() -> Iterator[None]:
    """Let whoever reads stdout stop when they have seen enough."""
    try:
        yield
    except (BrokenPipeError, SystemExit):
        # Rich says so with SystemExit; the exit code still tells.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def in_a_job() -> bool:
    """Whether this is a job of GitHub, whose log takes commands."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


@contextmanager
def fenced(document: Any) -> Iterator[None]:
    """In a job of GitHub, keep the log from taking commands from what is printed, whatever stands in files.

    The word that ends the fence is a digest of all that is told, so nothing in there can hold it.
    """
    if not in_a_job():
        yield
        return
    from hashlib import sha256

    from reconciler.report import json

    word = sha256(json.dump(document).encode()).hexdigest()
    sys.stdout.write(f"::stop-commands::{word}\n")
    try:
        yield
    finally:
        sys.stdout.write(f"::{word}::\n")


def talk(text: str) -> None:
    """Say something that is no result: to stderr, and nothing that a terminal or a job's log would obey."""
    from reconciler.report.escapes import escape, log_line

    if logs.took(text):
        return
    safe = log_line if in_a_job() else escape
    click.echo("\n".join(map(safe, text.split("\n"))), err=True)


def tell_empty(database: str | None) -> None:
    """Say that *database* is not there, where it is not."""
    if database:
        talk(_("there is no database at {url} yet: compared with an empty one").format(url=database))


def check_codes(codes: tuple[str, ...], settings: Settings, said_in: str = "'--region'") -> None:
    """Refuse the code of a region that is not kept."""
    for code in codes:
        if code not in settings.regions:
            problem = _("{code} is not a region that is kept: use one of {codes}")
            raise click.BadParameter(problem.format(code=code, codes=", ".join(settings.regions)), param_hint=said_in)
