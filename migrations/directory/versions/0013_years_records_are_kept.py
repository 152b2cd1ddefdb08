"""How long an organisation keeps records after the end of a contract."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organisations",
        sa.Column(
            "retention_years",
            sa.Integer(),
            nullable=False,
            server_default="6",
            comment="how long records are kept after the end of a contract",
        ),
    )
