"""Whose approval a change asks for, kept with it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "changes",
        sa.Column(
            "asks", sa.String(length=20), server_default="", nullable=False,
            comment="sides whose approval the contract asked for when it was announced",
        ),
    )  # fmt: skip
