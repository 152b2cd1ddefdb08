"""The revocation lists an authority's certificates named, kept beside its time stamp."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "checkpoint_stamps",
        sa.Column(
            "lists", sa.Text(), server_default="[]", nullable=False,
            comment="JSON: revocation lists of then, base64",
        ),
    )  # fmt: skip
