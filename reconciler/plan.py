"""Settle and diff: what should hold, and the steps from what holds to that.

Pure. Settling gives each clinic exactly one outcome, one for each row of the table in docs/flow.md, in that order;
upstream rules turn outcomes into findings, so no rule id stands here. The difference is a list of changes; guards and
verdicts come after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from reconciler.model import (
    BoardRow,
    Declared,
    Enrolment,
    HsaId,
    ManagedBoard,
    ManagedClinic,
    RegionCode,
    Register,
    RegisterClinic,
    Routes,
    State,
)


class Outcome(Enum):
    """What settling decided for one clinic."""

    HELD = "held"
    NOT_KEPT = "not-kept"
    DECLARED_TWICE_FOLLOWS = "declared-twice-follows"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    OTHER_REGION = "other-region"
    INACTIVE = "inactive"
    ROUTED = "routed"
    ENROLS = "enrols"
    ENROLLED_UNKNOWN = "enrolled-unknown"
    FOLLOWS = "follows"
    CLAIMED = "claimed"
    IN_PLACE = "in-place"
    UNMANAGED = "unmanaged"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"
    FORGOTTEN = "forgotten"


class BoardOutcome(Enum):
    """What settling decided for one board."""

    NONE = "none"
    HELD = "held"
    UNMANAGED = "unmanaged"
    AS_DECLARED = "as-declared"
    ORDER_MISSING = "order-missing"
    ORDER_REUSED = "order-reused"


class Asked(NamedTuple):
    """All that is known of one clinic when it is settled. `declared` are the regions whose files list it."""

    enrolled: Enrolment | None
    declared: tuple[RegionCode, ...]
    manager: RegionCode | None
    entry: RegisterClinic | None
    routed: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What should hold: in the service's tables (clinics, boards) and in what is remembered as managed."""

    clinics: Mapping[HsaId, Enrolment]
    boards: Mapping[RegionCode, BoardRow]
    managed_clinics: Mapping[HsaId, ManagedClinic]
    managed_boards: Mapping[RegionCode, ManagedBoard]
    outcomes: Mapping[HsaId, Outcome]
    board_outcomes: Mapping[RegionCode, BoardOutcome]


def settle(
    declared: Declared,
    register: Register,
    routes: Routes,
    observed: State,
    kept: Iterable[RegionCode],
    only: Iterable[HsaId] | None = None,
) -> Settled:
    """Return what should hold, given the regions that are *kept*; with *only*, for those clinics alone."""
    kept = frozenset(kept)
    stopped = declared.stopped.keys()
    owners = declared.by_clinic()
    clinics, managed, outcomes = {}, {}, {}
    enrolled_in, managed_in = observed.clinics.get, observed.managed_clinics.get
    every = observed.clinics.keys() | owners.keys() | observed.managed_clinics.keys() if only is None else only
    for hsa_id in every:
        row, before = enrolled_in(hsa_id), managed_in(hsa_id)
        asked = Asked(
            row,
            owners.get(hsa_id, ()),
            before and before.declared_in,
            register.clinics.get(hsa_id),
            hsa_id in routes.hsa_ids,
        )
        outcome, after = _settle_clinic(asked, kept, held=hsa_id in declared.mentioned or asked.manager in stopped)
        outcomes[hsa_id] = outcome
        if after is not None:
            clinics[hsa_id] = after
            remembered = _remembered(outcome, asked, after, before)
            if remembered is not None:
                managed[hsa_id] = remembered
        elif outcome is Outcome.HELD and before is not None:
            managed[hsa_id] = before
    boards, managed_boards, board_outcomes = _settle_boards(declared, observed, kept)
    return Settled(clinics, boards, managed, managed_boards, outcomes, board_outcomes)


def _settle_clinic(asked: Asked, kept: frozenset[RegionCode], *, held: bool) -> tuple[Outcome, Enrolment | None]:
    """Return the clinic's outcome and the row that should hold; the file of a region not *kept* was not read."""
    enrolled = asked.enrolled
    unread = asked.manager is not None and asked.manager not in kept
    if held or (unread and not asked.declared):
        return Outcome.HELD, enrolled
    if enrolled is None:
        return _settle_new(asked)
    outcome, after = _settle_declared(asked, enrolled) if asked.declared else _settle_undeclared(asked, enrolled)
    if enrolled.region_code not in kept and (after != enrolled or outcome is Outcome.UNMANAGED):
        return Outcome.NOT_KEPT, enrolled
    return outcome, after


def _settle_new(asked: Asked) -> tuple[Outcome, Enrolment | None]:
    """Settle a clinic that is not enrolled: all the rules for adding one apply."""
    entry = asked.entry
    if not asked.declared:
        return Outcome.FORGOTTEN, None
    if len(asked.declared) > 1:
        return Outcome.DUPLICATE, None
    if entry is None:
        return Outcome.UNKNOWN, None
    if entry.region_code != asked.declared[0]:
        return Outcome.OTHER_REGION, None
    if not entry.active:
        return Outcome.INACTIVE, None
    if asked.routed:
        return Outcome.ROUTED, None
    return Outcome.ENROLS, Enrolment(entry.region_code, entry.name)


def _settle_declared(asked: Asked, enrolled: Enrolment) -> tuple[Outcome, Enrolment]:
    """Settle a clinic that is enrolled and declared: it stays, and follows the register."""
    entry, several = asked.entry, len(asked.declared) > 1
    if several and (entry is None or entry.region_code not in asked.declared):
        return Outcome.DUPLICATE, enrolled
    if entry is None:
        return Outcome.ENROLLED_UNKNOWN, enrolled
    there = Enrolment(entry.region_code, entry.name)
    if several:
        return Outcome.DECLARED_TWICE_FOLLOWS, there
    if entry.region_code == asked.declared[0]:
        return Outcome.IN_PLACE, there
    return (Outcome.FOLLOWS, there) if asked.manager == asked.declared[0] else (Outcome.CLAIMED, enrolled)


def _settle_undeclared(asked: Asked, enrolled: Enrolment) -> tuple[Outcome, Enrolment | None]:
    """Settle a clinic that is enrolled and in no file: only who administers it may withdraw it."""
    manager, entry = asked.manager, asked.entry
    if manager is None:
        return Outcome.UNMANAGED, enrolled
    administers = enrolled.region_code if entry is None else entry.region_code
    if administers == manager:
        return Outcome.WITHDRAWN, None
    return Outcome.RELEASED, enrolled if entry is None else Enrolment(entry.region_code, enrolled.name)


_AS_BEFORE = frozenset({Outcome.HELD, Outcome.NOT_KEPT, Outcome.DUPLICATE, Outcome.CLAIMED})
_UNMANAGED = frozenset({Outcome.UNMANAGED, Outcome.RELEASED})


def _remembered(outcome: Outcome, asked: Asked, after: Enrolment, before: ManagedClinic | None) -> ManagedClinic | None:
    """Return what is remembered of an enrolled clinic: a declaration counts where the region has a right to it."""
    if outcome in _UNMANAGED:
        return None
    if outcome in _AS_BEFORE:
        return before
    owner = asked.declared[0]
    if outcome is Outcome.DECLARED_TWICE_FOLLOWS:
        owner = after.region_code
    if outcome is Outcome.ENROLLED_UNKNOWN and owner not in (after.region_code, asked.manager):
        return before
    return ManagedClinic(owner, *after)


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


class Action(Enum):
    """What a change does. The order is the order of execution: residents are shut out first and let in last."""

    REMOVE_BOARD = "remove-board"
    WITHDRAW = "withdraw"
    MOVE = "move"
    RENAME = "rename"
    ENROL = "enrol"
    CHANGE_BOARD = "change-board"
    SET_BOARD = "set-board"


_ORDER = {action: number for number, action in enumerate(Action)}


class Cause(Enum):
    """Why a change is due: git changed, somebody else changed the database, or the e-services changed."""

    CONFIG = "config"
    DRIFT = "drift"
    REGISTER = "register"


class Change(NamedTuple):
    """One step. `before` and `after` are rows of the service's tables, None where there is none."""

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

    def sort_key(self) -> tuple[RegionCode, int, str]:
        """By region, then in the order of execution, then by subject."""
        return (self.region, _ORDER[self.action], self.subject)


def diff(observed: State, settled: Settled, declared: Declared) -> list[Change]:
    """Return the changes from *observed* to *settled*, sorted; each with its cause and where it is declared."""
    changes = [
        _clinic_change(hsa_id, observed, settled, declared)
        for hsa_id in settled.outcomes
        if observed.clinics.get(hsa_id) != settled.clinics.get(hsa_id)
    ]
    changes += [
        _board_change(code, observed, settled, declared)
        for code in settled.board_outcomes
        if observed.boards.get(code) != settled.boards.get(code)
    ]
    return sorted(changes, key=Change.sort_key)


def _clinic_change(hsa_id: HsaId, observed: State, settled: Settled, declared: Declared) -> Change:
    before, after = observed.clinics.get(hsa_id), settled.clinics.get(hsa_id)
    last = observed.managed_clinics.get(hsa_id)
    owner = settled.managed_clinics.get(hsa_id, last)
    region_file = declared.regions.get(owner.declared_in) if owner else None
    clinic = region_file.clinics.get(hsa_id) if region_file else None
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
    path = region_file.source.path if region_file else None
    return Change(region, action, hsa_id, before, after, cause, path, clinic.line if clinic else None)


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


# ---- what is remembered beside the changes


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """What one region's transaction remembers as managed: rows to write, rows to forget. Not a change."""

    clinics: Mapping[HsaId, ManagedClinic] = field(default_factory=dict)
    forgotten: tuple[HsaId, ...] = ()
    board: ManagedBoard | None = None
    board_differs: bool = False

    def __bool__(self) -> bool:
        return bool(self.clinics or self.forgotten or self.board_differs)


def bookkeeping(observed: State, settled: Settled, changes: Iterable[Change]) -> dict[RegionCode, Bookkeeping]:
    """Return for each region what its transaction remembers: a changed clinic's row goes with the change."""
    where = {change.subject: change.region for change in changes}
    written: dict[RegionCode, dict[HsaId, ManagedClinic]] = {}
    forgotten: dict[RegionCode, list[HsaId]] = {}
    for hsa_id, after in settled.managed_clinics.items():
        if observed.managed_clinics.get(hsa_id) != after:
            written.setdefault(where.get(hsa_id, after.declared_in), {})[hsa_id] = after
    for hsa_id, before in observed.managed_clinics.items():
        if hsa_id in settled.outcomes and hsa_id not in settled.managed_clinics:
            forgotten.setdefault(where.get(hsa_id, before.declared_in), []).append(hsa_id)
    return {
        code: Bookkeeping(
            dict(sorted(written.get(code, {}).items())),
            tuple(sorted(forgotten.get(code, ()))),
            settled.managed_boards.get(code),
            observed.managed_boards.get(code) != settled.managed_boards.get(code),
        )
        for code in written.keys() | forgotten.keys() | settled.board_outcomes.keys()
    }


def state_digest(clinics: Mapping[HsaId, Enrolment], boards: Mapping[RegionCode, BoardRow]) -> str:
    """Return the SHA-256 of the service's rows, the same for the same rows in whatever order they come."""
    return digest([sorted(clinics.items()), sorted(boards.items())])


def digest(value: object) -> str:
    """Return `sha256:…` of a JSON value in its shortest form."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
