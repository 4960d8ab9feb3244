"""What the database holds, as a `State`: all of it, or what one region's transaction has to see. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, func, or_, select

from reconciler.findings import Failure
from reconciler.model import ENROLMENT, MANAGED, BoardRow, HsaId, ManagedBoard, RegionCode, State, canonical
from reconciler.rows import Rows
from reconciler.store.engine import fetched
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
    from collections.abc import Collection, Iterable, Mapping, Sequence

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


def observe(connection: Connection, alike: Mapping[RegionCode, Mapping[HsaId, str]] = {}) -> State:
    """Return all that the database holds.

    A region whose clinics have the names that stand in *alike* is given that very dictionary, so that it is held once.
    """
    _refuse_misspelt(connection)
    table, found = complaints_clinic.c, {}
    for (code,) in fetched(connection, select(table.region_code).distinct().order_by(table.region_code)):
        rows = select(table.hsa_id, table.name).where(table.region_code == code).order_by(table.hsa_id)
        found[code] = _once(dict(fetched(connection, rows)), alike.get(code))
    books, kept = managed_clinic.c, {}
    groups = select(books.declared_in, books.region_code).distinct().order_by(books.declared_in, books.region_code)
    for group in list(fetched(connection, groups)):
        here = (books.declared_in == group[0]) & (books.region_code == group[1])
        rows = select(books.hsa_id, books.name).where(here).order_by(books.hsa_id)
        kept[group] = _once(dict(fetched(connection, rows)), found.get(group[1]))
    return State(Rows(ENROLMENT, found), _boards(connection), Rows(MANAGED, kept), _managed_boards(connection))


def _once(names: dict[HsaId, str], alike: Mapping[HsaId, str] | None) -> Mapping[HsaId, str]:
    return alike if alike is not None and names == alike else names


def observe_region(connection: Connection, code: RegionCode, watched: Collection[HsaId]) -> State:
    """Return what the region's transaction looks at.

    All boards; and every clinic that is enrolled there, managed there (declared or settled), or *watched*: both its row
    and what is remembered of it, wherever they point.
    """
    _refuse_misspelt(connection)
    enrolled, managed = complaints_clinic.c, managed_clinic.c
    managed_here = or_(managed.declared_in == code, managed.region_code == code)
    enrolled_here = enrolled.region_code == code
    clinics: dict[RegionCode, dict[HsaId, str]] = {}
    _add_clinics(connection, enrolled_here, clinics)
    _add_clinics(connection, enrolled.hsa_id.in_(select(managed.hsa_id).where(managed_here)), clinics)
    books: dict[tuple[RegionCode, RegionCode], dict[HsaId, str]] = {}
    _add_books(connection, managed_here, books)
    _add_books(connection, managed.hsa_id.in_(select(enrolled.hsa_id).where(enrolled_here)), books)
    for chunk in _chunks(sorted(set(watched).difference(*clinics.values()))):
        _add_clinics(connection, enrolled.hsa_id.in_(chunk), clinics)
    for chunk in _chunks(sorted(set(watched).difference(*books.values()))):
        _add_books(connection, managed.hsa_id.in_(chunk), books)
    return State(Rows(ENROLMENT, clinics), _boards(connection), Rows(MANAGED, books), _managed_boards(connection))


def _add_clinics(connection: Connection, where: ColumnElement[bool], found: dict[RegionCode, dict[HsaId, str]]) -> None:
    table = complaints_clinic.c
    rows = select(table.region_code, table.hsa_id, table.name).where(where).order_by(table.hsa_id)
    for code, hsa_id, name in fetched(connection, rows):
        found.setdefault(code, {})[hsa_id] = name


def _add_books(
    connection: Connection, where: ColumnElement[bool], found: dict[tuple[RegionCode, RegionCode], dict[HsaId, str]]
) -> None:
    table = managed_clinic.c
    rows = select(table.declared_in, table.region_code, table.hsa_id, table.name).where(where).order_by(table.hsa_id)
    for declared_in, code, hsa_id, name in fetched(connection, rows):
        found.setdefault((declared_in, code), {})[hsa_id] = name


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
