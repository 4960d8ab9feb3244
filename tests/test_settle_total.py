"""Settling is total and sane: every combination there is, against the table written anew; and runs after runs."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import chain, combinations, product
from typing import NamedTuple

import pytest

from reconciler.bookkeeping import bookkeeping
from reconciler.findings import Place
from reconciler.model import (
    Clinic,
    Declared,
    Enrolment,
    HsaId,
    ManagedClinic,
    Region,
    Register,
    RegisterClinic,
    Routes,
    SourceText,
    State,
)
from reconciler.plan import Change, Outcome, Settled, diff, settle

pytestmark = pytest.mark.usefixtures("unmeasured")

CODES = ("12", "13", "14")
CLINIC = HsaId("SE2321000131-E000000000458")
NOWHERE = Place("none.yaml")
THEN = datetime(2026, 11, 24, tzinfo=UTC)


@cache
def region_file(code: str, *hsa_ids: HsaId) -> Region:
    clinics = {hsa_id: Clinic("as declared", 7, 3, 29) for hsa_id in hsa_ids}
    return Region(code, code, SourceText(f"{code}.yaml", ""), NOWHERE, NOWHERE, None, clinics)


# ---- every combination, once


class Case(NamedTuple):
    """E, D, A, N of design §6, and what else the table asks. A region is kept, stopped or not kept."""

    enrolled: str | None
    declared: frozenset[str]
    manager: str | None
    entry: tuple[str, bool] | None
    routed: bool
    mentioned: bool
    stopped: frozenset[str]
    kept: frozenset[str]


def subsets(codes: tuple[str, ...]) -> list[frozenset[str]]:
    return [frozenset(some) for some in chain.from_iterable(combinations(codes, size) for size in range(4))]


def every_case() -> Iterator[Case]:
    entries = [None, *product(CODES, (True, False))]
    for kept, stopped in product(subsets(CODES), repeat=2):
        if not stopped <= kept:
            continue
        declarable = subsets(tuple(sorted(kept - stopped)))
        for declared, enrolled, manager in product(declarable, (None, *CODES), (None, *CODES)):
            for entry, routed, mentioned in product(entries, (True, False), (True, False) if stopped else (False,)):
                yield Case(enrolled, declared, manager, entry, routed, mentioned, stopped, kept)


def by_the_table(case: Case) -> tuple[str, str | None]:
    """Return the row that decides, and the region where the clinic then is: written from the design alone."""
    e, d, a = case.enrolled, case.declared, case.manager
    n, active = case.entry or (None, False)
    if case.mentioned or a in case.stopped:
        return "held", e
    if a is not None and a not in case.kept and not d:  # that region's file, which was not read, may still list it
        return "held", e
    row, where = row_of_the_table(e, d, a, n, active=active, routed=case.routed)
    if e is not None and e not in case.kept and (where != e or row in ("unmanaged", "renames")):
        return "not-kept", e  # … and never written to
    return row.replace("renames", "in-place"), where


def row_of_the_table(  # noqa: C901  (it is the table, row by row)
    e: str | None, d: frozenset[str], a: str | None, n: str | None, *, active: bool, routed: bool
) -> tuple[str, str | None]:
    one = next(iter(d)) if len(d) == 1 else None
    if e and len(d) > 1 and n in d:
        return "declared-twice-follows", n
    if len(d) > 1:
        return "duplicate", e
    if not e and one and n is None:
        return "unknown", None
    if not e and one and n != one:
        return "other-region", None
    if not e and one and not active:
        return "inactive", None
    if not e and one and routed:
        return "routed", None
    if not e and one:
        return "enrols", one
    if e and one and n is None:
        return "enrolled-unknown", e
    if e and one and n != one and a == one:
        return "follows", n
    if e and one and n != one:
        return "claimed", e
    if e and one:
        return "in-place", one
    if e and not a:
        return "unmanaged", e
    if e and (n == a or (n is None and e == a)):
        return "withdrawn", None
    if e:
        return "released", n or e
    return "forgotten", None


def settled_of(case: Case) -> Settled:
    declared = Declared(
        {code: region_file(code, *([CLINIC] if code in case.declared else [])) for code in case.kept - case.stopped},
        dict.fromkeys(case.stopped, ("tab-character",)),
        frozenset({CLINIC} if case.mentioned else ()),
    )
    entry = {CLINIC: RegisterClinic("as registered", case.entry[1], case.entry[0])} if case.entry else {}
    observed = State(
        clinics={CLINIC: Enrolment(case.enrolled, "as registered")} if case.enrolled else {},
        managed_clinics={CLINIC: ManagedClinic(case.manager, case.manager, "then")} if case.manager else {},
    )
    routes = Routes(frozenset({CLINIC} if case.routed else ()))
    return settle(declared, Register(entry, THEN, ""), routes, observed, case.kept, [CLINIC])


def test_every_combination_has_the_one_outcome_that_the_table_says():
    seen = set()
    for case in every_case():
        settled = settled_of(case)
        row, where = by_the_table(case)
        after = settled.clinics.get(CLINIC)
        assert settled.outcomes == {CLINIC: Outcome(row)}, case
        assert (after.region_code if after else None) == where, case
        seen.add(settled.outcomes[CLINIC])
    assert seen == set(Outcome), "a row that no combination reaches"


def test_every_combination_is_enumerated():
    cases = list(every_case())
    assert len(cases) == len(set(cases))
    for field, values in (("enrolled", 4), ("manager", 4), ("declared", 8), ("entry", 7), ("stopped", 8), ("kept", 8)):
        assert len({getattr(case, field) for case in cases}) == values, field


def test_what_is_remembered_is_who_declared_it_with_a_right_to_it():
    for case in every_case():
        settled = settled_of(case)
        managed, outcome = settled.managed_clinics.get(CLINIC), settled.outcomes[CLINIC]
        manager = managed.declared_in if managed else None
        match outcome:
            case Outcome.ENROLS | Outcome.IN_PLACE | Outcome.FOLLOWS:
                assert {manager} == case.declared, case
            case Outcome.DECLARED_TWICE_FOLLOWS:
                assert manager == case.entry[0], case
            case Outcome.HELD:
                assert manager == case.manager, case
            case Outcome.ENROLLED_UNKNOWN:
                (one,) = case.declared
                assert manager == (one if one in (case.enrolled, case.manager) else case.manager), case
            case Outcome.CLAIMED | Outcome.DUPLICATE | Outcome.NOT_KEPT:
                assert manager == (case.manager if case.enrolled else None), case
            case _:
                assert manager is None, case


# ---- many runs, one after the other


CLINICS = tuple(HsaId(f"SE2321000131-E00000000000{number}") for number in range(3))


class World:
    """Everything that can be edited between two runs, and the line from settle to the tables."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.files: dict[str, set[HsaId]] = {code: set() for code in CODES}
        self.register = {hsa_id: RegisterClinic("name", True, self.chance.choice(CODES)) for hsa_id in CLINICS}
        self.stopped: set[str] = set()
        self.kept = set(CODES)
        self.routed: set[HsaId] = set()
        self.observed = State()

    def edit(self) -> None:
        """One edit by a region, the e-services or a hand in the database; what is right is the likelier."""
        hsa_id, code = self.chance.choice(CLINICS), self.chance.choice(CODES)
        edits = (self.declare, self.declare, self.declare_rightly, self.take_out, self.change_register, self.hand_edit)
        self.chance.choice((*edits, self.break_or_mend, self.route, self.keep_or_not))(hsa_id, code)

    def declare(self, hsa_id: HsaId, code: str) -> None:
        self.files[code] ^= {hsa_id}

    def declare_rightly(self, hsa_id: HsaId, _code: str) -> None:
        if hsa_id in self.register:
            self.files[self.register[hsa_id].region_code].add(hsa_id)

    def take_out(self, hsa_id: HsaId, _code: str) -> None:
        for listed in self.files.values():
            listed.discard(hsa_id)

    def change_register(self, hsa_id: HsaId, code: str) -> None:
        if self.chance.random() < 0.2:
            self.register.pop(hsa_id, None)
        else:
            name = self.chance.choice(("name", "new name"))
            self.register[hsa_id] = RegisterClinic(name, self.chance.random() < 0.8, code)

    def hand_edit(self, hsa_id: HsaId, code: str) -> None:
        clinics = dict(self.observed.clinics)
        if self.chance.random() < 0.3:
            clinics.pop(hsa_id, None)
        else:
            clinics[hsa_id] = Enrolment(code, self.chance.choice(("name", "by hand")))
        self.observed = State(clinics, managed_clinics=self.observed.managed_clinics)

    def break_or_mend(self, _hsa_id: HsaId, code: str) -> None:
        self.stopped ^= {code}

    def route(self, hsa_id: HsaId, _code: str) -> None:
        self.routed ^= {hsa_id}

    def keep_or_not(self, _hsa_id: HsaId, code: str) -> None:
        self.kept = set(CODES) if self.chance.random() < 0.7 else self.kept ^ {code}

    def right_to(self, hsa_id: HsaId) -> str | None:
        """The region that decides: the register's, or the one it is enrolled in where the register does not know it."""
        entry, row = self.register.get(hsa_id), self.observed.clinics.get(hsa_id)
        return entry.region_code if entry else row.region_code if row else None

    def plan(self) -> tuple[Settled, list[Change]]:
        declared = Declared(
            {code: region_file(code, *sorted(self.files[code])) for code in self.kept - self.stopped},
            dict.fromkeys(self.kept & self.stopped, ("tab-character",)),
            frozenset(hsa_id for code in self.kept & self.stopped for hsa_id in self.files[code]),
        )
        register, routes = Register(self.register, THEN, ""), Routes(frozenset(self.routed))
        settled = settle(declared, register, routes, self.observed, self.kept)
        return settled, diff(self.observed, settled, declared)

    def apply(self) -> tuple[Settled, list[Change]]:
        settled, changes = self.plan()
        clinics, managed = dict(self.observed.clinics), dict(self.observed.managed_clinics)
        for change in changes:
            clinics.pop(HsaId(change.subject), None)
            if isinstance(change.after, Enrolment):
                clinics[HsaId(change.subject)] = change.after
        for remembered in bookkeeping(self.observed, settled, changes).values():
            managed.update(remembered.clinics)
            for hsa_id in remembered.forgotten:
                del managed[hsa_id]
        self.observed = State(clinics, managed_clinics=managed)
        return settled, changes


def runs(seed: int) -> Iterator[World]:
    """A world, again and again, each time with a few edits more; it is the caller who plans and applies."""
    world = World(seed)
    for _run in range(12):
        for _edit in range(world.chance.randrange(4)):
            world.edit()
        yield world


SEEDS = range(400)


def test_no_clinic_is_withdrawn_that_nobody_with_the_right_to_it_took_out():
    withdrawn = 0
    for seed in SEEDS:
        listed: dict[str, set[HsaId]] = {code: set() for code in CODES}
        for world in runs(seed):
            rights = {hsa_id: world.right_to(hsa_id) for hsa_id in CLINICS}
            settled, _changes = world.apply()
            for hsa_id, outcome in settled.outcomes.items():
                if outcome is Outcome.WITHDRAWN:
                    right = rights[hsa_id]
                    assert hsa_id in listed[right], (seed, hsa_id, "its region never listed it")
                    assert not any(hsa_id in world.files[code] for code in world.kept), (seed, hsa_id)
                    withdrawn += 1
            for code in CODES:
                listed[code] |= world.files[code]
    assert withdrawn > 50, "too few withdrawals to prove anything"


def test_a_withdrawal_is_the_only_way_to_lose_a_clinic():
    for seed in SEEDS:
        for world in runs(seed):
            before = world.observed.clinics.keys()
            settled, _changes = world.apply()
            gone = before - world.observed.clinics.keys()
            assert gone == {hsa_id for hsa_id, outcome in settled.outcomes.items() if outcome is Outcome.WITHDRAWN}


def test_each_clinic_that_its_region_took_out_goes():
    """Its region has listed it, nobody lists it any more, and no file is broken: it goes."""
    gone = 0
    counts = {Outcome.ENROLS, Outcome.IN_PLACE, Outcome.DECLARED_TWICE_FOLLOWS, Outcome.ENROLLED_UNKNOWN}
    for seed in SEEDS:
        claims: dict[HsaId, str] = {}
        for world in runs(seed):
            rights = {hsa_id: world.right_to(hsa_id) for hsa_id in CLINICS}
            due = {
                hsa_id
                for hsa_id, code in claims.items()
                if rights[hsa_id] == code and not any(hsa_id in listed for listed in world.files.values())
            }
            settled, _changes = world.apply()
            if not world.stopped and world.kept == set(CODES):
                assert not due & world.observed.clinics.keys(), (seed, due)
                gone += len(due)
            for hsa_id in CLINICS:
                right, outcome = rights[hsa_id], settled.outcomes.get(hsa_id)
                if hsa_id not in world.observed.clinics or right != claims.get(hsa_id, right):
                    claims.pop(hsa_id, None)
                heard = right in world.kept - world.stopped
                if outcome in counts and heard and hsa_id in world.files[str(right)]:
                    claims[hsa_id] = str(right)
    assert gone > 50, "too few to prove anything"


@pytest.mark.parametrize("again", [1, 2])
def test_nothing_oscillates(again):
    for seed in SEEDS:
        for world in runs(seed):
            world.apply()
            before = world.observed
            for _run in range(again):
                settled, changes = world.apply()
            assert changes == [], seed
            assert not any(bookkeeping(before, settled, changes).values()), seed
            assert world.observed == before, seed


def test_a_stopped_region_keeps_its_last_word():
    for seed in SEEDS:
        for world in runs(seed):
            theirs = {
                hsa_id: row
                for hsa_id, row in world.observed.clinics.items()
                if getattr(world.observed.managed_clinics.get(hsa_id), "declared_in", None)
                in world.stopped & world.kept
            }
            world.apply()
            assert theirs.items() <= world.observed.clinics.items(), seed


def test_a_region_that_is_not_kept_is_never_written_to_but_for_what_the_register_moves_there():
    for seed in SEEDS:
        for world in runs(seed):
            before = world.observed.clinics
            _settled, changes = world.apply()
            for change in changes:
                row = before.get(HsaId(change.subject))
                assert row is None or row.region_code in world.kept, (seed, change)
                if change.region not in world.kept:
                    assert change.region == world.register[HsaId(change.subject)].region_code, (seed, change)
                    assert row is not None, (seed, change)


def test_a_clinic_that_a_region_once_kept_had_declared_can_be_taken_over():
    declared = Declared({"14": region_file("14", CLINIC)})
    register = Register({CLINIC: RegisterClinic("name", True, "14")}, THEN, "")
    for clinics in ({}, {CLINIC: Enrolment("14", "name")}):
        observed = State(clinics, managed_clinics={CLINIC: ManagedClinic("12", "14", "name")})
        settled = settle(declared, register, Routes(), observed, ["14"])
        assert settled.clinics == {CLINIC: Enrolment("14", "name")}
        assert settled.managed_clinics == {CLINIC: ManagedClinic("14", "14", "name")}
