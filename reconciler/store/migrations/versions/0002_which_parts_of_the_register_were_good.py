"""Which regions' parts of a kept register were good, since when they say the same, and how the register was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("register_snapshot", sa.Column("etag", sa.Text))
    op.add_column("register_snapshot", sa.Column("asked", sa.Text))
    op.create_table(
        "register_part",
        sa.Column("snapshot", sa.Text, sa.ForeignKey("register_snapshot.digest"), primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("clinics", sa.Integer, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
