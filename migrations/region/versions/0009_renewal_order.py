"""Order renewals by notice date within an organisation."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for side in ("vendor", "customer"):
        op.drop_index(f"renewals_of_{side}", "renewals")
        op.create_index(
            f"renewals_of_{side}",
            "renewals",
            [f"{side}_id", "notice_by", "contract_id", "state"],
            unique=False,
        )
