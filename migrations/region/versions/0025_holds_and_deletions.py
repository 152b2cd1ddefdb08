"""Legal holds, and deletions of content; while a hold stands none is carried out."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def changed(always: tuple[str, ...], once: tuple[str, ...]) -> str:
    """Return the condition under which something that must stay would change."""
    parts = [f"NEW.{name} IS NOT OLD.{name}" for name in always]
    parts += [f"(OLD.{name} IS NOT NULL AND NEW.{name} IS NOT OLD.{name})" for name in once]
    return "WHEN " + " OR ".join(parts)


SET = changed(("contract_id", "side", "set_by", "set_at", "reason_enc"), ("lifted_by", "lifted_at"))
TAKEN = changed(
    ("contract_id", "vendor_id", "customer_id", "asked_by", "asked_side", "asked_at"),
    ("agreed_by", "agreed_at", "withdrawn_at", "deleted_at", "rows", "documents", "head"),
)
# The last word on a hold is the database's: no deletion is done while one stands.
HELD = """WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL AND EXISTS (
  SELECT 1 FROM legal_holds JOIN contracts ON contracts.id = legal_holds.contract_id
  WHERE lifted_at IS NULL
    AND (contracts.id = OLD.contract_id OR contracts.amends_id = OLD.contract_id)
)"""


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.Column("vendor_id", sa.String(length=26), nullable=False, comment="organisation"),
        sa.Column("customer_id", sa.String(length=26), nullable=False, comment="organisation"),
        sa.Column("asked_by", sa.String(length=26), nullable=False, comment="person"),
        sa.Column("asked_side", sa.String(length=8), nullable=False, comment="vendor | customer"),
        sa.Column("asked_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "agreed_by", sa.String(length=26), nullable=True, comment="person of the other side"
        ),
        sa.Column("agreed_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("withdrawn_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("deleted_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True, comment="deleted"),
        sa.Column("documents", sa.Integer(), nullable=True, comment="deleted"),
        sa.Column(
            "head", sa.String(length=64), nullable=True, comment="last entry of the log that stays"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deletions_of_customer", "deletions", ["customer_id"], unique=False)
    op.create_index("deletions_of_vendor", "deletions", ["vendor_id"], unique=False)
    op.create_index(
        "deletions_one_open",
        "deletions",
        ["contract_id"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL AND deleted_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL AND deleted_at IS NULL"),
    )
    op.create_table(
        "legal_holds",
        sa.Column(
            "side", sa.String(length=8), nullable=False, comment="whose hold: vendor | customer"
        ),
        sa.Column("set_by", sa.String(length=26), nullable=False, comment="person"),
        sa.Column("set_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("lift_asked_by", sa.String(length=26), nullable=True, comment="person"),
        sa.Column("lift_asked_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("lifted_by", sa.String(length=26), nullable=True, comment="another person"),
        sa.Column("lifted_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=False),
        sa.Column(
            "who_enc", sa.LargeBinary(), nullable=False, comment="name of the person who set it"
        ),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_legal_holds_contract_id"), "legal_holds", ["contract_id"], unique=False
    )
    for table in ("legal_holds", "deletions"):
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
        refuse(table, "kept", "DELETE", "a hold and a deletion are kept")
    refuse("legal_holds", "taken", "UPDATE", "a hold stays as it was set", SET)
    refuse("deletions", "taken", "UPDATE", "a step of a deletion that was taken stays", TAKEN)
    refuse("deletions", "held", "UPDATE", "a legal hold stands", HELD)
