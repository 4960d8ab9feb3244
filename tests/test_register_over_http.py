"""The register over HTTP and from a database: pages, ETag, and columns that somebody else named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import postgres
import pytest
from register_server import Stand, serving

from reconciler.findings import Exit, Failure
from reconciler.model import HttpSettings, Register, RegisterClinic, RegisterSettings
from reconciler.sources.register import ask
from reconciler.sources.sql import only_read

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MADE = "2026-11-24T04:00:00+01:00"
CLINICS = [
    {"hsa_id": f"SE2321000131-E{n:04}", "name": f"Vårdcentral {n}", "status": "active", "region_code": "14"}
    for n in range(25)
]
DOCUMENT = {"format": "reconciler/register/1", "generated_at": MADE, "complete": True, "clinics": CLINICS}


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand(DOCUMENT)
    with serving(made):
        yield made


def over_http(stand: Stand, **more: Any) -> RegisterSettings:
    http = HttpSettings(url=stand.url, retries=0, total_timeout=timedelta(seconds=5), max_megabytes=1)
    return RegisterSettings(source="http", http=http, **more)


def refused(settings: RegisterSettings) -> Failure:
    with pytest.raises(Failure) as caught:
        ask(settings, NOW)
    assert caught.value.source == "register"
    return caught.value


def test_one_document_or_pages_of_it_give_the_same_register(stand: Stand) -> None:
    whole = ask(over_http(stand), NOW)
    assert (len(whole.clinics), whole.generated_at.isoformat()) == (25, MADE)
    stand.page = 10
    paged = ask(over_http(stand), NOW)
    assert (paged.clinics, paged.digest, paged.etag) == (whole.clinics, whole.digest, None)
    assert [path for path, _headers in stand.asked] == ["/register"] * 2 + ["/register?start=10", "/register?start=20"]


def test_an_answer_that_is_held_is_asked_for_by_its_etag(stand: Stand) -> None:
    first = ask(over_http(stand), NOW)
    assert ask(over_http(stand, known=first), NOW) is first
    assert stand.asked[1][1]["If-None-Match"] == first.etag
    stand.document = {**DOCUMENT, "clinics": CLINICS[:20]}
    assert len(ask(over_http(stand, known=first), NOW).clinics) == 20
    stand.document = DOCUMENT
    with pytest.raises(Failure, match="hours old"):
        ask(over_http(stand, known=first), NOW + timedelta(days=3))


def test_a_server_that_says_unchanged_to_who_holds_nothing_gives_nothing(stand: Stand) -> None:
    stand.fault = "304"
    assert refused(over_http(stand)).kind == "incomplete"


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("endless-pages", "malformed", "the pages do not end"),
        ("repeated-page", "malformed", "is one that was read: /register"),
        ("next-elsewhere", "malformed", "is not on the same server"),
        ("next-of-another-day", "incomplete", "made anew while its pages were read"),
        ("missing-field", "record", "page 1, clinics[0] (SE2321000131-E0000): it should have exactly"),
        ("unknown-status", "record", "page 1, clinics[0].status"),
        ("number", "malformed", "it has not the format"),
        ("wrong-length", "malformed", "this is not JSON"),
    ],
)
def test_pages_that_do_not_end_or_fit_are_a_failure(
    stand: Stand, fault: str, kind: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.sources.register_pages._MOST_PAGES", 20)
    stand.fault = fault
    found = refused(over_http(stand))
    assert (found.kind, said in found.problem) == (kind, True), found.problem


def test_pages_are_bounded_together(stand: Stand) -> None:
    stand.page = 10
    stand.document = {**DOCUMENT, "clinics": [{**one, "name": "x" * 60_000} for one in CLINICS]}
    assert refused(over_http(stand)).kind == "malformed"


def test_without_an_address_nothing_can_be_asked() -> None:
    found = refused(RegisterSettings(source="http"))
    assert (found.kind, found.exit) == ("missing", Exit.SETTINGS)


# ---- from a database

QUERY = """SELECT id AS hsa_id, title AS name, CASE open WHEN 1 THEN 'active' ELSE 'inactive' END AS status,
           area AS region_code FROM unit"""


@pytest.fixture
def database(tmp_path: Path) -> RegisterSettings:
    path = tmp_path / "their.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE unit (id TEXT, title TEXT, open INTEGER, area TEXT); CREATE TABLE made (at TEXT);"
        "INSERT INTO unit VALUES ('SE1-A', 'Åby', 1, '14'), ('SE1-B', 'Åmål', 0, 'SE-M');"
        f"INSERT INTO made VALUES ('{MADE}');"
    )
    connection.close()
    return RegisterSettings(
        source="sql",
        http=HttpSettings(url=f"sqlite:///{path}"),
        query=QUERY,
        generated_at_query="SELECT max(at) FROM made",
        region_codes={"SE-M": "12"},
    )


def test_a_select_gives_the_register(database: RegisterSettings) -> None:
    found: Register = ask(database, NOW)
    assert dict(found.clinics) == {
        "SE1-A": RegisterClinic("Åby", True, "14"),
        "SE1-B": RegisterClinic("Åmål", False, "12"),
    }


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        (
            {"query": QUERY.replace("AS status", "AS state")},
            "malformed",
            "the columns hsa_id, name, state, region_code",
        ),
        ({"query": "SELECT nowhere"}, "unanswered", "no such column"),
        ({"query": "SELEC"}, "malformed", "syntax error"),
        ({"query": "DELETE FROM unit RETURNING id"}, "unanswered", "readonly"),
        ({"query": QUERY.replace("title", "NULL")}, "record", "row 1, column name (SE1-A)"),
        ({"region_codes": {}}, "record", "row 2, column region_code (SE1-B): SE-M is not a region"),
        ({"generated_at_query": "SELECT NULL"}, "time", "None, not a time with its zone"),
        ({"generated_at_query": "SELECT '2026-11-24 04:00:00'"}, "time", "not a time with its zone"),
        ({"query": ""}, "missing", "what to ask"),
        ({"http": HttpSettings(url="nosuch://server/db")}, "address", "not a database"),
    ],
)
def test_what_is_wrong_with_it_is_told(database: RegisterSettings, changed: Any, kind: str, said: str) -> None:
    found = refused(database._replace(**changed))
    assert (found.kind, said in found.problem) == (kind, True), found.problem


# ---- from PostgreSQL


@pytest.fixture
def theirs(server: postgres.Server) -> Iterator[RegisterSettings]:
    """Their database, of which we own nothing but the right to read; its time is a timestamptz."""
    url = server.make_schema("their_register")
    with server.connect() as connection:
        connection.execute("SET search_path TO their_register")
        connection.execute("CREATE TABLE unit (id text, title text, open int, area text, written timestamptz)")
        connection.execute(f"INSERT INTO unit VALUES ('SE1-A', 'Åby', 1, '14', '{MADE}')")
    http = HttpSettings(url=url)
    yield RegisterSettings(
        source="sql", http=http, query=QUERY, generated_at_query="SELECT max(written) FROM their_register.unit"
    )
    server.drop_schema("their_register")


def test_postgresql_gives_the_register(theirs: RegisterSettings) -> None:
    found = ask(theirs, NOW)
    assert dict(found.clinics) == {"SE1-A": RegisterClinic("Åby", True, "14")}
    assert found.generated_at == datetime.fromisoformat(MADE)


@pytest.mark.parametrize("which", ["query", "generated_at_query"])
@pytest.mark.parametrize(
    "writes", ["DELETE FROM unit RETURNING id", "SELECT nextval('counted')", "COMMIT; DELETE FROM unit RETURNING id"]
)
def test_postgresql_is_only_read(theirs: RegisterSettings, server: postgres.Server, which: str, writes: str) -> None:
    with server.connect() as connection:
        connection.execute("CREATE SEQUENCE their_register.counted")
        found = refused(theirs._replace(**{which: writes}))
        assert (found.kind, "read-only transaction" in found.problem) == ("malformed", True), found.problem
        assert connection.execute("SELECT count(*) FROM their_register.unit").fetchone() == (1,)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mariadb", ["SET SESSION TRANSACTION READ ONLY", "commit"]),
        ("oracle", ["SET TRANSACTION READ ONLY"]),
        ("mssql", []),
    ],
)
def test_other_databases_are_told_to_let_nothing_be_written_where_they_can(name: str, told: list[str]) -> None:
    said: list[str] = []
    spoken_to: Any = {"exec_driver_sql": said.append, "commit": lambda: said.append("commit")}
    only_read(SimpleNamespace(dialect=SimpleNamespace(name=name), **spoken_to))
    assert said == told


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"query": "SELECT nowhere FROM unit"}, "unanswered", 'column "nowhere" does not exist'),
        ({"query": "SELEC"}, "malformed", "syntax error"),
        ({"generated_at_query": "SELECT max(written)::timestamp FROM unit"}, "time", "not a time with its zone"),
    ],
)
def test_what_is_wrong_with_postgresql_is_told(theirs: RegisterSettings, changed: Any, kind: str, said: str) -> None:
    found = refused(theirs._replace(**changed))
    assert (found.kind, said in found.problem) == (kind, True), found.problem


def test_a_database_that_takes_too_long_is_not_waited_for(database: RegisterSettings) -> None:
    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000000) SELECT max(i) FROM n"
    slow = database.http._replace(total_timeout=timedelta(seconds=0.2))
    assert refused(database._replace(http=slow, generated_at_query=forever)).kind == "timeout"


def test_the_account_comes_from_the_environment_or_a_file(database: RegisterSettings, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hemligt\n", encoding="utf-8")
    http = HttpSettings(url="postgresql+nosuchdriver://server/db", user="me", password_file=secret)
    found = refused(database._replace(http=http))
    assert (found.kind, "hemligt" in found.problem) == ("address", False)
