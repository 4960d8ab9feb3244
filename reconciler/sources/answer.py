"""What every answer must be, wherever it came from: text or JSON that is read in one way only, and not too old."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.findings import Failure, reason_of
from reconciler.model import RegisterSettings, RoutesSettings
from reconciler.words import _, moment

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


def as_json(source: str, name: object, text: str) -> Any:
    """Return what the JSON says; refuse an object in which a key stands twice, as half of it would go unheard."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise malformed(source, name, _twice(pairs))
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise malformed(source, name, _("this is not JSON: {reason}").format(reason=error)) from error


def _twice(pairs: list[tuple[str, Any]]) -> str:
    """Name the key, and the record by what stands in it."""
    keys = [key for key, _value in pairs]
    twice = next(key for key in keys if keys.count(key) > 1)
    record = ", ".join(f"{key}: {value}" for key, value in pairs if isinstance(value, (str, int)))
    return _("the key {key} stands twice in one record ({record})").format(key=twice, record=record[:200])


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
        problem = _("{path} cannot be read: {reason}").format(path=path, reason=reason_of(error))
        raise Failure(source, "missing", problem=problem, remedy=_("see that the file is there")) from error


def malformed(source: str, name: object, reason: str) -> Failure:
    """Return the failure of an answer that does not have its form; *name* is the file or the address."""
    problem = _("{path}: {reason}").format(path=name, reason=reason)
    return Failure(source, "malformed", problem=problem, remedy=_("nothing is guessed: have it made anew"))


def checked_time(
    source: str, text: object, now: datetime, settings: RegisterSettings | RoutesSettings, key: str = "generated_at"
) -> datetime:
    """Return when the answer was made, as its *key* says; refuse one too old, of the future, or a step back."""
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
        problem = _("it was made at {made}, which is still to come").format(made=moment(made))
        raise Failure(source, "future", problem=problem, remedy=_("compare the clocks of both machines"))
    if settings.max_age is not None and now - made > settings.max_age:
        hours = int((now - made).total_seconds() // 3600)
        problem = _("it is {hours} hours old; {most} are allowed").format(
            hours=hours, most=int(settings.max_age.total_seconds() // 3600)
        )
        raise Failure(
            source, "stale", problem=problem, remedy=_("see why it is not made anew; nothing is decided on old answers")
        )
    if settings.not_before is not None and made < settings.not_before:
        problem = _("it was made at {made}, and is older than the one of {newest} that was believed already")
        problem = problem.format(made=moment(made), newest=moment(settings.not_before))
        remedy = _("see whether several servers answer there, and one lags behind; nothing goes back to an old answer")
        raise Failure(source, "older", problem=problem, remedy=remedy)
    return made
