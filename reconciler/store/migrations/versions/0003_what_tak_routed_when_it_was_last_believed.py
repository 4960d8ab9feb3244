"""The clinics of each region that TAK routed when it was last believed: what the next answer is measured by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "routes_part",
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("generated_at", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    )
