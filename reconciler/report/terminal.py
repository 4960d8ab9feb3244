"""How a line gets on the screen: colour only where it is wanted, and nothing that a terminal would obey.

Knows rich, and what findings and failures look like. Every text from a file or a register passes `escape` here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from reconciler import words
from reconciler.report.escapes import escape
from reconciler.report.excerpt import Places, excerpt
from reconciler.words import _

if TYPE_CHECKING:
    from rich.console import Console as Screen
    from rich.table import Table
    from rich.text import Text

Document = dict[str, Any]
Part = str | tuple[str, str]
"""A text, or a text and its style."""


class Paper(NamedTuple):
    """What lines are written on where there is no terminal: a file, a pipe, the log of a job. Rich is not needed."""

    file: TextIO


if TYPE_CHECKING:
    Console = Screen | Paper

_UNFOLDED = 100_000
_STYLES = {"error": "bold red", "warning": "yellow", "note": "blue"}


def console(stream: TextIO) -> Console:
    """Return what prints to *stream*: in colour on a terminal, unless NO_COLOR says otherwise. Nothing is folded."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return _screen(stream) if stream.isatty() else Paper(stream)


def _screen(stream: TextIO) -> Screen:
    from rich.console import Console  # 0.05 s

    screen = stream.isatty()
    return Console(
        file=stream,
        force_terminal=screen,
        color_system="auto" if screen and not os.environ.get("NO_COLOR") else None,
        width=_UNFOLDED,
        soft_wrap=True,
        markup=False,
        highlight=False,
        emoji=False,
    )


def styled(*parts: Part) -> Text:
    """Return *parts* as one text, escaped."""
    from rich.text import Text

    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((escape(text), style) for text, style in pairs))


def line(console: Console, *parts: Part) -> None:
    """Print one line."""
    if isinstance(console, Paper):
        console.file.write("".join(escape(part if isinstance(part, str) else part[0]) for part in parts) + "\n")
    else:
        console.print(styled(*parts))


def print_table(console: Console, table: Table) -> None:
    """Print a table."""
    (_screen(console.file) if isinstance(console, Paper) else console).print(table, soft_wrap=False)


def paragraph(console: Console, text: str, indent: str = "    ") -> None:
    """Print the lines of *text*, indented."""
    for one in text.split("\n"):
        line(console, f"{indent}{one}" if one else "")


def findings(found: Iterable[Document], console: Console, places: Places) -> None:
    """Print findings: the place, what is wrong, the line it is on, what to do, and which other places are involved."""
    for finding in found:
        severity = finding["severity"]
        line(
            console,
            f"{at(finding)}: " if finding["path"] else "",
            (severity_word(severity), _STYLES[severity]),
            f": {finding['problem']} ",
            (f"[{finding['rule']}]", "dim"),
        )
        _underlined(finding, console, places, _STYLES[severity])
        paragraph(console, finding["remedy"])
        for place in finding["related"]:
            line(console, "    ", _("see {place}").format(place=at(place)))
            _underlined(place, console, places, "blue")


def _underlined(told: Document, console: Console, places: Places, style: str) -> None:
    shown = excerpt(told, places)
    if shown is not None:
        source, marks = shown.lines
        line(console, source)
        line(console, (marks, style))


def failures(failed: Iterable[Document], console: Console) -> None:
    """Print failures: what was asked, what went wrong, and below it what to do."""
    for failure in failed:
        line(console, (source_word(failure["source"]), _STYLES["error"]), f": {failure['problem']}")
        paragraph(console, failure["remedy"])


def source_word(source: str) -> str:
    """Return what was asked, in words."""
    known = {
        "register": _("register"),
        "routes": _("routes"),
        "database": _("database"),
        "git": _("git"),
        "settings": _("settings"),
        "files": _("files"),
        "plan": _("plan"),
        "clock": _("clock"),
    }
    return known.get(source, source)


def at(place: Document) -> str:
    """Return `path:line:column`, as much of it as is known."""
    known = (place["path"], place["line"], place.get("column"))
    return ":".join(str(part) for part in known if part is not None)


def severity_word(severity: str) -> str:
    """Return a severity in words."""
    return {"error": _("error"), "warning": _("warning"), "note": _("note")}[severity]


def stage_word(stage: str) -> str:
    """Return a stage in words."""
    return {
        "shape": _("shape"),
        "meaning": _("meaning"),
        "upstream": _("upstream"),
        "guard": _("guard"),
        "review": _("review"),
    }[stage]


def moment(text: str | None) -> str:
    """Return a time of a document as a clock in Stockholm shows it."""
    if text is None:
        return "–"
    return words.moment(datetime.fromisoformat(text))


def run_status(status: str) -> str:
    """Return how a run ended, in words."""
    known = {"done": _("done"), "failed": _("failed"), "interrupted": _("interrupted"), "started": _("started")}
    return known.get(status, status)
