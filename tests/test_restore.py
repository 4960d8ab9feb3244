"""What docs/database.md tells an administrator to do: GRANTs, backup, restore and upgrade, on both databases."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import postgres
import pytest
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from little_country import NOW, Country, board, clinic, steps
from made_store import observed, problems, sql, writer
from sqlalchemy import MetaData, insert, select

from reconciler import pipeline, store
from reconciler.cli import main
from reconciler.findings import Exit
from reconciler.model import Settings
from reconciler.store.engine import connected
from reconciler.store.schema import _MIGRATIONS, _migrate
from reconciler.store.tables import SCHEMA, metadata

PAGE = (Path(__file__).parent.parent / "docs/database.md").read_text(encoding="utf-8")
OLD = [one.revision for one in ScriptDirectory(str(_MIGRATIONS)).walk_revisions() if one.revision != SCHEMA]
"""The versions that somebody may have, older than this one."""


@pytest.fixture
def country(tmp_path: Path) -> Country:
    (tmp_path / "land").mkdir()
    country = Country(tmp_path / "land")
    country.boards["14"] = board("14")
    country.declare("12", 1, 2)
    country.declare("14", 3, 4, 5)
    return country


def at(country: Country, url: str) -> Settings:
    return country.settings._replace(database=url)


def test_the_page_has_the_grants_that_the_command_prints() -> None:
    [shown] = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert CliRunner().invoke(main, ["db", "grants"]).stdout == shown


# ---- restore


@pytest.fixture
def backup(database: str, url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Callable[[], None]]:
    """Return what makes a backup; that returns what restores it."""
    if database == "sqlite":
        return lambda: backup_of_file(Path(url.removeprefix("sqlite:///")), tmp_path / "backup.db")
    server: postgres.Server = request.getfixturevalue("server")
    return lambda: backup_of_schema(server, url.rpartition("%3D")[2], tmp_path / "complaints.dump")


def backup_of_file(file: Path, copy: Path) -> Callable[[], None]:
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)

    def restore() -> None:
        file.write_bytes(copy.read_bytes())
        file.with_name(f"{file.name}-journal").unlink(missing_ok=True)

    return restore


def backup_of_schema(server: postgres.Server, schema: str, copy: Path) -> Callable[[], None]:
    copy.write_bytes(server.run("pg_dump", "--format=custom", f"--schema={schema}", "postgres"))
    clean = ("--clean", "--if-exists", "--single-transaction")

    def restore() -> None:
        server.run("pg_restore", *clean, "--dbname=postgres", str(copy))

    return restore


def test_what_was_restored_is_whole_and_what_came_after_is_planned_again(
    country: Country, url: str, backup: Callable[[], Callable[[], None]]
) -> None:
    assert pipeline.apply(at(country, url), NOW, "somebody").exit is Exit.DONE
    then = observed(url)
    restore = backup()
    country.clinics["14"].remove(clinic(5))
    country.declare("12", 6)
    assert pipeline.apply(at(country, url), NOW, "somebody").exit is Exit.DONE
    sql(url, "DROP TABLE change")
    restore()
    assert (observed(url), pipeline.check_database(at(country, url))) == (then, [])
    result = pipeline.apply(at(country, url), NOW, "somebody")
    assert steps(result) == ["12 enrol 0006", "14 withdraw 0005"]
    assert (result.exit, result.run) == (Exit.DONE, 2)
    assert problems(url) == []


def test_where_only_ours_were_restored_nothing_is_done_and_all_is_managed_again(country: Country, url: str) -> None:
    assert pipeline.apply(at(country, url), NOW, "somebody").exit is Exit.DONE
    managed = observed(url)
    for table in ("managed_clinic", "managed_board", "change", "register_part", "register_snapshot", "run"):
        sql(url, f"DELETE FROM {table}")
    assert pipeline.apply(at(country, url), NOW, "somebody").applied == 0
    assert observed(url) == managed


def test_where_only_the_services_were_restored_it_is_drift(country: Country, url: str) -> None:
    assert pipeline.apply(at(country, url), NOW, "somebody").exit is Exit.DONE
    sql(url, "DELETE FROM complaints_clinic WHERE hsa_id = :id", id=clinic(3))
    [change] = pipeline.plan(at(country, url), NOW).changes
    assert (change.action.value, change.cause.value) == ("enrol", "drift")


# ---- upgrade


def older(url: str, version: str) -> None:
    """Take the database of today back to an older version, with all the rows that it could hold."""
    with connected(writer(url)) as connection:
        rows = {
            table.name: [row._asdict() for row in connection.execute(select(table))] for table in metadata.sorted_tables
        }
        for table in reversed(metadata.sorted_tables):
            table.drop(connection)
        connection.exec_driver_sql("DROP TABLE reconciler_version")
        _migrate(connection, version)
        then = MetaData()
        then.reflect(connection, resolve_fks=False)
        for table in metadata.sorted_tables:
            if table.name in then.tables and rows[table.name]:
                columns = then.tables[table.name].c.keys()
                kept = [{key: value for key, value in row.items() if key in columns} for row in rows[table.name]]
                connection.execute(insert(then.tables[table.name]), kept)


@pytest.mark.parametrize("version", OLD)
def test_a_database_of_an_older_version_is_upgraded_with_its_rows(country: Country, url: str, version: str) -> None:
    assert pipeline.apply(at(country, url), NOW, "somebody").exit is Exit.DONE
    then = observed(url)
    older(url, version)
    refused = pipeline.apply(at(country, url), NOW, "somebody")
    [failure] = refused.planned.failures
    assert f"is of version {version}" in failure.problem
    assert (failure.remedy, refused.exit) == ("run: reconciler db upgrade", Exit.SETTINGS)
    store.upgrade(url)
    assert (observed(url), pipeline.check_database(at(country, url))) == (then, [])
    assert pipeline.plan(at(country, url), NOW).changes == ()
    country.declare("13", 7)
    result = pipeline.apply(at(country, url), NOW, "somebody")
    assert (steps(result), result.run) == (["13 enrol 0007"], 2)
    assert problems(url) == []


def test_beside_a_service_with_rows_all_versions_are_gone_through_and_no_row_is_touched(
    country: Country, url: str
) -> None:
    assert pipeline.apply(at(country, url), NOW, "somebody").exit is Exit.DONE
    then = observed(url)
    with connected(writer(url)) as connection:
        for table in reversed(metadata.sorted_tables):
            table.drop(connection)
        connection.exec_driver_sql("DROP TABLE reconciler_version")
    store.init(url)
    assert (observed(url).clinics, observed(url).boards) == (then.clinics, then.boards)
    assert pipeline.apply(at(country, url), NOW, "somebody").applied == 0
