"""The tables made, brought up to date, and looked at. Alembic is imported when they are made, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Uuid,
    column,
    insert,
    inspect,
    select,
    table,
)
from sqlalchemy.exc import NoSuchTableError

from reconciler.findings import Exit, Failure
from reconciler.model import REGIONS
from reconciler.names import Names
from reconciler.store.engine import connected, engine, shown
from reconciler.store.tables import SCHEMA, VERSION_TABLE, Moment, as_text, metadata, theirs
from reconciler.words import _

_NO_TIME = (Numeric, Float, Integer, Boolean, LargeBinary, Uuid, JSON)
_NO_TEXT = (*_NO_TIME, DateTime, Date, Enum)
"""What a column of the service's cannot hold; what else there may be, a domain for example, is left to the database."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def init(url: str, *, trial: bool = False, names: Names | None = None) -> None:
    """Make what is missing, and leave alone what is there: the file and our tables.

    The service's tables, with all 21 regions, too in a SQLite file; elsewhere they are the service's, unless it is said
    that this is a *trial*.
    """
    opener = engine(url, writes=True, makes=True, names=names)
    with connected(opener) as connection:
        if trial or opener.dialect.name == "sqlite":
            _make_service(connection)
        _refuse_another_service(connection)
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
    missing = sorted({*metadata.tables, VERSION_TABLE} - set(inspect(connection).get_table_names()))
    if missing:
        problem = _("the database {url} lacks the tables {tables}")
        named = problem.format(url=shown(connection.engine.url), tables=", ".join(missing))
        raise _unfit(named, _("see that it is the right one; if it is, run: reconciler db init"))
    _refuse_another_service(connection)


def _refuse_another_service(connection: Connection) -> None:
    """Fail where the service's tables are not there, or not as they are named; say which setting names what."""
    faults = [
        fault
        for setting, one in theirs(connection)._asdict().items()
        for fault in _faults(connection, f"service.{setting}", one)
    ]
    if faults:
        problem = _("the database {url} does not hold the service's tables as they are named: {faults}")
        remedy = _("see that it is the right one, and name them in the settings; to make them for a trial: {command}")
        raise _unfit(
            problem.format(url=shown(connection.engine.url), faults="; ".join(faults)),
            remedy.format(command="reconciler db init --with-service-tables"),
        )


def _faults(connection: Connection, setting: str, wanted: Table) -> Iterator[str]:
    try:
        there = {one["name"]: one["type"] for one in inspect(connection).get_columns(wanted.name, wanted.schema)}
    except NoSuchTableError:
        yield _("there is no table {table} ({setting})").format(table=wanted.fullname, setting=f"{setting}.table")
        return
    for key, one in wanted.c.items():
        if one.name not in there:
            text = _("the table {table} has no column {column} ({setting})")
            yield text.format(table=wanted.fullname, column=one.name, setting=f"{setting}.{key}")
        elif isinstance(there[one.name], _NO_TIME if isinstance(one.type, Moment) else _NO_TEXT):
            text = _("the column {column} of the table {table} holds {kind}, and should hold {expected} ({setting})")
            expected = _("a time") if isinstance(one.type, Moment) else _("text")
            named = {"table": wanted.fullname, "column": one.name, "setting": f"{setting}.{key}"}
            kind = there[one.name]
            yield text.format(kind=getattr(kind, "name", None) or str(kind).lower(), expected=expected, **named)


def _refuse_version(connection: Connection, version: str | None) -> None:
    problem = _("the database {url} is of version {version}, and this program of version {schema}")
    named = problem.format(url=shown(connection.engine.url), version=version, schema=SCHEMA)
    if version is not None and version > SCHEMA:
        raise _unfit(named, _("install the newer reconciler"))
    raise _unfit(named, _("run: reconciler db upgrade"))


def _unfit(problem: str, remedy: str) -> Failure:
    return Failure("database", "schema", problem=problem, remedy=remedy, exit=Exit.SETTINGS)


def _make_service(connection: Connection) -> None:
    region, clinic = theirs(connection)
    for one in (region, clinic):
        one.create(connection, checkfirst=True)
    there = set(connection.scalars(select(region.c.region_code)))
    now = as_text(datetime.now(UTC))
    rows = [{"region_code": c, "name": n, "updated_at": now} for c, n in REGIONS.items() if c not in there]
    if rows:
        connection.execute(insert(region), rows)


def _migrate(connection: Connection, version: str = "head") -> None:
    from alembic import command  # half a second that only `db` pays
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, version)
    except CommandError as error:
        problem = _("the tables of {url} cannot be brought to version {schema}: {reason}")
        named = problem.format(url=shown(connection.engine.url), schema=SCHEMA, reason=error)
        raise _unfit(named, _("install the newer reconciler")) from error
