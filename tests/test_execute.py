"""What is said when a region's transaction cannot do what was decided: whole, word for word; and what it locks."""

from __future__ import annotations

import pytest
from made_store import BOARD, HEADER, NOW, A, B, C, D, add_clinic, observed, settled, sql, statements, wanting, writer

from reconciler import store
from reconciler.bookkeeping import Bookkeeping
from reconciler.findings import Exit, Failure
from reconciler.model import BoardRow, Enrolment, State
from reconciler.plan import Action, Cause, Change
from reconciler.store import execute
from reconciler.store.engine import TooNarrow

ROW = Enrolment("14", "Ett")
OTHERS = "nothing of the region was changed; see what else writes to the database, then run again"


def told(failure: Failure) -> tuple[str, str, str, str, Exit]:
    return (failure.source, failure.kind, failure.problem, failure.remedy, failure.exit)


def withdrawn(*ids: str) -> tuple[Change, ...]:
    return tuple(Change("14", Action.WITHDRAW, hsa_id, ROW, None, Cause.CONFIG) for hsa_id in ids)


def refused(url: str, *works: store.Work) -> Failure:
    """Settle region 14 with what is decided at first, and then after the changes; nothing may have come of it."""
    before, left = observed(url), list(works)
    with pytest.raises(Failure) as failure:
        store.settle_region(writer(url), 1, "14", (), lambda _state: left.pop(0), NOW)
    assert observed(url) == before
    return failure.value


def test_rows_that_are_not_there_are_said_with_their_number(url: str) -> None:
    add_clinic(url, A, "14")
    problem = "withdraw should change 3 rows, and changed 1: somebody else writes to the database"
    work = store.Work(withdrawn(A, B, C), Bookkeeping(), {})
    assert told(refused(url, work)) == ("database", "changed-meanwhile", problem, OTHERS, Exit.UNANSWERED)


OTHER_NAME, OTHER_REGION = Enrolment("14", "Annat"), Enrolment("12", "Ett")
OTHER_BOARD, OTHER_BOARDS_NAME = BoardRow("SE2321000131-X", BOARD.name), BoardRow(BOARD.hsa_id, "Annan")


@pytest.mark.parametrize(
    ("action", "subject", "before", "after"),
    [
        *((Action.WITHDRAW, A, before, None) for before in (OTHER_NAME, OTHER_REGION)),
        *((Action.RENAME, A, before, Enrolment("14", "Nytt")) for before in (OTHER_NAME, OTHER_REGION)),
        (Action.MOVE, A, OTHER_NAME, Enrolment("13", "Ett")),
        *((Action.REMOVE_BOARD, BOARD.hsa_id, before, None) for before in (OTHER_BOARD, OTHER_BOARDS_NAME)),
        *((Action.CHANGE_BOARD, BOARD.hsa_id, before, BOARD) for before in (OTHER_BOARD, OTHER_BOARDS_NAME)),
        (Action.SET_BOARD, BOARD.hsa_id, None, BOARD),
    ],
)
def test_a_row_that_is_otherwise_in_one_cell_is_not_touched(
    url: str, action: Action, subject: str, before: Enrolment | BoardRow | None, after: Enrolment | BoardRow | None
) -> None:
    settled(url, "14", {A: ROW}, BOARD)
    change = Change("14", action, subject, before, after, Cause.CONFIG)
    work = store.Work((change,), Bookkeeping(), {})
    assert "should change 1 rows, and changed 0" in refused(url, work).problem


def test_what_is_gone_already_is_predicted_to_be_gone() -> None:
    removes = Change("14", Action.REMOVE_BOARD, BOARD.hsa_id, BOARD, None, Cause.CONFIG)
    assert store.predicted(State(), [removes, *withdrawn(A)]) == State()


def test_what_is_changed_says_when_and_what_is_not_stays_as_it_was(url: str) -> None:
    settled(url, "14", {A: ROW, B: ROW, C: ROW}, BOARD)
    sql(url, "UPDATE complaints_clinic SET enrolled_at = 'then', updated_at = 'then'")
    sql(url, "UPDATE complaints_region SET updated_at = 'then'")
    settled(url, "12", {C: Enrolment("12", "Ett"), D: Enrolment("12", "Nytt")})
    settled(url, "14", {A: ROW, B: Enrolment("14", "Nytt")}, BoardRow(BOARD.hsa_id, "Nytt"))
    now = store.as_text(NOW)
    assert sql(url, "SELECT hsa_id, enrolled_at, updated_at FROM complaints_clinic ORDER BY hsa_id") == [
        (A, "then", "then"),
        (B, "then", now),
        (C, "then", now),
        (D, now, now),
    ]
    assert sql(url, "SELECT region_code FROM complaints_region WHERE updated_at != 'then'") == [("14",)]


def test_what_is_left_to_do_is_named_the_first_three_of_them(url: str) -> None:
    for hsa_id in (A, B, C):
        add_clinic(url, hsa_id, "14")
    first = store.Work(withdrawn(A), Bookkeeping(), {})
    left = store.Work(withdrawn(B, C, A, A), Bookkeeping(), {})
    problem = "region 14 is not as it should be after the changes: 4 are left, " + ", ".join(
        f"withdraw {hsa_id}" for hsa_id in (B, C, A)
    )
    assert told(refused(url, first, left)) == ("database", "differs", problem, OTHERS, Exit.UNANSWERED)


def test_a_row_that_is_not_as_predicted_is_named_whatever_it_is() -> None:
    was = State({A: ROW, B: ROW, C: Enrolment("12", "Tre")}, {"14": BOARD}, {}, {})
    with pytest.raises(Failure) as failure:
        execute._demand_as_predicted("14", was, State({A: ROW, C: ROW, D: ROW}, {}, {}, {}), ())
    problem = f"region 14 is not as it should be after the changes: 4 are left, {B}, {C}, {D}"
    assert told(failure.value) == ("database", "differs", problem, OTHERS, Exit.UNANSWERED)


def test_a_board_that_is_not_as_predicted_is_named() -> None:
    was = State({}, {"14": BOARD}, {}, {})
    with pytest.raises(Failure, match="1 are left, patient board"):
        execute._demand_as_predicted("14", was, State({}, {}, {}, {}), ())


def test_a_row_of_another_region_counts_where_it_was_changed() -> None:
    elsewhere = State({A: Enrolment("12", "Ett")}, {}, {}, {})
    execute._demand_as_predicted("14", State({}, {}, {}, {}), elsewhere, ())
    with pytest.raises(Failure, match=f"1 are left, {A}"):
        execute._demand_as_predicted("14", State({}, {}, {}, {}), elsewhere, withdrawn(A))


def test_a_board_of_another_region_is_not_compared() -> None:
    was, became = (State({}, {"12": row}, {}, {}) for row in (BOARD, BoardRow("SE2321000131-X", "X")))
    execute._demand_as_predicted("14", was, became, ())


def test_what_changes_lead_to_is_predicted() -> None:
    state = State({A: ROW, B: ROW}, {"14": BOARD, "12": BOARD}, {}, {})
    new = BoardRow("SE2321000131-NEW", "En annan")
    changes = (
        *withdrawn(A),
        Change("14", Action.RENAME, B, ROW, Enrolment("14", "Två"), Cause.REGISTER),
        Change("14", Action.ENROL, C, None, ROW, Cause.CONFIG),
        Change("14", Action.CHANGE_BOARD, new.hsa_id, BOARD, new, Cause.CONFIG),
        Change("12", Action.REMOVE_BOARD, BOARD.hsa_id, BOARD, None, Cause.CONFIG),
    )
    expected = state._replace(clinics={B: Enrolment("14", "Två"), C: ROW}, boards={"14": new})
    assert store.predicted(state, changes) == expected


def test_an_approval_that_another_run_has_used_up_is_said_so(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett")}, taken={"d": 4})
    sql(url, "UPDATE approval_used SET taken = 5")
    decide, run = wanting("14", {}, taken={"d": 1}), store.begin_run(writer(url), HEADER, NOW)
    with pytest.raises(Failure) as failure:
        store.settle_region(writer(url), run, "14", (), decide, NOW)
    problem = "an approval that region 14 needs was used up by another run"
    remedy = "nothing of the region was changed; run again to see what is left to do"
    assert told(failure.value) == ("database", "changed-meanwhile", problem, remedy, Exit.UNANSWERED)
    assert A in observed(url).clinics


def test_what_is_done_and_taken_is_returned(url: str) -> None:
    done = settled(url, "14", {A: ("14", "Ett")}, taken={"d": 1})
    assert ([change.subject for change in done.changes], done.taken) == ([A], {"d"})


@pytest.mark.parametrize("said", [{"unexpected": True}, {"refused": True}])
def test_what_is_not_to_be_done_is_returned_as_it_was_said(url: str, said: dict[str, bool]) -> None:
    work = store.Work(withdrawn(A), Bookkeeping(), {})._replace(**said)
    assert store.settle_region(writer(url), 1, "14", (), lambda _state: work, NOW) == store.Done(**said)


def test_every_row_of_the_region_is_looked_at_before_and_after(url: str) -> None:
    """B is enrolled there and nobody watches it."""
    settled(url, "14", {A: ("14", "Ett")})
    add_clinic(url, B, "14")
    seen: list[State] = []
    decide = wanting("14", {})

    def decided(state: State) -> store.Work:
        seen.append(state)
        return decide(state)

    run = store.begin_run(writer(url), HEADER, NOW)
    store.settle_region(writer(url), run, "14", (), decided, NOW)
    assert [sorted(state.clinics) for state in seen] == [[A, B], [B]]


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_row_that_nobody_watches_is_compared_as_well(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett")})
    add_clinic(url, B, "14")
    renames = f"UPDATE complaints_clinic SET name = 'x' WHERE hsa_id = '{B}'"
    sql(url, f"CREATE TRIGGER t AFTER DELETE ON complaints_clinic BEGIN {renames}; END")
    run = store.begin_run(writer(url), HEADER, NOW)
    with pytest.raises(Failure, match=f"1 are left, {B}"):
        store.settle_region(writer(url), run, "14", (), wanting("14", {}), NOW)


@pytest.mark.parametrize("database", ["sqlite"])
def test_where_one_lock_holds_all_the_database_is_said_to_be_locked(url: str) -> None:
    hasty = store.engine(url, writes=True, patience=0.05)
    with writer(url).begin(), pytest.raises(Failure) as failure:
        store.settle_region(hasty, 1, "14", (), wanting("14", {}), NOW)
    assert (failure.value.exit, failure.value.problem[:12]) == (Exit.LOCKED, "the database")


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(("code", "said"), [(Exit.LOCKED, "region 14 is locked"), (Exit.UNANSWERED, "as it was said")])
def test_where_each_region_has_its_lock_the_region_is_said_to_be_locked(
    url: str, monkeypatch: pytest.MonkeyPatch, code: Exit, said: str
) -> None:
    def refuse(*_all: object) -> None:
        raise Failure("database", "locked", problem="as it was said", remedy="", exit=code)

    monkeypatch.setattr(execute, "transacted", refuse)
    monkeypatch.setattr(execute, "locks_all", lambda _engine: False)
    with pytest.raises(Failure, match=said) as failure:
        store.settle_region(writer(url), 1, "14", (), wanting("14", {}), NOW)
    assert failure.value.exit is code


def test_all_of_an_approval_may_be_taken(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett")}, taken={"d": 4})
    settled(url, "14", {}, taken={"d": 1})
    assert sql(url, "SELECT sum(taken) FROM approval_used") == [(5,)]


def test_the_words_for_a_region_that_is_held() -> None:
    remedy = "try again when the other run is done, or wait longer: --lock-timeout"
    assert told(execute._locked("14")) == (
        *("database", "locked", "region 14 is locked by somebody else", remedy),
        Exit.LOCKED,
    )


def test_a_move_from_a_region_that_is_not_locked_begins_anew_with_it() -> None:
    moves = (Change("14", Action.MOVE, A, Enrolment("12", "Ett"), ROW, Cause.REGISTER),)
    locked = {"14"}
    with pytest.raises(TooNarrow):
        execute._demand_locked(locked, moves)
    assert locked == {"12", "14"}
    execute._demand_locked(locked, moves)


def test_regions_are_locked_in_the_order_of_their_codes_and_no_others(url: str) -> None:
    engine = writer(url)
    with statements(engine) as seen:
        store.settle_region(engine, 1, "14", (), wanting("14", {}), NOW, touched=("13", "12"))
    locks = next(one for one in seen if "FROM complaints_region" in one)
    assert "WHERE complaints_region.region_code IN" in locks
    assert "ORDER BY complaints_region.region_code" in locks
