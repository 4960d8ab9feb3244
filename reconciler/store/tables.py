"""The tables: two of the complaints service, the others ours.

Only names and types. What is written when stands in `execute` and `log`; how our tables change over the years stands in
`migrations`. Times are UTC, as ISO text, so that every database orders them alike.
"""

from datetime import UTC, datetime

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

SCHEMA = "0003"
"""The version of our tables that this program reads and writes: the head of the migrations."""

VERSION_TABLE = "reconciler_version"

metadata = MetaData()

complaints_region = Table(
    "complaints_region",
    metadata,
    Column("region_code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("board_hsa_id", Text),
    Column("board_name", Text),
    Column("updated_at", Text, nullable=False),
)

complaints_clinic = Table(
    "complaints_clinic",
    metadata,
    Column("hsa_id", Text, primary_key=True),
    Column("region_code", Text, ForeignKey("complaints_region.region_code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("enrolled_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Index("complaints_clinic_by_region", "region_code"),
)

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

SERVICE = (complaints_region, complaints_clinic)
"""The tables of the complaints service: read and written, never migrated."""


def as_text(moment: datetime) -> str:
    """Return a moment as it is stored."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
