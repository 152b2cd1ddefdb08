"""Playbooks: a version of an organisation's own limits is never changed."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "playbooks",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("created_by", sa.String(length=26), nullable=False, comment="person"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="of the content"),
        sa.Column("content_enc", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "number", name="playbooks_numbered_once"),
    )
    op.create_index(
        op.f("ix_playbooks_organisation_id"), "playbooks", ["organisation_id"], unique=False
    )
    for event, name in (("UPDATE", "no_update"), ("DELETE", "no_delete")):
        op.execute(
            f"CREATE TRIGGER playbooks_{name} BEFORE {event} ON playbooks "
            "BEGIN SELECT RAISE(ABORT, 'a version of a playbook is never changed'); END"
        )
