"""How a line gets on the screen: colour only where it is wanted, and nothing that a terminal would obey.

Knows rich, and what findings and failures look like. Every text from a file or a register passes `escape` here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

from reconciler.report.escapes import escape
from reconciler.report.excerpt import Places, excerpt
from reconciler.words import _

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Document = dict[str, Any]
Part = str | tuple[str, str]
"""A text, or a text and its style."""

_UNFOLDED = 100_000
_STYLES = {"error": "bold red", "warning": "yellow", "note": "blue"}


def console(stream: TextIO) -> Console:
    """Return what prints to *stream*: in colour on a terminal, unless NO_COLOR says otherwise. Nothing is folded."""
    from rich.console import Console  # noqa: PLC0415  (0.05 s)

    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
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
    from rich.text import Text  # noqa: PLC0415

    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((escape(text), style) for text, style in pairs))


def line(console: Console, *parts: Part) -> None:
    """Print one line."""
    if console.is_terminal:
        console.print(styled(*parts))
    else:
        # Without colour rich has nothing to add, and a thousand findings would feel that it tries.
        console.file.write("".join(escape(part if isinstance(part, str) else part[0]) for part in parts) + "\n")


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
    words = {
        "register": _("register"),
        "routes": _("routes"),
        "database": _("database"),
        "git": _("git"),
        "settings": _("settings"),
        "files": _("files"),
        "plan": _("plan"),
    }
    return words.get(source, source)


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
    """Return a time of a document as a clock in Stockholm shows it, to the minute; both languages write it alike."""
    if text is None:
        return "–"
    return datetime.fromisoformat(text).astimezone(ZoneInfo("Europe/Stockholm")).strftime("%Y-%m-%d %H:%M")
