"""Escalations, root causes, onboarding"""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
PINNED = (
    "escalations",
    "executive_reviews",
    "measures",
    "onboarding_files",
    "onboarding_items",
    "root_cause_accounts",
    "root_causes",
)
KEPT = ("escalations", "executive_reviews", "measures", "root_cause_accounts", "root_causes")
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def walls() -> None:
    for table in PINNED:
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
    for table in KEPT:
        refuse(table, "kept", "DELETE", f"{table} are kept")
    refuse("root_cause_accounts", "no_update", "UPDATE", "a delivered account is never changed")


def upgrade() -> None:
    op.create_table(
        "executive_reviews",
        sa.Column("number", sa.Integer(), nullable=False, comment="within the contract"),
        sa.Column("trigger", sa.String(length=16), nullable=False, comment="of G4"),
        sa.Column(
            "cause", sa.String(length=40), nullable=False, comment="what made it due, once each"
        ),
        sa.Column("called_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("due_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("held_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("held_by", sa.String(length=26), nullable=True, comment="person"),
        sa.Column(
            "facts_enc", sa.LargeBinary(), nullable=False, comment="the numbers and incidents"
        ),
        sa.Column("outcome_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "trigger", "cause", name="reviews_called_once"),
    )
    op.create_index(
        op.f("ix_executive_reviews_contract_id"), "executive_reviews", ["contract_id"], unique=False
    )
    op.create_table(
        "onboarding_items",
        sa.Column(
            "item",
            sa.String(length=16),
            nullable=False,
            comment="handoff | access | runbooks | ...",
        ),
        sa.Column("owner_id", sa.String(length=26), nullable=True, comment="person"),
        sa.Column("due", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("vendor_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("vendor_by", sa.String(length=26), nullable=True, comment="person"),
        sa.Column("customer_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("customer_by", sa.String(length=26), nullable=True, comment="person"),
        sa.Column("reminded", sa.Integer(), nullable=False, comment="0, 1: before due, 2: on it"),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "item", name="items_listed_once"),
    )
    op.create_index(
        op.f("ix_onboarding_items_contract_id"), "onboarding_items", ["contract_id"], unique=False
    )
    op.create_table(
        "onboarding_files",
        sa.Column("item_id", sa.String(length=26), nullable=False),
        sa.Column("document_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
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
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["onboarding_items.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_onboarding_files_contract_id"), "onboarding_files", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_onboarding_files_item_id"), "onboarding_files", ["item_id"], unique=False
    )
    op.create_table(
        "escalations",
        sa.Column("incident_id", sa.String(length=26), nullable=False),
        sa.Column(
            "episode", sa.Integer(), nullable=False, comment="1, and one more each time it reopens"
        ),
        sa.Column("level", sa.String(length=4), nullable=False, comment="L2 | L3 | L4"),
        sa.Column("cause", sa.String(length=8), nullable=False, comment="time | silence | asked"),
        sa.Column("side", sa.String(length=8), nullable=True, comment="who asked"),
        sa.Column("due_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("told_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False, comment="1: the portal told it late"),
        sa.Column(
            "answer_by",
            portal.kit.db.Instant(length=27),
            nullable=False,
            comment="then the next level is told",
        ),
        sa.Column("confirmed_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("confirmed_by", sa.String(length=26), nullable=True, comment="person"),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("incident_id", "episode", "level", name="levels_told_once"),
    )
    op.create_index(
        op.f("ix_escalations_contract_id"), "escalations", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_escalations_incident_id"), "escalations", ["incident_id"], unique=False
    )
    op.create_table(
        "root_causes",
        sa.Column("incident_id", sa.String(length=26), nullable=False),
        sa.Column("preliminary_due_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("final_due_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("preliminary_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "final_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="the one that stands",
        ),
        sa.Column("accepted_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("soon_told_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("late_told_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("incident_id"),
    )
    op.create_index(
        op.f("ix_root_causes_contract_id"), "root_causes", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_root_causes_final_due_at"), "root_causes", ["final_due_at"], unique=False
    )
    op.create_table(
        "measures",
        sa.Column("root_cause_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False, comment="whose it is"),
        sa.Column("due", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("added_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("done_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("done_by", sa.String(length=26), nullable=True, comment="person"),
        sa.Column("late_told_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("words_enc", sa.LargeBinary(), nullable=False),
        sa.Column("owner_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["root_cause_id"],
            ["root_causes.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_measures_contract_id"), "measures", ["contract_id"], unique=False)
    op.create_index(op.f("ix_measures_root_cause_id"), "measures", ["root_cause_id"], unique=False)
    op.create_table(
        "root_cause_accounts",
        sa.Column("root_cause_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind", sa.String(length=12), nullable=False, comment="preliminary | final | returned"
        ),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("content_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["root_cause_id"],
            ["root_causes.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("root_cause_id", "position", name="accounts_in_order"),
    )
    op.create_index(
        op.f("ix_root_cause_accounts_contract_id"),
        "root_cause_accounts",
        ["contract_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_root_cause_accounts_root_cause_id"),
        "root_cause_accounts",
        ["root_cause_id"],
        unique=False,
    )
    op.add_column(
        "incident_clocks",
        sa.Column(
            "soon_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="when it is soon due",
        ),
    )
    op.add_column(
        "incident_clocks",
        sa.Column(
            "warned_at", portal.kit.db.Instant(length=27), nullable=True, comment="told: soon due"
        ),
    )
    op.add_column(
        "incidents",
        sa.Column(
            "escalate_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="derived: when the next level is told",
        ),
    )
    op.add_column(
        "incidents",
        sa.Column(
            "warn_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="derived: when a target is soon due, or has run out",
        ),
    )
    op.create_index(op.f("ix_incidents_escalate_at"), "incidents", ["escalate_at"], unique=False)
    op.create_index(op.f("ix_incidents_warn_at"), "incidents", ["warn_at"], unique=False)
    walls()
