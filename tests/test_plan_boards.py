"""Patient boards: every outcome there is, and what is left as it is."""

from datetime import UTC, datetime

import pytest

from reconciler.findings import Place
from reconciler.model import (
    REGIONS,
    Board,
    BoardRow,
    Clinic,
    Declared,
    HsaId,
    ManagedBoard,
    Region,
    Register,
    RegisterClinic,
    Routes,
    SourceText,
    State,
)
from reconciler.plan import Action, BoardOutcome, board_differs, diff, settle

CLINIC = HsaId("SE2321000131-E000000000001")
REGISTER = Register({CLINIC: RegisterClinic("name", True, "14")}, datetime(2026, 11, 24, tzinfo=UTC), "")
BOARD, OTHER_BOARD = BoardRow("SE2321000131-BOARD", "Kansliet"), BoardRow("SE2321000131-OTHER", "Nämnden")
MANAGED_BOARD = ManagedBoard(*BOARD, "X-1")


def declared(board, order="X-1", clinics=(), **more):
    place = Place("14.yaml", 4, 1)
    declared_board = Board(HsaId(board.hsa_id), board.name, order, place, place) if board else None
    lines = {hsa_id: Clinic("name", 9, 3, 29) for hsa_id in clinics}
    region = Region("14", REGIONS["14"], SourceText("14.yaml", ""), place, place, declared_board, lines)
    return Declared({} if more.get("stopped") else {"14": region}, **more)


def planned(files, observed):
    settled = settle(files, REGISTER, Routes(), observed, ["14"])
    return settled, diff(observed, settled, files)


HELD_ROW = {"boards": {"14": BOARD}, "managed_boards": {"14": MANAGED_BOARD}}


@pytest.mark.parametrize(
    ("board", "order", "observed", "outcome", "settled_board"),
    [
        (None, None, {}, "none", None),
        (None, None, {"boards": {"14": BOARD}}, "unmanaged", BOARD),
        (None, None, HELD_ROW, "as-declared", None),
        (None, None, {"managed_boards": {"14": MANAGED_BOARD}}, "as-declared", None),
        (BOARD, "X-1", {}, "as-declared", BOARD),
        (BOARD, None, {}, "order-missing", None),
        (BOARD, None, {"boards": {"14": BOARD}}, "as-declared", BOARD),
        (BOARD, None, {"boards": {"14": BoardRow(BOARD.hsa_id.lower(), "other")}}, "as-declared", BOARD),
        (BOARD, "X-1", {"boards": {"14": OTHER_BOARD}}, "unmanaged", OTHER_BOARD),
        (BOARD, None, {"boards": {"14": OTHER_BOARD}}, "unmanaged", OTHER_BOARD),
        (OTHER_BOARD, "X-1", HELD_ROW, "order-reused", BOARD),
        (OTHER_BOARD, "X-2", HELD_ROW, "as-declared", OTHER_BOARD),
        (OTHER_BOARD, None, HELD_ROW, "order-missing", BOARD),
        (BOARD._replace(name="renamed"), "X-1", HELD_ROW, "as-declared", BOARD._replace(name="renamed")),
        (BOARD, "X-1", {**HELD_ROW, "boards": {"14": OTHER_BOARD}}, "as-declared", BOARD),
        (BOARD, "X-1", {"managed_boards": {"14": MANAGED_BOARD}}, "as-declared", BOARD),
        (OTHER_BOARD, "X-1", {"managed_boards": {"14": MANAGED_BOARD}}, "order-reused", None),
    ],
)
def test_a_board_has_the_outcome_that_the_design_says(board, order, observed, outcome, settled_board):
    settled, _changes = planned(declared(board, order), State(**observed))
    assert settled.board_outcomes["14"].value == outcome
    assert settled.boards.get("14") == settled_board
    expected = ManagedBoard(*board, order) if board else None
    if outcome != "as-declared":
        expected = observed.get("managed_boards", {}).get("14")
    assert settled.managed_boards.get("14") == expected


@pytest.mark.parametrize(
    "why", [{"boards_held": {"14": ("board-is-example",)}}, {"stopped": {"14": ("tab-character",)}}]
)
def test_a_board_that_is_stopped_is_left_as_it_is(why):
    settled, changes = planned(declared(OTHER_BOARD, "X-2", **why), State(**HELD_ROW))
    assert settled.board_outcomes["14"] is BoardOutcome.HELD
    assert settled.boards["14"] == BOARD
    assert settled.managed_boards["14"] == MANAGED_BOARD
    assert changes == []


def test_an_error_about_the_board_does_not_stop_the_clinics():
    _settled, changes = planned(declared(BOARD, None, [CLINIC]), State())
    assert [change.action for change in changes] == [Action.ENROL]


def test_the_board_of_a_region_that_is_not_kept_is_not_looked_at():
    observed = State(boards={"20": BOARD}, managed_boards={"20": MANAGED_BOARD})
    settled, changes = planned(declared(None), observed)
    assert "20" not in settled.board_outcomes
    assert settled.boards["20"] == BOARD
    assert changes == []


@pytest.mark.parametrize(
    ("row", "last", "differs"),
    [
        (None, None, False),
        (BOARD, None, False),
        (BOARD, MANAGED_BOARD, False),
        (None, MANAGED_BOARD, True),
        (OTHER_BOARD, MANAGED_BOARD, True),
        (BOARD._replace(name="renamed"), MANAGED_BOARD, True),
    ],
)
def test_a_board_differs_when_it_is_not_the_one_last_written(row, last, differs):
    assert board_differs(row, last) is differs
