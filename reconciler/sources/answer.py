"""What every answer must be, wherever it came from: a file that can be read, and an age that can be trusted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from reconciler.findings import Failure
from reconciler.words import _

AHEAD = timedelta(minutes=5)
"""How far a clock may be ahead of ours."""


def read_text(source: str, path: Path | None) -> str:
    """Return the file's text, UTF-8 with or without BOM."""
    return as_text(source, path, read_bytes(source, path))


def as_text(source: str, name: object, content: bytes) -> str:
    """Return *content* as text, UTF-8 with or without BOM; *name* is said where it is not."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise malformed(source, name, _("byte {n} is not UTF-8").format(n=error.start + 1)) from error


def read_bytes(source: str, path: Path | None) -> bytes:
    """Return what the file holds."""
    if path is None:
        raise Failure(
            source,
            "missing",
            problem=_("the settings give no path for it"),
            remedy=_("write path in the table [{source}] of the settings").format(source=source),
        )
    try:
        return path.read_bytes()
    except OSError as error:
        problem = _("{path} cannot be read: {reason}").format(path=path, reason=error.strerror)
        raise Failure(source, "missing", problem=problem, remedy=_("see that the file is there")) from error


def malformed(source: str, name: object, reason: str) -> Failure:
    """Return the failure of an answer that does not have its form; *name* is the file or the address."""
    problem = _("{path}: {reason}").format(path=name, reason=reason)
    return Failure(source, "malformed", problem=problem, remedy=_("nothing is guessed: have it made anew"))


def checked_time(
    source: str, text: object, now: datetime, max_age: timedelta | None, key: str = "generated_at"
) -> datetime:
    """Return when the answer was made, as its *key* says; refuse one that is too old, or from the future.

    *max_age* None: any age.
    """
    try:
        made = datetime.fromisoformat(str(text))
    except ValueError:
        made = None
    if made is None or made.tzinfo is None:
        raise Failure(
            source,
            "time",
            problem=_("{key} is {text}, not a time with its zone").format(key=key, text=text),
            remedy=_("write it as 2026-05-01T04:00:00+02:00"),
        )
    if made > now + AHEAD:
        problem = _("it was made at {made}, which is still to come").format(made=made.isoformat())
        raise Failure(source, "future", problem=problem, remedy=_("compare the clocks of both machines"))
    if max_age is not None and now - made > max_age:
        hours = int((now - made).total_seconds() // 3600)
        problem = _("it is {hours} hours old; {most} are allowed").format(
            hours=hours, most=int(max_age.total_seconds() // 3600)
        )
        raise Failure(
            source, "stale", problem=problem, remedy=_("see why it is not made anew; nothing is decided on old answers")
        )
    return made
