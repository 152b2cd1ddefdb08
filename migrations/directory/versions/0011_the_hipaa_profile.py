"""The HIPAA profile of an organisation: one switch, and its mark for mail."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organisations",
        sa.Column(
            "hipaa_since",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="since when the HIPAA profile holds; none: it does not",
        ),
    )
    op.add_column(
        "mail_rules",
        sa.Column(
            "kept_thin",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="1 = a profile says so, whatever was chosen",
        ),
    )
