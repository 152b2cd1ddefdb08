"""Order renewals by notice date within an organisation."""

import sqlalchemy as sa
from alembic import op

from portal.kit.db import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("renewals", sa.Column("read_at", Instant(length=27), nullable=True))
    for side in ("vendor", "customer"):
        op.drop_index(f"renewals_of_{side}", "renewals")
        op.create_index(
            f"renewals_of_{side}",
            "renewals",
            [f"{side}_id", "notice_by", "contract_id", "state"],
            unique=False,
        )
