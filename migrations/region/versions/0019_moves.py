"""Moves of contracts between regions; no entry follows the one that froze a contract."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
# The newest move of the contract, or of the contract whose inner chain this is, leads away.
LEAVING = """WHEN EXISTS (
  SELECT 1 FROM moves
  WHERE (NEW.chain = contract_id OR NEW.chain LIKE contract_id || '/%')
    AND frozen_at IS NOT NULL
    AND from_region = (SELECT region FROM region_identity)
    AND id = (SELECT max(m.id) FROM moves AS m
              WHERE m.contract_id = moves.contract_id AND m.withdrawn_at IS NULL)
)"""
# What a move was about, and each step once it is taken, stay.
TAKEN = "WHEN " + " OR ".join(
    [
        f"NEW.{name} IS NOT OLD.{name}"
        for name in ("contract_id", "group_id", "from_region", "to_region", "asked_by", "asked_at")
    ]
    + [
        f"(OLD.{name} IS NOT NULL AND NEW.{name} IS NOT OLD.{name})"
        for name in ("agreed_at", "frozen_at", "arrived_at", "left_at", "emptied_at", "digest")
    ]
)


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    instant = portal.kit.db.Instant(length=27)
    op.create_table(
        "moves",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("group_id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.Column("from_region", sa.String(length=12), nullable=False),
        sa.Column("to_region", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.String(length=26), nullable=False, comment="organisation"),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("agreed_at", instant, nullable=True),
        sa.Column("frozen_at", instant, nullable=True, comment="no entry follows here"),
        sa.Column("arrived_at", instant, nullable=True, comment="it lives there now"),
        sa.Column("left_at", instant, nullable=True, comment="entered in the log left"),
        sa.Column("emptied_at", instant, nullable=True, comment="nothing but the log left"),
        sa.Column("withdrawn_at", instant, nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True, comment="copied and compared"),
        sa.Column(
            "digest", sa.String(length=64), nullable=True, comment="SHA-256 over all of them"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_moves_contract_id"), "moves", ["contract_id"])
    op.create_index(op.f("ix_moves_group_id"), "moves", ["group_id"])
    refuse("moves", "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
    refuse("moves", "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
    refuse("moves", "taken", "UPDATE", "a step of a move that was taken stays", TAKEN)
    refuse("moves", "kept", "DELETE", "a move is kept")
    refuse("entries", "moving", "INSERT", "this contract is being moved", LEAVING)
