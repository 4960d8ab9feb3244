"""A saved plan is applied as it was seen, or not at all; and it is the same bytes whenever it is made of the same."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from little_country import Country, board, clinic, steps, verdicts
from test_apply import as_before, rows

from reconciler import expect, run, saved, store
from reconciler.cli import run as command_line
from reconciler.findings import Exit, Failure
from reconciler.report import json as documents
from reconciler.words import speak

SOAK = os.environ.get("RECONCILER_SOAK") == "1"
CELLS = {"sqlite": 12, "postgresql": 6}


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return made_at(tmp_path, None)


def made_at(folder: Path, url: str | None) -> Country:
    """A country where three changes are due; its database is at *url*, or lies in the folder."""
    made = Country(folder)
    made.url = url or made.url
    made.boards |= {"12": board("12"), "14": board("14")}
    made.declare("12", *range(1, 9))
    made.declare("14", *range(101, 109))
    made.apply()
    made.sql("INSERT INTO complaints_clinic VALUES (?, '14', 'By hand', '2026-05-01', '2026-05-01')", (clinic(999),))
    made.declare("14", 109)
    made.clinics["12"].remove(clinic(1))
    made.boards["12"] = board("12", "X-2", "En annan nämnd")
    made.write()
    return made


def save(country: Country) -> saved.SavedPlan:
    path = country.folder / "plan.json"
    saved.write(path, documents.dump(documents.plan(country.plan())))
    return saved.read(path)


def stale(country: Country, plan: saved.SavedPlan) -> str:
    """Apply a plan that does not fit any longer, and return what is said; nothing may have been written."""
    before = (country.folder / "reconciler.db").read_bytes()
    result = country.apply(plan)
    assert result.exit is Exit.PLAN_STALE
    assert (result.run, result.applied, set(verdicts(result).values())) == (None, 0, {"not-attempted"})
    assert (country.folder / "reconciler.db").read_bytes() == before
    (failure,) = result.planned.failures
    return failure.problem


# ---- it fits


def test_a_saved_plan_is_applied_as_it_was_seen(country: Country) -> None:
    result = country.apply(save(country))
    assert (result.exit, steps(result)) == (Exit.DONE, ["12 withdraw 0001", "12 change-board PN12", "14 enrol 0109"])
    assert country.plan().changes == ()


def test_a_fingerprint_alone_will_do(country: Country) -> None:
    assert country.apply(saved.SavedPlan("it", country.plan().fingerprint)).applied == 3


def test_a_comment_or_another_hour_makes_no_plan_stale(country: Country) -> None:
    plan = save(country)
    country.file("14").write_text("# a comment\n" + country.file("14").read_text(encoding="utf-8"), encoding="utf-8")
    assert country.apply(plan).applied == 3


def test_a_part_of_a_saved_plan_may_be_applied(country: Country) -> None:
    assert country.apply(save(country), ("14",)).applied == 1


# ---- it does not fit


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE complaints_clinic SET name = 'x' WHERE hsa_id LIKE '%0102'",
            "is new (region 14: rename SE2321000131-E000000000102)",
        ),
        (
            "DELETE FROM complaints_clinic WHERE hsa_id LIKE '%0001'",
            "no longer due (region 12: withdraw SE2321000131-E000000000001)",
        ),
        ("UPDATE complaints_clinic SET name = 'x' WHERE hsa_id LIKE '%0999'", ""),
    ],
)
def test_a_database_that_was_changed_is_said_so(country: Country, statement: str, named: str) -> None:
    plan = save(country)
    country.sql(statement)
    said = stale(country, plan)
    assert "the database was changed since" in said
    assert "the region files" not in said
    assert named in said


def test_a_plan_that_is_applied_already_is_said_so(
    country: Country, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = save(country)
    assert country.apply(plan).applied == 3
    assert stale(country, plan) == f"the plan {country.folder / 'plan.json'} is applied already: all is as it says"
    monkeypatch.chdir(country.folder)
    assert command_line(["apply", "plan.json"]) == 5
    said = capsys.readouterr().out
    assert "nothing is left to do; what is declared from now on takes a new one" in said
    assert said.endswith("\nnothing to do\n3 regions: 3 not attempted\n")


def test_a_plan_that_is_applied_already_is_stale_where_something_else_is_due_or_was_changed(country: Country) -> None:
    plan = save(country)
    country.apply(plan)
    country.sql("UPDATE complaints_clinic SET name = 'x' WHERE hsa_id LIKE '%0999'")
    assert "the database was changed since; 3 changes are no longer due" in stale(country, plan)
    country.sql("UPDATE complaints_clinic SET name = 'By hand' WHERE hsa_id LIKE '%0999'")
    country.declare("14", 110)
    assert "1 change is new (region 14: enrol SE2321000131-E000000000110)" in stale(country, plan)


def test_files_register_and_routes_that_were_changed_are_said_so(country: Country) -> None:
    plan = save(country)
    country.declare("14", *range(110, 115))
    (country.folder / "routes.json").write_text(
        json.dumps({"format": "reconciler/routes/1", "generated_at": "2026-05-15T04:00:00+02:00", "hsa_ids": ["X"]})
    )
    with (country.folder / "reconciler.toml").open("a") as settings:
        settings.write('[routes]\nsource = "file"\npath = "routes.json"\nmax_age = "off"\n')
    said = stale(country, plan)
    assert "the region files were changed; the e-services say something else; TAK says something else" in said
    assert "5 changes are new (region 14: enrol SE2321000131-E000000000110, " in said
    assert said.endswith(", …)")


def test_what_no_longer_fits_is_said_in_words(country: Country) -> None:
    plan = save(country)
    country.boards["13"] = board("13")
    country.boards["14"] = board("14", "X-2", "En annan nämnd")
    country.clinics["14"].remove(clinic(109))
    country.write()
    said = stale(country, plan)
    assert f"1 change is no longer due (region 14: enrol {clinic(109)})" in said
    assert "(region 13: set board SE2321000131-PN13, region 14: change board SE2321000131-PN14)" in said
    speak("sv")
    said = stale(country, plan)
    assert f"1 ändring ska inte längre göras (region 14: anslut {clinic(109)})" in said
    assert "(region 13: lägg in nämnd SE2321000131-PN13, region 14: byt nämnd SE2321000131-PN14)" in said


def test_a_bare_fingerprint_tells_the_one_of_now(country: Country) -> None:
    assert country.plan().fingerprint in stale(country, saved.SavedPlan("it", "sha256:another"))


def test_a_register_that_is_away_wins_over_a_plan_that_does_not_fit(country: Country) -> None:
    plan = save(country)
    (country.folder / "register.csv").unlink()
    assert country.apply(plan).exit is Exit.UNANSWERED


def test_any_one_cell_that_was_changed_refuses_the_plan(url: str, database: str, tmp_path: Path) -> None:
    """Every cell of the service's two tables that somebody can see: ids, regions, names, boards; rows gone and new."""
    country = made_at(tmp_path, url)
    plan, before = save(country), rows(url)
    clinics = country.sql("SELECT hsa_id FROM complaints_clinic")
    regions = [("12",), ("13",), ("14",)] if not SOAK else country.sql("SELECT region_code FROM complaints_region")
    statements = [
        *(("UPDATE complaints_clinic SET hsa_id = 'SE2321000131-OTHER' WHERE hsa_id = ?", row) for row in clinics),
        *(("UPDATE complaints_clinic SET region_code = '13' WHERE hsa_id = ?", row) for row in clinics),
        *(("UPDATE complaints_clinic SET name = name || '.' WHERE hsa_id = ?", row) for row in clinics),
        *(("DELETE FROM complaints_clinic WHERE hsa_id = ?", row) for row in clinics),
        *(("INSERT INTO complaints_clinic VALUES ('SE2321000131-NEW', ?, 'New', 'x', 'x')", row) for row in regions),
        *(("UPDATE complaints_region SET board_hsa_id = 'SE1-OTHER' WHERE region_code = ?", row) for row in regions),
        *(("UPDATE complaints_region SET board_name = 'Other' WHERE region_code = ?", row) for row in regions),
    ]
    for statement, values in statements if SOAK else random.Random(5).sample(statements, CELLS[database]):
        country.sql(statement, values)
        changed = rows(url)
        assert "the database was changed since" in stale(country, plan), (statement, values)
        assert rows(url) == changed != before, (statement, values)
        as_before(url, before)
    assert country.apply(plan).exit is Exit.DONE


class Meanwhile:
    """Somebody else who writes to the database just before a region's transaction begins."""

    def __init__(self, country: Country, monkeypatch: pytest.MonkeyPatch, code: str, *statements: str) -> None:
        really = store.settle_region

        def settle_region(engine: object, number: int, region: str, *rest: object, **more: object) -> store.Done:
            if region == code:
                for statement in statements:
                    country.sql(statement)
            return really(engine, number, region, *rest, **more)

        monkeypatch.setattr(run.store, "settle_region", settle_region)


RENAMED = "UPDATE complaints_clinic SET name = 'x' WHERE hsa_id LIKE '%0104'"
STRANGER_RENAMED = "UPDATE complaints_clinic SET name = 'x' WHERE hsa_id LIKE '%0999'"
DONE_ALREADY = f"INSERT INTO complaints_clinic VALUES ('{clinic(109)}', '14', 'Mottagning 0109', 'x', 'x')"


@pytest.mark.parametrize("statement", [RENAMED, STRANGER_RENAMED, DONE_ALREADY])
def test_somebody_faster_after_the_first_commit_fails_the_region(
    country: Country, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    plan = save(country)
    Meanwhile(country, monkeypatch, "14", statement)
    result = country.apply(plan)
    assert (result.exit, verdicts(result)) == (Exit.UNANSWERED, {"12": "applied", "13": "unchanged", "14": "failed"})
    assert "region 14 was changed by somebody else meanwhile" in result.planned.failures[0].problem


def test_somebody_faster_before_the_first_commit_leaves_the_plan_stale(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = save(country)
    Meanwhile(country, monkeypatch, "12", "UPDATE complaints_clinic SET name = 'x' WHERE hsa_id LIKE '%0003'")
    result = country.apply(plan)
    assert (result.exit, result.applied) == (Exit.PLAN_STALE, 0)
    assert verdicts(result) == {"12": "failed", "13": "unchanged", "14": "not-attempted"}


def test_without_a_saved_plan_somebody_faster_is_taken_into_account(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    Meanwhile(country, monkeypatch, "14", RENAMED, STRANGER_RENAMED, DONE_ALREADY)
    result = country.apply()
    assert (result.exit, result.applied) == (Exit.DONE, 3)
    assert country.plan().changes == ()


# ---- guarded anew


def test_a_region_that_was_made_smaller_meanwhile_is_guarded_by_its_size_of_now(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of ten may go, but only one of eight: two clinics that nobody manages are deleted just before."""
    country.boards["12"] = board("12")
    country.clinics["12"].remove(clinic(2))
    country.write()
    for number in (301, 302):
        country.sql("INSERT INTO complaints_clinic VALUES (?, '12', 'x', 'x', 'x')", (clinic(number),))
    assert verdicts(country.plan())["12"] == "apply"
    Meanwhile(country, monkeypatch, "12", "DELETE FROM complaints_clinic WHERE name = 'x'")
    result = country.apply()
    assert (result.exit, verdicts(result)) == (Exit.LEFT_OUT, {"12": "refused", "13": "unchanged", "14": "applied"})
    (refusal,) = [one for one in result.planned.findings if one.rule.id == "withdraws-too-many"]
    assert refusal.problem == "region 12 would lose 2 of 8 clinics; 1 may go at a time"
    assert result.planned.regions[0].because == ("withdraws-too-many",)
    assert {clinic(1), clinic(2)} <= country.enrolled().keys()


def test_a_board_changed_meanwhile_is_not_overwritten(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    Meanwhile(country, monkeypatch, "12", "UPDATE complaints_region SET board_name = 'Hand' WHERE region_code = '12'")
    result = country.apply()
    assert (result.exit, verdicts(result)) == (Exit.LEFT_OUT, {"12": "refused", "13": "unchanged", "14": "applied"})
    assert country.sql("SELECT board_name FROM complaints_region WHERE region_code = '12'") == [("Hand",)]


def test_an_approval_that_is_needed_only_meanwhile_is_taken_from_as_well(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    country.approve("board-changed-elsewhere", "12")
    Meanwhile(country, monkeypatch, "12", "UPDATE complaints_region SET board_name = 'Hand' WHERE region_code = '12'")
    result = country.apply()
    assert (result.exit, verdicts(result)["12"]) == (Exit.DONE, "applied")
    assert country.sql("SELECT region, taken FROM approval_used") == [("12", 1)]


def test_moves_out_of_a_region_that_is_refused_only_now_wait_and_the_rest_goes_on(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the run is under way somebody moves four clinics of 14 to 13: too many to be fetched back at once."""
    moved = [clinic(number) for number in range(101, 105)]
    listed = ", ".join(f"'{hsa_id}'" for hsa_id in moved)
    Meanwhile(country, monkeypatch, "14", f"UPDATE complaints_clinic SET region_code = '13' WHERE hsa_id IN ({listed})")
    result = country.apply()
    assert (result.exit, result.applied, verdicts(result)["14"]) == (Exit.LEFT_OUT, 3, "applied")
    waits = [one.subject for one in result.planned.findings if one.rule.id == "move-waits"]
    assert waits == moved
    assert {country.enrolled()[hsa_id] for hsa_id in moved} == {"13"}
    assert country.enrolled()[clinic(109)] == "14"


def test_an_approval_is_not_taken_by_two_runs(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    country.boards["12"] = None
    country.write()
    country.approve("deactivates-region", "12")
    digest = country.plan().uses[0].approval.digest
    Meanwhile(country, monkeypatch, "12", f"INSERT INTO approval_used VALUES ('{digest}', 1, '09', 1)")
    result = country.apply()
    assert (result.exit, verdicts(result)["12"]) == (Exit.UNANSWERED, "failed")
    assert "used up by another run" in result.planned.failures[0].problem
    assert country.sql("SELECT board_hsa_id FROM complaints_region WHERE region_code = '12'") != [(None,)]


# ---- what came out


def test_a_row_that_is_not_as_predicted_rolls_the_region_back(country: Country) -> None:
    """The service's own trigger renames whatever else is enrolled in the region: the plan did not say that."""
    country.sql(
        "CREATE TRIGGER other AFTER INSERT ON complaints_clinic WHEN NEW.region_code = '14' BEGIN"
        " UPDATE complaints_clinic SET name = 'other' WHERE hsa_id LIKE '%0999'; END"
    )
    result = country.apply()
    assert (result.exit, verdicts(result)) == (Exit.UNANSWERED, {"12": "applied", "13": "unchanged", "14": "failed"})
    assert "SE2321000131-E000000000999" in result.planned.failures[0].problem
    assert clinic(109) not in country.enrolled()


# ---- the same bytes


def test_a_plan_is_the_same_bytes_whenever_it_is_made_of_the_same(country: Country) -> None:
    """Rows of files, register and database are shuffled, and so is the hash of every text."""
    path, plans = country.folder / "plan.json", set()
    for number in range(200 if SOAK else 6):
        shuffle = random.Random(number).shuffle
        register = list(country.register.items())
        shuffle(register)
        country.register = dict(register)
        country.write()
        rows = country.sql("SELECT * FROM complaints_clinic")
        shuffle(rows)
        country.sql("DELETE FROM complaints_clinic")
        for row in rows:
            country.sql("INSERT INTO complaints_clinic VALUES (?, ?, ?, ?, ?)", row)
        environment = {**os.environ, "PYTHONHASHSEED": str(number)}
        command = [sys.executable, "-m", "reconciler", "plan", "--out", str(path)]
        subprocess.run(command, cwd=country.folder, env=environment, check=True, capture_output=True)
        plans.add(path.read_bytes())
    assert len(plans) == 1


def test_the_order_of_lines_in_a_file_changes_places_and_no_fingerprint(country: Country) -> None:
    prints = set()
    for number in range(20):
        random.Random(number).shuffle(country.clinics["14"])
        country.write()
        prints.add(country.plan().fingerprint)
    assert len(prints) == 1


# ---- the file


def test_a_saved_plan_is_the_document_of_plan(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(country.folder)
    assert command_line(["plan", "--out", "plan.json", "--region", "14"]) == 0
    document = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    assert (document["format"], len(document["changes"])) == ("reconciler/plan/1", 3)
    assert [path.name for path in country.folder.glob(".plan*")] == []
    assert command_line(["apply", "plan.json", "--expect", document["fingerprint"]]) == 0
    assert command_line(["apply", "plan.json"]) == 5


def test_regions_where_nothing_was_due_are_counted_and_not_listed(
    country: Country, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(country.folder)
    command_line(["plan", "--out", "plan.json"])
    country.declare("14", 110)
    capsys.readouterr()
    assert command_line(["apply", "plan.json"]) == 5
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.endswith(": not attempted")] == [
        "12 Region Skåne: not attempted",
        "14 Västra Götalandsregionen: not attempted",
    ]
    assert "3 regions: 3 not attempted" in said


def test_what_is_on_hold_is_counted_as_left_out(
    country: Country, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(country.folder)
    with Path("reconciler.toml").open("a") as settings:
        settings.write('[hold]\nregions = ["12"]\n')
    assert command_line(["plan"]) == 0
    assert "3 changes: 1 enrol, 1 withdraw, 1 change board; 2 of them left out" in capsys.readouterr().out


def test_a_plan_cannot_be_saved_where_nobody_may_write(country: Country) -> None:
    with pytest.raises(Failure, match="cannot be written") as failure:
        saved.write(country.folder / "missing" / "plan.json", "{}")
    assert failure.value.exit is Exit.USAGE


def altered(country: Country, **changed: object) -> Path:
    path = country.folder / "plan.json"
    path.write_text(documents.dump({**documents.plan(country.plan()), **changed}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"changes": []}, "a part of a plan, or was changed by hand"),
        ({"observed": {"digest": "sha256:0"}}, "a part of a plan, or was changed by hand"),
        ({"fingerprint": ""}, "holds no plan: something failed"),
        ({"format": "reconciler/apply/1"}, "is not a saved plan"),
        ({"changes": 7}, "is not a saved plan"),
        ({"changes": [7]}, "is not a saved plan"),
        ({"config": None}, "is not a saved plan"),
    ],
)
def test_a_file_that_is_no_whole_plan_is_said_so(country: Country, changed: dict[str, object], said: str) -> None:
    with pytest.raises(Failure, match=said) as failure:
        saved.read(altered(country, **changed))
    assert failure.value.exit is Exit.USAGE


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_plan_at_all_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(Failure, match="is not a saved plan"):
        saved.read(tmp_path / "plan.json")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be read: it is not there"):
        saved.read(tmp_path / "plan.json")


def test_a_fingerprint_that_is_none_or_another_is_wrong_usage(
    country: Country, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(country.folder)
    assert command_line(["apply", "--expect", "sha256:1"]) == Exit.USAGE
    assert "is not a fingerprint" in capsys.readouterr().err
    command_line(["plan", "--out", "plan.json"])
    assert command_line(["apply", "plan.json", "--expect", "sha256:" + "0" * 64]) == Exit.USAGE
    assert "another than --expect" in capsys.readouterr().err
    assert command_line(["apply", "--expect", "sha256:" + "0" * 64]) == Exit.PLAN_STALE


def test_a_plan_that_fits_has_nothing_to_say(country: Country) -> None:
    assert expect.stale(save(country), country.plan()) is None
