"""Ways back for who forgot the password."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "password_resets",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column(
            "email", sa.String(length=254), nullable=True, comment="none once it was looked for"
        ),
        sa.Column("person_id", sa.String(length=26), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True, comment="SHA-256"),
        sa.Column("asked_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("expires_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("used_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(
        op.f("ix_password_resets_person_id"), "password_resets", ["person_id"], unique=False
    )
