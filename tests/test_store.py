"""The database: made, looked at, changed in one transaction a region, and never left between."""

import json
import sqlite3
import subprocess
import sys
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from made_store import (
    BOARD,
    HEADER,
    NOW,
    A,
    B,
    C,
    D,
    Rows,
    add_clinic,
    add_managed,
    names,
    observed,
    problems,
    settled,
    sql,
    statements,
    wanting,
    writer,
)
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from reconciler import store
from reconciler.bookkeeping import Bookkeeping
from reconciler.digests import digest, state_digest
from reconciler.findings import Exit, Failure
from reconciler.model import (
    ENROLMENT,
    MANAGED,
    REGIONS,
    BoardRow,
    Enrolment,
    HsaId,
    ManagedBoard,
    ManagedClinic,
    Register,
    RegisterClinic,
    Remembered,
    State,
)
from reconciler.names import Names
from reconciler.plan import Action, Cause, Change
from reconciler.rows import Rows as Columns
from reconciler.store import log, tables
from reconciler.store.schema import _MIGRATIONS

# ---- made and looked at


def test_init_makes_the_tables_and_all_regions(url: str) -> None:
    with store.connected(store.engine(url, writes=False)) as connection:
        store.check(connection)
    assert sql(url, "SELECT region_code, name FROM complaints_region ORDER BY region_code") == list(REGIONS.items())
    assert observed(url) == State()


def test_init_again_leaves_what_is_there(url: str) -> None:
    sql(
        url,
        "UPDATE complaints_region SET name = 'Sthlm', board_hsa_id = 'SE1-A', board_name = 'N'"
        " WHERE region_code = '01'",
    )
    sql(url, "DELETE FROM complaints_region WHERE region_code = '03'")
    store.init(url, trial=True)
    assert sql(url, "SELECT name FROM complaints_region WHERE region_code IN ('01', '03') ORDER BY region_code") == [
        ("Sthlm",),
        ("Region Uppsala",),
    ]
    assert observed(url).boards == {"01": BoardRow("SE1-A", "N")}


def test_the_schema_is_the_head_of_the_migrations(url: str) -> None:
    assert ScriptDirectory(str(_MIGRATIONS)).get_current_head() == tables.SCHEMA
    with store.connected(store.engine(url, writes=False)) as connection:
        there = MigrationContext.configure(connection, opts={"version_table": tables.VERSION_TABLE})
        metadata = [tables.metadata, tables.service_tables(Names()).region.metadata]
        assert compare_metadata(there, metadata) == []


def test_a_percent_sign_and_a_blank_in_the_path_are_no_trouble(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path}/50 % å#.db"
    store.init(where)
    assert store.exists(where)
    assert (tmp_path / "50 % å#.db").is_file()


@pytest.mark.parametrize(
    "table", [*tables.metadata.tables, tables.VERSION_TABLE, "complaints_region", "complaints_clinic"]
)
def test_a_missing_table_names_the_command(url: str, table: str) -> None:
    sql(url, f"ALTER TABLE {table} RENAME TO something_else")
    with store.connected(store.engine(url, writes=False)) as connection, pytest.raises(Failure) as failure:
        store.check(connection)
    assert (failure.value.source, failure.value.kind, failure.value.exit) == ("database", "schema", Exit.SETTINGS)
    assert table in failure.value.problem
    assert "reconciler db init" in failure.value.remedy


@pytest.mark.parametrize(("version", "remedy"), [("0000", "reconciler db upgrade"), ("9999", "install the newer")])
def test_another_version_names_the_remedy(url: str, version: str, remedy: str) -> None:
    sql(url, "UPDATE reconciler_version SET version_num = :version", version=version)
    with (
        store.connected(store.engine(url, writes=False)) as connection,
        pytest.raises(Failure, match=version) as failure,
    ):
        store.check(connection)
    assert (failure.value.kind, failure.value.exit) == ("schema", Exit.SETTINGS)
    assert remedy in failure.value.remedy


def test_no_version_at_all_asks_for_an_upgrade(url: str) -> None:
    sql(url, "DELETE FROM reconciler_version")
    with store.connected(store.engine(url, writes=False)) as connection, pytest.raises(Failure) as failure:
        store.check(connection)
    assert "reconciler db upgrade" in failure.value.remedy


def test_upgrade_makes_our_tables_and_not_the_services(tmp_path: Path) -> None:
    (tmp_path / "r.db").touch()
    where = f"sqlite:///{tmp_path}/r.db"
    with store.connected(store.engine(where, writes=True, makes=True)) as connection:
        connection.execute(text("CREATE TABLE something (else_ TEXT)"))
    store.upgrade(where)
    with store.connected(store.engine(where, writes=False)) as connection, pytest.raises(Failure) as failure:
        store.check(connection)
    assert "there is no table complaints_region (service.region.table)" in failure.value.problem
    assert "there is no table complaints_clinic (service.clinic.table)" in failure.value.problem


def test_tables_of_a_newer_version_are_not_migrated(url: str) -> None:
    sql(url, "UPDATE reconciler_version SET version_num = '9999'")
    for make in (store.upgrade, store.init):
        with pytest.raises(Failure, match="9999") as failure:
            make(url)
        assert failure.value.exit is Exit.SETTINGS
    assert sql(url, "SELECT version_num FROM reconciler_version") == [("9999",)]


# ---- opened


def test_a_database_that_is_not_there_is_neither_found_nor_made(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path}/none.db"
    assert not store.exists(where)
    for writes in (True, False):
        with pytest.raises(Failure, match="no database") as failure:
            store.engine(where, writes=writes)
        assert (failure.value.exit, "reconciler db init" in failure.value.remedy) == (Exit.SETTINGS, True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_opened_by_the_same_each_time_and_a_path_is_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openers = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        monkeypatch.chdir(folder)
        store.init("sqlite:///here.db")
        openers += [store.engine("sqlite:///here.db", writes=writes) for writes in (False, False, True)]
    assert openers[0] is openers[1]
    assert len({id(opener) for opener in openers}) == 4


def test_an_empty_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    assert not store.exists(f"sqlite:///{tmp_path}/empty.db")
    assert not store.exists("sqlite://")


@pytest.mark.parametrize("bad", ["reconciler.db", "http://a:port/", "oracel://x/y", "postgresql+none://u:hemligt@h/d"])
def test_an_address_that_is_none_is_a_fault_of_the_settings(bad: str) -> None:
    with pytest.raises(Failure) as failure:
        store.engine(bad, writes=False)
    assert (failure.value.kind, failure.value.exit) == ("url", Exit.SETTINGS)
    assert "hemligt" not in failure.value.problem


def test_a_server_is_there_until_it_is_asked() -> None:
    assert store.exists("postgresql://localhost/x")


def test_a_file_that_is_no_database_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "r.db").write_text("this is not a database, and long enough to be looked at " * 20)
    with pytest.raises(Failure, match="not a database") as failure:
        observed(f"sqlite:///{tmp_path}/r.db")
    assert (failure.value.kind, failure.value.exit) == ("unanswered", Exit.UNANSWERED)


def test_a_folder_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="unable to open") as failure:
        store.init(f"sqlite:///{tmp_path}/no/r.db")
    assert failure.value.exit is Exit.UNANSWERED


def test_what_is_no_fault_of_the_database_passes() -> None:
    with pytest.raises(ZeroDivisionError), store.answering():
        raise ZeroDivisionError


def test_a_row_that_is_not_taken_is_a_failure(url: str) -> None:
    refused = pytest.raises(Failure, match=r"(?i)foreign key")
    with refused as failure, store.answering(), writer(url).begin() as connection:
        connection.execute(text("INSERT INTO complaints_clinic VALUES ('SE1-A', '99', 'n', 't', 't')"))
    assert failure.value.kind == "row"
    assert "of the settings" in failure.value.problem


def test_reading_sends_no_write(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två")}, BOARD)
    engine = store.engine(url, writes=False)
    with statements(engine) as seen, store.connected(engine) as connection:
        store.check(connection)
        store.observe(connection)
        store.observe_region(connection, "14", [A])
        store.approvals_taken(connection)
        store.last_run(connection)
        store.last_commit(connection)
        store.chain_heads(connection)
        assert store.verify_chain(connection) == []
    assert len(seen) > 10
    assert {statement.split()[0] for statement in seen} <= {"BEGIN", "SELECT", "PRAGMA", "SET"}
    assert "BEGIN IMMEDIATE" not in seen


def test_who_only_reads_cannot_write(url: str) -> None:
    engine = store.engine(url, writes=False)
    with pytest.raises(Failure, match=r"readonly|read-only"), store.connected(engine) as connection:
        connection.execute(text("DELETE FROM complaints_region"))
    assert len(sql(url, "SELECT * FROM complaints_region")) == 21


def test_two_cannot_write_in_a_region_at_once(url: str) -> None:
    hasty = store.engine(url, writes=True, patience=0.02)
    with store.connected(writer(url)) as first:
        first.execute(text("UPDATE complaints_region SET updated_at = 'now' WHERE region_code = '14'"))
        with pytest.raises(Failure, match="locked") as failure:
            store.settle_region(hasty, 1, "14", [], wanting("14", {}), NOW)
        assert observed(url) == State()
    assert (failure.value.kind, failure.value.exit) == ("locked", Exit.LOCKED)


# ---- observed


def test_a_region_sees_its_own_and_the_watched_wherever_they_point(url: str) -> None:
    add_clinic(url, A, "14")
    add_managed(url, A, "12", "12")
    add_clinic(url, B, "12")
    add_managed(url, B, "14", "12")
    add_clinic(url, C, "12")
    add_clinic(url, D, "12")
    add_managed(url, D, "12", "12")
    engine = store.engine(url, writes=False)
    with store.connected(engine) as connection:
        own = store.observe_region(connection, "14", [])
        watching = store.observe_region(connection, "14", [C])
        assert store.observe(connection).clinics.keys() == {A, B, C, D}
    assert own.clinics == {A: Enrolment("14", "Ett"), B: Enrolment("12", "Ett")}
    assert own.managed_clinics == {A: ManagedClinic("12", "12", "Ett"), B: ManagedClinic("14", "12", "Ett")}
    assert watching.clinics.keys() == {A, B, C}


def test_what_is_enrolled_and_remembered_alike_is_held_once(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två")})
    with store.connected(store.engine(url, writes=False)) as connection:
        for state in (store.observe(connection), store.observe_region(connection, "14", [])):
            enrolled, managed = Columns.of(ENROLMENT, state.clinics), Columns.of(MANAGED, state.managed_clinics)
            assert managed.part(("14", "14")) is enrolled.part("14")


def test_more_are_watched_than_one_statement_takes(url: str) -> None:
    many = [HsaId(f"SE2321000131-{number:08}") for number in range(12_000)]
    add_clinic(url, many[0], "12")
    add_clinic(url, many[-1], "12")
    with store.connected(store.engine(url, writes=False)) as connection:
        assert list(store.observe_region(connection, "14", many).clinics) == [many[0], many[-1]]


@pytest.mark.parametrize("spelling", [A.lower(), f"{A} "])
def test_a_misspelt_row_is_named(url: str, spelling: str) -> None:
    """Whoever looks for that clinic does not find it."""
    add_clinic(url, spelling, "12")
    with store.connected(store.engine(url, writes=False)) as connection:
        for look in (store.observe, lambda found: store.observe_region(found, "14", [A])):
            with pytest.raises(Failure) as failure:
                look(connection)
            assert failure.value.kind == "spelling"
            assert repr(spelling) in failure.value.problem
            assert A in failure.value.remedy


def test_a_name_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'r.db'}"
    store.init(url)
    add_clinic(url, A, "14")
    sql(url, "INSERT INTO complaints_clinic VALUES (:id, '14', CAST(x'42e5' AS TEXT), 't', 't')", id=B)
    with pytest.raises(Failure, match="'name' with text 'B"), store.answering():
        observed(url)


def test_a_look_that_failed_once_is_not_taken_again(tmp_path: Path) -> None:
    """What fails must end the run, also where a second attempt would have gone well."""
    url = f"sqlite:///{tmp_path / 'r.db'}"
    store.init(url)
    add_clinic(url, A, "14")
    engine = store.engine(url, writes=False)

    def broken(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "json_group_object" in statement:
            raise OperationalError(statement, {}, sqlite3.OperationalError("disk I/O error"))

    event.listen(engine, "before_cursor_execute", broken)
    with pytest.raises(Failure, match="disk I/O error"), store.connected(engine) as connection:
        store.observe(connection)


@pytest.mark.parametrize("odd", ["5", "x'35'"])
def test_a_name_that_is_no_text_is_read_as_one(tmp_path: Path, odd: str) -> None:
    """SQLite keeps whatever it is given, where a column has no type."""
    url = f"sqlite:///{tmp_path / 'r.db'}"
    store.init(url)
    sql(url, "DROP TABLE complaints_clinic")
    sql(url, "CREATE TABLE complaints_clinic (hsa_id PRIMARY KEY, region_code text, name, enrolled_at, updated_at)")
    sql(url, f"INSERT INTO complaints_clinic VALUES (:id, '14', {odd}, 't', 't')", id=A)
    assert observed(url).clinics == {A: Enrolment("14", "5")}


def test_a_board_needs_no_name_to_be_one(url: str) -> None:
    sql(url, "UPDATE complaints_region SET board_hsa_id = 'se1-a' WHERE region_code = '14'")
    assert observed(url).boards == {"14": BoardRow("se1-a", "")}


@pytest.mark.parametrize("name", ['Villa "Ek" \\ Co', "Två\nrader\u2028här", "\x01", ""])
def test_a_name_is_read_as_it_stands(url: str, name: str) -> None:
    add_clinic(url, A, "14", name)
    with store.connected(store.engine(url, writes=False)) as connection:
        assert store.observe(connection).clinics == {A: Enrolment("14", name)}
        assert store.observe_region(connection, "14", []).clinics == {A: Enrolment("14", name)}


def test_a_clinic_without_a_name_is_seen_and_named(url: str) -> None:
    """The service may allow it; it would be missed where the server tells what all names of a region are."""
    sql(url, "DROP TABLE complaints_clinic")
    sql(
        url,
        "CREATE TABLE complaints_clinic (hsa_id text PRIMARY KEY, region_code text, name text,"
        " enrolled_at text, updated_at text)",
    )
    add_clinic(url, A, "14")
    sql(url, "INSERT INTO complaints_clinic VALUES (:id, '14', NULL, 't', 't')", id=B)
    with store.connected(store.engine(url, writes=False)) as connection:
        seen = store.observe(connection, {"14": {A: "Ett"}})
    assert seen.clinics == {A: Enrolment("14", "Ett"), B: Enrolment("14", "")}
    assert names(settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två")})) == [f"rename {B}"]
    assert observed(url).clinics[B] == Enrolment("14", "Två")


# ---- a region settled


def test_a_region_is_enrolled_changed_and_emptied(url: str) -> None:
    first = settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två")}, BOARD)
    assert names(first) == [f"enrol {A}", f"enrol {B}", f"set-board {BOARD.hsa_id}"]
    assert observed(url) == State(
        {A: Enrolment("14", "Ett"), B: Enrolment("14", "Två")},
        {"14": BOARD},
        {A: ManagedClinic("14", "14", "Ett"), B: ManagedClinic("14", "14", "Två")},
        {"14": ManagedBoard(*BOARD, "X-1")},
    )
    second = settled(url, "14", {A: ("14", "Ettan"), C: ("14", "Tre")}, BOARD._replace(name="Nytt"))
    assert names(second) == [f"withdraw {B}", f"rename {A}", f"enrol {C}", f"change-board {BOARD.hsa_id}"]
    third = settled(url, "14", {})
    assert names(third) == [f"remove-board {BOARD.hsa_id}", f"withdraw {A}", f"withdraw {C}"]
    assert observed(url) == State()
    assert problems(url) == []


def test_a_clinic_moves_with_what_is_remembered_of_it(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett")})
    assert names(settled(url, "12", {A: ("12", "Ett")})) == [f"move {A}"]
    assert observed(url) == State({A: Enrolment("12", "Ett")}, {}, {A: ManagedClinic("12", "12", "Ett")}, {})


def test_nothing_to_do_writes_nothing(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett")}, BOARD)
    engine = writer(url)
    with statements(engine) as seen:
        done = store.settle_region(engine, 1, "14", [A], wanting("14", {A: ("14", "Ett")}, BOARD, taken={"d": 1}), NOW)
    assert done == store.Done((), refused=False)
    assert {statement.split()[0] for statement in seen} <= {"BEGIN", "SELECT", "SET"}


def test_what_is_only_remembered_is_no_change(url: str) -> None:
    add_clinic(url, A, "14")
    assert settled(url, "14", {A: ("14", "Ett")}).changes == ()
    assert observed(url).managed_clinics == {A: ManagedClinic("14", "14", "Ett")}
    assert sql(url, "SELECT count(*) FROM change") == [(0,)]


def test_refused_is_left_as_it_was(url: str) -> None:
    decide = wanting("14", {A: ("14", "Ett")})
    engine = writer(url)
    run = store.begin_run(engine, HEADER, NOW)
    done = store.settle_region(engine, run, "14", [A], lambda state: decide(state)._replace(refused=True), NOW)
    assert done == store.Done((), refused=True)
    assert observed(url) == State()


def test_a_row_that_is_not_as_it_was_thought_undoes_all(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två")})
    before = observed(url)
    thought = State({**before.clinics, A: Enrolment("14", "Annat")}, {}, before.managed_clinics, {})
    decide = wanting("14", {C: ("14", "Tre")})
    with pytest.raises(Failure, match="withdraw should change 2 rows, and changed 1") as failure:
        store.settle_region(writer(url), 1, "14", [C], lambda _state: decide(thought), NOW)
    assert failure.value.kind == "changed-meanwhile"
    assert observed(url) == before


def test_something_left_to_do_undoes_all(url: str) -> None:
    decide = wanting("14", {A: ("14", "Ett"), B: ("14", "Två")})
    run = store.begin_run(writer(url), HEADER, NOW)

    def half(state: State) -> store.Work:
        work = decide(state)
        return work._replace(changes=work.changes[:1], bookkeeping=Bookkeeping())

    with pytest.raises(Failure, match=f"1 are left, enrol {B}") as failure:
        store.settle_region(writer(url), run, "14", [A, B], half, NOW)
    assert failure.value.kind == "differs"
    assert observed(url) == State()


def test_an_approval_is_a_budget_that_is_taken_from(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett")}, taken={"sha256:a": 2})
    settled(url, "12", {B: ("12", "Två")}, taken={"sha256:a": 1, "sha256:b": 5})
    with store.connected(store.engine(url, writes=False)) as connection:
        assert store.approvals_taken(connection) == {"sha256:a": 3, "sha256:b": 5}


# ---- the log


def test_a_chain_grows_by_region(url: str) -> None:
    settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två")}, BOARD)
    settled(url, "12", {C: ("12", "Tre")})
    settled(url, "14", {A: ("14", "Ettan"), B: ("14", "Två")}, BOARD)
    with store.connected(store.engine(url, writes=False)) as connection:
        heads = store.chain_heads(connection)
    assert {code: head.length for code, head in heads.items()} == {"12": 1, "14": 4}
    [(chains,)] = sql(url, "SELECT chains FROM run WHERE id = 3")
    assert json.loads(str(chains)) == {code: list(head) for code, head in heads.items()}
    assert sql(url, "SELECT before, after FROM change WHERE region = '14' AND sequence = 4") == [
        ('{"region_code":"14","name":"Ett"}', '{"region_code":"14","name":"Ettan"}')
    ]


def test_a_chain_goes_on_where_changes_are_written_a_few_at_a_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_AT_ONCE", 2)
    settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två"), C: ("14", "Tre")}, BOARD)
    settled(url, "14", {A: ("14", "Ett")}, BOARD)
    assert sql(url, "SELECT sequence FROM change ORDER BY sequence") == [(number,) for number in range(1, 7)]
    assert problems(url) == []


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE change SET after = NULL WHERE region = '14' AND sequence = 2",
        "UPDATE change SET run = 2 WHERE region = '14' AND sequence = 2",
        "UPDATE change SET hash = 'sha256:0' WHERE region = '14' AND sequence = 3",
        "UPDATE change SET sequence = 9 WHERE region = '14' AND sequence = 3",
        "DELETE FROM change WHERE region = '14' AND sequence = 1",
        "DELETE FROM change WHERE region = '14' AND sequence = 3",
        "DELETE FROM change WHERE region = '14'",
    ],
)
def test_a_chain_that_was_altered_is_found(url: str, tampering: str) -> None:
    settled(url, "14", {A: ("14", "Ett"), B: ("14", "Två")}, BOARD)
    settled(url, "12", {C: ("12", "Tre")})
    assert problems(url) == []
    sql(url, tampering)
    [problem] = problems(url)
    assert "region 14" in problem


@pytest.mark.parametrize("record", ["", "[]", '{"14": 3}', '{"14": [1]}'])
def test_a_run_whose_record_was_altered_is_found(url: str, record: str) -> None:
    settled(url, "14", {A: ("14", "Ett")})
    sql(url, "UPDATE run SET chains = :record", record=record)
    assert problems(url) == ["what run 1 recorded of its chains cannot be read"]


def test_a_run_is_on_record_before_its_first_change(url: str) -> None:
    engine = writer(url)
    run = store.begin_run(engine, HEADER, NOW)
    with store.connected(engine) as connection:
        last = store.last_run(connection)
        assert last == store.LastRun(run, "2026-05-15T12:00:00.000000+00:00", None, "started", "somebody", "c0ffee", 0)
        assert store.last_commit(connection) is None
    store.finish_run(engine, run, "done", NOW + timedelta(minutes=1), 3)
    with store.connected(engine) as connection:
        last = store.last_run(connection)
    assert last is not None
    assert (last.status, last.finished, last.applied) == ("done", "2026-05-15T12:01:00.000000+00:00", 3)
    assert sql(url, "SELECT state_after FROM run") == [(state_digest({}, {}),)]


def test_a_run_leaves_on_record_what_the_services_tables_held_at_its_end(url: str) -> None:
    for hsa_id, code in (("SE1-B", "14"), ("SE1-A", "12"), ("SE1-C", "14")):
        add_clinic(url, hsa_id, code)
    sql(url, "UPDATE complaints_region SET board_hsa_id = 'SE1-N', board_name = 'N' WHERE region_code = '12'")
    engine = writer(url)
    store.finish_run(engine, store.begin_run(engine, HEADER, NOW), "done", NOW, 0)
    now = observed(url)
    assert sql(url, "SELECT state_after FROM run") == [(state_digest(now.clinics, now.boards),)]


def test_no_run_no_last_run(url: str) -> None:
    with store.connected(store.engine(url, writes=False)) as connection:
        assert (store.last_run(connection), store.last_commit(connection)) == (None, None)


def test_a_run_ends_also_where_the_state_cannot_be_read(url: str) -> None:
    run = store.begin_run(writer(url), HEADER, NOW)
    add_clinic(url, A.lower(), "14")
    store.finish_run(writer(url), run, "failed", NOW, 0)
    assert sql(url, "SELECT status, state_after FROM run") == [("failed", None)]


def test_the_last_commit_is_that_of_a_run_that_had_its_say(url: str) -> None:
    engine = writer(url)

    def commit_after(commit: str | None, status: str | None, clinics: Rows | None = None) -> str | None:
        run = store.begin_run(engine, HEADER._replace(commit=commit), NOW)
        if clinics is not None:
            store.settle_region(engine, run, "14", clinics.keys(), wanting("14", clinics), NOW)
        if status:
            store.finish_run(engine, run, status, NOW, 0)
        with store.connected(engine) as connection:
            return store.last_commit(connection)

    assert commit_after("first", "done") == "first"
    assert commit_after("old", "refused") == "first"
    assert commit_after("killed at once", None) == "first"
    assert commit_after("killed after a region", None, {A: ("14", "Ett")}) == "killed after a region"
    assert commit_after("failed after a region", "failed", {}) == "failed after a region"
    assert commit_after(None, "done") == "failed after a region"


def snapshot(name: str) -> Register:
    clinics = {A: RegisterClinic(name, True, "14"), B: RegisterClinic("Två", False, "14")}
    return Register(clinics, NOW - timedelta(hours=1), f"sha256:{name}")


def test_the_register_is_kept_when_it_is_another(url: str) -> None:
    engine = writer(url)
    run = store.begin_run(engine, HEADER, NOW)
    for hour, name in enumerate(["Ett", "Ett", "Ettan", "Ett"]):
        store.keep_incoming(engine, run, store.Incoming(snapshot(name), Remembered()), NOW + timedelta(hours=hour), 10)
    kept = sql(url, "SELECT digest, fetched_at, counts, content FROM register_snapshot ORDER BY fetched_at")
    assert [(row[0], str(row[1])[11:13]) for row in kept] == [("sha256:Ettan", "14"), ("sha256:Ett", "15")]
    assert kept[0][2] == '{"14":{"clinics":2,"active":1}}'
    content = kept[0][3]
    assert isinstance(content, bytes)
    assert json.loads(zlib.decompress(content)) == [[False, "14", {B: "Två"}], [True, "14", {A: "Ettan"}]]


# ---- start-up


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_alembic_is_imported_by_making_and_upgrading_alone(url: str) -> None:
    use = f"""
from datetime import UTC, datetime
from reconciler import store
from reconciler.bookkeeping import Bookkeeping
engine = store.engine({url!r}, writes=True)
with store.connected(engine) as connection:
    store.check(connection)
    store.observe(connection)
run = store.begin_run(engine, store.RunHeader("a", None, "c", "r", None, "s", 0), datetime.now(UTC))
store.settle_region(engine, run, "14", [], lambda state: store.Work((), Bookkeeping(), {{}}), datetime.now(UTC))
store.finish_run(engine, run, "done", datetime.now(UTC), 0)
"""
    assert "alembic" not in modules_after(use)
    assert "alembic" in modules_after(f"from reconciler import store; store.upgrade({url!r})")


# ---- the log's hashes


@pytest.mark.parametrize("odd", ["", 'a "quoted" one', "å\\ \u2028 \x07", "\U0001f3e5"])
def test_a_hash_is_the_digest_of_what_it_covers_as_a_list(odd: str) -> None:
    step = Change("14", Action.RENAME, odd, Enrolment("14", odd), Enrolment("14", "n"), Cause.DRIFT, odd or None, None)
    covered = log._covered(7, "14", 3, step)
    before = json.dumps({"region_code": "14", "name": odd}, ensure_ascii=False, separators=(",", ":"))
    assert covered[5] == before
    assert log._hash("sha256:0", covered) == digest(["sha256:0", *covered])
