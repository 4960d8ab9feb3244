"""The log, read back: which changes were made, by which run, with which approvals; and what was enrolled on a day.

It only reads, and judges nothing: whether the log is whole is asked of `log`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from reconciler.model import BoardRow, Enrolment, HsaId, RegionCode, State
from reconciler.store.observe import FORGOT, observe
from reconciler.store.tables import approval_used, change, run, theirs

_BOARD_ACTIONS = ("set-board", "change-board", "remove-board")


class Wanted(NamedTuple):
    """Which part of the log is asked for; None and nothing: all of it. `since` is a moment as it is stored."""

    regions: tuple[RegionCode, ...] = ()
    clinic: HsaId | None = None
    run: int | None = None
    since: str | None = None


class LoggedRun(NamedTuple):
    """A run as it was recorded; times in UTC, as ISO text."""

    id: int
    started: str
    finished: str | None
    status: str
    actor: str
    commit: str | None
    register_digest: str


class LoggedChange(NamedTuple):
    """A change as it was recorded."""

    run: int
    region: RegionCode
    sequence: int
    action: str
    subject: str
    before: Enrolment | BoardRow | None
    after: Enrolment | BoardRow | None
    cause: str
    path: str | None
    line: int | None
    hash: str

    @property
    def is_board(self) -> bool:
        """Whether it changed a board, and not a clinic."""
        return self.action in _BOARD_ACTIONS


class Log(NamedTuple):
    """A part of the log, oldest first; the digests of the approvals taken by run and region."""

    changes: tuple[LoggedChange, ...]
    runs: Mapping[int, LoggedRun]
    approvals: Mapping[tuple[int, RegionCode], tuple[str, ...]]


def read_log(connection: Connection, wanted: Wanted = Wanted()) -> Log:  # noqa: B008  (frozen)
    """Return the part of the log that is wanted."""
    columns = [change.c[name] for name in LoggedChange._fields]
    where = and_(*_conditions(wanted))
    rows = connection.execute(
        select(*columns).join(run, run.c.id == change.c.run).where(where).order_by(change.c.run, change.c.id)
    )
    changes = tuple(_logged(LoggedChange(*row)) for row in rows)
    numbers = {one.run for one in changes}
    runs = {row.id: LoggedRun(*row) for row in connection.execute(select(*(run.c[name] for name in LoggedRun._fields)))}
    taken: dict[tuple[int, RegionCode], list[str]] = {}
    used = approval_used.c
    for number, code, digest in connection.execute(select(used.run, used.region, used.digest).order_by(used.digest)):
        taken.setdefault((number, code), []).append(digest)
    return Log(
        changes,
        {number: one for number, one in runs.items() if number in numbers},
        {key: tuple(digests) for key, digests in taken.items()},
    )


def _conditions(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    yield change.c.id.is_not(None)
    if wanted.regions:
        left = (change.c.before.contains(f'"region_code":"{code}"') for code in wanted.regions)
        yield or_(change.c.region.in_(wanted.regions), *left)
    if wanted.clinic:
        yield change.c.subject == wanted.clinic
    if wanted.run is not None:
        yield change.c.run == wanted.run
    if wanted.since:
        yield run.c.started >= wanted.since


def _logged(row: LoggedChange) -> LoggedChange:
    return row._replace(before=_row(row, row.before), after=_row(row, row.after))


def _row(row: LoggedChange, stored: object) -> Enrolment | BoardRow | None:
    if stored is None:
        return None
    values = json.loads(str(stored))
    return BoardRow(**values) if row.is_board else Enrolment(**values)


def run_exists(connection: Connection, number: int) -> bool:
    """Whether there was such a run."""
    return connection.scalar(select(run.c.id).where(run.c.id == number)) is not None


def reverts(connection: Connection, since: str) -> dict[str, int]:
    """Count for each row how often a run since then has put it back after somebody else had changed it.

    A clinic's row is named by its HSA-id, a board's by its region.
    """
    recent = change.c.run.in_(select(run.c.id).where(run.c.started >= since))
    columns = select(change.c.region, change.c.action, change.c.subject)
    counts: dict[str, int] = {}
    for code, action, subject in connection.execute(columns.where(recent, change.c.cause == "drift")):
        row = code if action in _BOARD_ACTIONS else subject
        counts[row] = counts.get(row, 0) + 1
    return counts


def whole_since(connection: Connection) -> str | None:
    """Return the moment from which on the log is whole; None where nothing of it was forgotten."""
    moment: str | None = connection.scalar(select(func.max(run.c.state_before)).where(run.c.status == FORGOT))
    return moment


def state_at(connection: Connection, moment: str) -> State:
    """Return what was enrolled, and which boards there were, at a moment as it is stored.

    Of a row that this tool has changed the log knows: what the last change before that moment left, else what the first
    one after it found. Any other row is as it is today, if it was enrolled by then.
    """
    today = observe(connection)
    log = read_log(connection)
    then: dict[tuple[bool, str], Enrolment | BoardRow | None] = {}
    after: set[tuple[bool, str]] = set()
    for one in log.changes:
        key = (one.is_board, one.region if one.is_board else one.subject)
        if log.runs[one.run].started <= moment:
            then[key] = one.after
        elif key not in then and key not in after:
            then[key] = one.before
            after.add(key)
    enrolled = theirs(connection).clinic.c
    late = set(connection.scalars(select(enrolled.hsa_id).where(enrolled.enrolled_at > moment)))
    clinics = {key: row for key, row in today.clinics.items() if key not in late and (False, key) not in then}
    boards = {code: row for code, row in today.boards.items() if (True, code) not in then}
    for (_is_board, name), row in then.items():
        if isinstance(row, Enrolment):
            clinics[HsaId(name)] = row
        elif isinstance(row, BoardRow):
            boards[name] = row
    return State(dict(sorted(clinics.items())), dict(sorted(boards.items())))
