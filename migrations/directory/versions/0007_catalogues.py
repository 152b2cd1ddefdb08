"""Catalogues: a published version never changes, and is kept."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
CONTENT = ("slug", "number", "organisation_id", "content", "sha256", "note", "published_at")
CHANGED = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in CONTENT)


def upgrade() -> None:
    op.create_table(
        "catalogue_versions",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("organisation_id", sa.String(26), comment="none: a public example"),
        sa.Column("slug", sa.String(70), nullable=False, comment="the organisation's, or public"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False, comment="draft | published | retired"),
        sa.Column("content", sa.Text(), nullable=False, comment="JSON, as it is hashed"),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("note", sa.String(300), nullable=False, comment="what changed"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("published_at", portal.kit.db.Instant(length=27)),
        sa.Column("retired_at", portal.kit.db.Instant(length=27)),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug", "number", name="catalogue_versions_numbered_once"),
    )
    op.create_index("ix_catalogue_versions_sha256", "catalogue_versions", ["sha256"])
    op.create_index(
        "ix_catalogue_versions_organisation_id", "catalogue_versions", ["organisation_id"]
    )
    op.create_index(
        "one_draft_a_catalogue",
        "catalogue_versions",
        ["slug"],
        unique=True,
        sqlite_where=sa.text("status = 'draft'"),
        postgresql_where=sa.text("status = 'draft'"),
    )
    op.execute(
        REFUSE.format(
            table="catalogue_versions",
            name="published",
            event="UPDATE",
            when=f"WHEN OLD.status <> 'draft' AND ({CHANGED} OR NEW.status <> 'retired')",
            why="a published catalogue never changes",
        )
    )
    op.execute(
        REFUSE.format(
            table="catalogue_versions",
            name="kept",
            event="DELETE",
            when="WHEN OLD.status <> 'draft'",
            why="a published catalogue is kept",
        )
    )
