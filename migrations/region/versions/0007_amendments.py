"""Amendments as child contracts, and schedules changed by agreement in the portal."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
SAID = (
    "WHEN OLD.decision IS NOT NULL OR NEW.value_sha256 IS NOT OLD.value_sha256 "
    "OR NEW.value_enc IS NOT OLD.value_enc OR NEW.term IS NOT OLD.term "
    "OR NEW.starts IS NOT OLD.starts OR NEW.ends IS NOT OLD.ends OR NEW.side IS NOT OLD.side"
)


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    # By hand: Alembic gives SQLite a new column with a reference only by copying the table.
    short, long = (
        ("TEXT", "TEXT") if op.get_bind().dialect.name == "sqlite" else ("VARCHAR(24)", "TEXT")
    )
    op.execute(f"ALTER TABLE contracts ADD COLUMN amends_id {short} REFERENCES contracts (id)")
    op.execute(f"ALTER TABLE contracts ADD COLUMN amended {long}")
    op.create_index("ix_contracts_amends_id", "contracts", ["amends_id"])
    op.create_table(
        "interim_changes",
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1, over both sides"),
        sa.Column("side", sa.String(8), nullable=False, comment="who proposed it"),
        sa.Column("term", sa.String(60), nullable=False, comment="term id of the schema"),
        sa.Column("proposed_at", sa.String(27), nullable=False),
        sa.Column("proposed_by", sa.String(26), nullable=False, comment="person"),
        sa.Column("starts", sa.String(10), nullable=False, comment="first day, ISO 8601"),
        sa.Column("ends", sa.String(10), comment="first day after it; none: open"),
        sa.Column("value_sha256", sa.String(64), nullable=False),
        sa.Column("before_sha256", sa.String(64), nullable=False, comment="of what it replaces"),
        sa.Column("decision", sa.String(10), comment="agreed | declined | withdrawn"),
        sa.Column("decided_at", sa.String(27)),
        sa.Column("decided_by", sa.String(26), comment="person"),
        sa.Column("value_enc", sa.LargeBinary()),
        sa.Column("reason_enc", sa.LargeBinary()),
        sa.Column("answer_enc", sa.LargeBinary()),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("contract_id", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "number", name="interim_changes_numbered_once"),
    )
    op.create_index("ix_interim_changes_contract_id", "interim_changes", ["contract_id"])
    refuse("interim_changes", "region_in", "INSERT", "another region", OTHER_REGION)
    refuse("interim_changes", "region_up", "UPDATE", "another region", OTHER_REGION)
    refuse("interim_changes", "said", "UPDATE", "a proposal is answered once, as it was", SAID)
    refuse("interim_changes", "kept", "DELETE", "a proposal is kept")
    refuse(
        "contracts",
        "amends",
        "UPDATE",
        "an amendment never amends another contract or other terms",
        "WHEN NEW.amends_id IS NOT OLD.amends_id OR NEW.amended IS NOT OLD.amended",
    )
