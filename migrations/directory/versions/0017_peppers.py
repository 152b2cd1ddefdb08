"""Which pepper a recovery code was hashed with."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "recovery_codes",
        sa.Column(
            "pepper",
            sa.String(length=12),
            nullable=True,
            comment="which one hashed it, as a mark; none: the first there was",
        ),
    )
