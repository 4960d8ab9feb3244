"""The outcome of one clinic: what should hold for it, given all that is known of it.

The table of docs/flow.md, one row an outcome, in that order. Pure; where a million clinics come from is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import chain
from typing import NamedTuple

from reconciler.bulk import Plain
from reconciler.model import Enrolment, HsaId, ManagedClinic, RegionCode, RegisterClinic


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


class Asked(NamedTuple):
    """All that is known of one clinic when it is settled. `declared` are the regions whose files list it."""

    enrolled: Enrolment | None
    declared: tuple[RegionCode, ...]
    manager: RegionCode | None
    entry: RegisterClinic | None
    routed: bool


def outcome_of(asked: Asked, kept: frozenset[RegionCode], *, held: bool) -> tuple[Outcome, Enrolment | None]:
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


def remembered(
    outcome: Outcome, asked: Asked, after: Enrolment | None, before: ManagedClinic | None
) -> ManagedClinic | None:
    """Return what is remembered of the clinic: a declaration counts where the region has a right to it."""
    if after is None:
        return before if outcome is Outcome.HELD else None
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


class Outcomes(Mapping[HsaId, Outcome]):
    """Each clinic's outcome: `singly` of those that were settled one by one; the others are in place, or enrolled."""

    __slots__ = ("_bulk", "singly")

    def __init__(self, singly: Mapping[HsaId, Outcome], bulk: Iterable[Plain]) -> None:
        self.singly = singly
        self._bulk = [(Outcome.IN_PLACE, one.stay) for one in bulk] + [(Outcome.ENROLS, one.join) for one in bulk]

    def __getitem__(self, hsa_id: HsaId) -> Outcome:
        outcome = self.singly.get(hsa_id) or next((found for found, ids in self._bulk if hsa_id in ids), None)
        if outcome is None:
            raise KeyError(hsa_id)
        return outcome

    def __iter__(self) -> Iterator[HsaId]:
        return chain(self.singly, *(ids for _outcome, ids in self._bulk))

    def __len__(self) -> int:
        return len(self.singly) + sum(len(ids) for _outcome, ids in self._bulk)
