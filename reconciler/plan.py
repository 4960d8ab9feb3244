"""Settle and diff: what should hold, and the steps from what holds to that.

Pure. Settling gives each clinic exactly one outcome, one for each row of the table in docs/flow.md, in that order;
upstream rules turn outcomes into findings, so no rule id stands here. The difference is a list of changes; guards and
verdicts come after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum, StrEnum
from operator import itemgetter
from typing import NamedTuple

from reconciler.bulk import unquestioned
from reconciler.model import (
    ENROLMENT,
    MANAGED,
    BoardRow,
    Declared,
    Enrolment,
    HsaId,
    ManagedBoard,
    ManagedClinic,
    RegionCode,
    Register,
    Routes,
    State,
)
from reconciler.outcome import Asked, Outcome, Outcomes, outcome_of, remembered
from reconciler.rows import Rows, differing, lines_of
from reconciler.words import _


class BoardOutcome(Enum):
    """What settling decided for one board."""

    NONE = "none"
    HELD = "held"
    UNMANAGED = "unmanaged"
    AS_DECLARED = "as-declared"
    ORDER_MISSING = "order-missing"
    ORDER_REUSED = "order-reused"


class Settled(NamedTuple):
    """What should hold: in the service's tables (clinics, boards) and in what is remembered as managed."""

    clinics: Mapping[HsaId, Enrolment]
    boards: Mapping[RegionCode, BoardRow]
    managed_clinics: Mapping[HsaId, ManagedClinic]
    managed_boards: Mapping[RegionCode, ManagedBoard]
    outcomes: Outcomes
    board_outcomes: Mapping[RegionCode, BoardOutcome]


def settle(
    declared: Declared,
    register: Register,
    routes: Routes,
    observed: State,
    kept: Iterable[RegionCode],
    only: Collection[HsaId] | None = None,
    within: RegionCode | None = None,
) -> Settled:
    """Return what should hold, given the regions that are *kept*.

    With *only*, those clinics alone are settled, and all others are left as they are; *within* is the region that
    declares most of them.
    """
    kept = frozenset(kept)
    enrolled, managed = Rows.of(ENROLMENT, observed.clinics), Rows.of(MANAGED, observed.managed_clinics)
    bulk, others = unquestioned(declared, register, routes, observed, kept, only, within)
    names, known = {}, {}
    for one in bulk:
        enrolled_here, managed_here = enrolled.part(one.code), managed.part((one.code, one.code))
        names[one.code] = one.settled(enrolled_here)
        alike = managed_here is enrolled_here
        known[one.code, one.code] = names[one.code] if alike else one.settled(managed_here)
    singly: dict[HsaId, Outcome] = {}
    rows: dict[HsaId, Enrolment | None] = {}
    books: dict[HsaId, ManagedClinic | None] = {}
    for hsa_id in others:
        before, last = enrolled.get(hsa_id), managed.get(hsa_id)
        singly[hsa_id], after, book = _settle_clinic(hsa_id, before, last, declared, register, routes, kept)
        if after != before:
            rows[hsa_id] = after
        if book != last:
            books[hsa_id] = book
    boards, managed_boards, board_outcomes = _settle_boards(declared, observed, kept)
    return Settled(
        Rows(ENROLMENT, {**enrolled.parts, **names}).replaced(rows),
        boards,
        Rows(MANAGED, {**managed.parts, **known}).replaced(books),
        managed_boards,
        Outcomes(singly, bulk),
        board_outcomes,
    )


def _settle_clinic(
    hsa_id: HsaId,
    before: Enrolment | None,
    last: ManagedClinic | None,
    declared: Declared,
    register: Register,
    routes: Routes,
    kept: frozenset[RegionCode],
) -> tuple[Outcome, Enrolment | None, ManagedClinic | None]:
    """Return a clinic's outcome, its row that should hold, and what should be remembered of it."""
    manager = last and last.declared_in
    owners, entry = declared.owners.get(hsa_id, ()), register.clinics.get(hsa_id)
    asked = Asked(before, owners, manager, entry, hsa_id in routes.hsa_ids)
    held = hsa_id in declared.mentioned or manager in declared.stopped
    outcome, after = outcome_of(asked, kept, held=held)
    return outcome, after, remembered(outcome, asked, after, last)


def _settle_boards(
    declared: Declared, observed: State, kept: frozenset[RegionCode]
) -> tuple[dict[RegionCode, BoardRow], dict[RegionCode, ManagedBoard], dict[RegionCode, BoardOutcome]]:
    boards, managed = dict(observed.boards), dict(observed.managed_boards)
    outcomes = {}
    for code in sorted(kept):
        outcome = outcomes[code] = _board_outcome(code, declared, observed)
        if outcome is BoardOutcome.AS_DECLARED:
            board = declared.regions[code].board
            boards.pop(code, None)
            managed.pop(code, None)
            if board is not None:
                boards[code] = BoardRow(board.hsa_id, board.name)
                managed[code] = ManagedBoard(board.hsa_id, board.name, board.support_order)
    return boards, managed, outcomes


def _board_outcome(code: RegionCode, declared: Declared, observed: State) -> BoardOutcome:
    """Return whether the declared board may stand. The order of the questions is the order of what wins."""
    if code in declared.stopped or code in declared.boards_held:
        return BoardOutcome.HELD
    board, row, last = declared.regions[code].board, observed.boards.get(code), observed.managed_boards.get(code)
    if board is None:
        return (
            BoardOutcome.UNMANAGED
            if row and not last
            else BoardOutcome.AS_DECLARED
            if row or last
            else BoardOutcome.NONE
        )
    if row is not None and board.hsa_id == row.hsa_id.upper():
        return BoardOutcome.AS_DECLARED
    if row is not None and last is None:
        return BoardOutcome.UNMANAGED
    if board.support_order is None:
        return BoardOutcome.ORDER_MISSING
    if last is not None and last.support_order == board.support_order and last.hsa_id != board.hsa_id:
        return BoardOutcome.ORDER_REUSED
    return BoardOutcome.AS_DECLARED


# ---- the difference


class Action(StrEnum):
    """What a change does. The order is the order of execution: residents are shut out first and let in last."""

    REMOVE_BOARD = "remove-board"
    WITHDRAW = "withdraw"
    MOVE = "move"
    RENAME = "rename"
    ENROL = "enrol"
    CHANGE_BOARD = "change-board"
    SET_BOARD = "set-board"


OF_BOARDS = frozenset({Action.REMOVE_BOARD, Action.CHANGE_BOARD, Action.SET_BOARD})
_ORDER = {action: number for number, action in enumerate(Action)}
_SUBJECT = itemgetter(2)


def action_word(action: str) -> str:
    """Return in words what a change does, by the word that documents have for it."""
    words = {
        "enrol": _("enrol"),
        "withdraw": _("withdraw"),
        "move": _("move"),
        "rename": _("rename"),
        "set-board": _("set board"),
        "change-board": _("change board"),
        "remove-board": _("remove board"),
    }
    return words.get(action, action)


class Cause(StrEnum):
    """Why a change is due: git changed, somebody else changed the database, or the e-services changed."""

    CONFIG = "config"
    DRIFT = "drift"
    REGISTER = "register"


class Change(NamedTuple):
    """One step. `before` and `after` are rows of the service's tables, None where there is none.

    The first five are the step itself, and what a plan's fingerprint covers.
    """

    region: RegionCode
    action: Action
    subject: str
    before: Enrolment | BoardRow | None
    after: Enrolment | BoardRow | None
    cause: Cause
    path: str | None = None
    line: int | None = None

    @property
    def touches(self) -> frozenset[RegionCode]:
        """The regions whose rows it changes: two for a move."""
        if isinstance(self.before, Enrolment) and self.action is Action.MOVE:
            return frozenset({self.region, self.before.region_code})
        return frozenset({self.region})

    @property
    def leaves(self) -> RegionCode | None:
        """The region that loses a clinic by it."""
        if self.action in (Action.WITHDRAW, Action.MOVE) and isinstance(self.before, Enrolment):
            return self.before.region_code
        return None


def touched_by(changes: Collection[Change]) -> set[RegionCode]:
    """Return the regions whose rows *changes* change."""
    moved = {change.before[0] for change in changes if change.action is Action.MOVE and change.before}
    return {change.region for change in changes} | moved


def diff(observed: State, settled: Settled, declared: Declared) -> list[Change]:
    """Return the changes from *observed* to *settled*, sorted; each with its cause and where it is declared."""
    was, will = Rows.of(ENROLMENT, observed.clinics), Rows.of(ENROLMENT, settled.clinics)
    last, known = Rows.of(MANAGED, observed.managed_clinics), Rows.of(MANAGED, settled.managed_clinics)
    places = _Places(declared)
    changes: list[Change] = []
    for code, found in differing(was, will):
        books, files = last.among(found.keys()), places.of(found.keys(), code, known, last)
        for hsa_id, (before, after) in found.items():
            changes.append(_clinic_change(hsa_id, before, after, books.get(hsa_id), *files.get(hsa_id, (None, None))))
    changes += [
        _board_change(code, observed, settled, declared)
        for code in settled.board_outcomes
        if observed.boards.get(code) != settled.boards.get(code)
    ]
    return in_order(changes)


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Return *changes* by region, then in the order of execution, then by subject."""
    found: dict[tuple[RegionCode, Action], list[Change]] = {}
    for change in changes:
        found.setdefault(change[:2], []).append(change)
    kinds = sorted(found, key=lambda kind: (kind[0], _ORDER[kind[1]]))
    return [change for kind in kinds for change in sorted(found[kind], key=_SUBJECT)]


class _Places:
    """Where clinics are declared; the table of a file's lines is made once, and kept while a difference is taken."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._files: dict[RegionCode, tuple[str | None, Mapping[HsaId, int]]] = {}

    def of(
        self,
        hsa_ids: AbstractSet[HsaId],
        code: RegionCode | None,
        settled: Rows[HsaId, ManagedClinic],
        last: Rows[HsaId, ManagedClinic],
    ) -> dict[HsaId, tuple[str | None, int | None]]:
        """Return the file of the region that manages each clinic, or did last, and its line there, if it has one.

        That region is nearly always the one where they are to be, *code*.
        """
        places: dict[HsaId, tuple[str | None, int | None]] = {}
        for rows in (settled, last):
            left = hsa_ids - places.keys() if places else hsa_ids
            for (declared_in, _here), those in rows.by_group(left, (code, code)):
                path, lines = self._file(declared_in)
                places.update((hsa_id, (path, lines.get(hsa_id))) for hsa_id in those)
        return places

    def _file(self, code: RegionCode) -> tuple[str | None, Mapping[HsaId, int]]:
        if code not in self._files:
            one = self._declared.regions.get(code)
            self._files[code] = (one.source.path, lines_of(one.clinics)) if one else (None, {})
        return self._files[code]


def _clinic_change(
    hsa_id: HsaId,
    before: Enrolment | None,
    after: Enrolment | None,
    last: ManagedClinic | None,
    path: str | None,
    line: int | None,
) -> Change:
    if before is None:
        assert after is not None  # noqa: S101  (a difference has one side at least)
        action, region, cause = Action.ENROL, after.region_code, Cause.DRIFT if last else Cause.CONFIG
    elif after is None:
        action, region, cause = Action.WITHDRAW, before.region_code, Cause.CONFIG
    elif before.region_code != after.region_code:
        drifted = last is not None and last.region_code != before.region_code
        action, region = Action.MOVE, after.region_code
        cause = Cause.CONFIG if last is None else Cause.DRIFT if drifted else Cause.REGISTER
    else:
        drifted = last is not None and last.name != before.name
        action, region = Action.RENAME, after.region_code
        cause = Cause.CONFIG if last is None else Cause.DRIFT if drifted else Cause.REGISTER
    return Change(region, action, hsa_id, before, after, cause, path, line)


def _board_change(code: RegionCode, observed: State, settled: Settled, declared: Declared) -> Change:
    before, after, last = observed.boards.get(code), settled.boards.get(code), observed.managed_boards.get(code)
    action = Action.SET_BOARD if before is None else Action.REMOVE_BOARD if after is None else Action.CHANGE_BOARD
    place = declared.regions[code].board_place
    cause = Cause.DRIFT if board_differs(before, last) else Cause.CONFIG
    subject = after or before
    assert subject is not None  # noqa: S101  (a difference has one side at least)
    return Change(code, action, subject.hsa_id, before, after, cause, place.path, place.line)


def board_differs(row: BoardRow | None, last: ManagedBoard | None) -> bool:
    """Whether the board in the database is not the one that this tool last wrote there."""
    return last is not None and (row is None or row != (last.hsa_id, last.name))
