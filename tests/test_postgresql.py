"""What only PostgreSQL has: GRANTs, enough to apply, enough to plan, and no more; and writers side by side."""

from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from little_country import NOW, Country, board
from made_store import sql, writer
from sqlalchemy import Connection, text

from reconciler import pipeline, store
from reconciler.findings import Exit, Failure
from reconciler.store.engine import transacted
from reconciler.store.grants import grants
from reconciler.store.tables import metadata


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.fixture
def roles(url: str, server: postgres.Server) -> Iterator[dict[str, str]]:
    """The address of the database for each role, once the GRANTs were run by the owner."""
    schema = url.rpartition("%3D")[2]
    with server.connect() as owner:
        owner.execute('CREATE ROLE skriver LOGIN; CREATE ROLE "läser" LOGIN')
        owner.execute(f'GRANT USAGE ON SCHEMA {schema} TO skriver, "läser"')
    for statement in grants("skriver", "läser"):
        sql(url, statement)
    yield {role: server.url(schema, role) for role in ("skriver", "läser")}
    with server.connect() as owner:
        owner.execute('DROP OWNED BY skriver, "läser"; DROP ROLE skriver, "läser"')


def test_one_role_applies_and_the_other_plans(roles: dict[str, str], tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.boards["14"] = board("14")
    country.declare("14", 1, 2)
    writes, reads = (country.settings._replace(database=roles[role]) for role in ("skriver", "läser"))
    with pytest.raises(Failure, match="permission denied") as failure:
        pipeline.apply(reads, NOW, "somebody")
    assert failure.value.exit is Exit.UNANSWERED
    assert len(pipeline.plan(reads, NOW).changes) == 3
    assert pipeline.apply(writes, NOW, "somebody").exit is Exit.DONE
    country.clinics["14"].pop()
    country.write()
    assert pipeline.apply(writes, NOW, "somebody").exit is Exit.DONE
    assert pipeline.plan(reads, NOW).changes == ()
    assert pipeline.check_database(reads) == []


@pytest.mark.parametrize("statement", ["DELETE FROM change", "UPDATE change SET subject = 'x'", "DELETE FROM run"])
def test_who_applies_cannot_rewrite_the_log(roles: dict[str, str], statement: str) -> None:
    with pytest.raises(Failure, match="permission denied"), store.connected(writer(roles["skriver"])) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(("patience", "tries"), [(10.0, 2), (0.0, 1)])
def test_where_somebody_was_faster_it_is_done_anew_while_there_is_patience(
    url: str, patience: float, tries: int
) -> None:
    name = "SELECT name FROM complaints_region WHERE region_code = '14'"
    tried: list[object] = []

    def work(connection: Connection) -> None:
        tried.append(connection.scalar(text(name)))
        if len(tried) == 1:
            sql(url, "UPDATE complaints_region SET name = 'faster' WHERE region_code = '14'")
        connection.execute(text("UPDATE complaints_region SET name = name || '!' WHERE region_code = '14'"))

    opener = store.engine(url.replace("+psycopg", ""), writes=True, patience=patience)
    if tries == 2:
        transacted(opener, work)
        assert (tried[1], sql(url, name)) == ("faster", [("faster!",)])
    else:
        with pytest.raises(Failure, match="concurrent update") as failure:
            transacted(opener, work)
        assert (failure.value.kind, sql(url, name)) == ("changed-meanwhile", [("faster",)])
    assert len(tried) == tries


def test_ours_may_have_a_schema_of_their_own(url: str, server: postgres.Server, tmp_path: Path) -> None:
    theirs = url.rpartition("%3D")[2]
    for table in metadata.sorted_tables:
        sql(url, f"DROP TABLE {table.name} CASCADE")
    sql(url, "DROP TABLE reconciler_version")
    both = f"{server.make_schema('ours')}%2C{theirs}"
    try:
        store.init(both)
        country = Country(tmp_path)
        country.declare("14", 1)
        there = country.settings._replace(database=both)
        assert pipeline.apply(there, NOW, "somebody").exit is Exit.DONE
        assert pipeline.check_database(there) == []
        assert sql(both, "SELECT count(*) FROM ours.change") == [(1,)]
        assert sql(both, f"SELECT count(*) FROM {theirs}.complaints_clinic") == [(1,)]
    finally:
        server.drop_schema("ours")


@pytest.mark.parametrize("column", ["name", "region_code"])
def test_who_applies_cannot_rename_a_region(roles: dict[str, str], column: str) -> None:
    with pytest.raises(Failure, match="permission denied"), store.connected(writer(roles["skriver"])) as connection:
        connection.execute(text(f"UPDATE complaints_region SET {column} = 'x' WHERE region_code = '01'"))
