"""The service's own tables have a real PostgreSQL's types: times are times, texts have a length, rows have a number."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from little_country import NOW, Country, board, clinic, verdicts
from made_store import problems, sql

from reconciler import logbook, pipeline, settings, store
from reconciler.cli import run as command_line
from reconciler.findings import Exit
from reconciler.model import REGIONS, Settings

TABLES = """
CREATE TABLE complaints_region (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region_code char(2) NOT NULL UNIQUE,
    name varchar(100) NOT NULL,
    board_hsa_id varchar(31),
    board_name varchar(100),
    updated_at {time} NOT NULL DEFAULT now()
);
CREATE TABLE complaints_clinic (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hsa_id varchar(31) NOT NULL UNIQUE,
    region_code char(2) NOT NULL REFERENCES complaints_region (region_code),
    name varchar(100) NOT NULL,
    enrolled_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    shown boolean NOT NULL DEFAULT true
)
"""
TIMES = ("timestamptz", "timestamp", "date")
LATER = NOW + timedelta(days=2)


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.fixture
def country(tmp_path: Path) -> Country:
    country = Country(tmp_path)
    country.boards["14"] = board("14")
    country.declare("14", *range(1, 6))
    return country


@pytest.fixture(params=TIMES)
def served(request: pytest.FixtureRequest, country: Country, nothing: str) -> Settings:
    """The settings for such a service, where somebody enrolled a clinic by hand a week ago."""
    sql(nothing, TABLES.format(time=request.param))
    for code, name in REGIONS.items():
        sql(nothing, "INSERT INTO complaints_region (region_code, name) VALUES (:code, :name)", code=code, name=name)
    sql(
        nothing,
        "INSERT INTO complaints_clinic (hsa_id, region_code, name, enrolled_at, updated_at)"
        f" VALUES ('{clinic(9)}', '14', 'Mottagning 0009', '2026-05-08 12:00', '2026-05-08 12:00')",
    )
    country.register[clinic(9)] = ("Mottagning 0009", "active", "14")
    country.write()
    store.init(nothing)
    return settings.load(country.folder / "reconciler.toml", {"RECONCILER_DATABASE": nothing}, {})


@pytest.fixture
def said(
    served: Settings, country: Country, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command, demand that it goes well, and return what it says."""
    monkeypatch.chdir(country.folder)

    def said(*arguments: str, code: int = 0) -> str:
        assert command_line(["--database", served.database, *arguments]) == code
        return capsys.readouterr().out

    return said


def test_every_kind_of_change_is_made(country: Country, served: Settings) -> None:
    assert pipeline.apply(served, NOW, "somebody").exit is Exit.DONE
    country.declare("14", 6)
    country.clinics["14"].remove(clinic(5))
    country.register |= {clinic(1): ("Nytt", "active", "14"), clinic(3): ("Mottagning 0003", "active", "12")}
    country.boards["14"] = board("14", "X-2", "En annan nämnd")
    country.approve("withdraws-too-many", "14", 2)
    country.write()
    result = pipeline.apply(served, LATER, "somebody")
    assert (result.exit, sorted(change.action.value for change in result.done)) == (
        Exit.DONE,
        ["change-board", "enrol", "move", "rename", "withdraw"],
    )
    assert pipeline.plan(served, LATER).changes == ()
    times = "enrolled_at::date::text, updated_at::date::text"
    rows = sql(served.database, f"SELECT right(hsa_id, 1), region_code, {times} FROM complaints_clinic ORDER BY 1")
    assert rows == [
        ("1", "14", "2026-05-15", "2026-05-17"),
        ("2", "14", "2026-05-15", "2026-05-15"),
        ("3", "12", "2026-05-15", "2026-05-17"),
        ("4", "14", "2026-05-15", "2026-05-15"),
        ("6", "14", "2026-05-17", "2026-05-17"),
        ("9", "14", "2026-05-08", "2026-05-08"),
    ]
    country.boards["14"] = None
    country.approve("deactivates-region", "14")
    assert pipeline.apply(served, LATER, "somebody").applied == 1
    assert (problems(served.database), pipeline.check_database(served)) == ([], [])


@pytest.mark.parametrize(("days", "enrolled"), [(-30, ""), (-3, "9"), (1, "123459"), (3, "123469")])
def test_what_was_enrolled_on_a_day_is_known(country: Country, served: Settings, days: int, enrolled: str) -> None:
    pipeline.apply(served, NOW, "somebody")
    country.clinics["14"].remove(clinic(5))
    country.declare("14", 6)
    pipeline.apply(served, LATER, "somebody")
    then = logbook.at(served, NOW + timedelta(days=days)).state
    assert "".join(hsa_id[-1] for hsa_id in then.clinics) == enrolled


def test_the_commands_that_look_and_take_over_do_so(
    country: Country, served: Settings, said: Callable[..., str]
) -> None:
    said("plan")
    said("apply")
    sql(served.database, "UPDATE complaints_clinic SET name = 'by hand' WHERE hsa_id = :id", id=clinic(4))
    assert "by hand" in said("status", "--drift", code=2)
    assert "by hand" in said("history", "--clinic", clinic(4))
    assert said("history").count("enrol") == 5
    said("history", "--verify")
    assert "6 clinics" in said("status", "--at", "2099-01-01")
    assert clinic(9) in said("adopt", "--region", "14", "--write")
    said("apply")
    assert "nothing" in said("plan")
    said("db", "check")


def test_a_text_that_is_too_long_for_its_column_leaves_out_its_region_and_no_other(
    country: Country, served: Settings
) -> None:
    country.declare("12", 11)
    country.declare("13", 12)
    country.register[clinic(11)] = ("N" * 101, "active", "12")
    country.write()
    result = pipeline.apply(served, NOW, "somebody")
    assert verdicts(result) == {"12": "failed", "13": "applied", "14": "applied"}
    (failure,) = result.planned.failures
    assert "does not take a row: value too long for type character varying(100)" in failure.problem
    assert "longer than a column takes" in failure.remedy


def test_a_column_that_reconciler_does_not_write_needs_a_default(served: Settings) -> None:
    sql(served.database, "ALTER TABLE complaints_clinic ALTER shown DROP DEFAULT")
    (failure,) = pipeline.apply(served, NOW, "somebody").planned.failures
    assert 'null value in column "shown"' in failure.problem
    assert "needs a default" in failure.remedy


def test_a_column_that_cannot_hold_what_is_meant_is_told(served: Settings) -> None:
    """Region codes as numbers lose what makes 01 of 1; seconds since 1970 are no time that PostgreSQL knows as one."""
    numbers = "ALTER hsa_id TYPE bigint USING 1, DROP updated_at, ADD updated_at integer"
    sql(served.database, f"ALTER TABLE complaints_clinic {numbers}")
    (failure,) = pipeline.plan(served, NOW).failures
    assert failure.exit is Exit.SETTINGS
    assert failure.problem.partition("named: ")[2] == (
        "the column hsa_id of the table complaints_clinic holds bigint, and should hold text (service.clinic.hsa_id);"
        " the column updated_at of the table complaints_clinic holds integer, and should hold a time"
        " (service.clinic.updated_at)"
    )
