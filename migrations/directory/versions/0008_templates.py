"""Templates: a published version never changes, and is kept."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER template_versions_{name} BEFORE {event} ON template_versions {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
CONTENT = ("slug", "title", "number", "organisation_id", "content", "sha256", "published_at")
CHANGED = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in CONTENT)
MOVED = f"WHEN OLD.status <> 'draft' AND ({CHANGED} OR NEW.status <> 'retired')"


def upgrade() -> None:
    op.create_table(
        "template_versions",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("organisation_id", sa.String(26), comment="none: the portal's own"),
        sa.Column("slug", sa.String(70), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False, comment="draft | published | retired"),
        sa.Column("content", sa.Text(), nullable=False, comment="JSON, as it is hashed"),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("published_at", portal.kit.db.Instant(length=27)),
        sa.Column("retired_at", portal.kit.db.Instant(length=27)),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug", "number", name="template_versions_numbered_once"),
    )
    op.create_index("ix_template_versions_sha256", "template_versions", ["sha256"])
    op.create_index(
        "ix_template_versions_organisation_id", "template_versions", ["organisation_id"]
    )
    op.create_index(
        "one_draft_a_template",
        "template_versions",
        ["slug"],
        unique=True,
        sqlite_where=sa.text("status = 'draft'"),
        postgresql_where=sa.text("status = 'draft'"),
    )
    why = "a published template never changes"
    op.execute(REFUSE.format(name="published", event="UPDATE", when=MOVED, why=why))
    why = "a published template is kept"
    op.execute(
        REFUSE.format(name="kept", event="DELETE", when="WHEN OLD.status <> 'draft'", why=why)
    )
