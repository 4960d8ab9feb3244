"""What the log tells: who changed what, when and why; what was enrolled on a day; what somebody else has changed since.

It reads the database, git for who wrote a line, and the approvals that stand today. It changes nothing, and asks
neither register nor routes, so that it answers while they do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from reconciler import git, store
from reconciler.declare.approvals import read_content
from reconciler.declare.beside import read_approvals
from reconciler.findings import Exit, Failure
from reconciler.model import Approval, BoardRow, Enrolment, HsaId, RegionCode, Settings, State
from reconciler.plan import board_differs
from reconciler.rules.reading import LARGEST
from reconciler.store import Head, Log, LoggedChange, LoggedRun, Wanted
from reconciler.words import _

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Told(NamedTuple):
    """One change, with its run, who wrote the line, and the approvals that let it pass (None: no longer in git)."""

    change: LoggedChange
    run: LoggedRun
    author: git.Author | None
    approvals: tuple[tuple[str, Approval | None], ...]


class Unlogged(NamedTuple):
    """A clinic's row as it is now, which no run has left so; `last` is what the last run left. None: no row."""

    region: RegionCode
    subject: HsaId
    held: Enrolment | None
    last: Enrolment | None


class History(NamedTuple):
    """A part of the log, oldest first; where it was asked for, what is wrong with it and where its chains end.

    Of one clinic also what the log does not tell.
    """

    changes: tuple[Told, ...]
    unlogged: tuple[Unlogged, ...] = ()
    problems: tuple[str, ...] | None = None
    chains: Mapping[RegionCode, Head] = {}

    @property
    def exit(self) -> Exit:
        """What the process says."""
        return Exit.ERRORS if self.problems else Exit.DONE


def history(settings: Settings, wanted: Wanted) -> History:
    """Return the changes that are wanted, each with who and why."""
    with store.connected(store.reading(settings)) as connection:
        store.check(connection)
        _require_run(connection, wanted.run)
        log = store.read_log(connection, wanted)
        unlogged = tuple(_unlogged(connection, wanted.clinic)) if wanted.clinic else ()
    return History(tuple(_told(settings, log)), unlogged)


def _unlogged(connection: Connection, hsa_id: HsaId) -> Iterator[Unlogged]:
    """Yield the clinic's row where somebody else has written it last."""
    changes = store.read_log(connection, Wanted(clinic=hsa_id)).changes
    left = [one.after for one in changes if isinstance(one.before or one.after, Enrolment)]
    held, last = store.observe(connection).clinics.get(hsa_id), left[-1] if left else None
    row = held or last
    if held != last and isinstance(row, Enrolment):
        yield Unlogged(row.region_code, hsa_id, held, last if isinstance(last, Enrolment) else None)


def changes_of(settings: Settings, number: int) -> tuple[LoggedChange, ...]:
    """Return what a run changed, in the order in which it did so; a run that there never was is a Failure."""
    with store.connected(store.reading(settings)) as connection:
        store.check(connection)
        _require_run(connection, number)
        return store.read_log(connection, Wanted(run=number)).changes


def _told(settings: Settings, log: Log) -> Iterator[Told]:
    standing = _by_digest(read_approvals(settings.config / "approvals.yaml")[0])
    then = cache(partial(_approvals_at, settings.config))
    for change in log.changes:
        run = log.runs[change.run]
        used = log.approvals.get((change.run, change.region), ())
        approvals = tuple((one, standing.get(one) or then(run.commit).get(one)) for one in used)
        yield Told(change, run, _author(settings, change, run), approvals)


def _approvals_at(config: Path, commit: str | None) -> Mapping[str, Approval]:
    """Return the approvals that stood in the file at a commit: one that is spent is deleted, and still explains."""
    try:
        content = git.files_at(config, commit, LARGEST).get("approvals.yaml") if commit else None
    except Failure:
        return {}
    return _by_digest(read_content(config / "approvals.yaml", content, [])[0]) if content else {}


def _by_digest(approvals: Iterable[Approval]) -> Mapping[str, Approval]:
    return {one.digest: one for one in approvals}


def _author(settings: Settings, change: LoggedChange, run: LoggedRun) -> git.Author | None:
    """Return who wrote the line, or deleted it; None where git does not know, or does not answer."""
    if run.commit is None or change.path is None:
        return None
    folder, name = settings.config / "regions", PurePosixPath(change.path).name
    try:
        if change.line is None:
            return git.who_removed(folder, run.commit, name, change.subject)
        return git.who_wrote(folder, run.commit, name, change.line)
    except Failure:
        return None


def _require_run(connection: Connection, number: int | None) -> None:
    if number is not None and not store.run_exists(connection, number):
        raise Failure(
            "database",
            "no-such-run",
            problem=_("there is no run {run}").format(run=number),
            remedy=_("see which there are: reconciler history"),
            exit=Exit.USAGE,
        )


def verify(settings: Settings) -> History:
    """Return what is wrong with the log, and where each region's chain ends."""
    with store.connected(store.reading(settings)) as connection:
        store.check(connection)
        return History((), (), tuple(store.verify_chain(connection)), store.chain_heads(connection))


# ---- on a day


class Then(NamedTuple):
    """What held at a moment."""

    moment: datetime
    state: State


def at(settings: Settings, moment: datetime) -> Then:
    """Return what was enrolled, and which boards there were, at a moment."""
    with store.connected(store.reading(settings)) as connection:
        store.check(connection)
        since = store.whole_since(connection)
        if since and store.as_text(moment) < since:
            raise _forgotten(since)
        return Then(moment, store.state_at(connection, store.as_text(moment)))


def _forgotten(since: str) -> Failure:
    return Failure(
        "database",
        "forgotten",
        problem=_("the log is kept from {moment} on").format(moment=since[:16].replace("T", " ") + " UTC"),
        remedy=_("ask for a later day, or look in a backup from that time"),
        exit=Exit.USAGE,
    )


# ---- drift


class Drift(NamedTuple):
    """A row that somebody else has changed since this tool last wrote it; `held` is None where it is gone."""

    region: RegionCode
    subject: str
    last: Enrolment | BoardRow
    held: Enrolment | BoardRow | None
    reverts: int


class Drifted(NamedTuple):
    """All that somebody else has changed, and after how many reverts in how long two writers are said to fight."""

    rows: tuple[Drift, ...]
    limit: int
    within: timedelta | None

    @property
    def exit(self) -> Exit:
        """What the process says: for a monitor."""
        return Exit.CHANGES if self.rows else Exit.DONE


def drift(settings: Settings, now: datetime) -> Drifted:
    """Return the managed rows that the database holds otherwise than this tool left them."""
    limit, within = settings.drift
    with store.connected(store.reading(settings)) as connection:
        store.check(connection)
        state = store.observe(connection)
        reverts = store.reverts(connection, store.as_text(now - within)) if within else {}
    rows = sorted(_drifted(state, reverts), key=lambda one: (one.region, one.subject))
    return Drifted(tuple(rows), limit, within)


def _drifted(state: State, reverts: Mapping[str, int]) -> Iterator[Drift]:
    for hsa_id, managed in state.managed_clinics.items():
        row, last = state.clinics.get(hsa_id), Enrolment(managed.region_code, managed.name)
        if row != last:
            yield Drift(last.region_code, hsa_id, last, row, reverts.get(hsa_id, 0))
    for code, board in state.managed_boards.items():
        held = state.boards.get(code)
        if board_differs(held, board):
            yield Drift(code, board.hsa_id, BoardRow(board.hsa_id, board.name), held, reverts.get(code, 0))
