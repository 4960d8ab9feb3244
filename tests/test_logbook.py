"""What the log tells: who, when and why; whether it is whole; what held on a day; what somebody else has changed."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from little_country import Country, board, clinic

from reconciler import logbook, store
from reconciler.cli import run
from reconciler.declare import schema as schemas
from reconciler.findings import Exit
from reconciler.model import Enrolment
from reconciler.plan import Action, Cause, Change
from reconciler.store.log import append_changes


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Country:
    """On the first day eight clinics and a board are enrolled; on the second one is renamed, one deleted, one moves."""
    monkeypatch.chdir(tmp_path)
    made = Country(tmp_path)
    made.git("init", "-q")
    made.boards["12"] = board("12")
    made.declare("12", *range(1, 9))
    made.git("add", "config")
    made.git("commit", "-qm", "one")
    made.apply()
    made.now += timedelta(days=1)
    made.clinics["12"].remove(clinic(2))
    made.register[clinic(3)] = ("Nytt namn", "active", "12")
    made.register[clinic(4)] = ("Mottagning 0004", "active", "14")
    made.write()
    made.approve("withdraws-too-many", "12", 2)
    made.git("add", "config")
    made.git("commit", "-qm", "two", author="Bo Alm")
    assert made.apply().exit is Exit.DONE
    return made


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = run(list(arguments))
    return code, capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], name: str, *arguments: str) -> Any:
    code, out = said(capsys, *arguments, "--format", "json")
    assert code in (0, 1, 2)
    told = json.loads(out)
    assert told["format"] == f"reconciler/{name}/1"
    jsonschema.validate(told, schemas.load(name))
    return told


# ---- history


def test_history_tells_who_when_and_why(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "history", "history", "--run", "2")
    by_subject = {change["subject"]: change for change in told["changes"]}
    assert list(by_subject) == [clinic(2), clinic(3), clinic(4)]
    withdrawn, renamed, moved = by_subject.values()
    assert (withdrawn["action"], withdrawn["author"]["name"], withdrawn["line"]) == ("withdraw", "Bo Alm", None)
    assert (renamed["cause"], renamed["author"]["name"]) == ("register", "the administrator")
    assert renamed["line"] == 10
    assert (moved["region"], moved["before"]["region_code"], moved["after"]["region_code"]) == ("14", "12", "14")
    assert {(one["actor"], one["at"], one["status"]) for one in told["changes"]} == {
        ("somebody", "2026-05-16T12:00:00.000000+00:00", "done")
    }
    assert {one["commit"] for one in told["changes"]} == {country.git("rev-parse", "HEAD")}
    assert withdrawn["approvals"][0]["guard"] == "withdraws-too-many"
    assert withdrawn["approvals"][0]["approved_by"] == "Somebody"


def test_an_approval_that_was_deleted_when_it_was_spent_still_explains(
    country: Country, capsys: pytest.CaptureFixture[str]
) -> None:
    country.approvals = []
    country.write()
    country.git("commit", "-qam", "spent")
    withdrawn = document(capsys, "history", "history", "--run", "2")["changes"][0]
    assert (withdrawn["approvals"][0]["guard"], withdrawn["approvals"][0]["approved_by"]) == (
        *("withdraws-too-many", "Somebody"),
    )
    assert "withdraws-too-many approved by Somebody" in said(capsys, "history", "--run", "2")[1]


@pytest.mark.parametrize("lost", ["commit", "file"])
def test_an_approval_that_git_does_not_know_is_told_to_be_gone(
    country: Country, capsys: pytest.CaptureFixture[str], lost: str
) -> None:
    country.approvals = []
    country.write()
    commit = "f" * 40 if lost == "commit" else country.git("rev-parse", "HEAD~1")
    country.sql('UPDATE run SET "commit" = ?', (commit,))
    assert "an approval that is no longer in the file" in said(capsys, "history", "--run", "2")[1]


def test_a_clinic_that_no_run_has_left_as_it_is_is_told(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    country.sql("INSERT INTO complaints_clinic VALUES (?, '12', 'By hand', 'x', 'x')", (clinic(77),))
    country.sql("UPDATE complaints_clinic SET name = 'Mine' WHERE hsa_id = ?", (clinic(5),))
    country.sql("DELETE FROM complaints_clinic WHERE hsa_id = ?", (clinic(6),))
    told = {
        number: (said(capsys, "history", "--clinic", clinic(number))[1].splitlines() or [""])[-1]
        for number in (1, 2, 5, 6, 77, 78)
    }
    assert told == {
        1: "",
        2: "",
        5: f"12 Region Skåne: {clinic(5)} was left as 12 Mottagning 0005, and is 12 Mine",
        6: f"12 Region Skåne: {clinic(6)} was left as 12 Mottagning 0006, and is gone",
        77: f"12 Region Skåne: {clinic(77)} is 12 By hand, and no run has written that",
        78: "no such change",
    }
    unlogged = document(capsys, "history", "history", "--clinic", clinic(77))["unlogged"]
    row = {"region_code": "12", "name": "By hand"}
    assert unlogged == [{"region": "12", "subject": clinic(77), "held": row, "last": None}]


def test_history_is_told_as_text(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "history")
    assert code == 0
    assert "run 2 by somebody, 2026-05-16 14:00: done; register sha256:" in out
    assert f"- withdraw  {clinic(2)}  Mottagning 0002" in out
    assert "12 Region Skåne, config/regions/12-region.yaml, Bo Alm, " in out
    assert "12 Region Skåne, config/regions/12-region.yaml:10, the administrator, " in out
    assert "withdraws-too-many approved by Somebody" in out


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ([], 12),
        (["--region", "14"], 1),
        (["--region", "12"], 12),
        (["--region", "13"], 0),
        (["--clinic", clinic(3).lower()], 2),
        (["--run", "1"], 9),
        (["--since", "2026-05-16"], 3),
        (["--since", "2026-05-16T14:00"], 3),
        (["--since", "2026-05-16T12:00:01+00:00"], 0),
        (["--since", "2026-05-15", "--run", "2", "--clinic", clinic(3)], 1),
    ],
)
def test_a_part_of_history_can_be_asked_for(
    country: Country, capsys: pytest.CaptureFixture[str], arguments: list[str], count: int
) -> None:
    assert len(document(capsys, "history", "history", *arguments)["changes"]) == count


def test_what_is_not_there_is_said_so(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "history", "--region", "13") == (0, "no such change\n")
    assert run(["history", "--run", "7"]) == Exit.USAGE
    assert "there is no run 7" in capsys.readouterr().err
    assert run(["history", "--since", "yesterday"]) == Exit.USAGE
    assert "yesterday is not a date" in capsys.readouterr().err


def test_without_git_nobody_is_named(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["rm", "-rf", str(country.folder / ".git")], check=True)
    assert {change["author"] for change in document(capsys, "history", "history")["changes"]} == {None}
    country.sql('UPDATE run SET "commit" = NULL')
    assert {change["author"] for change in document(capsys, "history", "history")["changes"]} == {None}
    assert "commit" not in said(capsys, "history")[1]


def test_a_line_that_the_commit_does_not_have_has_no_author(country: Country) -> None:
    """The run was made on files that nobody had committed."""
    country.sql("UPDATE change SET line = 99, path = 'config/regions/13-region.yaml'")
    told = logbook.history(country.settings, store.Wanted())
    assert {one.author for one in told.changes} == {None}
    country.sql("UPDATE change SET line = NULL")
    assert {one.author for one in logbook.history(country.settings, store.Wanted()).changes} == {None}


# ---- whole


def test_a_log_that_is_whole_says_where_its_chains_end(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "history", "history", "--verify")
    assert told["problems"] == []
    assert [(chain["region"], chain["length"]) for chain in told["chains"]] == [("12", 11), ("14", 1)]
    assert said(capsys, "history", "--verify") == (0, "the log is whole: 12 changes\n")


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE change SET subject = 'x' WHERE id = 4",
        "UPDATE change SET cause = 'drift' WHERE id = 12",
        "DELETE FROM change WHERE id = 4",
        "DELETE FROM change WHERE id = 12",
        "DELETE FROM change WHERE run = 1",
        "UPDATE run SET applied = 4 WHERE id = 2",
    ],
)
def test_a_log_that_was_altered_is_found(country: Country, capsys: pytest.CaptureFixture[str], tampering: str) -> None:
    assert country.sql(tampering) == []
    code, out = said(capsys, "history", "--verify")
    assert (code, len(out.splitlines())) == (1, 1)


@pytest.mark.parametrize("number", [1, 7])
def test_a_change_that_no_run_made_is_found_though_its_hash_fits(country: Country, number: int) -> None:
    engine = store.engine(f"sqlite:///{country.folder}/reconciler.db", writes=True)
    added = Change("13", Action.ENROL, clinic(7), None, Enrolment("13", "x"), Cause.CONFIG)
    if number == 7:
        country.sql("INSERT INTO run SELECT 7, started, NULL, status, actor, \"commit\", tool, config_digest, "
                    "register_digest, routes_digest, state_before, NULL, 0, 0, '{}' FROM run WHERE id = 1")  # fmt: skip
    with store.connected(engine) as connection:
        append_changes(connection, number, "13", [added])
    if number == 7:
        country.sql("DELETE FROM run WHERE id = 7")
    (problem,) = logbook.verify(country.settings).problems or ()
    assert f"run {number}" in problem


def test_the_tail_of_a_run_that_was_killed_is_held_by_the_next(country: Country) -> None:
    country.sql("UPDATE run SET finished = NULL, status = 'started', chains = '{}' WHERE id = 2")
    assert logbook.verify(country.settings).problems == ()
    country.apply()
    country.sql("DELETE FROM change WHERE run = 2 AND region = '14'")
    (problem,) = logbook.verify(country.settings).problems or ()
    assert "region 14 does not hold change 1 as run 3 left it" in problem


# ---- on a day


def test_what_was_enrolled_on_a_day_is_told(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    def clinics(day: str) -> dict[str, tuple[str, str]]:
        told = document(capsys, "at", "status", "--at", day)
        return {one["hsa_id"][-4:]: (one["region"], one["name"]) for one in told["clinics"]}

    assert clinics("2026-05-14") == {}
    first = clinics("2026-05-15")
    assert (len(first), first["0002"], first["0003"]) == (8, ("12", "Mottagning 0002"), ("12", "Mottagning 0003"))
    assert first["0004"] == ("12", "Mottagning 0004")
    second = clinics("2026-05-16")
    assert (len(second), second["0003"], second["0004"]) == (7, ("12", "Nytt namn"), ("14", "Mottagning 0004"))
    assert clinics("2026-05-16T13:59") == first
    assert clinics("2026-05-16T14:00") == second


def test_boards_and_clinics_of_a_day_are_told_as_text(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    assert "12 Region Skåne: 0 clinics, no patient board" in said(capsys, "status", "--at", "2026-05-14")[1]
    out = said(capsys, "status", "--at", "2026-05-15", "--all")[1]
    assert out.startswith("at 2026-05-15 23:59:\n")
    assert "12 Region Skåne: 8 clinics, SE2321000131-PN12 Patientnämnden\n" in out
    assert f"  {clinic(2)}  Mottagning 0002\n" in out


def test_rows_that_nobody_logged_are_told_as_they_are_today(country: Country) -> None:
    early, late = "2026-05-01T00:00:00.000000+00:00", "2026-05-20T00:00:00.000000+00:00"
    for number, when in ((91, early), (92, late)):
        country.sql("INSERT INTO complaints_clinic VALUES (?, '13', 'x', ?, ?)", (clinic(number), when, when))
    country.sql("UPDATE complaints_region SET board_hsa_id = 'SE1-X', board_name = 'x' WHERE region_code = '13'")
    then = logbook.at(country.settings, datetime(2026, 5, 2, tzinfo=UTC)).state
    assert (list(then.clinics), list(then.boards)) == ([clinic(91)], ["13"])


def test_a_row_changed_by_hand_was_as_the_log_left_it(country: Country) -> None:
    """What somebody else wrote, and when, nobody knows; what the first later change found counts only without a log."""
    country.sql("UPDATE complaints_clinic SET name = 'by hand'")
    then = logbook.at(country.settings, datetime(2026, 5, 17, tzinfo=UTC)).state
    assert then.clinics[clinic(3)].name == "Nytt namn"


# ---- drift


def test_nothing_has_drifted(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "status", "--drift") == (0, "nobody else has changed anything\n")
    assert document(capsys, "drift", "status", "--drift")["drift"] == []


def test_what_somebody_else_changed_is_told_to_a_monitor(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    (country.folder / "register.csv").unlink()
    country.sql("UPDATE complaints_clinic SET name = 'by hand' WHERE hsa_id = ?", (clinic(5),))
    country.sql("DELETE FROM complaints_clinic WHERE hsa_id = ?", (clinic(6),))
    country.sql("UPDATE complaints_region SET board_name = 'Nämnden' WHERE region_code = '12'")
    code, out = said(capsys, "status", "--drift")
    assert (code, out.splitlines()) == (
        2,
        [
            f"12 Region Skåne: {clinic(5)} was left as 12 Mottagning 0005, and is 12 by hand",
            f"12 Region Skåne: {clinic(6)} was left as 12 Mottagning 0006, and is gone",
            "12 Region Skåne: SE2321000131-PN12 was left as SE2321000131-PN12 Patientnämnden, "
            "and is SE2321000131-PN12 Nämnden",
            "3 rows were changed by somebody else",
        ],
    )
    assert [one["held"] for one in document(capsys, "drift", "status", "--drift")["drift"]][1] is None


def test_a_database_that_is_not_there_is_said_so(country: Country) -> None:
    os.unlink(country.folder / "reconciler.db")
    for command in (["history"], ["history", "--verify"], ["status", "--drift"], ["status", "--at", "2026-05-01"]):
        assert run(command) == Exit.SETTINGS
