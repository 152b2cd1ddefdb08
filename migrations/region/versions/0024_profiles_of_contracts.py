"""Profiles of contracts: the turns both parties agreed to, each kept as it was."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
# What was asked stays, and so does the answer once it is given.
TAKEN = "WHEN " + " OR ".join(
    [
        f"NEW.{name} IS NOT OLD.{name}"
        for name in ("contract_id", "profile", "turn", "asked_by", "asked_side", "asked_at")
    ]
    + ["NEW.agreement_enc IS NOT OLD.agreement_enc"]
    + [
        f"(OLD.{name} IS NOT NULL AND NEW.{name} IS NOT OLD.{name})"
        for name in ("agreed_by", "agreed_at", "holds_from", "withdrawn_at")
    ]
)


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    op.create_table(
        "profile_turns",
        sa.Column("profile", sa.String(length=10), nullable=False, comment="hipaa | regulated"),
        sa.Column("turn", sa.String(length=3), nullable=False, comment="on | off"),
        sa.Column("asked_by", sa.String(length=26), nullable=False, comment="person"),
        sa.Column("asked_side", sa.String(length=8), nullable=False, comment="vendor | customer"),
        sa.Column("asked_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "agreed_by", sa.String(length=26), nullable=True, comment="person of the other side"
        ),
        sa.Column("agreed_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "holds_from",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="none: not agreed yet",
        ),
        sa.Column("withdrawn_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "agreement_enc",
            sa.LargeBinary(),
            nullable=True,
            comment="the signed business associate agreement, as it was named",
        ),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.CheckConstraint(
            "profile <> 'hipaa' OR turn <> 'on' OR agreement_enc IS NOT NULL",
            name="hipaa_names_its_agreement",
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_profile_turns_contract_id"), "profile_turns", ["contract_id"], unique=False
    )
    op.create_index(
        "profile_turns_one_open",
        "profile_turns",
        ["contract_id", "profile"],
        unique=True,
        sqlite_where=sa.text("agreed_at IS NULL AND withdrawn_at IS NULL"),
        postgresql_where=sa.text("agreed_at IS NULL AND withdrawn_at IS NULL"),
    )
    refuse(
        "profile_turns", "region_in", "INSERT", "this row belongs to another region", OTHER_REGION
    )
    refuse(
        "profile_turns", "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION
    )
    refuse("profile_turns", "taken", "UPDATE", "a turn of a profile stays as it was", TAKEN)
    refuse("profile_turns", "kept", "DELETE", "a turn of a profile is kept")
