"""Changes, outages and monitors, with their walls: events are added and never changed."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
PINNED = ("changes", "change_events", "outages", "outage_events", "monitors")
NEVER_CHANGED = ("change_events", "outages", "outage_events")
ANNOUNCED = (
    "WHEN EXISTS (SELECT 1 FROM change_events WHERE change_id = OLD.id AND kind = 'announced')"
)


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def walls() -> None:
    for table in PINNED:
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
        refuse(table, "kept", "DELETE", f"{table} are kept")
    for table in NEVER_CHANGED:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
    refuse("changes", "announced", "UPDATE", "an announced plan stands", ANNOUNCED)


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("ref", sa.String(length=16), nullable=False, comment="CHG-<letters>"),
        sa.Column(
            "kind", sa.String(length=12), nullable=False, comment="maintenance | release | security"
        ),
        sa.Column(
            "sort", sa.String(length=10), nullable=False, comment="standard | normal | emergency"
        ),
        sa.Column(
            "begin", portal.kit.db.Instant(length=27), nullable=False, comment="as first planned"
        ),
        sa.Column(
            "end", portal.kit.db.Instant(length=27), nullable=False, comment="as first planned"
        ),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("content_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "ref", name="changes_by_ref"),
    )
    op.create_index(op.f("ix_changes_contract_id"), "changes", ["contract_id"], unique=False)
    op.create_table(
        "monitors",
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("seen_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("revoked_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("name_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_sha256"),
    )
    op.create_index(op.f("ix_monitors_contract_id"), "monitors", ["contract_id"], unique=False)
    op.create_table(
        "change_events",
        sa.Column("change_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column(
            "kind",
            sa.String(length=12),
            nullable=False,
            comment="announced | approved | excepted | postponed | started | completed | rolled_back | withdrawn",
        ),
        sa.Column(
            "at", portal.kit.db.Instant(length=27), nullable=False, comment="when it happened"
        ),
        sa.Column("recorded_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column(
            "begin",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="new times of a postponement",
        ),
        sa.Column("end", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("note_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["changes.id"],
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("change_id", "position", name="change_events_in_order"),
    )
    op.create_index(
        op.f("ix_change_events_contract_id"), "change_events", ["contract_id"], unique=False
    )
    op.create_table(
        "outages",
        sa.Column("ref", sa.String(length=16), nullable=False, comment="OUT-<letters>"),
        sa.Column("effect", sa.String(length=10), nullable=False, comment="down | degraded"),
        sa.Column("monitor_id", sa.String(length=26), nullable=True),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "content_enc", sa.LargeBinary(), nullable=False, comment="modules and what was seen"
        ),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["monitor_id"],
            ["monitors.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "ref", name="outages_by_ref"),
    )
    op.create_index(op.f("ix_outages_contract_id"), "outages", ["contract_id"], unique=False)
    op.create_index(op.f("ix_outages_monitor_id"), "outages", ["monitor_id"], unique=False)
    op.create_table(
        "outage_events",
        sa.Column("outage_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column(
            "kind",
            sa.String(length=14),
            nullable=False,
            comment="reported | ended | confirmed | disputed | corrected | withdrawn | cause_claimed | cause_accepted | cause_refused",
        ),
        sa.Column("recorded_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=True, comment="none: a monitor"),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("begin", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("end", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("cause", sa.String(length=20), nullable=True, comment="an option of D10"),
        sa.Column("note_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outage_id"],
            ["outages.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("outage_id", "position", name="outage_events_in_order"),
    )
    op.create_index(
        op.f("ix_outage_events_contract_id"), "outage_events", ["contract_id"], unique=False
    )
    walls()
