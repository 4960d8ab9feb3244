"""The clinics that raise no question, found region by region and by sets: a million are not asked about one at a time.

What is to hold for them is plain: they are enrolled, or to be enrolled, where they are declared, under the name that
the register gives. All others are left to be settled one by one, of which the same would come out for these.
"""

from __future__ import annotations

from collections.abc import Collection, KeysView, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from reconciler.model import (
    ENROLMENT,
    ENTRY,
    MANAGED,
    Declared,
    Enrolment,
    HsaId,
    ManagedClinic,
    RegionCode,
    Register,
    RegisterClinic,
    Routes,
    State,
)
from reconciler.rows import Rows, inside


class Plain(NamedTuple):
    """One region's clinics that raise no question: those that `stay` enrolled in it, and those that `join`.

    Each is declared there and nowhere else, and there in the register, whose names are `names`; nothing holds it, no
    route leads to it, and it is neither enrolled nor managed anywhere else. Who joins is active.
    """

    code: RegionCode
    names: Mapping[HsaId, str]
    stay: AbstractSet[HsaId]
    join: AbstractSet[HsaId]

    def settled(self, before: Mapping[HsaId, str]) -> Mapping[HsaId, str]:
        """Return the names that should hold in the region, or be remembered of it, given those from *before*."""
        if not self.join and self.stay <= before.keys() and before.items() <= self.names.items():
            return before  # as nearly always; what follows would find the same, and make a list of all of them first
        ids = [*self.stay, *sorted(self.join)]
        after = list(map(self.names.__getitem__, ids))
        return before if list(map(before.get, ids)) == after else {**before, **dict(zip(ids, after, strict=True))}


def unquestioned(
    declared: Declared,
    register: Register,
    routes: Routes,
    observed: State,
    kept: Collection[RegionCode],
    only: Collection[HsaId] | None,
    within: RegionCode | None,
) -> tuple[list[Plain], Collection[HsaId]]:
    """Return the clinics that raise no question, and all others.

    With *only*, of those clinics alone, and of them no more than what region *within* declares is found in bulk.
    """
    listed = {code: one.clinics.keys() for code, one in declared.regions.items()}
    sure_of = listed.keys() & set(kept) - declared.stopped.keys()
    entries, enrolled = Rows.of(ENTRY, register.clinics), Rows.of(ENROLMENT, observed.clinics)
    strays = _strays(listed, enrolled, Rows.of(MANAGED, observed.managed_clinics))
    twice = _twice(listed, entries) if only is None else declared.twice
    asked = strays | twice | declared.mentioned | routes.hsa_ids
    found, others = [], strays if only is None else set(only)
    for code in listed if only is None else listed.keys() & {within}:
        ids = listed[code] if only is None else listed[code] & others
        sure = _outside(ids, asked) if code in sure_of else frozenset[HsaId]()
        active, inactive, here = entries.part((True, code)), entries.part((False, code)), enrolled.part(code).keys()
        names = {**active, **inactive} if inactive else active
        at_home = inside(sure, here)
        one = Plain(code, names, inside(at_home, names.keys()), inside(_outside(sure, at_home), active.keys()))
        found.append(one)
        left = _outside(_outside(ids, one.stay), one.join)
        others = others | left if only is None else others.difference(one.stay, one.join)
    return found, others


def _outside(ids: AbstractSet[HsaId], those: AbstractSet[str]) -> AbstractSet[HsaId]:
    """Return which of *ids* are not among *those*; nothing is copied where all or none are, as nearly always."""
    if ids is those:
        return frozenset()
    return ids if ids.isdisjoint(those) else frozenset() if ids <= those else ids - those


def _twice(listed: Mapping[RegionCode, KeysView[HsaId]], entries: Rows[HsaId, RegisterClinic]) -> set[HsaId]:
    """Return `Declared.twice`, without the set of all clinics that is made for it.

    The register gives a clinic to one region: of two that declare it, one at least has it without the register, and
    those are few. All regions are looked through, once a plan; a run, which asks for each region, has the set made.
    """
    without: set[HsaId] = set()
    for code, ids in listed.items():
        without |= _outside(_outside(ids, entries.part((True, code)).keys()), entries.part((False, code)).keys())
    return {hsa_id for hsa_id in without if sum(hsa_id in ids for ids in listed.values()) > 1}


def _strays(
    listed: Mapping[RegionCode, KeysView[HsaId]],
    enrolled: Rows[HsaId, Enrolment],
    managed: Rows[HsaId, ManagedClinic],
) -> set[HsaId]:
    """Return the clinics that are enrolled or managed in a region that does not declare them."""
    strays: set[HsaId] = set()
    for code, names in enrolled.parts.items():
        strays |= _outside(names.keys(), listed.get(code, frozenset()))
    for (declared_in, code), names in managed.parts.items():
        if declared_in != code:
            strays.update(names)
        elif names is not enrolled.part(code):
            strays |= _outside(names.keys(), listed.get(code, frozenset()))
    return strays
