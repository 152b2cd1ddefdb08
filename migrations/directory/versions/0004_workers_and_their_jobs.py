"""Signs of life of the workers, and how their jobs went"""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_runs",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("ran_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=80), nullable=True, comment="the kind of its failure"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False, comment="host:process"),
        sa.Column("started_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("seen_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
