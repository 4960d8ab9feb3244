"""Somebody else writes to the database: what they changed is put back, until two writers are seen to fight."""

import io
import re
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from little_country import Country, board, clinic, rules, steps, verdicts
from made_store import sql
from test_saved_plans import Meanwhile

from reconciler import logbook
from reconciler.cli import run as command_line
from reconciler.findings import Exit, Failure
from reconciler.plan import Cause
from reconciler.report import logbook as report
from reconciler.report.terminal import console

ONE, OTHER = clinic(3), clinic(4)
SEIZED = "UPDATE complaints_clinic SET name = 'mine' WHERE hsa_id = ?"


@pytest.fixture
def country(tmp_path: Path) -> Country:
    made = Country(tmp_path)
    made.boards["12"] = board("12")
    made.declare("12", *range(1, 9))
    made.declare("14", 101)
    made.apply()
    return made


def fight(country: Country, statement: str, *values: str, rounds: int = 3) -> None:
    for _round in range(rounds):
        country.now += timedelta(hours=1)
        country.sql(statement, values)
        assert country.apply().applied == 1


def name_of(country: Country, hsa_id: str) -> str:
    return str(country.sql("SELECT name FROM complaints_clinic WHERE hsa_id = ?", (hsa_id,))[0][0])


# ---- causes


def causes(country: Country) -> dict[str, Cause]:
    return {change.subject[-4:]: change.cause for change in country.plan().changes}


def test_each_change_says_its_cause(country: Country) -> None:
    country.sql(SEIZED, (ONE,))
    country.sql("DELETE FROM complaints_clinic WHERE hsa_id = ?", (OTHER,))
    country.sql("UPDATE complaints_clinic SET region_code = '13' WHERE hsa_id = ?", (clinic(5),))
    country.sql("UPDATE complaints_region SET board_name = 'x' WHERE region_code = '12'")
    country.register[clinic(6)] = ("Nytt namn", "active", "12")
    country.register[clinic(7)] = ("Mottagning 0007", "active", "13")
    country.clinics["12"].remove(clinic(8))
    country.declare("14", 102)
    drift, register, config = Cause.DRIFT, Cause.REGISTER, Cause.CONFIG
    expected = {"0003": drift, "0004": drift, "0005": drift, "PN12": drift, "0006": register, "0007": register}
    assert causes(country) == expected | {"0008": config, "0102": config}


def test_a_clinic_enrolled_by_hand_is_corrected_because_it_was_declared(country: Country) -> None:
    for number, code in ((103, "14"), (104, "12")):
        country.sql("INSERT INTO complaints_clinic VALUES (?, ?, 'by hand', 'x', 'x')", (clinic(number), code))
    country.declare("14", 103, 104)
    assert (steps(country.plan()), set(causes(country).values())) == (
        ["14 move 0104", "14 rename 0103"],
        {Cause.CONFIG},
    )


# ---- two writers


def test_what_somebody_else_changed_is_put_back_three_times_and_then_left_alone(country: Country) -> None:
    fight(country, SEIZED, ONE)
    country.now += timedelta(hours=1)
    country.sql(SEIZED, (ONE,))
    country.sql(SEIZED, (OTHER,))
    result = country.apply()
    assert (result.exit, result.applied, "two-writers" in rules(result)) == (Exit.LEFT_OUT, 1, True)
    assert verdicts(result)["12"] == "applied"
    assert (name_of(country, ONE), name_of(country, OTHER)) == ("mine", "Mottagning 0004")
    assert country.apply().applied == 0
    assert country.plan().exit() is Exit.REFUSED
    drifted = logbook.drift(country.settings, country.now)
    assert [(row.subject, row.reverts) for row in drifted.rows] == [(ONE, 3)]
    out = io.StringIO()
    report.print_drift(report.drift(drifted), console(out))
    assert out.getvalue().splitlines() == [
        f"12 Region Skåne: {ONE} was left as 12 Mottagning 0003, and is 12 mine",
        "    put back 3 times lately",
        "1 row was changed by somebody else",
    ]


def test_the_refusal_says_what_to_paste(country: Country) -> None:
    fight(country, SEIZED, ONE)
    country.sql(SEIZED, (ONE,))
    (finding,) = [one for one in country.plan().findings if one.rule.id == "two-writers"]
    assert finding.problem == f"{ONE} was put back 3 times lately, and is changed again: two writers are fighting"
    assert '- guard: two-writers\n  region: "12"\n  at_most: 1\n' in finding.remedy


def test_two_reverts_are_no_fight(country: Country) -> None:
    fight(country, SEIZED, ONE, rounds=2)
    country.sql(SEIZED, (ONE,))
    assert country.apply().applied == 1


def test_a_week_later_it_is_forgotten(country: Country) -> None:
    fight(country, SEIZED, ONE)
    country.now += timedelta(days=7, minutes=1)
    country.sql(SEIZED, (ONE,))
    assert country.apply().applied == 1


def test_a_clinic_that_is_deleted_again_and_again_is_left_alone(country: Country) -> None:
    fight(country, "DELETE FROM complaints_clinic WHERE hsa_id = ?", ONE)
    country.sql("DELETE FROM complaints_clinic WHERE hsa_id = ?", (ONE,))
    assert country.apply().applied == 0
    assert ONE not in country.enrolled()


def test_an_approval_decides_once(country: Country) -> None:
    fight(country, SEIZED, ONE)
    country.sql(SEIZED, (ONE,))
    country.approve("two-writers", "12")
    shown = country.plan().uses
    assert [(use.approval.guard, use.taken, use.takes) for use in shown] == [("two-writers", 0, 1)]
    assert (country.apply().exit, name_of(country, ONE)) == (Exit.DONE, "Mottagning 0003")
    assert country.sql("SELECT taken FROM approval_used") == [(1,)]
    country.sql(SEIZED, (ONE,))
    assert country.apply().exit is Exit.LEFT_OUT


def test_an_approval_covers_every_row_of_its_region_or_none(country: Country) -> None:
    both = "UPDATE complaints_clinic SET name = 'mine' WHERE hsa_id IN (?, ?)"
    for _round in range(3):
        country.now += timedelta(hours=1)
        country.sql(both, (ONE, OTHER))
        assert country.apply().applied == 2
    country.sql(both, (ONE, OTHER))
    country.approve("two-writers", "12", at_most=1)
    assert (country.apply().applied, "approval-exhausted" in rules(country.plan())) == (0, True)
    country.approvals[0]["at_most"] = 2
    country.write()
    assert len(country.plan().uses) == 1
    assert country.apply().applied == 2
    assert country.sql("SELECT taken FROM approval_used") == [(2,)]


def test_a_board_that_is_fought_over_is_left_alone_and_the_clinics_go_on(country: Country) -> None:
    seized = "UPDATE complaints_region SET board_name = 'mine' WHERE region_code = ?"
    country.approve("board-changed-elsewhere", "12", at_most=9)
    fight(country, seized, "12")
    country.sql(seized, ("12",))
    country.boards["12"] = board("12", "X-2", "En tredje")
    country.declare("12", 9)
    result = country.apply()
    assert (result.exit, result.applied, verdicts(result)["12"]) == (Exit.LEFT_OUT, 1, "applied")
    assert country.sql("SELECT board_name FROM complaints_region WHERE region_code = '12'") == [("mine",)]
    assert country.sql("SELECT name, support_order FROM managed_board") == [("Patientnämnden", "X-1")]
    country.approve("two-writers", "12")
    assert country.apply().exit is Exit.DONE
    assert country.sql("SELECT board_name FROM complaints_region WHERE region_code = '12'") == [("En tredje",)]


def test_a_row_seized_while_the_run_is_under_way_is_left_alone_too(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    fight(country, SEIZED, ONE)
    country.declare("12", 9)
    Meanwhile(country, monkeypatch, "12", f"UPDATE complaints_clinic SET name = 'mine' WHERE hsa_id = '{ONE}'")
    result = country.apply()
    assert (result.exit, result.applied, "two-writers" in rules(result)) == (Exit.LEFT_OUT, 1, True)
    assert name_of(country, ONE) == "mine"


@pytest.mark.parametrize(
    ("setting", "reverted"),
    [("reverts = 4", 1), ("reverts = 1", 0), ('within = "off"', 1), ('within = "90m"', 1), ('within = "1d"', 0)],
)
def test_how_often_and_how_long_is_a_setting(tmp_path: Path, setting: str, reverted: int) -> None:
    country = Country(tmp_path, f"[drift]\n{setting}\n")
    country.declare("12", *range(1, 9))
    country.apply()
    fight(country, SEIZED, ONE, rounds=1 if setting == "reverts = 1" else 3)
    country.now += timedelta(minutes=45)
    country.sql(SEIZED, (ONE,))
    assert country.apply().applied == reverted


@pytest.mark.parametrize("setting", ["reverts = 0", "reverts = true", 'reverts = "3"', "within = 7", "often = 3"])
def test_a_setting_that_does_not_fit_is_said_so(tmp_path: Path, setting: str) -> None:
    country = Country(tmp_path, f"[drift]\n{setting}\n")
    with pytest.raises(Failure, match="drift"):
        assert country.settings


# ---- from the command line


def test_two_writers_fight_until_a_pasted_approval_decides(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    country = Country(tmp_path)
    country.declare("12", *range(1, 9))
    monkeypatch.chdir(country.folder)
    monkeypatch.setenv("RECONCILER_DATABASE", url)

    def said(*command: str, code: int) -> str:
        assert command_line(list(command)) == code
        return capsys.readouterr().out

    def seize() -> None:
        sql(url, "UPDATE complaints_clinic SET name = 'mine' WHERE hsa_id = :id", id=ONE)

    def name() -> object:
        return sql(url, "SELECT name FROM complaints_clinic WHERE hsa_id = :id", id=ONE)[0][0]

    said("apply", code=0)
    for _round in range(3):
        seize()
        said("apply", code=0)
        assert name() == "Mottagning 0003"
    seize()
    country.declare("12", 9)
    refused = said("plan", code=4)
    assert f"{ONE} was put back 3 times lately, and is changed again: two writers are fighting" in refused
    assert "1 change applied; something is left out by two-writers" in said("apply", code=3)
    assert (name(), len(sql(url, "SELECT 1 FROM complaints_clinic"))) == ("mine", 9)
    assert "put back 3 times lately" in said("status", "--drift", code=2)

    block = re.search(r"^ *- guard: two-writers\n(?: +\w+: .*\n)+", refused, re.MULTILINE)
    assert block
    filled = dedent(block[0]).replace("reason:", "reason: the file is right #").replace("by:", "by: Somebody #")
    (country.folder / "config" / "approvals.yaml").write_text(filled, encoding="utf-8")
    assert "the approval of two-writers for 12 Region Skåne is used: it takes 1, 0 of 1" in said("plan", code=0)
    said("apply", code=0)
    assert name() == "Mottagning 0003"
    assert "two-writers" in said("history", "--clinic", ONE, code=0)
    seize()
    said("apply", code=3)
    assert name() == "mine"
