"""The service's own tables may be called whatever they are called: `[service]` in the settings names them."""

from pathlib import Path

import postgres
import pytest
from click.testing import CliRunner
from little_country import NOW, Country, board, clinic, steps
from made_store import problems, sql

from reconciler import logbook, pipeline, settings, standing, store
from reconciler.cli import main
from reconciler.findings import Exit, Failure
from reconciler.model import Settings
from reconciler.names import Names

NAMES = """
[service.region]
table = "patientnämnd"
region_code = "län"
name = "namn"
board_hsa_id = "order"
board_name = "Nämndens namn"
updated_at = "ändrad 100%"
[service.clinic]
table = "mottagning"
hsa_id = "hsa-id"
region_code = "region_code"
name = "Namn"
enrolled_at = "from"
updated_at = "ändrad %s"
"""


@pytest.fixture
def country(tmp_path: Path) -> Country:
    (tmp_path / "land").mkdir()
    country = Country(tmp_path / "land", NAMES)
    country.boards["14"] = board("14")
    country.declare("12", 1, 2)
    country.declare("14", 3, 4, 5)
    return country


@pytest.fixture
def named(country: Country, nothing: str) -> Settings:
    """The settings, for a database that was made with these names."""
    named = country.settings._replace(database=nothing)
    store.init(nothing, trial=True, names=named.service)
    return named


def test_everything_is_done_in_tables_of_other_names(country: Country, named: Settings) -> None:
    assert pipeline.apply(named, NOW, "somebody").exit is Exit.DONE
    assert sql(named.database, "SELECT count(*) FROM mottagning WHERE \"region_code\" = '14'") == [(3,)]
    assert sql(named.database, 'SELECT "order", "Nämndens namn" FROM patientnämnd WHERE län = \'14\'') == [
        ("SE2321000131-PN14", "Patientnämnden")
    ]
    country.clinics["14"].remove(clinic(5))
    country.register[clinic(1)] = ("Mottagning 0001", "active", "13")
    country.register[clinic(3)] = ("Nytt namn", "active", "14")
    country.boards["14"] = board("14", name="Nytt")
    country.declare("13", 6)
    result = pipeline.apply(named, NOW, "somebody")
    assert (result.exit, steps(result)) == (
        Exit.DONE,
        ["13 move 0001", "13 enrol 0006", "14 withdraw 0005", "14 rename 0003", "14 change-board PN14"],
    )
    assert pipeline.plan(named, NOW).changes == ()
    assert (pipeline.check_database(named), problems(named.database)) == ([], [])
    assert len(logbook.at(named, NOW).state.clinics) == 5
    assert standing.status(named, NOW).exit is Exit.DONE


@pytest.mark.parametrize("database", ["postgresql"])
def test_the_services_tables_may_lie_in_another_schema(
    country: Country, nothing: str, server: postgres.Server, tmp_path: Path
) -> None:
    server.make_schema("tjänst")
    try:
        file = country.folder / "reconciler.toml"
        text = file.read_text(encoding="utf-8")
        for table in ("patientnämnd", "mottagning"):
            text = text.replace(f'"{table}"', f'"tjänst.{table}"')
        file.write_text(text, encoding="utf-8")
        named = country.settings._replace(database=nothing)
        store.init(nothing, trial=True, names=named.service)
        assert pipeline.apply(named, NOW, "somebody").exit is Exit.DONE
        assert pipeline.plan(named, NOW).changes == ()
        assert sql(nothing, 'SELECT count(*) FROM "tjänst".mottagning') == [(5,)]
        granted = list(store.grants("skriver", "läser", named.service))
        assert granted[0] == (
            'GRANT SELECT, UPDATE ("order", "Nämndens namn", "ändrad 100%") ON "tjänst"."patientnämnd" TO skriver;'
        )
    finally:
        server.drop_schema("tjänst")


def test_what_is_not_there_is_told_with_the_setting_that_names_it(named: Settings) -> None:
    region, other = named.service.region, named.service.clinic
    missing = Names(region._replace(board_name="nämnd"), other._replace(table="vårdenhet", hsa_id="id"))
    with pytest.raises(Failure) as failure:
        pipeline.check_database(named._replace(service=missing))
    assert failure.value.exit is Exit.SETTINGS
    faults = failure.value.problem.partition("named: ")[2]
    assert faults == (
        "the table patientnämnd has no column nämnd (service.region.board_name);"
        " there is no table vårdenhet (service.clinic.table)"
    )
    assert "name them in the settings" in failure.value.remedy


def test_the_commands_make_and_grant_what_the_settings_name(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(country.folder)
    (country.folder / "reconciler.db").unlink()
    assert CliRunner().invoke(main, ["db", "init"]).exit_code == 0
    assert sql(country.settings.database, "SELECT count(*) FROM patientnämnd") == [(21,)]
    assert CliRunner().invoke(main, ["db", "check"]).exit_code == 0
    granted = CliRunner().invoke(main, ["db", "grants"]).stdout
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON mottagning TO reconciler;" in granted


def test_a_name_that_is_none_is_a_fault_of_the_settings(country: Country) -> None:
    file = country.folder / "reconciler.toml"
    text = file.read_text(encoding="utf-8")
    text = text.replace('table = "mottagning"', "table = 3\ntabel = 'x'").replace(
        "[service.region]", "[service.regions]"
    )
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Failure) as failure:
        settings.load(file, {}, {})
    for fault in (
        "service.clinic.table: 3 should be",
        "service.clinic.tabel is not",
        "service.regions is not a setting",
    ):
        assert fault in failure.value.problem
