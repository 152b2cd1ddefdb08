"""A data key beside the one before, and which of a contract's keys a document is sealed with."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "data_keys",
        sa.Column(
            "wrapped_before",
            sa.LargeBinary(),
            nullable=True,
            comment="the key before, while it is being rotated",
        ),
    )
    op.add_column(
        "data_keys",
        sa.Column(
            "generation",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="how many keys there were before",
        ),
    )
    op.add_column(
        "documents",
        sa.Column(
            "generation",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="of the key it is sealed with",
        ),
    )
