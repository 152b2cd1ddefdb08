"""The day a term ended, beside the moment it was seen to have ended."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "facts",
        sa.Column(
            "effective_on", sa.String(length=10), nullable=True,
            comment="date, where it is not the day of `at`",
        ),
    )  # fmt: skip
