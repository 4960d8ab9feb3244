"""What the database holds, as a `State`: all of it, or what one region's transaction has to see. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, func, or_, select, true

from reconciler.findings import Failure
from reconciler.model import BoardRow, Enrolment, HsaId, ManagedBoard, ManagedClinic, RegionCode, State, canonical
from reconciler.store.tables import (
    approval_used,
    change,
    complaints_clinic,
    complaints_region,
    managed_board,
    managed_clinic,
    run,
)
from reconciler.words import _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement

IN_VAIN = ("refused", "failed")
"""The statuses of a run that ended without having had its say."""

FORGOT = "forgot"
"""The status of a run that only forgot what is old: it recorded where each chain was cut off."""

NOBODY = "–"
"""The actor of a run of which it is forgotten who was behind it, and of which changes may be forgotten too."""

_CHUNK = 5_000
"""Ids in one IN list: well below what any database takes."""


class LastRun(NamedTuple):
    """The newest run, whether it came to its end or not; times in UTC, as ISO text."""

    id: int
    started: str
    finished: str | None
    status: str
    actor: str
    commit: str | None
    applied: int


def observe(connection: Connection) -> State:
    """Return all that the database holds."""
    return _state(connection, [true()], [true()])


def observe_region(connection: Connection, code: RegionCode, watched: Collection[HsaId]) -> State:
    """Return what the region's transaction looks at.

    All boards; and every clinic that is enrolled there, managed there (declared or settled), or *watched*: both its row
    and what is remembered of it, wherever they point.
    """
    _refuse_misspelt(connection)
    enrolled, managed = complaints_clinic.c, managed_clinic.c
    managed_here = or_(managed.declared_in == code, managed.region_code == code)
    enrolled_here = enrolled.region_code == code
    clinics = [enrolled_here, enrolled.hsa_id.in_(select(managed.hsa_id).where(managed_here))]
    remembered = [managed_here, managed.hsa_id.in_(select(enrolled.hsa_id).where(enrolled_here))]
    for chunk in _chunks(sorted(watched)):
        clinics.append(enrolled.hsa_id.in_(chunk))
        remembered.append(managed.hsa_id.in_(chunk))
    return _state(connection, clinics, remembered)


def approvals_taken(connection: Connection) -> dict[str, int]:
    """Return for each approval's digest what was taken of it so far."""
    used = approval_used.c
    taken = select(used.digest, func.sum(used.taken)).group_by(used.digest).order_by(used.digest)
    return {digest: int(count) for digest, count in connection.execute(taken)}


def last_run(connection: Connection) -> LastRun | None:
    """Return the newest run, if there was any."""
    columns = [run.c[name] for name in LastRun._fields]
    runs = select(*columns).where(run.c.status != FORGOT)
    row = connection.execute(runs.order_by(run.c.id.desc()).limit(1)).one_or_none()
    return LastRun(*row) if row else None


def last_commit(connection: Connection) -> str | None:
    """Return the commit of the newest run that had its say: it changed something, or ended and was not refused.

    A run that was refused does not count: it would make the next one from the same old commit look fine.
    """
    ended = run.c.finished.is_not(None) & run.c.status.not_in(IN_VAIN)
    changed = run.c.id.in_(select(change.c.run))
    known = select(run.c.commit).where(run.c.commit.is_not(None), or_(ended, changed))
    return connection.scalar(known.order_by(run.c.id.desc()).limit(1))


def _state(
    connection: Connection, clinics: Iterable[ColumnElement[bool]], remembered: Iterable[ColumnElement[bool]]
) -> State:
    return State(
        dict(sorted(_clinics(connection, clinics).items())),
        _boards(connection),
        dict(sorted(_managed_clinics(connection, remembered).items())),
        _managed_boards(connection),
    )


def _clinics(connection: Connection, wheres: Iterable[ColumnElement[bool]]) -> dict[HsaId, Enrolment]:
    table, found = complaints_clinic.c, {}
    for where in wheres:
        rows = select(table.hsa_id, table.region_code, table.name).where(where)
        for hsa_id, code, name in connection.execute(rows):
            if canonical(hsa_id) != hsa_id:
                raise _misspelt(hsa_id)
            found[HsaId(hsa_id)] = Enrolment(code, name)
    return found


def _managed_clinics(connection: Connection, wheres: Iterable[ColumnElement[bool]]) -> dict[HsaId, ManagedClinic]:
    table, found = managed_clinic.c, {}
    for where in wheres:
        rows = select(table.hsa_id, table.declared_in, table.region_code, table.name).where(where)
        for hsa_id, declared_in, code, name in connection.execute(rows):
            found[HsaId(hsa_id)] = ManagedClinic(declared_in, code, name)
    return found


def _boards(connection: Connection) -> dict[RegionCode, BoardRow]:
    """Return the boards. Ids are as they are stored: settling compares them in whatever case, and writes its own."""
    table = complaints_region.c
    rows = select(table.region_code, table.board_hsa_id, table.board_name).order_by(table.region_code)
    found = {code: BoardRow(hsa_id or "", name or "") for code, hsa_id, name in connection.execute(rows)}
    return {code: board for code, board in found.items() if any(board)}


def _managed_boards(connection: Connection) -> dict[RegionCode, ManagedBoard]:
    table = managed_board.c
    rows = select(table.region_code, table.hsa_id, table.name, table.support_order).order_by(table.region_code)
    return {code: ManagedBoard(hsa_id, name, order) for code, hsa_id, name, order in connection.execute(rows)}


def _refuse_misspelt(connection: Connection) -> None:
    """Fail on a misspelt id anywhere: it may be a watched clinic, which a search for its id would not find."""
    hsa_id = complaints_clinic.c.hsa_id
    spelling = select(hsa_id).where(hsa_id != func.upper(func.trim(hsa_id))).order_by(hsa_id).limit(1)
    misspelt = connection.scalar(spelling)
    if misspelt is not None:
        raise _misspelt(misspelt)


def _misspelt(hsa_id: str) -> Failure:
    problem = _("the table complaints_clinic has a row with the id {hsa_id}")
    remedy = _(
        "write the id there in upper case without blanks, {canonical}, or delete the row if that one is there too"
    )
    return Failure(
        "database",
        "spelling",
        problem=problem.format(hsa_id=repr(hsa_id)),
        remedy=remedy.format(canonical=canonical(hsa_id)),
    )


def _chunks(hsa_ids: Sequence[HsaId]) -> Iterable[Sequence[HsaId]]:
    return (hsa_ids[start : start + _CHUNK] for start in range(0, len(hsa_ids), _CHUNK))
