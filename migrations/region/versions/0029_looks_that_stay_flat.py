"""What keeps the cost of a look flat: branches of the log, walks of jobs, two indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
GIVEN_UP = "dead_at IS NOT NULL"
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    op.create_table(
        "branches",
        sa.Column(
            "level", sa.Integer(), autoincrement=False, nullable=False,
            comment="8: over 256 leaves; 16; 24",
        ),
        sa.Column(
            "number", sa.Integer(), autoincrement=False, nullable=False,
            comment="of the run, from 0",
        ),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="RFC 6962 node hash"),
        sa.PrimaryKeyConstraint("level", "number"),
    )  # fmt: skip
    op.create_table(
        "walks",
        sa.Column("job", sa.String(length=20), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column(
            "last", sa.String(length=24), nullable=False,
            comment="contract looked at last; empty: all",
        ),
        sa.Column(
            "place", sa.Integer(), nullable=False, comment="of the next entry to be looked at"
        ),
        sa.PrimaryKeyConstraint("job"),
    )  # fmt: skip
    op.create_index("contracts_staged", "contracts", ["stage", "id"], unique=False)
    op.create_index(
        "contracts_on_template", "contracts",
        ["template_sha256", "vendor_id", "created_at", "id"], unique=False,
    )  # fmt: skip
    op.create_index("entries_of_time", "entries", ["at", "chain"], unique=False)
    op.drop_index("ix_inbox_person_id", table_name="inbox")
    op.create_index("inbox_of_person", "inbox", ["person_id", "id"], unique=False)
    op.create_index("outbox_caused", "outbox", ["caused_by", "id"], unique=False)
    op.create_index(
        "outbox_given_up", "outbox", ["caused_by"], unique=False,
        sqlite_where=sa.text(GIVEN_UP), postgresql_where=sa.text(GIVEN_UP),
    )  # fmt: skip
    refuse("branches", "no_update", "UPDATE", "branches are never changed")
    refuse("branches", "no_delete", "DELETE", "branches are never deleted")
    for table in ("branches", "walks"):
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
    refuse("walks", "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
