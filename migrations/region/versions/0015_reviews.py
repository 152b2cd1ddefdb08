"""Reviews and the actions agreed in them."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("kind", sa.String(length=10), nullable=False, comment="service | targets"),
        sa.Column(
            "key", sa.String(length=60), nullable=False, comment="what it is for, the same for ever"
        ),
        sa.Column("due_on", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="RFC 5545 SEQUENCE"),
        sa.Column("changed_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("fixed", sa.Integer(), nullable=False, comment="1: its day was set by a person"),
        sa.Column("held_on", sa.String(length=10), nullable=True, comment="date"),
        sa.Column("held_by", sa.String(length=26), nullable=True, comment="who wrote the minutes"),
        sa.Column("why_enc", sa.LargeBinary(), nullable=False),
        sa.Column("minutes_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "key", name="reviews_planned_once"),
    )
    op.create_index(op.f("ix_reviews_contract_id"), "reviews", ["contract_id"], unique=False)
    op.create_index("reviews_by_day", "reviews", ["contract_id", "due_on"], unique=False)
    op.create_table(
        "review_actions",
        sa.Column("review_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False, comment="whose it is to do"),
        sa.Column("due_on", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("done_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("said_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["review_id"],
            ["reviews.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_review_actions_contract_id"), "review_actions", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_review_actions_review_id"), "review_actions", ["review_id"], unique=False
    )
    for table in ("reviews", "review_actions"):
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
        refuse(table, "kept", "DELETE", f"{table} are kept")
    refuse(
        "reviews",
        "minuted",
        "UPDATE",
        "minutes are never changed",
        "WHEN OLD.minutes_enc IS NOT NULL",
    )
