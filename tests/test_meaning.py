"""What a change means is all of it and nothing else: put in place on what was, the parts make what is."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.findings import Place
from reconciler.meaning import Access, Kind, Part, Stand, parts
from reconciler.model import REGIONS, Approval, Board, Clinic, Declared, HsaId, Region, SourceText

CODES = ("12", "13", "14")
IDS = [HsaId(f"SE2321000131-E{number}") for number in range(4)]
PLACE = Place("x.yaml", 1, 1, 1, 2, "x")

boards = st.one_of(
    st.none(),
    st.builds(
        Board, st.sampled_from(IDS), st.sampled_from("ab"), st.sampled_from(["X-1", None]), *[st.just(PLACE)] * 2
    ),
)
approvals = st.lists(
    st.builds(
        lambda guard, region, most: Approval(
            guard, region, most, date(2026, 12, 1), "a", "b", PLACE, f"{guard} {region} {most}"
        ),
        st.sampled_from(["withdraws-too-many", "deactivates-region"]),
        st.sampled_from(["12", "13"]),
        st.integers(1, 2),
    ),
    max_size=3,
).map(tuple)
accounts = st.dictionaries(st.sampled_from("pqr"), st.just(PLACE), max_size=2)
rights = st.one_of(
    st.none(), st.builds(Access, accounts, st.dictionaries(st.sampled_from(["12", "13"]), accounts, max_size=2))
)


def region(code: str, board: Board | None, ids: set[HsaId]) -> Region:
    clinics = {hsa_id: Clinic("A", 1, 1, 2) for hsa_id in sorted(ids)}
    return Region(code, REGIONS[code], SourceText(f"{code}.yaml", "x"), PLACE, PLACE, board, clinics)


@st.composite
def stands(draw: Any) -> Stand:
    made = {code: region(code, draw(boards), draw(st.sets(st.sampled_from(IDS)))) for code in CODES}
    return Stand(Declared(made), draw(approvals), draw(rights))


def lines(stand: Stand) -> set[tuple[str, str]]:
    return {(code, hsa_id) for code, one in stand.declared.regions.items() for hsa_id in one.clinics}


def put_in_place(was: set[tuple[str, str]], found: list[Part]) -> set[tuple[str, str]]:
    for part in found:
        if part.kind in (Kind.WITHDRAW, Kind.MOVE):
            was = was - {(part.leaves or str(part.region), part.subject)}
        if part.kind in (Kind.ENROL, Kind.MOVE):
            was = was | {(str(part.region), part.subject)}
    return was


@given(stands(), stands())
def test_the_parts_are_all_that_is_otherwise(before: Stand, here: Stand) -> None:
    found = parts(before, here)
    assert put_in_place(lines(before), found) == lines(here)
    changed = {code for code in CODES if before.declared.regions[code].board != here.declared.regions[code].board}
    assert {part.region for part in found if part.kind.value.endswith("-board")} == changed
    assert found == sorted(found, key=Part.sort_key)


@given(stands())
def test_what_stays_as_it_was_has_no_parts(stand: Stand) -> None:
    assert parts(stand, stand) == []


@given(stands(), stands())
def test_the_way_back_has_as_many(before: Stand, here: Stand) -> None:
    there, back = parts(before, here), parts(here, before)
    for kinds in ({"set-board", "change-board", "remove-board"}, {"grant-right", "revoke-right"}):
        assert sum(one.kind.value in kinds for one in there) == sum(one.kind.value in kinds for one in back)


@given(stands(), stands(), rights, st.sets(st.sampled_from("pqr")))
def test_who_has_every_right_may_do_all_and_who_has_none_nothing(
    before: Stand, here: Stand, access: Access | None, people: set[str]
) -> None:
    every = Access({"all": PLACE}, {})
    for part in parts(before, here):
        assert part.needs
        assert every.permits(part, ["all"])
        assert not every.permits(part, people)
        if access and access.permits(part, people):
            assert access.permits(part, [*people, "somebody else"])
