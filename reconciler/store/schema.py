"""The tables made, brought up to date, and looked at. Alembic is imported when they are made, and only then."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, column, insert, inspect, select, table

from reconciler.findings import Exit, Failure
from reconciler.model import REGIONS
from reconciler.store.engine import connected, engine, shown
from reconciler.store.tables import SCHEMA, SERVICE, VERSION_TABLE, as_text, complaints_region, metadata
from reconciler.words import _

_MIGRATIONS = Path(__file__).parent / "migrations"


def init(url: str, *, service: bool = False) -> None:
    """Make what is missing, and leave alone what is there: the file and our tables.

    The service's tables, with all 21 regions, too in a SQLite file; elsewhere they are the service's, unless *service*
    says that this is a trial.
    """
    opener = engine(url, writes=True, makes=True)
    with connected(opener) as connection:
        if service or opener.dialect.name == "sqlite":
            metadata.create_all(connection, SERVICE)
            _add_regions(connection)
        remedy = _("see that it is the right one, or for a trial make them: reconciler db init --with-service-tables")
        _refuse_missing(connection, {table.name for table in SERVICE}, remedy)
        _migrate(connection)


def upgrade(url: str) -> None:
    """Bring our tables to the version of this program."""
    with connected(engine(url, writes=True)) as connection:
        _migrate(connection)


def check(connection: Connection) -> None:
    """Fail when tables are missing, or are those of another version: a mistyped path enrols nobody.

    The version comes first: an older one lacks tables, and is brought up to date, not made.
    """
    if inspect(connection).has_table(VERSION_TABLE):
        version = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
        if version != SCHEMA:
            _refuse_version(connection, version)
    remedy = _("see that it is the right one; if it is, run: reconciler db init")
    _refuse_missing(connection, {*metadata.tables, VERSION_TABLE}, remedy)


def _refuse_missing(connection: Connection, wanted: set[str], remedy: str) -> None:
    missing = sorted(wanted - set(inspect(connection).get_table_names()))
    if missing:
        problem = _("the database {url} lacks the tables {tables}")
        raise _unfit(problem.format(url=shown(connection.engine.url), tables=", ".join(missing)), remedy)


def _refuse_version(connection: Connection, version: str | None) -> None:
    problem = _("the database {url} is of version {version}, and this program of version {schema}")
    named = problem.format(url=shown(connection.engine.url), version=version, schema=SCHEMA)
    if version is not None and version > SCHEMA:
        raise _unfit(named, _("install the newer reconciler"))
    raise _unfit(named, _("run: reconciler db upgrade"))


def _unfit(problem: str, remedy: str) -> Failure:
    return Failure("database", "schema", problem=problem, remedy=remedy, exit=Exit.SETTINGS)


def _add_regions(connection: Connection) -> None:
    there = set(connection.scalars(select(complaints_region.c.region_code)))
    now = as_text(datetime.now(UTC))
    rows = [{"region_code": c, "name": n, "updated_at": now} for c, n in REGIONS.items() if c not in there]
    if rows:
        connection.execute(insert(complaints_region), rows)


def _migrate(connection: Connection, version: str = "head") -> None:
    from alembic import command  # noqa: PLC0415  (half a second that only `db` pays)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, version)
    except CommandError as error:
        problem = _("the tables of {url} cannot be brought to version {schema}: {reason}")
        named = problem.format(url=shown(connection.engine.url), schema=SCHEMA, reason=error)
        raise _unfit(named, _("install the newer reconciler")) from error
