"""The directory"""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("scope", sa.String(length=30), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="SHA-256 of the subject"),
        sa.Column("window", sa.Integer(), nullable=False, comment="window length, seconds"),
        sa.Column("started", sa.Integer(), nullable=False, comment="window number since 1970"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", "window"),
    )
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
        "organisations",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column(
            "details", sa.Text(), nullable=False, comment="registration and address, as printed"
        ),
        sa.Column(
            "regions",
            sa.String(length=200),
            nullable=False,
            comment="allowed regions, comma-separated",
        ),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "outbox",
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
        "people",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False, comment="lower case"),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False, comment="argon2id"),
        sa.Column("totp_secret_enc", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=False, comment="last used 30 s step"),
        sa.Column("operator", sa.Integer(), nullable=False, comment="1 = portal administrator"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("deactivated_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("roles", sa.String(length=300), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False, comment="SHA-256"),
        sa.Column("invited_by", sa.String(length=26), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("expires_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("accepted_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["invited_by"],
            ["people.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "memberships",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column(
            "roles", sa.String(length=300), nullable=False, comment="comma-separated role names"
        ),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("ended_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person_id", "organisation_id"),
    )
    op.create_index(
        op.f("ix_memberships_organisation_id"), "memberships", ["organisation_id"], unique=False
    )
    op.create_table(
        "mfa_policies",
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("rule", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id", "role"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False, comment="HMAC-SHA-256"),
        sa.Column("used_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
    )
    op.create_index(
        op.f("ix_recovery_codes_person_id"), "recovery_codes", ["person_id"], unique=False
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.String(length=64), nullable=False, comment="SHA-256 of the cookie"),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("membership_id", sa.String(length=26), nullable=True),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("seen_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "mfa_at", portal.kit.db.Instant(length=27), nullable=True, comment="second factor given"
        ),
        sa.Column("ended_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("agent", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["memberships.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sign_ins_person_id"), "sign_ins", ["person_id"], unique=False)
