"""A region"""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contracts",
        sa.Column("id", sa.String(length=24), nullable=False, comment="<region>-<letters>"),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("title_enc", sa.LargeBinary(), nullable=False),
        sa.Column("vendor_id", sa.String(length=26), nullable=False, comment="organisation"),
        sa.Column("customer_id", sa.String(length=26), nullable=False, comment="organisation"),
        sa.Column("vendor_name", sa.String(length=160), nullable=False),
        sa.Column("customer_name", sa.String(length=160), nullable=False),
        sa.Column(
            "started_by_side", sa.String(length=8), nullable=False, comment="vendor | customer"
        ),
        sa.Column("template", sa.String(length=80), nullable=False, comment="name/number"),
        sa.Column("template_sha256", sa.String(length=64), nullable=False),
        sa.Column("schema_version", sa.String(length=20), nullable=False),
        sa.Column("schema_sha256", sa.String(length=64), nullable=False),
        sa.Column("standard_version", sa.String(length=20), nullable=False),
        sa.Column("standard_sha256", sa.String(length=64), nullable=False),
        sa.Column("tier", sa.String(length=120), nullable=True, comment="catalogue/version/tier"),
        sa.Column("tier_sha256", sa.String(length=64), nullable=True),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False, comment="of the guided start, 1..4"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_contracts_customer_id"), "contracts", ["customer_id"], unique=False)
    op.create_index(op.f("ix_contracts_vendor_id"), "contracts", ["vendor_id"], unique=False)
    op.create_table(
        "data_keys",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the contract"),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="of the plain bytes"),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes, plain"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_documents_contract_id"), "documents", ["contract_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON, RFC 8785"),
        sa.PrimaryKeyConstraint("chain", "seq"),
        sa.UniqueConstraint("chain", "prev", name="entries_never_fork"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index(op.f("ix_entries_event"), "entries", ["event"], unique=False)
    op.create_table(
        "entry_people",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the commitment"),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="of the identity, to use one salt",
        ),
        sa.Column("salt_enc", sa.LargeBinary(), nullable=True),
        sa.Column("identity_enc", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_entry_people_chain"), "entry_people", ["chain"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("dedupe", sa.String(length=160), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("due_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("leased_until", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("dead_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dedupe"),
    )
    op.create_index(op.f("ix_outbox_chain"), "outbox", ["chain"], unique=False)
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"], unique=False)
    op.create_table(
        "region_identity",
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("region"),
    )
    op.create_table(
        "spent_codes",
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "consents",
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column(
            "disclosure", sa.String(length=20), nullable=False, comment="version of the text"
        ),
        sa.Column("disclosure_sha256", sa.String(length=64), nullable=False),
        sa.Column("given_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("withdrawn_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_consents_contract_id"), "consents", ["contract_id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=True),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_facts_contract_id"), "facts", ["contract_id"], unique=False)
    op.create_table(
        "rounds",
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1, over both sides"),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("sent_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("sent_by", sa.String(length=26), nullable=True, comment="person"),
        sa.Column("sha256", sa.String(length=64), nullable=True, comment="of the sent answers"),
        sa.Column("note_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "number", name="rounds_numbered_once"),
    )
    op.create_index(op.f("ix_rounds_contract_id"), "rounds", ["contract_id"], unique=False)
    op.create_table(
        "signer_slots",
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column(
            "position", sa.Integer(), nullable=False, comment="order over both sides, from 1"
        ),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("name_enc", sa.LargeBinary(), nullable=False),
        sa.Column("email_enc", sa.LargeBinary(), nullable=False),
        sa.Column("title_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "person_id", name="slots_distinct_persons"),
        sa.UniqueConstraint("contract_id", "position"),
    )
    op.create_index(
        op.f("ix_signer_slots_contract_id"), "signer_slots", ["contract_id"], unique=False
    )
    op.create_table(
        "stakeholders",
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column(
            "function",
            sa.String(length=20),
            nullable=False,
            comment="owner | sales | it | legal | procurement | support",
        ),
        sa.Column("name_enc", sa.LargeBinary(), nullable=False),
        sa.Column("email_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "side", "person_id", "function"),
    )
    op.create_index(
        op.f("ix_stakeholders_contract_id"), "stakeholders", ["contract_id"], unique=False
    )
    op.create_table(
        "versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("canonical_enc", sa.LargeBinary(), nullable=False),
        sa.Column("frozen_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("voided_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "number"),
    )
    op.create_index(op.f("ix_versions_contract_id"), "versions", ["contract_id"], unique=False)
    op.create_index(op.f("ix_versions_sha256"), "versions", ["sha256"], unique=False)
    op.create_table(
        "answers",
        sa.Column("round_id", sa.String(length=26), nullable=False),
        sa.Column("term", sa.String(length=60), nullable=False, comment="term id of the schema"),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="offer | accept | reject"),
        sa.Column(
            "value_sha256",
            sa.String(length=64),
            nullable=True,
            comment="of the value offered, accepted or rejected",
        ),
        sa.Column("value_enc", sa.LargeBinary(), nullable=True),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("round_id", "term", name="answers_once_a_round"),
    )
    op.create_index(op.f("ix_answers_contract_id"), "answers", ["contract_id"], unique=False)
    op.create_index(op.f("ix_answers_round_id"), "answers", ["round_id"], unique=False)
    op.create_table(
        "deeds",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column(
            "revision",
            sa.Integer(),
            nullable=False,
            comment="0 prepared, k after slot k, then seal",
        ),
        sa.Column(
            "kind", sa.String(length=10), nullable=False, comment="prepared | signed | sealed"
        ),
        sa.Column("document_id", sa.String(length=26), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="of the whole file"),
        sa.Column("made_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("version_id", "revision", name="deeds_in_order"),
    )
    op.create_index(op.f("ix_deeds_contract_id"), "deeds", ["contract_id"], unique=False)
    op.create_index(op.f("ix_deeds_sha256"), "deeds", ["sha256"], unique=False)
    op.create_index(op.f("ix_deeds_version_id"), "deeds", ["version_id"], unique=False)
    op.create_table(
        "issuing_keys",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False, comment="PEM"),
        sa.Column("key_enc", sa.LargeBinary(), nullable=True, comment="none after completion"),
        sa.Column("destroyed_at", portal.kit.db.Instant(length=27), nullable=True),
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
        sa.UniqueConstraint("version_id"),
    )
    op.create_index(
        op.f("ix_issuing_keys_contract_id"), "issuing_keys", ["contract_id"], unique=False
    )
    op.create_table(
        "seal_failures",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("message", sa.String(length=300), nullable=False),
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
    )
    op.create_index(
        op.f("ix_seal_failures_contract_id"), "seal_failures", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_seal_failures_version_id"), "seal_failures", ["version_id"], unique=False
    )
    op.create_table(
        "signatures",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column("slot_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("version_sha256", sa.String(length=64), nullable=False),
        sa.Column("consent_id", sa.String(length=26), nullable=False),
        sa.Column("totp_step", sa.Integer(), nullable=False, comment="the 30 s step consumed"),
        sa.Column("signed_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("identification_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["consents.id"],
        ),
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
        sa.UniqueConstraint("version_id", "slot_id", name="signed_once"),
    )
    op.create_index(op.f("ix_signatures_contract_id"), "signatures", ["contract_id"], unique=False)
    op.create_index(op.f("ix_signatures_version_id"), "signatures", ["version_id"], unique=False)
