"""Signing in with a provider: its accounts, by what a session began, and browsers known again."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_links",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=255),
            nullable=False,
            comment="who it is at the issuer, for ever",
        ),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("used_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer", "subject"),
        sa.UniqueConstraint("person_id", "issuer"),
    )
    op.add_column(
        "sign_ins",
        sa.Column(
            "means",
            sa.String(length=40),
            server_default="password",
            nullable=False,
            comment="password, or the name of a provider",
        ),
    )
    op.add_column(
        "sign_ins",
        sa.Column(
            "device",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of the cookie by which a browser is known again",
        ),
    )
