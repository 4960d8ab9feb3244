"""What a database says no with, made a `Failure` that tells what to do about it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from reconciler.findings import Exit, Failure
from reconciler.words import _, mark

if TYPE_CHECKING:
    from collections.abc import Iterator

_FASTER = frozenset({"40001", "40P01", "23505"})
"""What PostgreSQL says when somebody else was faster: not as if alone, a deadlock, a row that is there already."""

_LOCKED = ("55P03", "database is locked", "database table is locked")
"""What a database says when a lock could not be had in time: PostgreSQL by its code, SQLite by its words."""

_REMEDIES = {
    ("53100", "disk is full", "disk I/O error"): mark(
        "make room on its disk, or see why it cannot be written; then run again"
    ),
    ("25006", "readonly database"): mark(
        "see that it is no copy that can only be read, and that you may write it: a file and the folder that holds it;"
        " then run again"
    ),
    ("42501",): mark("let the owner of the tables run what this prints: reconciler db grants"),
    ("57014",): mark("run again when it has less to do, or give this role more time: statement_timeout"),
    ("57P01", "57P02", "57P03", "closed the connection", "terminating connection"): mark(
        "it was stopped or started meanwhile: run again when it is up"
    ),
    ("disk image is malformed", "not a database"): mark(
        "the file is damaged, or something else: restore it from a backup, as docs/database.md tells"
    ),
}
"""What to do about what a database says, by PostgreSQL's codes and by words."""


@contextmanager
def answering(name: str | None = None) -> Iterator[None]:
    """Turn what the database *name* says no with into a `Failure`; all else is a bug, and passes."""
    try:
        yield
    except DBAPIError as error:
        raise _failure(name or _("of the settings"), error) from error


def somebody_was_faster(failure: Failure) -> bool:
    """Whether the same may well be done if it is tried anew."""
    return _sqlstate(failure.__cause__) in _FASTER


def _failure(name: str, error: DBAPIError) -> Failure:
    reason = " ".join(str(error.orig).split())
    if _is_one_of(_LOCKED, error):
        return Failure(
            "database",
            "locked",
            problem=_("the database {url} is locked by somebody else").format(url=name),
            remedy=_("try again when the other run is done"),
            exit=Exit.LOCKED,
        )
    no_row = _("the database {url} does not take a row: {reason}").format(url=name, reason=reason)
    if _sqlstate(error) in _FASTER or "UNIQUE constraint" in reason:
        remedy = _("see what changed it meanwhile, and run again")
        return Failure("database", "changed-meanwhile", problem=no_row, remedy=remedy)
    if isinstance(error, DataError | IntegrityError):
        remedy = _(
            "see what the table asks of a row: texts may be longer than a column takes, what reconciler does not write"
            " needs a default, and a row that this one refers to may be gone"
        )
        return Failure("database", "row", problem=no_row, remedy=remedy)
    usual = mark("see that it is up, that it is the right one, and that you may use it; then run again")
    remedy = next((text for said, text in _REMEDIES.items() if _is_one_of(said, error)), usual)
    problem = _("the database {url} does not answer: {reason}").format(url=name, reason=reason)
    return Failure("database", "unanswered", problem=problem, remedy=_(remedy))


def _is_one_of(said: tuple[str, ...], error: DBAPIError) -> bool:
    reason = str(error.orig)
    return _sqlstate(error) in said or any(" " in words and words in reason for words in said)


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)
