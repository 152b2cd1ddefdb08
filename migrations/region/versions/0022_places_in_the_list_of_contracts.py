"""places in the list of contracts"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Filled by place_all right after the migrations: what they follow from lies in facts.
    op.add_column(
        "contracts", sa.Column("stage", sa.String(length=12), nullable=True, comment="of the list")
    )
    op.add_column(
        "contracts",
        sa.Column(
            "turn",
            sa.String(length=8),
            nullable=True,
            comment="vendor | customer: whose it is, or was last",
        ),
    )
    op.add_column(
        "contracts",
        sa.Column(
            "archived_on", sa.String(length=10), nullable=True, comment="first day in the archive"
        ),
    )
    op.create_index(
        "contracts_archived_customer",
        "contracts",
        ["customer_id", "archived_on", "id"],
        unique=False,
    )
    op.create_index(
        "contracts_archived_vendor", "contracts", ["vendor_id", "archived_on", "id"], unique=False
    )
    op.create_index(
        "contracts_staged_customer",
        "contracts",
        ["customer_id", "stage", "turn", "created_at", "id", "archived_on"],
        unique=False,
    )
    op.create_index(
        "contracts_staged_vendor",
        "contracts",
        ["vendor_id", "stage", "turn", "created_at", "id", "archived_on"],
        unique=False,
    )
