"""What the database holds, as a `State`: all of it, or what one region's transaction has to see. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from reconciler.findings import Failure
from reconciler.model import ENROLMENT, MANAGED, BoardRow, HsaId, ManagedBoard, RegionCode, State, canonical
from reconciler.rows import Rows
from reconciler.store.many import digest_of, digests, exactly, fetched, names_where, one_of
from reconciler.store.tables import approval_used, change, managed_board, managed_clinic, run, text_of, theirs
from reconciler.words import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Select

IN_VAIN = ("refused", "failed")
"""The statuses of a run that ended without having had its say."""


FORGOT = "forgot"
"""The status of a run that only forgot what is old: it recorded where each chain was cut off."""

NOBODY = "–"
"""The actor of a run of which it is forgotten who was behind it, and of which changes may be forgotten too."""


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

    A region whose clinics have the names that stand in *alike* is given that very dictionary, so that it is held once;
    where the server can tell that they have, they are not fetched.
    """
    enrolled = dict(enrolled_by_region(connection, alike))
    managed = Rows(MANAGED, _managed(connection, enrolled))
    return State(Rows(ENROLMENT, enrolled), boards(connection), managed, _managed_boards(connection))


def enrolled_by_region(
    connection: Connection, alike: Mapping[RegionCode, Mapping[HsaId, str]] = {}
) -> Iterator[tuple[RegionCode, Mapping[HsaId, str]]]:
    """Yield the names of each region's clinics by id, in the order of the codes; *alike* as for `observe`."""
    row = theirs(connection).clinic.c
    name = text_of(row.name)
    known = digests(connection, row.region_code, row.hsa_id, name) if alike else {}
    for code in sorted(connection.scalars(select(row.region_code).distinct())):
        same = alike.get(code)
        if same is not None and code in known and known[code] == digest_of(same):
            yield code, same
            continue
        found: Mapping[HsaId, str] = names_where(connection, row.hsa_id, name, row.region_code == code)
        if same is not None and found == same:  # and spelt as they are declared
            found = same
        else:
            _refuse_misspelt_of(connection, found)
        yield code, found


def _managed(
    connection: Connection, enrolled: Mapping[RegionCode, Mapping[HsaId, str]]
) -> dict[tuple[RegionCode, RegionCode], Mapping[HsaId, str]]:
    """Return the names by id of what is remembered: by the region that declares it, and the one where it is.

    Nearly always that is what is enrolled: the database finds what is not, and only such a region's rows are fetched.
    """
    book = managed_clinic.c
    counts = select(book.region_code, func.count()).group_by(book.region_code).order_by(book.region_code)
    otherwise = set(connection.scalars(_otherwise(connection)))
    found: dict[tuple[RegionCode, RegionCode], Mapping[HsaId, str]] = {}
    for code, count in connection.execute(counts).all():
        here = enrolled.get(code, {})
        if code not in otherwise and count == len(here):
            found[code, code] = here
            continue
        rows = select(book.declared_in, book.hsa_id, book.name).where(book.region_code == code)
        parts: dict[RegionCode, dict[HsaId, str]] = {}
        for owner, hsa_id, name in fetched(connection, rows):
            parts.setdefault(owner, {})[hsa_id] = name
        found |= {(owner, code): here if part == here else part for owner, part in parts.items()}
    return found


def _otherwise(connection: Connection) -> Select[tuple[str]]:
    """Return what selects the regions with a clinic of which something else is remembered than is enrolled."""
    book, row = managed_clinic.c, theirs(connection).clinic.c
    same = (
        (exactly(connection, book.hsa_id) == row.hsa_id)
        & (exactly(connection, book.region_code) == row.region_code)
        & (exactly(connection, book.name) == row.name)
    )
    elsewhere = or_(row.hsa_id.is_(None), book.declared_in != book.region_code)
    return select(book.region_code).outerjoin_from(managed_clinic, row.hsa_id.table, same).where(elsewhere).distinct()


def observe_region(connection: Connection, code: RegionCode, watched: Collection[HsaId]) -> State:
    """Return what the region's transaction looks at.

    All boards; and every clinic that is enrolled there, managed there (declared or settled), or *watched*: both its row
    and what is remembered of it, wherever they point.
    """
    table, books = theirs(connection).clinic.c, managed_clinic.c
    of_clinics = select(table.region_code, table.hsa_id, text_of(table.name))
    of_books = select(books.declared_in, books.region_code, books.hsa_id, books.name)
    enrolled = names_where(connection, table.hsa_id, text_of(table.name), table.region_code == code)
    in_both = and_(books.declared_in == code, books.region_code == code)
    at_home = names_where(connection, books.hsa_id, books.name, in_both)
    in_one = or_(
        and_(books.declared_in == code, books.region_code != code),
        and_(books.declared_in != code, books.region_code == code),
    )
    clinics = {code: enrolled} if enrolled else {}
    managed = {(code, code): at_home} if at_home else {}
    for owner, here, hsa_id, name in fetched(connection, of_books.where(in_one)):
        managed.setdefault((owner, here), {})[hsa_id] = name
    seen = set(watched).union(enrolled, *managed.values())
    elsewhere = seen.difference(*clinics.values())
    if elsewhere:
        _refuse_misspelt(connection)
        for here, hsa_id, name in fetched(connection, of_clinics.where(one_of(connection, table.hsa_id, elsewhere))):
            clinics.setdefault(here, {})[hsa_id] = name
    unknown = seen.difference(*managed.values())
    if unknown:
        for owner, here, hsa_id, name in fetched(connection, of_books.where(one_of(connection, books.hsa_id, unknown))):
            managed.setdefault((owner, here), {})[hsa_id] = name
    if enrolled and at_home == enrolled:
        managed[code, code] = enrolled  # held once, and seen to be alike without a look
    for found in clinics.values():
        _refuse_misspelt_of(connection, found)
    return State(Rows(ENROLMENT, clinics), boards(connection), Rows(MANAGED, managed), _managed_boards(connection))


def without_row(connection: Connection, codes: Iterable[RegionCode]) -> str | None:
    """Return a sentence that names those of the regions that have no row in the service's table; None: all have."""
    region = theirs(connection).region
    missing = set(codes).difference(connection.scalars(select(region.c.region_code)))
    return no_row(connection, missing) if missing else None


def no_row(connection: Connection, codes: Collection[RegionCode]) -> str:
    """Return in words that the service has no row for these regions."""
    text = ngettext(
        "the table {table} has no row for region {regions}",
        "the table {table} has no row for regions {regions}",
        len(codes),
    )
    return text.format(table=theirs(connection).region.fullname, regions=", ".join(sorted(codes)))


def row_wanted() -> str:
    """Return in words what to do where the service has no row for a region."""
    return _("see how the codes of regions are written there: 01 to 25 are meant; if the row is gone, put it back")


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


def boards(connection: Connection) -> dict[RegionCode, BoardRow]:
    """Return the boards. Ids are as they are stored: settling compares them in whatever case, and writes its own."""
    table = theirs(connection).region.c
    rows = select(table.region_code, table.board_hsa_id, table.board_name).order_by(table.region_code)
    found = {code: BoardRow(hsa_id or "", name or "") for code, hsa_id, name in connection.execute(rows)}
    return {code: board for code, board in found.items() if any(board)}


def _managed_boards(connection: Connection) -> dict[RegionCode, ManagedBoard]:
    table = managed_board.c
    rows = select(table.region_code, table.hsa_id, table.name, table.support_order).order_by(table.region_code)
    return {code: ManagedBoard(hsa_id, name, order) for code, hsa_id, name, order in connection.execute(rows)}


def _refuse_misspelt(connection: Connection) -> None:
    """Fail on a misspelt id anywhere: it may be a watched clinic, which a search for its id would not find."""
    hsa_id = theirs(connection).clinic.c.hsa_id
    spelling = select(hsa_id).where(hsa_id != func.upper(func.trim(hsa_id))).order_by(hsa_id).limit(1)
    misspelt = connection.scalar(spelling)
    if misspelt is not None:
        raise _misspelt(connection, misspelt)


def _refuse_misspelt_of(connection: Connection, ids: Iterable[str]) -> None:
    """Fail on a misspelt id among these; all of them are looked at in one step first."""
    text = "\n".join(ids)
    if text == "\n".join(text.upper().split()):
        return
    misspelt = [hsa_id for hsa_id in ids if canonical(hsa_id) != hsa_id]
    if misspelt:
        raise _misspelt(connection, min(misspelt))


def _misspelt(connection: Connection, hsa_id: str) -> Failure:
    problem = _("the table {table} has a row with the id {hsa_id}")
    remedy = _(
        "write the id there in upper case without blanks, {canonical}, or delete the row if that one is there too"
    )
    return Failure(
        "database",
        "spelling",
        problem=problem.format(table=theirs(connection).clinic.fullname, hsa_id=repr(hsa_id)),
        remedy=remedy.format(canonical=canonical(hsa_id)),
    )
