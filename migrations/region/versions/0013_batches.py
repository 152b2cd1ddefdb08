"""Batches: contracts started from a sheet, each row once."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(24), nullable=False, comment="<region>-<letters>"),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("organisation_id", sa.String(26), nullable=False, comment="the vendor"),
        sa.Column("once", sa.String(64), nullable=False, comment="of the form: one upload"),
        sa.Column("template", sa.String(80), nullable=False, comment="name/number"),
        sa.Column("template_sha256", sa.String(64), nullable=False),
        sa.Column("tier", sa.String(120)),
        sa.Column("tier_sha256", sa.String(64)),
        sa.Column("sends", sa.Integer(), nullable=False, comment="1 = round 1 is sent"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("created_by", sa.String(26), nullable=False, comment="person"),
        sa.Column("confirmed_at", portal.kit.db.Instant(length=27)),
        sa.Column("confirmed_by", sa.String(26), comment="person"),
        sa.Column("stopped_at", portal.kit.db.Instant(length=27)),
        sa.Column("people_enc", sa.LargeBinary(), nullable=False, comment="owner and signers"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("once"),
    )
    op.create_index("ix_batches_organisation_id", "batches", ["organisation_id"])
    op.create_table(
        "batch_rows",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("batch_id", sa.String(24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="line of the sheet"),
        sa.Column("faults", sa.Integer(), nullable=False, comment="how many"),
        sa.Column("customer_id", sa.String(26), comment="organisation"),
        sa.Column("contract_id", sa.String(24)),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("leased_until", portal.kit.db.Instant(length=27)),
        sa.Column("done_at", portal.kit.db.Instant(length=27)),
        sa.Column("failed_at", portal.kit.db.Instant(length=27)),
        sa.Column("content_enc", sa.LargeBinary(), nullable=False, comment="title, terms, faults"),
        sa.Column("failure_enc", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("batch_id", "number", name="batch_rows_numbered_once"),
        sa.UniqueConstraint("contract_id"),
    )
    op.create_index("ix_batch_rows_batch_id", "batch_rows", ["batch_id"])
    for table in ("batches", "batch_rows"):
        for name, event in (("region_in", "INSERT"), ("region_up", "UPDATE")):
            op.execute(
                REFUSE.format(
                    table=table, name=name, event=event, why="another region", when=OTHER_REGION
                )
            )
    op.execute(
        REFUSE.format(
            table="batches",
            name="confirmed",
            event="UPDATE",
            why="a batch is confirmed once",
            when="WHEN OLD.confirmed_at IS NOT NULL AND NEW.confirmed_at IS NOT OLD.confirmed_at",
        )
    )
    op.execute(
        REFUSE.format(
            table="batch_rows",
            name="started",
            event="UPDATE",
            why="a row becomes one contract",
            when="WHEN OLD.contract_id IS NOT NULL AND NEW.contract_id IS NOT OLD.contract_id",
        )
    )
