"""`undo RUN` writes the region files that would reverse a run, and nothing else: the database is only read."""

from __future__ import annotations

from pathlib import Path

import pytest
from little_country import Country, board, clinic, steps
from test_drafting import Said

ROOM = "[guards]\nwithdraws-too-many = { floor = 9, percent = 50, ceiling = 99 }\n"


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Country:
    """Run 1 enrols ten clinics in each of two regions and sets 12's board; `run(…)` does more."""
    made = Country(tmp_path, ROOM)
    made.boards["12"] = board("12")
    made.declare("12", *range(1, 11))
    made.declare("14", *range(101, 111))
    assert made.apply().run == 1
    monkeypatch.chdir(tmp_path)
    return made


def undone(number: int, *flags: str) -> Said:
    before = Path("reconciler.db").read_bytes()
    said = Said("undo", str(number), *flags)
    assert Path("reconciler.db").read_bytes() == before
    return said


def test_a_run_is_reversed_by_the_files_that_undo_writes(country: Country) -> None:
    before = country.enrolled()
    country.clinics["12"].remove(clinic(3))
    country.clinics["14"].remove(clinic(104))
    country.declare("14", 120, 121)
    assert country.apply().run == 2
    shown = undone(2)
    assert (shown.code, "--write does it" in shown.err) == (0, True)
    lines = [line for line in shown.out.splitlines() if line[:3] in ("+  ", "-  ")]
    assert lines == [
        f"+  {clinic(3)}: Mottagning 0003",
        f"+  {clinic(104)}: Mottagning 0104",
        f"-  {clinic(120)}: En mottagning",
        f"-  {clinic(121)}: En mottagning",
    ]
    assert country.plan().changes == ()
    assert undone(2, "--write").code == 0
    assert sorted(steps(country.plan())) == [
        "12 enrol 0003",
        "14 enrol 0104",
        "14 withdraw 0120",
        "14 withdraw 0121",
    ]
    assert country.apply().applied == 4
    assert country.enrolled() == before


def test_undoing_twice_changes_nothing_more_and_says_so(country: Country) -> None:
    country.clinics["12"].remove(clinic(3))
    country.declare("14", 120)
    country.apply()
    assert undone(2, "--write").code == 0
    again = undone(2, "--write", "--format", "json").json()
    assert (again["files"], {one["rule"] for one in again["findings"]}) == ([], {"changed-since"})
    assert {one["subject"] for one in again["findings"]} == {clinic(3), clinic(120)}


def test_a_line_that_has_moved_on_is_left(country: Country) -> None:
    """Withdrawn by run 2 from 12, and declared by 14 since."""
    country.clinics["12"].remove(clinic(3))
    country.write()
    country.apply()
    country.register[clinic(3)] = ("Mottagning 0003", "active", "14")
    country.clinics["14"].append(clinic(3))
    country.write()
    (finding,) = undone(2, "--format", "json").json()["findings"]
    assert (finding["rule"], Path(finding["path"]).name) == ("changed-since", "14-region.yaml")


def test_what_the_e_services_decide_is_not_reversed_by_a_file(country: Country) -> None:
    country.register[clinic(1)] = ("Nytt namn", "active", "12")
    country.register[clinic(2)] = ("Mottagning 0002", "active", "14")
    country.write()
    country.apply()
    said = undone(2, "--write", "--format", "json").json()
    assert (said["written"], [one["rule"] for one in said["findings"]]) == (False, ["change-not-of-files"] * 2)
    assert [one["subject"] for one in said["findings"]] == [clinic(1), clinic(2)]


def test_a_clinic_is_put_back_where_it_was_declared(country: Country) -> None:
    """It was enrolled in 12 and moved by hand to 14, and its line is deleted in 12's file."""
    country.sql("UPDATE complaints_clinic SET region_code = '14' WHERE hsa_id = ?", (clinic(5),))
    country.clinics["12"].remove(clinic(5))
    country.write()
    assert steps(country.apply()) == ["14 withdraw 0005"]
    assert undone(2, "--write").code == 0
    assert clinic(5) in country.file("12").read_text(encoding="utf-8")


def board_of(country: Country) -> str:
    return country.file("12").read_text(encoding="utf-8").partition("patient_board")[2].partition("clinics")[0]


def test_a_board_that_was_set_is_taken_away_again(country: Country) -> None:
    assert undone(1, "--write").code == 0
    assert board_of(country) == ": null\n"
    assert "clinics: {}" in country.file("14").read_text(encoding="utf-8")


def test_another_board_is_put_back_and_takes_an_order(country: Country) -> None:
    country.boards["12"] = board("12", "X-2") | {"hsa_id": "SE2321000131-ANNAN", "name": "En annan"}
    country.write()
    country.apply()
    said = undone(2, "--write", "--format", "json").json()
    assert [(one["rule"], one["subject"]) for one in said["findings"]] == [("order-to-be-made", "SE2321000131-PN12")]
    assert "  hsa_id: SE2321000131-PN12\n" in board_of(country)
    assert board_of(country).endswith("  name: Patientnämnden\n  support_order: null\n")
    assert "board-order-missing" in {one.rule.id for one in country.plan().findings}


def test_a_board_that_was_renamed_gets_its_name_back_on_the_same_order(country: Country) -> None:
    country.boards["12"] = board("12", "X-1", "Ett annat namn")
    country.write()
    country.apply()
    assert undone(2, "--write", "--format", "json").json()["findings"] == []
    assert steps(country.plan()) == ["12 change-board PN12"]
    assert "Patientnämnden" in board_of(country)


def test_a_board_that_was_removed_is_put_back(country: Country) -> None:
    country.boards["12"] = None
    country.approve("deactivates-region", "12")
    country.apply()
    said = undone(2, "--write", "--format", "json").json()
    assert [one["rule"] for one in said["findings"]] == ["order-to-be-made"]
    assert "support_order: null" in board_of(country)


def test_a_board_that_was_changed_since_is_left(country: Country) -> None:
    country.boards["12"] = board("12", "X-2", "En annan")
    country.write()
    country.apply()
    country.boards["12"] = board("12", "X-3", "En tredje")
    country.write()
    country.apply()
    said = undone(2, "--format", "json").json()
    assert (said["files"], [one["rule"] for one in said["findings"]]) == ([], ["changed-since"])


def test_a_run_that_changed_nothing_leaves_nothing_to_undo(country: Country) -> None:
    country.apply()
    assert "nothing to do" in undone(2).out


def test_a_run_that_there_never_was_is_said_so(country: Country) -> None:
    said = undone(9)
    assert (said.code, "there is no run 9" in said.err) == (64, True)


def test_a_file_with_faults_is_not_edited(country: Country) -> None:
    path = country.file("14")
    path.write_text(path.read_text(encoding="utf-8").replace("name:", "namn:", 1), encoding="utf-8")
    assert "the file of region 14 Västra Götalandsregionen has faults" in undone(1).err
