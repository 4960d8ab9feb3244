"""One region's transaction: lock, look again, decide again, execute, look once more, log. All of it or nothing.

What is to be done is decided by who calls; here it is done in bulk, and each statement must hit as many rows as it
names, so that a row that is not as it was thought to be undoes the whole.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    Engine,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from reconciler.bookkeeping import Bookkeeping
from reconciler.findings import Exit, Failure
from reconciler.model import ENROLMENT, MANAGED, BoardRow, Enrolment, HsaId, ManagedClinic, RegionCode, State
from reconciler.plan import OF_BOARDS, Action, Change, action_word, touched_by
from reconciler.rows import Rows, differences
from reconciler.store.engine import TooNarrow, locks_all, transacted
from reconciler.store.log import append_changes
from reconciler.store.many import Row, add, alter
from reconciler.store.observe import approvals_taken, no_row, observe_region, row_wanted
from reconciler.store.tables import approval_used, as_text, managed_board, managed_clinic, text_of, theirs
from reconciler.words import _

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Delete, Table, Update


class Taking(NamedTuple):
    """What is taken of an approval, and how much it holds in all."""

    takes: int
    at_most: int


class Work(NamedTuple):
    """What one region's transaction has to do. `taken` is by approval digest; `unexpected`: a saved plan said else."""

    changes: tuple[Change, ...]
    bookkeeping: Bookkeeping
    taken: Mapping[str, Taking]
    refused: bool = False
    unexpected: bool = False


class Done(NamedTuple):
    """What one region's transaction did, and of which approvals it took."""

    changes: tuple[Change, ...] = ()
    taken: frozenset[str] = frozenset()
    refused: bool = False
    unexpected: bool = False


def settle_region(
    engine: Engine,
    run_id: int,
    code: RegionCode,
    watched: Collection[HsaId],
    decide: Callable[[State], Work],
    now: datetime,
    *,
    touched: Collection[RegionCode] = (),
) -> Done:
    """Do in one transaction what *decide* says of the region as it is now; any exception leaves it as it was.

    *watched* are the clinics to look at beside those that the database has for the region: the ones it declares.
    *touched* are the regions that clinics are thought to move from; where it proves to be more, it begins anew with
    all of them locked.
    """
    locked = {code, *touched}

    def work(connection: Connection) -> Done:
        return _settle(connection, run_id, code, watched, decide, now, locked)

    try:
        return transacted(engine, work)
    except Failure as failure:
        if failure.exit is Exit.LOCKED and not locks_all(engine):
            raise _locked(code) from failure
        raise


def _settle(
    connection: Connection,
    run_id: int,
    code: RegionCode,
    watched: Collection[HsaId],
    decide: Callable[[State], Work],
    now: datetime,
    locked: set[RegionCode],
) -> Done:
    _lock(connection, code, locked)
    before = observe_region(connection, code, watched)
    work = decide(before)
    if work.refused or work.unexpected:
        return Done(refused=work.refused, unexpected=work.unexpected)
    if not work.changes and not work.bookkeeping:
        return Done()
    _demand_locked(locked, work.changes)
    _execute(connection, work.changes, as_text(now))
    _remember(connection, run_id, code, work.bookkeeping, before.managed_clinics)
    after = observe_region(connection, code, watched)
    _demand_nothing_left(code, decide(after).changes)
    _demand_as_predicted(code, predicted(before, work.changes), after, work.changes)
    append_changes(connection, run_id, code, work.changes)
    _take(connection, run_id, code, work.taken)
    return Done(work.changes, frozenset(work.taken))


def _lock(connection: Connection, code: RegionCode, codes: Collection[RegionCode]) -> None:
    """Lock the rows of the regions, in the order of their codes, so that no two wait for each other."""
    region_code = theirs(connection).region.c.region_code
    rows = select(region_code).where(region_code.in_(sorted(codes))).order_by(region_code)
    if code not in connection.scalars(rows.with_for_update()).all():
        problem, remedy = no_row(connection, [code]), row_wanted()
        raise Failure("database", "row", problem=problem, remedy=remedy, exit=Exit.SETTINGS)


def _locked(code: RegionCode) -> Failure:
    return Failure(
        "database",
        "locked",
        problem=_("region {region} is locked by somebody else").format(region=code),
        remedy=_("try again when the other run is done, or wait longer: --lock-timeout"),
        exit=Exit.LOCKED,
    )


def _demand_locked(locked: set[RegionCode], changes: Sequence[Change]) -> None:
    """Begin anew, with more locked, where a clinic proves to move from a region that is not."""
    touched = touched_by(changes)
    if not touched <= locked:
        locked |= touched
        raise TooNarrow


def predicted(state: State, changes: Sequence[Change]) -> State:
    """Return what the service's tables hold after *changes*, where they held *state* before."""
    clinics: dict[HsaId, Enrolment | None] = {}
    boards = dict(state.boards)
    for step in changes:
        row = step.after
        if not isinstance(row or step.before, BoardRow):
            clinics[HsaId(step.subject)] = row if isinstance(row, Enrolment) else None
        elif isinstance(row, BoardRow):
            boards[step.region] = row
        else:
            boards.pop(step.region, None)
    return state._replace(clinics=Rows.of(ENROLMENT, state.clinics).replaced(clinics), boards=boards)


def _demand_as_predicted(code: RegionCode, expected: State, after: State, changes: Sequence[Change]) -> None:
    """Fail where the region's rows, or a row that was changed, are not what the plan said they would be."""
    touched = {step.subject for step in changes}
    differ = differences(Rows.of(ENROLMENT, expected.clinics), Rows.of(ENROLMENT, after.clinics)).items()
    differing = [key for key, rows in differ if key in touched or code in {row.region_code for row in rows if row}]
    if expected.boards.get(code) != after.boards.get(code):
        differing.append(HsaId("patient board"))
    if differing:
        raise _differs(code, len(differing), ", ".join(sorted(differing)[:3]))


def _demand_nothing_left(code: RegionCode, left: Sequence[Change]) -> None:
    if not left:
        return
    named = ", ".join(f"{action_word(step.action)} {step.subject}" for step in left[:3])
    raise _differs(code, len(left), named)


def _differs(code: RegionCode, count: int, named: str) -> Failure:
    problem = _("region {region} is not as it should be after the changes: {n} are left, {named}")
    return Failure(
        "database",
        "differs",
        problem=problem.format(region=code, n=count, named=named),
        remedy=_("nothing of the region was changed; see what else writes to the database, then run again"),
    )


# ---- the changes


_STEP = ("subject", "was_first", "was_name", "new_first", "new_name", "now")
"""The parameters of a change: its row as it is and as it should be. First is a clinic's region, or a board's HSA-id."""

_ENROLLED = ("hsa_id", "region_code", "name", "enrolled_at", "updated_at")


def _execute(connection: Connection, changes: Sequence[Change], now: str) -> None:
    for action, steps in groupby(changes, key=lambda step: step.action):
        if action is Action.ENROL:
            rows: list[Row] = [(step.subject, *(step.after or ()), now, now) for step in steps]
            hit = add(connection, theirs(connection).clinic, _ENROLLED, rows)
        else:
            rows = [_step(step.region if action in OF_BOARDS else step.subject, step, now) for step in steps]
            hit = alter(connection, _statement(action, *theirs(connection)), _STEP, rows)
        if hit != len(rows):
            raise _changed_meanwhile(action, len(rows), hit)


def _step(subject: str, step: Change, now: str) -> tuple[str | None, ...]:
    """Return the parameters; no board is two empty texts before, and none after."""
    return (subject, *(step.before or ("", "")), *(step.after or (None, None)), now)


def _statement(action: Action, regions: Table, clinics: Table) -> Update | Delete:
    """Return what changes one row, if it still is as it was thought to be."""
    subject, first, name = (bindparam(key, type_=Text) for key in ("subject", "was_first", "was_name"))
    new: dict[str, BindParameter[str]] = {"updated_at": bindparam("now")}
    row = clinics.c
    that_clinic = (row.hsa_id == subject) & (row.region_code == first) & (text_of(row.name) == name)
    if action is Action.WITHDRAW:
        return delete(clinics).where(that_clinic)
    if action in (Action.MOVE, Action.RENAME):
        new |= {"region_code": bindparam("new_first"), "name": bindparam("new_name")}
        return update(clinics).where(that_clinic).values(new)
    row = regions.c
    board = (text_of(row.board_hsa_id) == first) & (text_of(row.board_name) == name)
    new |= {"board_hsa_id": bindparam("new_first"), "board_name": bindparam("new_name")}
    return update(regions).where((row.region_code == subject) & board).values(new)


def _changed_meanwhile(action: Action, asked: int, hit: int) -> Failure:
    problem = _("{action} should change {asked} rows, and changed {hit}: somebody else writes to the database")
    return Failure(
        "database",
        "changed-meanwhile",
        problem=problem.format(action=action_word(action), asked=asked, hit=hit),
        remedy=_("nothing of the region was changed; see what else writes to the database, then run again"),
    )


# ---- what is remembered


def _remember(
    connection: Connection, run_id: int, code: RegionCode, books: Bookkeeping, before: Mapping[HsaId, ManagedClinic]
) -> None:
    """Write what is managed: a row that changes is deleted and written anew, which every database does alike."""
    anew = set(books.forgotten).union(*books.clinics.parts.values()) if before else set[HsaId]()
    old = [(hsa_id,) for _group, those in Rows.of(MANAGED, before).by_group(anew) for hsa_id in sorted(those)]
    alter(connection, delete(managed_clinic).where(managed_clinic.c.hsa_id == bindparam("id")), ("id",), old)
    parts = books.clinics.parts.items()
    new = [(hsa_id, *group, name, run_id) for group, names in parts for hsa_id, name in sorted(names.items())]
    add(connection, managed_clinic, ("hsa_id", *ManagedClinic._fields, "run_id"), new)
    if books.board_differs:
        connection.execute(delete(managed_board).where(managed_board.c.region_code == code))
        if books.board:
            row = {"region_code": code, "run_id": run_id, **books.board._asdict()}
            connection.execute(insert(managed_board), row)


def _take(connection: Connection, run_id: int, code: RegionCode, taken: Mapping[str, Taking]) -> None:
    """Write what is taken, and fail where that is more than there is: another run may have been faster."""
    if not taken:
        return
    rows = [{"digest": key, "run": run_id, "region": code, "taken": one.takes} for key, one in sorted(taken.items())]
    connection.execute(insert(approval_used), rows)
    gone = approvals_taken(connection)
    if any(gone[key] > one.at_most for key, one in taken.items()):
        raise Failure(
            "database",
            "changed-meanwhile",
            problem=_("an approval that region {region} needs was used up by another run").format(region=code),
            remedy=_("nothing of the region was changed; run again to see what is left to do"),
        )
