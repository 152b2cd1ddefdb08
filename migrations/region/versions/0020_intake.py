"""Past records from files, and the faults of their rows."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def upgrade() -> None:
    op.create_table(
        "intakes",
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="incidents | outages"),
        sa.Column("document_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False, comment="bytes"),
        sa.Column("place", sa.Integer(), nullable=False, comment="bytes read so far"),
        sa.Column("line", sa.Integer(), nullable=False, comment="of the next row"),
        sa.Column("good", sa.Integer(), nullable=False, comment="rows"),
        sa.Column("bad", sa.Integer(), nullable=False, comment="rows"),
        sa.Column("leased_until", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("checked_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("confirmed_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("taken_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("dropped_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "problem", sa.String(length=200), nullable=True, comment="with the file as a whole"
        ),
        sa.Column("name_enc", sa.LargeBinary(), nullable=False),
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
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_intakes_checked_at"), "intakes", ["checked_at"], unique=False)
    op.create_index(op.f("ix_intakes_contract_id"), "intakes", ["contract_id"], unique=False)
    op.create_index(
        op.f("ix_intakes_organisation_id"), "intakes", ["organisation_id"], unique=False
    )
    op.create_table(
        "intake_faults",
        sa.Column("intake_id", sa.String(length=26), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=20), nullable=False),
        sa.Column("says", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["intake_id"],
            ["intakes.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("intake_id", "line", "column", "says", name="intake_faults_once"),
    )
    op.create_index(
        op.f("ix_intake_faults_contract_id"), "intake_faults", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_intake_faults_intake_id"), "intake_faults", ["intake_id"], unique=False
    )
    for table in ("intakes", "intake_faults"):
        for event in ("INSERT", "UPDATE"):
            name, why = f"pinned_{event.lower()}", f"{table} of another region"
            op.execute(
                REFUSE.format(table=table, name=name, event=event, when=OTHER_REGION, why=why)
            )
