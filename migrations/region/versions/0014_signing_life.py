"""The life of a signing: approvals, invitations, handovers, paper copies; groups of signers."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
NEVER_CHANGED = ("signing_approvals", "handovers")
PINNED = ("signing_approvals", "handovers", "invitations", "paper_requests")


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    op.create_table(
        "paper_requests",
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("asked_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("due_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("sent_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("sent_by", sa.String(length=26), nullable=True),
        sa.Column("name_enc", sa.LargeBinary(), nullable=False),
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
        op.f("ix_paper_requests_contract_id"), "paper_requests", ["contract_id"], unique=False
    )
    op.create_table(
        "signing_approvals",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("version_sha256", sa.String(length=64), nullable=False),
        sa.Column("totp_step", sa.Integer(), nullable=False, comment="the 30 s step consumed"),
        sa.Column("approved_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("version_id", "person_id", name="approved_once"),
    )
    op.create_index(
        op.f("ix_signing_approvals_contract_id"), "signing_approvals", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_signing_approvals_version_id"), "signing_approvals", ["version_id"], unique=False
    )
    op.create_table(
        "handovers",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column("slot_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="delegated | reassigned"),
        sa.Column("from_person", sa.String(length=26), nullable=False),
        sa.Column("to_person", sa.String(length=26), nullable=False),
        sa.Column("by_person", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("names_enc", sa.LargeBinary(), nullable=False),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["slot_id"],
            ["signer_slots.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_handovers_contract_id"), "handovers", ["contract_id"], unique=False)
    op.create_index(op.f("ix_handovers_version_id"), "handovers", ["version_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="approve | sign"),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("slot_id", sa.String(length=26), nullable=True),
        sa.Column("invited_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "asked_at", portal.kit.db.Instant(length=27), nullable=False, comment="of the last mail"
        ),
        sa.Column("reminders", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "resent_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="asked for by a person",
        ),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["slot_id"],
            ["signer_slots.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("version_id", "kind", "person_id", name="invited_once"),
    )
    op.create_index(
        op.f("ix_invitations_contract_id"), "invitations", ["contract_id"], unique=False
    )
    op.create_index(op.f("ix_invitations_version_id"), "invitations", ["version_id"], unique=False)
    op.add_column(
        "consents",
        sa.Column(
            "covers",
            sa.String(length=60),
            server_default="signing",
            nullable=False,
            comment="signing | signing,notices,incidents,renewals",
        ),
    )
    op.add_column(
        "consents",
        sa.Column(
            "demonstrated",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="1 = typed the word of the sample PDF",
        ),
    )
    op.add_column(
        "deeds",
        sa.Column(
            "stamp_due",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="1 = an authority has yet to stamp it",
        ),
    )
    op.add_column(
        "deeds",
        sa.Column(
            "renew_by",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="when its last proof of time ends",
        ),
    )
    op.add_column(
        "deeds",
        sa.Column(
            "signature_id",
            sa.String(length=26),
            nullable=True,
            comment="the act this revision put into the file",
        ),
    )
    op.add_column("signatures", sa.Column("strokes_enc", sa.LargeBinary(), nullable=True))
    op.add_column(
        "signer_slots",
        sa.Column(
            "together",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="1 = asked with the slot before",
        ),
    )
    op.add_column(
        "stakeholders",
        sa.Column(
            "approves",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="1 = approves before anyone signs",
        ),
    )
    op.add_column(
        "signer_slots",
        sa.Column(
            "retired_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="no longer signs, but signed a voided version",
        ),
    )
    for table in NEVER_CHANGED:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
        refuse(table, "no_delete", "DELETE", f"{table} are never deleted")
    for table in PINNED:
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
