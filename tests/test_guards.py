"""Guards at their edges: nothing, one, the threshold, one more; approvals, and what is taken of them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from reconciler.findings import Place
from reconciler.model import (
    THRESHOLDS,
    Approval,
    BoardRow,
    Enrolment,
    GoodPart,
    HsaId,
    ManagedBoard,
    Register,
    RegisterClinic,
    Remembered,
    RoutedPart,
    Routes,
    State,
    Threshold,
)
from reconciler.plan import Action, Cause, Change, Settled
from reconciler.rules.guard import GUARDS, Judgement, Use, _uses, judge, move_waits, region_held, row_of, taken_by
from reconciler.rules.proposal import Proposal

TODAY = date(2026, 11, 24)
BOARD, OTHER_BOARD = BoardRow("SE2321000131-BOARD", "Kansliet"), BoardRow("SE2321000131-OTHER", "Nämnden")
MANAGED_BOARD = ManagedBoard(*BOARD, "X-1")


def ids(code, number):
    return [HsaId(f"SE{code}21000131-{one:03}") for one in range(number)]


def withdrawals(code, number):
    row = Enrolment(code, "name")
    return [Change(code, Action.WITHDRAW, hsa_id, row, None, Cause.CONFIG) for hsa_id in ids(code, number)]


def moves(old, new, number):
    before, after = Enrolment(old, "name"), Enrolment(new, "name")
    return [Change(new, Action.MOVE, hsa_id, before, after, Cause.REGISTER) for hsa_id in ids(old, number)]


def board_change(action, before, after):
    return Change("14", action, (after or before).hsa_id, before, after, Cause.CONFIG)


def proposal(changes, sizes=None, boards=None, managed_boards=None, thresholds=THRESHOLDS, went_back=None):
    """A plan that would make *changes*, from so many clinics in each region and these boards."""
    clinics = {hsa_id: Enrolment(code, "name") for code, size in (sizes or {}).items() for hsa_id in ids(code, size)}
    boards = boards or {}
    after, boards_after = dict(clinics), dict(boards)
    for change in changes:
        rows, key = (after, change.subject) if "board" not in change.action.value else (boards_after, change.region)
        rows.pop(key, None)
        if change.after is not None:
            rows[key] = change.after
    return Proposal(
        changes,
        State(clinics, boards, {}, managed_boards or {}),
        Settled(after, boards_after, {}, {}, {}, {}),
        thresholds,
        TODAY,
        {"14": "14.yaml"},
        went_back,
    )


def refused(*args, **kwargs):
    return [(one.rule.id, one.region, one.values["count"]) for one in judge(proposal(*args, **kwargs), [], {}).refusals]


# ---- thresholds


@pytest.mark.parametrize(
    ("size", "allowed"),
    [(0, 1), (1, 1), (9, 1), (10, 2), (14, 2), (15, 3), (49, 9), (50, 10), (51, 10), (1000, 10)],
)
def test_a_threshold_allows_percent_of_the_set_but_at_least_floor_and_at_most_ceiling(size, allowed):
    assert Threshold(floor=1, percent=20, ceiling=10).allowed(size) == allowed


@pytest.mark.parametrize(
    ("threshold", "size", "allowed"),
    [
        (Threshold(0, 0, 0), 100, 0),
        (Threshold(3, 0, 10), 100, 3),
        (Threshold(0, 100, 1000), 100, 100),
        (Threshold(0, 100, 5), 3, 3),
        (Threshold(5, 20, 2), 10, 2),
    ],
)
def test_a_threshold_can_be_set_to_anything_and_its_ceiling_wins(threshold, size, allowed):
    assert threshold.allowed(size) == allowed


def test_the_defaults_are_those_of_the_design():
    assert THRESHOLDS == {
        "withdraws-too-many": (1, 20, 10),
        "withdraws-too-many-nationally": (5, 5, 50),
        "register-shrunk": (1, 10, 25),
        "register-churned": (2, 20, 50),
        "routes-shrunk": (1, 10, 25),
    }


# ---- withdraws-too-many


@pytest.mark.parametrize(
    ("size", "withdrawn", "is_refused"),
    [
        (100, 0, False),
        (100, 1, False),
        (25, 5, False),
        (25, 6, True),
        (100, 10, False),
        (100, 11, True),
        (1, 1, False),
        (2, 1, False),
        (2, 2, True),
        (3, 2, True),
        (4, 2, True),
    ],
)
def test_a_region_loses_a_few_clinics_at_a_time(size, withdrawn, is_refused):
    sizes = {"14": size, "12": 1000}  # the others are many, so that the country has no say
    expected = [("withdraws-too-many", "14", withdrawn)] if is_refused else []
    assert refused(withdrawals("14", withdrawn), sizes) == expected


def test_a_refusal_says_how_many_of_how_many_and_where():
    (refusal,) = judge(proposal(withdrawals("14", 6), {"14": 25, "12": 1000}), [], {}).refusals
    assert refusal.problem == "region 14 would lose 6 of 25 clinics; 5 may go at a time"
    assert refusal.place == Place("14.yaml")


def test_a_refusal_prints_the_block_to_paste():
    (refusal,) = judge(proposal(withdrawals("14", 6), {"14": 25, "12": 1000}), [], {}).refusals
    assert refusal.remedy.splitlines() == [
        "if this is meant, add to config/approvals.yaml:",
        "- guard: withdraws-too-many",
        '  region: "14"',
        "  at_most: 6",
        "  until: 2026-12-01",
        "  reason: …",
        "  approved_by: …",
    ]


def test_a_national_refusal_has_no_region_in_its_block():
    (refusal,) = judge(proposal(withdrawals("12", 1), {"12": 1}, went_back=("a" * 40, "b" * 40)), [], {}).refusals
    assert refusal.region is None
    assert refusal.place is None
    assert "region:" not in refusal.remedy
    assert "- guard: config-went-back\n  at_most: 1\n" in refusal.remedy


def test_a_move_is_counted_by_the_region_that_it_leaves():
    assert refused(moves("12", "14", 2), {"12": 2, "14": 2}) == [("withdraws-too-many", "12", 2)]


def test_withdrawals_and_moves_away_count_together():
    changes = [*withdrawals("14", 1), *moves("14", "12", 2)[1:]]
    assert refused(changes, {"14": 5, "12": 1000}) == [("withdraws-too-many", "14", 2)]


def test_a_region_refused_stands_alone():
    changes = [*withdrawals("12", 1), *withdrawals("14", 3)]
    judgement = judge(proposal(changes, {"12": 10, "14": 10}), [], {})
    assert judgement.regions == {"14"}
    assert not judgement.national


def test_what_is_added_or_renamed_is_not_counted():
    row = Enrolment("14", "name")
    enrols = [Change("14", Action.ENROL, hsa_id, None, row, Cause.CONFIG) for hsa_id in ids("14", 100)]
    renames = [Change("14", Action.RENAME, one.subject, row._replace(name="old"), row, Cause.CONFIG) for one in enrols]
    assert refused(enrols) == []
    assert refused(renames, {"14": 100}) == []


def test_a_region_whose_clinics_are_gone_meanwhile_is_said_to_have_none():
    assert problems(proposal(withdrawals("14", 2), {"12": 1000})) == [
        "region 14 would lose 2 of 0 clinics; 1 may go at a time"
    ]


def test_a_region_without_clinics_has_none_to_lose():
    assert refused([], {"14": 0}) == []


# ---- withdraws-last-clinic


def test_an_active_region_keeps_its_last_clinic():
    changes, sizes = withdrawals("14", 1), {"14": 1, "12": 1000}
    assert refused(changes, sizes, {"14": BOARD}) == [("withdraws-last-clinic", "14", 1)]


def test_the_last_clinic_may_not_move_away_either():
    assert refused(moves("14", "12", 1), {"14": 1}, {"14": BOARD}) == [("withdraws-last-clinic", "14", 1)]


def test_the_last_clinic_but_one_may_go():
    assert refused(withdrawals("14", 1), {"14": 2}, {"14": BOARD}) == []


def test_the_last_clinic_may_be_exchanged_for_another():
    enrolled = Change("14", Action.ENROL, ids("14", 2)[1], None, Enrolment("14", "name"), Cause.CONFIG)
    assert refused([*withdrawals("14", 1), enrolled], {"14": 1}, {"14": BOARD}) == []


def test_a_region_that_is_not_active_may_lose_its_last_clinic():
    assert refused(withdrawals("14", 1), {"14": 1}) == []


def test_a_region_that_loses_its_board_too_is_told_of_the_board():
    changes = [board_change(Action.REMOVE_BOARD, BOARD, None), *withdrawals("14", 1)]
    assert refused(changes, {"14": 1}, {"14": BOARD}) == [("deactivates-region", "14", 1)]


# ---- boards


def test_a_board_is_not_removed_without_an_approval():
    changes = [board_change(Action.REMOVE_BOARD, BOARD, None)]
    assert refused(changes, boards={"14": BOARD}, managed_boards={"14": MANAGED_BOARD}) == [
        ("deactivates-region", "14", 1)
    ]


def test_a_board_is_set_and_changed_freely():
    assert refused([board_change(Action.SET_BOARD, None, BOARD)]) == []
    changes = [board_change(Action.CHANGE_BOARD, BOARD, OTHER_BOARD)]
    assert refused(changes, boards={"14": BOARD}, managed_boards={"14": MANAGED_BOARD}) == []
    assert refused(changes, boards={"14": BOARD}) == []


@pytest.mark.parametrize(
    ("action", "row", "after", "held"),
    [
        (Action.CHANGE_BOARD, OTHER_BOARD, BOARD, "SE2321000131-OTHER (Nämnden)"),
        (Action.CHANGE_BOARD, BOARD._replace(name="by hand"), BOARD, "SE2321000131-BOARD (by hand)"),
        (Action.SET_BOARD, None, BOARD, "–"),
    ],
)
def test_a_board_that_somebody_changed_is_not_overwritten(action, row, after, held):
    plan = proposal(
        [board_change(action, row, after)], boards={"14": row} if row else {}, managed_boards={"14": MANAGED_BOARD}
    )
    (refusal,) = judge(plan, [], {}).refusals
    assert (refusal.rule.id, refusal.values["held"]) == ("board-changed-elsewhere", held)
    assert refusal.values["last"] == "SE2321000131-BOARD (Kansliet)"


def test_a_board_that_somebody_changed_is_not_removed_either():
    changes = [board_change(Action.REMOVE_BOARD, OTHER_BOARD, None)]
    assert refused(changes, boards={"14": OTHER_BOARD}, managed_boards={"14": MANAGED_BOARD}) == [
        ("deactivates-region", "14", 1),
        ("board-changed-elsewhere", "14", 1),
    ]


def test_a_board_that_somebody_changed_is_nothing_to_the_clinics():
    assert refused(withdrawals("14", 1), {"14": 2}, {"14": OTHER_BOARD}, {"14": MANAGED_BOARD}) == []


# ---- the country


@pytest.mark.parametrize(
    ("each", "more", "is_refused"), [(0, 0, False), (1, 0, False), (5, 0, False), (5, 1, True), (10, 0, True)]
)
def test_the_country_loses_a_few_clinics_at_a_time_however_they_are_spread(each, more, is_refused):
    """Ten regions of ten clinics: five percent of a hundred may go, one from a region without its own guard."""
    codes = ("01", "03", "04", "05", "06", "07", "08", "09", "10", "12")
    changes = [change for code in codes[: each + more] for change in withdrawals(code, 1)]
    expected = [("withdraws-too-many-nationally", None, each + more)] if is_refused else []
    assert refused(changes, dict.fromkeys(codes, 10)) == expected


def test_a_small_country_may_lose_the_floor():
    thresholds = {**THRESHOLDS, "withdraws-too-many": Threshold(100, 100, 100)}
    assert refused(withdrawals("14", 5), {"14": 6}, thresholds=thresholds) == []
    assert refused(withdrawals("14", 6), {"14": 6}, thresholds=thresholds) == [
        ("withdraws-too-many-nationally", None, 6)
    ]


def test_no_country_loses_more_than_the_ceiling():
    thresholds = {**THRESHOLDS, "withdraws-too-many": Threshold(100, 100, 100)}
    sizes = {"14": 900, "12": 900}
    assert refused(withdrawals("14", 50), sizes, thresholds=thresholds) == []
    assert refused(withdrawals("14", 51), sizes, thresholds=thresholds) == [("withdraws-too-many-nationally", None, 51)]


def test_a_national_refusal_refuses_all():
    judgement = judge(proposal(withdrawals("14", 1), {"14": 9}, went_back=("1" * 40, "2" * 40)), [], {})
    assert judgement.national
    assert judgement.regions == frozenset()


def test_files_that_went_back_are_refused():
    plan = proposal(withdrawals("14", 1), {"14": 9}, went_back=("1" * 40, "2" * 40))
    (refusal,) = judge(plan, [], {}).refusals
    assert (
        refusal.problem
        == "the files are at commit 111111111111, but 222222222222, which came after it, is applied already"
    )


def test_files_that_went_back_and_change_nothing_harm_nobody():
    assert refused([], {"14": 9}, went_back=("1" * 40, "2" * 40)) == []


# ---- approvals


def approval(guard="withdraws-too-many", region="14", at_most=6, until=TODAY, digest="it"):
    return Approval(guard, region, at_most, until, "a merger", "Somebody", Place("approvals.yaml", 1, 10), digest)


SIX_GO = proposal(withdrawals("14", 6), {"14": 25, "12": 1000})


def test_an_approval_that_is_exactly_enough_lets_its_guard_pass():
    assert judge(SIX_GO, [approval(at_most=6)], {}) == Judgement((), (Use(approval(at_most=6), 0, 6),))


def test_an_approval_holds_to_the_end_of_its_last_day():
    assert judge(SIX_GO, [approval(until=TODAY)], {}).refusals == ()
    assert judge(SIX_GO, [approval(until=date(2026, 11, 23))], {}).regions == {"14"}


@pytest.mark.parametrize(
    "other",
    [
        approval(at_most=5),
        approval(region="12"),
        approval(region=None),
        approval(guard="withdraws-last-clinic"),
        approval(guard="withdraws-too-many-nationally", region=None),
    ],
)
def test_an_approval_of_less_or_of_something_else_does_not_help(other):
    judgement = judge(SIX_GO, [other], {})
    assert judgement.regions == {"14"}
    assert judgement.uses == ()


def test_what_is_taken_of_an_approval_is_gone():
    assert judge(SIX_GO, [approval(at_most=8)], {"it": 2}).uses == (Use(approval(at_most=8), 2, 6),)
    assert judge(SIX_GO, [approval(at_most=8)], {"it": 3}).regions == {"14"}
    assert judge(SIX_GO, [approval(at_most=8)], {"another": 8}).regions == frozenset()


def test_the_first_approval_that_is_enough_is_used():
    spent, fresh = approval(digest="spent"), approval(digest="fresh")
    (use,) = judge(SIX_GO, [spent, fresh], {"spent": 1}).uses
    assert use.approval == fresh


def test_an_approval_lets_one_guard_pass_and_not_the_next():
    plan = proposal(withdrawals("14", 2), {"14": 2, "12": 1000}, {"14": BOARD})
    judgement = judge(plan, [approval(at_most=2)], {})
    assert [refusal.rule.id for refusal in judgement.refusals] == ["withdraws-last-clinic"]
    last = approval("withdraws-last-clinic", at_most=1, digest="last")
    assert judge(plan, [approval(at_most=2), last], {}).refusals == ()


def test_a_national_guard_is_approved_for_the_country():
    plan = proposal(withdrawals("14", 1), {"14": 9}, went_back=("1" * 40, "2" * 40))
    national = approval("config-went-back", None, 1)
    assert judge(plan, [national], {}) == Judgement((), (Use(national, 0, 1),))
    assert judge(plan, [approval("config-went-back", "14", 1)], {}).national


@pytest.mark.parametrize(
    ("guard", "approved_for", "region", "changes", "taken"),
    [
        ("withdraws-too-many", "14", "14", withdrawals("14", 3), 3),
        ("withdraws-too-many", "14", "14", [], 0),
        ("withdraws-too-many", "12", "14", withdrawals("14", 3), 0),
        ("withdraws-too-many", "12", "14", moves("12", "14", 2), 2),
        ("withdraws-too-many", "14", "14", moves("12", "14", 2), 0),
        ("withdraws-too-many-nationally", None, "14", withdrawals("14", 3), 3),
        ("withdraws-too-many-nationally", None, "14", moves("12", "14", 2), 2),
        ("withdraws-too-many-nationally", None, "14", [board_change(Action.SET_BOARD, None, BOARD)], 0),
        ("config-went-back", None, "14", withdrawals("14", 3), 1),
        ("config-went-back", None, "14", [], 0),
        ("deactivates-region", "14", "14", [board_change(Action.REMOVE_BOARD, BOARD, None)], 1),
        ("deactivates-region", "12", "14", [board_change(Action.REMOVE_BOARD, BOARD, None)], 0),
    ],
)
def test_a_transaction_takes_what_it_changed(guard, approved_for, region, changes, taken):
    assert taken_by(approval(guard, approved_for), region, changes) == taken


@pytest.mark.parametrize(("region", "taken"), [("12", 0), ("13", 1)])
def test_the_approval_of_the_last_clinic_is_taken_by_the_transaction_that_takes_it(region, taken):
    """Clinics of 14 move to 12 and to 13: a run that is killed between the two goes on with the same approval."""
    to_12, to_13 = moves("14", "12", 2)[:1], moves("14", "13", 2)[1:]
    own = {"12": to_12, "13": to_13}[region]
    assert taken_by(approval("withdraws-last-clinic", "14"), region, own, [*to_12, *to_13]) == taken
    assert taken_by(approval("withdraws-last-clinic", "14"), region, [], [*to_12, *to_13]) == 0


def test_a_board_changed_elsewhere_is_approved_by_the_transaction_of_its_region():
    changes = [board_change(Action.CHANGE_BOARD, OTHER_BOARD, BOARD)]
    assert taken_by(approval("board-changed-elsewhere", "14"), "14", changes) == 1
    assert taken_by(approval("board-changed-elsewhere", "14"), "14", withdrawals("14", 1)) == 0


def reverts(code):
    """Changes to three clinics of a region that somebody else has changed."""
    row = Enrolment(code, "name")
    return [Change(code, Action.RENAME, key, row._replace(name="x"), row, Cause.DRIFT) for key in ids(code, 3)]


def test_of_two_writers_an_approval_takes_the_rows_that_are_fought_over_in_its_region():
    fought = {*ids("14", 1), "14"}
    renamed = reverts("14")[0]._replace(cause=Cause.REGISTER)
    two_writers = approval("two-writers", "14", at_most=9)
    assert taken_by(two_writers, "14", reverts("14"), fought=fought) == 1
    assert taken_by(two_writers, "14", [renamed], fought=fought) == 0
    assert taken_by(two_writers, "12", reverts("14"), fought=fought) == 0


def fought_over(changes, **fought):
    plan = proposal(changes, {"14": 9})._replace(fought=fought)
    return judge(plan, [], {})


def test_rows_that_two_writers_fight_over_are_left_alone_and_their_region_goes_on():
    first, second, _third = reverts("14")
    judgement = fought_over([*reverts("14"), *withdrawals("12", 1)], **{first.subject: 3, second.subject: 4, "12": 5})
    assert judgement.rows == {first.subject, second.subject}
    assert (judgement.regions, judgement.national, judgement.suspect) == (frozenset(), False, frozenset())
    assert [(one.subject, one.values["times"], one.values["count"]) for one in judgement.refusals] == [
        (first.subject, 3, 2),
        (second.subject, 4, 2),
    ]


def test_one_approval_is_for_all_rows_that_two_writers_fight_over_in_its_region():
    fought = {change.subject: 3 for change in reverts("14")}
    plan = proposal(reverts("14"), {"14": 9})._replace(fought=fought)
    judgement = judge(plan, [approval("two-writers", "14", at_most=3)], {})
    assert ([use.takes for use in judgement.uses], judgement.refusals) == ([3], ())
    assert judge(plan, [approval("two-writers", "14", at_most=2)], {}).rows == set(fought)


def test_a_row_is_fought_over_only_where_somebody_else_has_changed_it():
    (change, *_others) = reverts("14")
    assert fought_over([change._replace(cause=Cause.REGISTER)], **{change.subject: 3}).rows == frozenset()


@pytest.mark.parametrize("action", [Action.SET_BOARD, Action.CHANGE_BOARD, Action.REMOVE_BOARD])
def test_the_row_of_a_board_is_its_region(action):
    assert row_of(board_change(action, BOARD, None)) == "14"
    assert row_of(withdrawals("14", 1)[0]) == ids("14", 1)[0]


@pytest.mark.parametrize("guard", ["register-shrunk", "register-churned", "register-unmoved"])
def test_an_approval_of_the_register_is_not_taken_by_a_transaction(guard):
    assert taken_by(approval(guard), "14", withdrawals("14", 3)) == 0


def test_only_regions_whose_part_of_the_register_is_refused_are_suspect():
    shrunk = GUARDS["register-shrunk"].finding(region="12", count=1)
    lost = GUARDS["withdraws-too-many"].finding(region="14", count=1)
    back = GUARDS["config-went-back"].finding(count=1)
    assert Judgement((shrunk, lost, back)).suspect == {"12"}


def test_a_use_that_does_not_suffice_takes_nothing():
    assert list(_uses(judge(SIX_GO, [], {}).refusals[0], [approval(at_most=5)], {"it": 2})) == [
        Use(approval(at_most=5), 2, 0)
    ]


def test_a_region_on_hold_is_told_with_the_number_of_its_changes():
    (finding,) = region_held([*withdrawals("12", 1), *withdrawals("14", 3)], ("14",))
    assert (finding.region, finding.values) == ("14", {"changes": 3})


# ---- moves that wait


@pytest.mark.parametrize("blocked", ["12", "14"])
def test_a_move_waits_until_neither_region_is_stopped(blocked):
    (finding,) = move_waits(moves("12", "14", 1), frozenset({blocked}))
    assert (finding.region, finding.values["waits_for"]) == ("14", blocked)


def test_nothing_else_waits():
    assert list(move_waits(moves("12", "14", 1), frozenset({"20"}))) == []
    assert list(move_waits(withdrawals("14", 1), frozenset({"14"}))) == []


def test_a_move_that_waits_is_told_where_it_is_declared():
    (move,) = moves("12", "14", 1)
    (finding,) = move_waits([move._replace(path="14.yaml", line=8)], frozenset({"12"}))
    assert finding.place == Place("14.yaml", 8)


def test_every_guard_answers_a_plan_without_changes():
    for guard in GUARDS.values():
        assert list(guard(proposal([], {"14": 3}, {"14": BOARD}))) == []


# ---- the register


THEN = datetime(2026, 11, 1, tzinfo=UTC)


def came_in(good, now, days=0, unmoved_after=None):
    """A plan without changes, for a register whose part of region 14 was *good*, and is *now* something else."""
    known = {hsa_id: RegisterClinic(name, True, "14") for hsa_id, name in good.items()}
    said = {hsa_id: RegisterClinic(name, True, "14") for hsa_id, name in now.items()}
    remembered = Remembered({"14": GoodPart(known, THEN, THEN)})
    register = Register(said, THEN + timedelta(days=days), "d")
    return proposal([])._replace(register=register, remembered=remembered, kept=("14",), unmoved_after=unmoved_after)


TWENTY = dict.fromkeys(ids("14", 20), "name")


def without(number):
    return dict.fromkeys(list(TWENTY)[number:], "name")


def renamed(number):
    return TWENTY | dict.fromkeys(list(TWENTY)[:number], "new")


def problems(plan):
    return [one.problem for one in judge(plan, [], {}).refusals]


def test_a_register_that_has_shrunk_by_more_than_the_threshold_is_refused_with_its_numbers():
    assert problems(came_in(TWENTY, without(2))) == []
    assert problems(came_in(TWENTY, without(3))) == [
        "region 14 has lost 3 of its 20 clinics in the register since 2026-11-01 01:00; 2 may go at a time"
    ]


def test_a_register_that_has_churned_by_more_than_the_threshold_is_refused_with_its_numbers():
    assert problems(came_in(TWENTY, renamed(4))) == []
    assert problems(came_in(TWENTY, renamed(5))) == [
        "the register says something else of 5 of region 14's 20 clinics than on 2026-11-01 01:00; "
        "4 may change at a time"
    ]


def test_a_register_may_stand_still_for_exactly_so_long():
    two_weeks = timedelta(days=14)
    assert problems(came_in(TWENTY, TWENTY, 14, two_weeks)) == []
    assert problems(came_in(TWENTY, TWENTY, 15, None)) == []
    (problem,) = problems(came_in(TWENTY, TWENTY, 15, two_weeks))
    assert "since 2026-11-01 01:00, though" in problem


def test_a_region_that_the_register_has_lost_does_not_stand_still():
    lost = judge(came_in(TWENTY, {}, 15, timedelta(days=14)), [], {})
    assert {one.rule.id for one in lost.refusals} == {"register-shrunk", "register-churned"}


def test_routes_that_vanish_are_told_with_their_numbers_one_of_them_and_since_when():
    """Three of twenty are gone: one was last seen a day before the others."""
    plan = came_in(TWENTY, TWENTY)
    first, second, third, *still = ids("14", 20)
    parts = {
        "12": RoutedPart(frozenset({second}), THEN - timedelta(days=1)),
        "14": RoutedPart(frozenset({first, third, *still}), THEN),
    }
    plan = plan._replace(remembered=Remembered(routed=parts))
    assert problems(plan._replace(routes=Routes(frozenset({third, *still}), asked=True))) == []
    assert problems(plan._replace(routes=Routes(frozenset(still), asked=True))) == [
        "TAK no longer routes 3 of region 14's 20 clinics that it routed on 2026-10-31 01:00, "
        "such as SE1421000131-000; 2 may go at a time"
    ]
    assert problems(plan._replace(routes=Routes(frozenset(still)))) == []


def test_without_a_register_or_a_memory_of_one_there_is_no_measure():
    plan = came_in(TWENTY, {})
    assert problems(plan._replace(register=None)) == []
    assert problems(plan._replace(remembered=Remembered())) == []


# ---- what a refusal says


def test_a_national_refusal_says_how_many_of_how_many():
    thresholds = {**THRESHOLDS, "withdraws-too-many": Threshold(100, 100, 100)}
    assert problems(proposal(withdrawals("14", 6), {"14": 6}, thresholds=thresholds)) == [
        "all regions together would lose 6 of 6 clinics; 5 may go at a time"
    ]


def test_a_refusal_of_a_board_names_it():
    assert problems(proposal([board_change(Action.REMOVE_BOARD, BOARD, None)], boards={"14": BOARD})) == [
        "region 14 would lose its patient board SE2321000131-BOARD, and with it everything that residents can send"
    ]


def test_a_move_that_waits_names_the_clinic_and_all_that_it_waits_for():
    (finding,) = move_waits(moves("12", "14", 1), frozenset({"12", "14"}))
    assert (finding.subject, finding.values["waits_for"], finding.place) == (ids("12", 1)[0], "12, 14", None)
