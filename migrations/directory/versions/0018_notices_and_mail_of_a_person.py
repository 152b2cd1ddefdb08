"""Indexes by which a person finds their notices, and the mail they caused."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

GIVEN_UP = "dead_at IS NOT NULL"


def upgrade() -> None:
    op.drop_index("ix_inbox_person_id", table_name="inbox")
    op.create_index("inbox_of_person", "inbox", ["person_id", "id"], unique=False)
    op.create_index("outbox_caused", "outbox", ["caused_by", "id"], unique=False)
    op.create_index(
        "outbox_given_up", "outbox", ["caused_by"], unique=False,
        sqlite_where=sa.text(GIVEN_UP), postgresql_where=sa.text(GIVEN_UP),
    )  # fmt: skip
