"""Webhooks: endpoints, deliveries, tries."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False, comment="by space; none: all"),
        sa.Column(
            "place", sa.Integer(), nullable=False, comment="of the next entry to be looked at"
        ),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("created_by", sa.String(length=26), nullable=False, comment="person"),
        sa.Column("ended_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("ended_why", sa.String(length=8), nullable=True, comment="person | gone"),
        sa.Column("address_enc", sa.LargeBinary(), nullable=False),
        sa.Column("secrets_enc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_webhook_endpoints_organisation_id"),
        "webhook_endpoints",
        ["organisation_id"],
        unique=False,
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("endpoint_id", sa.String(length=26), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True, comment="of the entry; none: a trial"),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=True),
        sa.Column("body", sa.Text(), nullable=False, comment="as it is sent; thin"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("due_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("leased_until", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False, comment="of the present schedule"),
        sa.Column("done_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("failed_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("endpoint_id", "place", name="webhook_deliveries_once"),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_endpoint_id"),
        "webhook_deliveries",
        ["endpoint_id"],
        unique=False,
    )
    op.create_index(
        "webhook_deliveries_due",
        "webhook_deliveries",
        ["done_at", "failed_at", "due_at"],
        unique=False,
    )
    op.create_table(
        "webhook_tries",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("delivery_id", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="HTTP"),
        sa.Column(
            "problem", sa.String(length=80), nullable=True, comment="why there was no status"
        ),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_webhook_tries_delivery_id"), "webhook_tries", ["delivery_id"], unique=False
    )
    for table in ("webhook_endpoints", "webhook_deliveries", "webhook_tries"):
        for event in ("INSERT", "UPDATE"):
            name, why = f"pinned_{event.lower()}", f"{table} of another region"
            op.execute(
                REFUSE.format(table=table, name=name, event=event, when=OTHER_REGION, why=why)
            )
