"""Emergency access to a contract, and addresses that are never given to another person."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = portal.kit.db.Instant(length=27)
    op.create_table(
        "emergencies",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_emergencies_contract_id"), "emergencies", ["contract_id"])
    op.create_index(op.f("ix_emergencies_person_id"), "emergencies", ["person_id"])
    op.create_table(
        "used_addresses",
        sa.Column("id", sa.String(length=64), nullable=False, comment="HMAC-SHA-256"),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
