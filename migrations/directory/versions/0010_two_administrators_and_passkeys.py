"""What waits for a second administrator, signing holds, passkeys."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OPEN_CHANGE = sa.text("applied_at IS NULL AND withdrawn_at IS NULL")
OPEN_RESET = sa.text("confirmed_at IS NULL AND withdrawn_at IS NULL")


def instant() -> portal.kit.db.Instant:
    return portal.kit.db.Instant(length=27)


def upgrade() -> None:
    op.add_column(
        "people",
        sa.Column(
            "signing_held_until",
            instant(),
            nullable=True,
            comment="signs, approves and gives notice from then on; set by a factor reset",
        ),
    )
    op.add_column(
        "sign_ins",
        sa.Column(
            "challenge",
            sa.String(length=64),
            nullable=True,
            comment="a passkey answers it once, base64url",
        ),
    )
    op.add_column("sign_ins", sa.Column("challenged_at", instant(), nullable=True))
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("credential", sa.String(length=1400), nullable=False, comment="id, base64url"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="COSE"),
        sa.Column(
            "sign_count", sa.Integer(), nullable=False, comment="as the authenticator last said"
        ),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("used_at", instant(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential"),
    )
    op.create_index(op.f("ix_passkeys_person_id"), "passkeys", ["person_id"])
    _policy_changes()
    _factor_resets()


def _policy_changes() -> None:
    op.create_table(
        "policy_changes",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="mfa | regions"),
        sa.Column(
            "after", sa.Text(), nullable=False, comment="JSON: role -> rule, or names of regions"
        ),
        sa.Column(
            "weaker", sa.Integer(), nullable=False, comment="1 = takes a second administrator"
        ),
        sa.Column("asked_by", sa.String(length=26), nullable=False),
        sa.Column("asked_at", instant(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=26), nullable=True),
        sa.Column("confirmed_at", instant(), nullable=True),
        sa.Column("holds_from", instant(), nullable=True, comment="none: not confirmed yet"),
        sa.Column("applied_at", instant(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=26), nullable=True),
        sa.Column("withdrawn_at", instant(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"]),
        sa.ForeignKeyConstraint(["confirmed_by"], ["people.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "policy_changes_one_open",
        "policy_changes",
        ["organisation_id", "kind"],
        unique=True,
        sqlite_where=OPEN_CHANGE,
        postgresql_where=OPEN_CHANGE,
    )


def _factor_resets() -> None:
    op.create_table(
        "factor_resets",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("asked_by", sa.String(length=26), nullable=False),
        sa.Column("asked_at", instant(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=26), nullable=True),
        sa.Column("confirmed_at", instant(), nullable=True),
        sa.Column("withdrawn_at", instant(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"]),
        sa.ForeignKeyConstraint(["confirmed_by"], ["people.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_factor_resets_organisation_id"), "factor_resets", ["organisation_id"])
    op.create_index(
        "factor_resets_one_open",
        "factor_resets",
        ["person_id"],
        unique=True,
        sqlite_where=OPEN_RESET,
        postgresql_where=OPEN_RESET,
    )
