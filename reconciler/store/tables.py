"""The tables: two of the complaints service, whose names the settings may give, the others ours.

Only names and types. What is written when stands in `execute` and `log`; how our tables change over the years stands in
`migrations`. Times are UTC, as ISO text, so that every database orders them alike.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy.types import UserDefinedType

from reconciler.names import Names

SCHEMA = "0003"
"""The version of our tables that this program reads and writes: the head of the migrations."""

VERSION_TABLE = "reconciler_version"

metadata = MetaData()
"""Ours."""

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started", Text, nullable=False),
    Column("finished", Text),
    Column("status", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("commit", Text),
    Column("tool", Text, nullable=False),
    Column("config_digest", Text, nullable=False),
    Column("register_digest", Text, nullable=False),
    Column("routes_digest", Text),
    Column("state_before", Text, nullable=False),
    Column("state_after", Text),
    Column("requested", Integer, nullable=False),
    Column("applied", Integer, nullable=False),
    Column("chains", Text, nullable=False),
)

managed_clinic = Table(
    "managed_clinic",
    metadata,
    Column("hsa_id", Text, primary_key=True),
    Column("declared_in", Text, nullable=False),
    Column("region_code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("run_id", Integer, ForeignKey("run.id"), nullable=False),
    Index("managed_clinic_by_declared_in", "declared_in"),
    Index("managed_clinic_by_region", "region_code"),
)

managed_board = Table(
    "managed_board",
    metadata,
    Column("region_code", Text, primary_key=True),
    Column("hsa_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("support_order", Text),
    Column("run_id", Integer, ForeignKey("run.id"), nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, ForeignKey("run.id"), nullable=False),
    Column("region", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("cause", Text, nullable=False),
    Column("path", Text),
    Column("line", Integer),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("region", "sequence", name="change_once_in_its_chain"),
    Index("change_by_run", "run"),
)

register_snapshot = Table(
    "register_snapshot",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("generated_at", Text, nullable=False),
    Column("fetched_at", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("counts", Text, nullable=False),
    Column("etag", Text),
    Column("asked", Text),
)

register_part = Table(
    "register_part",
    metadata,
    Column("snapshot", Text, ForeignKey("register_snapshot.digest"), primary_key=True),
    Column("region", Text, primary_key=True),
    Column("run", Integer, ForeignKey("run.id"), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("clinics", Integer, nullable=False),
    Column("since", Text, nullable=False),
)

routes_part = Table(
    "routes_part",
    metadata,
    Column("region", Text, primary_key=True),
    Column("generated_at", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("run_id", Integer, ForeignKey("run.id"), nullable=False),
)

approval_used = Table(
    "approval_used",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("run", Integer, ForeignKey("run.id"), primary_key=True),
    Column("region", Text, primary_key=True),
    Column("taken", Integer, nullable=False),
)


class Moment(UserDefinedType[str]):
    """A time of the service's: sent as text of no said type, which PostgreSQL makes into what the column holds."""

    cache_ok = True

    def get_col_spec(self, **_ignored: object) -> str:
        """Return the type of the column where we make it."""
        return "TEXT"


class Tables(NamedTuple):
    """The tables of the complaints service: read and written, never migrated. Columns are known by what they mean."""

    region: Table
    clinic: Table


@lru_cache
def service_tables(names: Names) -> Tables:
    """Return the service's tables as it calls them."""
    region, clinic, theirs = names.region, names.clinic, MetaData()
    regions = Table(
        _parts(region.table)[1],
        theirs,
        Column(region.region_code, Text, key="region_code", primary_key=True),
        Column(region.name, Text, key="name", nullable=False),
        Column(region.board_hsa_id, Text, key="board_hsa_id"),
        Column(region.board_name, Text, key="board_name"),
        Column(region.updated_at, Moment(), key="updated_at", nullable=False),
        schema=_parts(region.table)[0],
    )
    clinics = Table(
        _parts(clinic.table)[1],
        theirs,
        Column(clinic.hsa_id, Text, key="hsa_id", primary_key=True),
        Column(clinic.region_code, Text, ForeignKey(regions.c.region_code), key="region_code", nullable=False),
        Column(clinic.name, Text, key="name", nullable=False),
        Column(clinic.enrolled_at, Moment(), key="enrolled_at", nullable=False),
        Column(clinic.updated_at, Moment(), key="updated_at", nullable=False),
        Index(f"{_parts(clinic.table)[1]}_by_region", "region_code"),
        schema=_parts(clinic.table)[0],
    )
    return Tables(regions, clinics)


def _parts(name: str) -> tuple[str | None, str]:
    """Return the schema, where one is written, and the table."""
    schema, _dot, table = name.rpartition(".")
    return schema or None, table


def theirs(connection: Connection) -> Tables:
    """Return the service's tables as the settings behind the connection name them."""
    return service_tables(connection.get_execution_options().get("names", Names()))


def text_of(column: ColumnElement[str]) -> ColumnElement[str]:
    """Return what stands in a column of the service's; where nothing does, it is an empty text."""
    return func.coalesce(column, literal_column("''", Text))


def as_text(moment: datetime) -> str:
    """Return a moment as it is stored."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
