"""The API: answers by Idempotency-Key, and lists of contracts by a key."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column(
            "id",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of organisation, client, address and key",
        ),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column(
            "owner", sa.String(length=64), nullable=False, comment="whose data key seals the answer"
        ),
        sa.Column(
            "fingerprint",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the request's body",
        ),
        sa.Column(
            "status", sa.Integer(), nullable=False, comment="HTTP; 0 while it is carried out"
        ),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("answer_enc", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False
    )
    op.create_index(
        "contracts_of_customer", "contracts", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "contracts_of_vendor", "contracts", ["vendor_id", "created_at", "id"], unique=False
    )
    for table in ("idempotency_keys",):
        for event in ("INSERT", "UPDATE"):
            name, why = f"pinned_{event.lower()}", f"{table} of another region"
            op.execute(
                REFUSE.format(table=table, name=name, event=event, when=OTHER_REGION, why=why)
            )
