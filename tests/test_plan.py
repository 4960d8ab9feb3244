"""The difference: what changes, in which order, why, and what is remembered; and every outcome of a board."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bookkeeping import Bookkeeping, bookkeeping
from reconciler.digests import digest, fingerprint, state_digest
from reconciler.findings import Place
from reconciler.model import (
    REGIONS,
    Board,
    BoardRow,
    Clinic,
    Declared,
    Enrolment,
    HsaId,
    ManagedBoard,
    ManagedClinic,
    Region,
    Register,
    RegisterClinic,
    Routes,
    SourceText,
    State,
)
from reconciler.plan import (
    OF_BOARDS,
    Action,
    BoardOutcome,
    Cause,
    Change,
    Outcome,
    Settled,
    action_word,
    diff,
    settle,
    touched_by,
)
from reconciler.words import speak

KEPT = ("12", "14")
CLINICS = {letter: HsaId(f"SE2321000131-E00000000000{number}") for number, letter in enumerate("ABCDE", 1)}
A, B, C, D, E = CLINICS.values()
THEN = datetime(2026, 11, 24, tzinfo=UTC)
BOARD, OTHER_BOARD = BoardRow("SE2321000131-BOARD", "Kansliet"), BoardRow("SE2321000131-OTHER", "Nämnden")
MANAGED_BOARD = ManagedBoard(*BOARD, "X-1")


def region(code, *clinics, board=None, order="X-1"):
    place = Place(f"{code}.yaml", 4, 1)
    declared_board = Board(HsaId(board.hsa_id), board.name, order, place, place) if board else None
    lines = {hsa_id: Clinic("as declared", line, 3, 29) for line, hsa_id in enumerate(clinics, 6)}
    return Region(code, REGIONS[code], SourceText(f"{code}.yaml", ""), place, place, declared_board, lines)


def files(*regions, **more):
    return Declared({one.code: one for one in (region("12"), region("14"), *regions)}, **more)


def register_of(**codes):
    entries = {CLINICS[letter]: RegisterClinic("name", True, code) for letter, code in codes.items()}
    return Register(entries, THEN, "")


def enrolled(name="name", **codes):
    return {CLINICS[letter]: Enrolment(code, name) for letter, code in codes.items()}


def managed(name="name", **codes):
    return {CLINICS[letter]: ManagedClinic(code, code, name) for letter, code in codes.items()}


def planned(declared, register, observed, only=None):
    settled = settle(declared, register, Routes(), observed, KEPT, only)
    return settled, diff(observed, settled, declared)


def applied(observed, settled, changes):
    """What the tables hold after *changes*: clinics and boards, as dicts; the rest is remembered beside them."""
    clinics, boards = dict(observed.clinics), dict(observed.boards)
    for change in changes:
        if change.action in (Action.SET_BOARD, Action.CHANGE_BOARD):
            boards[change.region] = change.after
        elif change.action is Action.REMOVE_BOARD:
            del boards[change.region]
        elif change.after is None:
            del clinics[change.subject]
        else:
            clinics[change.subject] = change.after
    return State(clinics, boards, settled.managed_clinics, settled.managed_boards)


# ---- properties


codes = st.sampled_from(KEPT)
names = st.sampled_from(["name", "new name"])
ids = st.sampled_from(sorted(CLINICS.values()))
BOARD_THAT_IS_A_CLINIC = BoardRow(A, "Nämnden")
boards = st.sampled_from([None, BOARD, OTHER_BOARD, BOARD_THAT_IS_A_CLINIC])
rows = st.dictionaries(ids, st.builds(Enrolment, codes, names))
board_rows = st.dictionaries(codes, st.sampled_from([BOARD, OTHER_BOARD, BOARD_THAT_IS_A_CLINIC]))
managed_rows = st.dictionaries(ids, st.builds(ManagedClinic, codes, codes, names))
managed_boards = st.dictionaries(codes, st.sampled_from([MANAGED_BOARD, ManagedBoard(*OTHER_BOARD, "X-2")]))
states = st.builds(State, rows, board_rows, managed_rows, managed_boards)
registers = st.builds(
    lambda entries: Register(entries, THEN, ""),
    st.dictionaries(ids, st.builds(RegisterClinic, names, st.booleans(), codes)),
)
region_files = st.builds(
    lambda code, clinics, board, order: region(code, *sorted(clinics), board=board, order=order),
    codes,
    st.sets(ids),
    boards,
    st.sampled_from([None, "X-1", "X-2"]),
)
declarations = st.builds(files, region_files, region_files)


def as_settled(state):
    """The state as what should hold: nothing to do."""
    outcomes = dict.fromkeys(CLINICS.values(), Outcome.IN_PLACE)
    board_outcomes = dict.fromkeys(KEPT, BoardOutcome.AS_DECLARED)
    return Settled(state.clinics, state.boards, state.managed_clinics, state.managed_boards, outcomes, board_outcomes)


@given(states)
def test_nothing_differs_from_itself(state):
    settled = as_settled(state)
    assert diff(state, settled, files()) == []
    assert not any(bookkeeping(state, settled, []).values())


@given(states, states)
def test_the_difference_applied_to_one_gives_the_other(one, other):
    settled = as_settled(other)
    after = applied(one, settled, diff(one, settled, files()))
    assert (after.clinics, after.boards) == (other.clinics, other.boards)


@given(states, states)
def test_what_is_remembered_leads_from_one_to_the_other(one, other):
    settled = as_settled(other)
    clinics, remembered_boards = dict(one.managed_clinics), dict(one.managed_boards)
    steps = diff(one, settled, files())
    for code, remembered in bookkeeping(one, settled, steps).items():
        clinics.update(remembered.clinics)
        for hsa_id in remembered.forgotten:
            del clinics[hsa_id]
        of_others = {step.subject for step in steps if step.region != code and step.action not in OF_BOARDS}
        assert of_others.isdisjoint({*remembered.clinics, *remembered.forgotten})
        if remembered.board_differs:
            remembered_boards.pop(code, None)
            if remembered.board:
                remembered_boards[code] = remembered.board
    assert (clinics, remembered_boards) == (other.managed_clinics, other.managed_boards)


@given(declarations, registers, states)
def test_a_plan_that_is_applied_leaves_nothing_to_do(declared, register, observed):
    settled, changes = planned(declared, register, observed)
    observed = applied(observed, settled, changes)
    settled, changes = planned(declared, register, observed)
    assert changes == []
    assert not any(bookkeeping(observed, settled, changes).values())


def test_of_a_part_what_one_region_declares_is_not_asked_about_one_clinic_at_a_time():
    declared, register = files(region("12", B), region("14", A)), register_of(A="14", B="12")
    of_14 = settle(declared, register, Routes(), State(), KEPT, [A, B], "14")
    assert (list(of_14.outcomes.singly), set(of_14.outcomes)) == ([B], {A, B})


def backwards(mapping):
    return dict(reversed(mapping.items()))


@given(declarations, registers, states)
def test_the_order_of_files_and_rows_does_not_matter(declared, register, observed):
    other_way = State(*map(backwards, observed))
    other_files = Declared(
        {code: one._replace(clinics=backwards(one.clinics)) for code, one in backwards(declared.regions).items()}
    )
    other_register = register._replace(clinics=backwards(register.clinics))
    settled, changes = planned(declared, register, observed)
    again, other_changes = planned(other_files, other_register, other_way)
    assert settled == again
    assert changes == other_changes
    assert bookkeeping(observed, settled, changes) == bookkeeping(other_way, again, other_changes)
    assert state_digest(observed.clinics, observed.boards) == state_digest(other_way.clinics, other_way.boards)


@given(declarations, registers, states)
def test_a_part_is_settled_as_the_whole_is(declared, register, observed):
    whole, _changes = planned(declared, register, observed)
    for hsa_id, outcome in whole.outcomes.items():
        part, _changes = planned(declared, register, observed, only=[hsa_id])
        assert part.outcomes == {hsa_id: outcome}
        assert part.clinics.get(hsa_id) == whole.clinics.get(hsa_id)
        assert part.managed_clinics.get(hsa_id) == whole.managed_clinics.get(hsa_id)


# ---- order


def test_residents_are_let_in_last_and_shut_out_first():
    observed = State(
        clinics={**enrolled(A="14", B="12"), **enrolled("old name", C="14")},
        managed_clinics=managed(A="14", B="12", C="14"),
        boards={"14": BOARD},
        managed_boards={"14": MANAGED_BOARD},
    )
    declared = files(region("14", B, C, D, board=OTHER_BOARD, order="X-2"))
    _settled, changes = planned(declared, register_of(A="14", B="14", C="14", D="14"), observed)
    assert [(change.action.value, change.subject) for change in changes] == [
        ("withdraw", A),
        ("move", B),
        ("rename", C),
        ("enrol", D),
        ("change-board", OTHER_BOARD.hsa_id),
    ]


def test_a_board_is_removed_before_all_else_and_set_after_it():
    observed = State(
        clinics=enrolled(A="12"),
        managed_clinics=managed(A="12"),
        boards={"12": BOARD},
        managed_boards={"12": MANAGED_BOARD},
    )
    _settled, changes = planned(files(region("14", B, board=BOARD)), register_of(A="12", B="14"), observed)
    assert [(change.region, change.action.value) for change in changes] == [
        ("12", "remove-board"),
        ("12", "withdraw"),
        ("14", "enrol"),
        ("14", "set-board"),
    ]


def test_changes_of_one_kind_are_in_the_order_of_their_subjects():
    _settled, changes = planned(files(region("14", C, A, B)), register_of(A="14", B="14", C="14"), State())
    assert [change.subject for change in changes] == [A, B, C]


# ---- what touches whom


def test_a_move_touches_two_regions_and_leaves_one():
    _settled, (move,) = planned(
        files(region("14", A)), register_of(A="14"), State(enrolled(A="12"), managed_clinics=managed(A="12"))
    )
    assert move.action is Action.MOVE
    assert (move.region, move.touches, move.leaves) == ("14", {"12", "14"}, "12")


@pytest.mark.parametrize(
    ("action", "before", "after", "leaves"),
    [
        (Action.ENROL, None, Enrolment("14", "name"), None),
        (Action.RENAME, Enrolment("14", "old"), Enrolment("14", "name"), None),
        (Action.WITHDRAW, Enrolment("14", "name"), None, "14"),
        (Action.SET_BOARD, None, BOARD, None),
        (Action.CHANGE_BOARD, OTHER_BOARD, BOARD, None),
        (Action.REMOVE_BOARD, BOARD, None, None),
    ],
)
def test_every_other_change_touches_its_own_region_only(action, before, after, leaves):
    change = Change("14", action, A, before, after, Cause.CONFIG)
    assert change.touches == {"14"}
    assert change.leaves == leaves


# ---- causes, and where it is declared


@pytest.mark.parametrize(
    ("declared", "register", "observed", "action", "cause"),
    [
        (files(region("14", A)), register_of(A="14"), State(), "enrol", "config"),
        (files(region("14", A)), register_of(A="14"), State(managed_clinics=managed(A="14")), "enrol", "drift"),
        (files(), register_of(A="14"), State(enrolled(A="14"), managed_clinics=managed(A="14")), "withdraw", "config"),
        (
            files(region("14", A)),
            register_of(A="14"),
            State(enrolled(A="12"), managed_clinics=managed(A="12")),
            "move",
            "register",
        ),
        (files(region("14", A)), register_of(A="14"), State(enrolled(A="12")), "move", "config"),
        (
            files(region("14", A)),
            register_of(A="14"),
            State(enrolled(A="12"), managed_clinics=managed(A="14")),
            "move",
            "drift",
        ),
        (
            files(region("14", A)),
            register_of(A="14"),
            State(enrolled("old", A="14"), managed_clinics=managed("old", A="14")),
            "rename",
            "register",
        ),
        (files(region("14", A)), register_of(A="14"), State(enrolled("by hand", A="14")), "rename", "config"),
        (
            files(region("14", A)),
            register_of(A="14"),
            State(enrolled("by hand", A="14"), managed_clinics=managed(A="14")),
            "rename",
            "drift",
        ),
        (files(region("14", board=BOARD)), register_of(), State(), "set-board", "config"),
        (
            files(region("14", board=BOARD)),
            register_of(),
            State(managed_boards={"14": MANAGED_BOARD}),
            "set-board",
            "drift",
        ),
        (
            files(region("14", board=OTHER_BOARD, order="X-2")),
            register_of(),
            State(boards={"14": BOARD}, managed_boards={"14": MANAGED_BOARD}),
            "change-board",
            "config",
        ),
        (
            files(region("14", board=BOARD)),
            register_of(),
            State(boards={"14": OTHER_BOARD}, managed_boards={"14": MANAGED_BOARD}),
            "change-board",
            "drift",
        ),
        (
            files(),
            register_of(),
            State(boards={"14": BOARD}, managed_boards={"14": MANAGED_BOARD}),
            "remove-board",
            "config",
        ),
        (
            files(),
            register_of(),
            State(boards={"14": OTHER_BOARD}, managed_boards={"14": MANAGED_BOARD}),
            "remove-board",
            "drift",
        ),
    ],
)
def test_a_change_says_what_caused_it(declared, register, observed, action, cause):
    _settled, (change,) = planned(declared, register, observed)
    assert (change.action.value, change.cause.value) == (action, cause)


def test_a_change_says_where_it_is_declared():
    _settled, (change,) = planned(files(region("14", B, A)), register_of(A="14"), State())
    assert (change.subject, change.path, change.line) == (A, "14.yaml", 7)


def test_a_withdrawal_points_at_the_file_that_no_longer_has_the_line():
    observed = State(enrolled(A="14"), managed_clinics=managed(A="14"))
    _settled, (change,) = planned(files(), register_of(A="14"), observed)
    assert (change.action, change.path, change.line) == (Action.WITHDRAW, "14.yaml", None)


def test_a_change_of_a_clinic_that_no_file_manages_stands_nowhere():
    gone = settle(files(), register_of(), Routes(), State(), KEPT)
    [change] = diff(State(enrolled(A="14"), managed_clinics=managed(A="13")), gone, files())
    assert (change.action, change.path, change.line) == (Action.WITHDRAW, None, None)


def test_a_board_points_at_its_key():
    _settled, (change,) = planned(files(region("14", board=BOARD)), register_of(), State())
    assert (change.subject, change.path, change.line) == (BOARD.hsa_id, "14.yaml", 4)


# ---- what is remembered


def test_what_is_remembered_of_a_clinic_goes_with_its_change():
    observed = State(enrolled(A="12"), managed_clinics=managed(A="12"))
    settled, changes = planned(files(region("12", A)), register_of(A="14"), observed)
    assert [change.region for change in changes] == ["14"]
    remembered = bookkeeping(observed, settled, changes)
    assert remembered["14"].clinics == {A: ManagedClinic("12", "14", "name")}
    assert not remembered["12"]


def test_a_clinic_that_is_taken_over_without_a_change_is_remembered_by_who_declares_it():
    observed = State(enrolled(A="14"))
    settled, changes = planned(files(region("14", A)), register_of(A="14"), observed)
    assert changes == []
    assert bookkeeping(observed, settled, changes)["14"].clinics == managed(A="14")


def test_what_goes_is_forgotten_with_its_change():
    observed = State(enrolled(A="14"), managed_clinics=managed(A="14"))
    settled, changes = planned(files(), register_of(A="14"), observed)
    assert bookkeeping(observed, settled, changes)["14"].forgotten == (A,)


def test_what_goes_is_forgotten_with_its_change_in_whichever_region_that_is():
    """Region 12 declared it, somebody moved it to 14 by hand, and 12 takes its line out: it is withdrawn from 14."""
    observed = State(enrolled(A="14"), managed_clinics=managed(A="12"))
    settled, changes = planned(files(), register_of(A="12"), observed)
    assert [(change.region, change.action) for change in changes] == [("14", Action.WITHDRAW)]
    remembered = bookkeeping(observed, settled, changes)
    assert (remembered["14"].forgotten, remembered["12"].forgotten) == ((A,), ())


def test_a_clinic_that_is_gone_already_is_forgotten_by_who_declared_it():
    observed = State(managed_clinics=managed(A="14"))
    settled, changes = planned(files(), register_of(A="14"), observed)
    assert changes == []
    assert bookkeeping(observed, settled, changes)["14"].forgotten == (A,)


@pytest.mark.parametrize(("code", "others"), [("12", "14"), ("14", "12")])
def test_a_board_that_is_a_clinic_too_takes_nothing_of_it_along(code, others):
    """The board is set in one region, and the clinic with its HSA-id enrolled in the other: each on its own."""
    declared = files(region(code, board=BoardRow(A, "Nämnden")), region(others, A))
    settled, changes = planned(declared, register_of(A=others), State())
    assert [(change.region, change.subject) for change in changes] == sorted([(code, A), (others, A)])
    remembered = bookkeeping(State(), settled, changes)
    assert (remembered[code].clinics, remembered[others].clinics) == ({}, managed(A=others))


def test_another_order_for_the_same_board_is_remembered_without_a_change():
    observed = State(boards={"14": BOARD}, managed_boards={"14": MANAGED_BOARD})
    settled, changes = planned(files(region("14", board=BOARD, order="X-9")), register_of(), observed)
    assert changes == []
    remembered = bookkeeping(observed, settled, changes)["14"]
    assert remembered.board_differs
    assert remembered.board == ManagedBoard(*BOARD, "X-9")


def test_nothing_to_remember_is_false():
    assert not Bookkeeping()
    assert not Bookkeeping(board=MANAGED_BOARD)
    assert Bookkeeping(board_differs=True)


# ---- digests


def test_the_digest_of_the_rows_tells_every_row_and_column_apart():
    variants = [
        ({}, {}),
        (enrolled(A="14"), {}),
        (enrolled(A="12"), {}),
        (enrolled(B="14"), {}),
        (enrolled("other", A="14"), {}),
        ({}, {"14": BOARD}),
        ({}, {"12": BOARD}),
        ({}, {"14": OTHER_BOARD}),
    ]
    digests = [state_digest(*variant) for variant in variants]
    assert len(set(digests)) == len(variants)


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.sampled_from(['"', "\\", "\n", '","', "å"])))
def test_the_digest_of_the_rows_is_that_of_their_lists(names_by_id):
    ids_in_order = sorted(names_by_id)
    lists = digest([ids_in_order, [names_by_id[hsa_id] for hsa_id in ids_in_order]])
    found = state_digest({hsa_id: Enrolment("14", name) for hsa_id, name in names_by_id.items()}, {})
    assert found == digest([digest([["14", lists]] if names_by_id else []), []])


@given(declarations, registers, states)
def test_a_fingerprint_is_the_digest_of_the_steps_and_of_what_is_there_before_and_after(declared, register, observed):
    changes = diff(observed, settle(declared, register, Routes(), observed, KEPT), declared)
    steps = [change[:5] for change in changes]
    assert fingerprint(steps, "before", "after") == digest([steps, "before", "after"])


def test_a_digest_is_the_same_today_and_in_a_year():
    assert digest([1, "å"]) == "sha256:63b99f6cf50a1bf6e77b3cfeae3d14c8c740aefa05c2211818b3d972928f62ad"
    assert digest({"a": 1}) == "sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


# ---- in words


def test_each_action_has_its_words():
    assert [action_word(action.value) for action in Action] == [
        "remove board",
        "withdraw",
        "move",
        "rename",
        "enrol",
        "change board",
        "set board",
    ]
    assert action_word("of a later version") == "of a later version"
    speak("sv")
    assert [action_word(action.value) for action in Action] == [
        "ta bort nämnd",
        "ta bort",
        "flytta",
        "byt namn",
        "anslut",
        "byt nämnd",
        "lägg in nämnd",
    ]


def test_a_move_touches_two_regions_and_all_else_its_own():
    moves = Change("14", Action.MOVE, A, Enrolment("12", "Ett"), Enrolment("14", "Ett"), Cause.REGISTER)
    renames = Change("03", Action.RENAME, B, Enrolment("03", "Två"), Enrolment("03", "Nytt"), Cause.REGISTER)
    enrols = Change("01", Action.ENROL, C, None, Enrolment("01", "Tre"), Cause.CONFIG)
    changes_board = Change("04", Action.CHANGE_BOARD, BOARD.hsa_id, OTHER_BOARD, BOARD, Cause.CONFIG)
    assert touched_by([moves, renames, enrols, changes_board]) == {"01", "03", "04", "12", "14"}
