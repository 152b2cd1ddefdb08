"""OAuth2: clients, grants, codes and tokens."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="web | app | machine"),
        sa.Column(
            "addresses", sa.Text(), nullable=False, comment="to return to, one a line; exact"
        ),
        sa.Column("scopes", sa.Text(), nullable=False, comment="by space"),
        sa.Column(
            "secret_hash", sa.String(length=64), nullable=True, comment="SHA-256; none: an app"
        ),
        sa.Column("created_by", sa.String(length=26), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("ended_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["people.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_oauth_clients_organisation_id"), "oauth_clients", ["organisation_id"], unique=False
    )
    op.create_table(
        "oauth_grants",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("client_id", sa.String(length=26), nullable=False),
        sa.Column("membership_id", sa.String(length=26), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False, comment="by space"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "used_at", portal.kit.db.Instant(length=27), nullable=True, comment="last token issued"
        ),
        sa.Column("ended_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "ended_why",
            sa.String(length=12),
            nullable=True,
            comment="revoked | client_ended | by_client | reuse | expired",
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["oauth_clients.id"],
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["memberships.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_oauth_grants_client_id"), "oauth_grants", ["client_id"], unique=False)
    op.create_index(
        op.f("ix_oauth_grants_membership_id"), "oauth_grants", ["membership_id"], unique=False
    )
    op.create_table(
        "oauth_codes",
        sa.Column("id", sa.String(length=64), nullable=False, comment="SHA-256 of the code"),
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False, comment="to return to"),
        sa.Column("challenge", sa.String(length=128), nullable=False, comment="PKCE, S256"),
        sa.Column("expires_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("used_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["oauth_grants.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_oauth_codes_grant_id"), "oauth_codes", ["grant_id"], unique=False)
    op.create_table(
        "oauth_tokens",
        sa.Column("id", sa.String(length=64), nullable=False, comment="SHA-256 of the token"),
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="access | refresh"),
        sa.Column("scopes", sa.Text(), nullable=False, comment="by space"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("expires_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "used_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="a refresh token's one use",
        ),
        sa.Column("ended_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["oauth_grants.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_oauth_tokens_expires_at"), "oauth_tokens", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_oauth_tokens_grant_id"), "oauth_tokens", ["grant_id"], unique=False)
