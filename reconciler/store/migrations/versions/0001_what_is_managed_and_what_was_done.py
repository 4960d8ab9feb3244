"""Our first tables: what is managed, the runs, the log of changes, the register as it was, the approvals used.

A migration says what it makes by itself: the tables of tomorrow must not change what yesterday's migration did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _make_run()
    _make_managed()
    _make_change()
    op.create_table(
        "register_snapshot",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("generated_at", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
    )
    op.create_table(
        "approval_used",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("taken", sa.Integer, nullable=False),
    )


def _make_run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("finished", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("commit", sa.Text),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("config_digest", sa.Text, nullable=False),
        sa.Column("register_digest", sa.Text, nullable=False),
        sa.Column("routes_digest", sa.Text),
        sa.Column("state_before", sa.Text, nullable=False),
        sa.Column("state_after", sa.Text),
        sa.Column("requested", sa.Integer, nullable=False),
        sa.Column("applied", sa.Integer, nullable=False),
        sa.Column("chains", sa.Text, nullable=False),
    )


def _make_managed() -> None:
    op.create_table(
        "managed_clinic",
        sa.Column("hsa_id", sa.Text, primary_key=True),
        sa.Column("declared_in", sa.Text, nullable=False),
        sa.Column("region_code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    )
    op.create_index("managed_clinic_by_declared_in", "managed_clinic", ["declared_in"])
    op.create_index("managed_clinic_by_region", "managed_clinic", ["region_code"])
    op.create_table(
        "managed_board",
        sa.Column("region_code", sa.Text, primary_key=True),
        sa.Column("hsa_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("support_order", sa.Text),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    )


def _make_change() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("path", sa.Text),
        sa.Column("line", sa.Integer),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.UniqueConstraint("region", "sequence", name="change_once_in_its_chain"),
    )
    op.create_index("change_by_run", "change", ["run"])
