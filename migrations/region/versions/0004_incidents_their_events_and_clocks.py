"""Incidents, their events and clocks"""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
PINNED = (
    "incident_attachments",
    "incident_clocks",
    "incident_events",
    "incident_notes",
    "incident_watchers",
    "incidents",
    "named_contacts",
)
NEVER_CHANGED = ("incident_attachments", "incident_events", "incident_notes")
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
REPORT = (
    "WHEN NEW.version_id IS NOT OLD.version_id OR NEW.reported_at IS NOT OLD.reported_at "
    "OR NEW.number IS NOT OLD.number OR NEW.contract_id IS NOT OLD.contract_id"
)


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def walls() -> None:
    for table in PINNED:
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
    for table in NEVER_CHANGED:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
        refuse(table, "no_delete", "DELETE", f"{table} are never deleted")
    refuse("incidents", "kept", "DELETE", "incidents are kept")
    refuse("incidents", "report", "UPDATE", "a report is never changed", REPORT)


def upgrade() -> None:
    op.create_table(
        "named_contacts",
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("since", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "person_id", name="contacts_named_once"),
    )
    op.create_index(
        op.f("ix_named_contacts_contract_id"), "named_contacts", ["contract_id"], unique=False
    )
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(length=26), nullable=False, comment="when reported"),
        sa.Column("reported_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("reported_by", sa.String(length=26), nullable=False, comment="person"),
        sa.Column("side", sa.String(length=8), nullable=False, comment="who wrote the report down"),
        sa.Column(
            "channel", sa.String(length=12), nullable=False, comment="portal | email | phone | ..."
        ),
        sa.Column(
            "module_key", sa.String(length=16), nullable=False, comment="hash of the module's name"
        ),
        sa.Column(
            "entitlement", sa.String(length=20), nullable=False, comment="covered | doubtful"
        ),
        sa.Column("security", sa.Integer(), nullable=False, comment="1: a security weakness"),
        sa.Column("severity", sa.String(length=4), nullable=False, comment="derived"),
        sa.Column(
            "standing",
            sa.String(length=10),
            nullable=False,
            comment="derived: open | resolved | closed",
        ),
        sa.Column(
            "excluded",
            sa.String(length=10),
            nullable=False,
            comment="derived: no | claimed | disputed",
        ),
        sa.Column("breaches", sa.Integer(), nullable=False, comment="derived: missed targets"),
        sa.Column(
            "resolved_at", portal.kit.db.Instant(length=27), nullable=True, comment="derived"
        ),
        sa.Column("closed_at", portal.kit.db.Instant(length=27), nullable=True, comment="derived"),
        sa.Column(
            "silence_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="derived: when silence closes it",
        ),
        sa.Column(
            "next_due_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="derived: the next open target",
        ),
        sa.Column("title_enc", sa.LargeBinary(), nullable=False),
        sa.Column("facts_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "number", name="incidents_numbered_once"),
    )
    op.create_index(op.f("ix_incidents_contract_id"), "incidents", ["contract_id"], unique=False)
    op.create_index(op.f("ix_incidents_next_due_at"), "incidents", ["next_due_at"], unique=False)
    op.create_index(
        "ix_incidents_reported", "incidents", ["contract_id", "reported_at", "id"], unique=False
    )
    op.create_index("ix_incidents_silence", "incidents", ["silence_at"], unique=False)
    op.create_index(
        "ix_incidents_standing", "incidents", ["contract_id", "standing", "severity"], unique=False
    )
    op.create_table(
        "incident_clocks",
        sa.Column("incident_id", sa.String(length=26), nullable=False),
        sa.Column(
            "aim",
            sa.String(length=10),
            nullable=False,
            comment="response | update | workaround | resolution",
        ),
        sa.Column("number", sa.Integer(), nullable=False, comment="of its aim, from 1"),
        sa.Column("severity", sa.String(length=4), nullable=False),
        sa.Column(
            "term", sa.String(length=40), nullable=False, comment="the term that sets the target"
        ),
        sa.Column("started_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "due_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="None: no time promised",
        ),
        sa.Column(
            "strict_due_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="without contested pauses, where it differs",
        ),
        sa.Column("met_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "fell_due_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="met or run out, whichever came first",
        ),
        sa.Column(
            "result",
            sa.String(length=10),
            nullable=False,
            comment="running | met | breached | disputed | untimed",
        ),
        sa.Column(
            "superseded", sa.Integer(), nullable=False, comment="1: carried on by a reopening"
        ),
        sa.Column("counted_seconds", sa.Integer(), nullable=True, comment="open time, pauses out"),
        sa.Column("tzdata", sa.String(length=10), nullable=True, comment="of a frozen result"),
        sa.Column("breach_told_at", portal.kit.db.Instant(length=27), nullable=True),
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
        sa.UniqueConstraint("incident_id", "aim", "number", name="clocks_numbered_once"),
    )
    op.create_index(
        op.f("ix_incident_clocks_contract_id"), "incident_clocks", ["contract_id"], unique=False
    )
    op.create_index(
        "ix_incident_clocks_fell_due",
        "incident_clocks",
        ["contract_id", "fell_due_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_incident_clocks_incident_id"), "incident_clocks", ["incident_id"], unique=False
    )
    op.create_table(
        "incident_events",
        sa.Column("incident_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="within the incident, from 1"),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column(
            "at", portal.kit.db.Instant(length=27), nullable=False, comment="when it happened"
        ),
        sa.Column(
            "reported_at",
            portal.kit.db.Instant(length=27),
            nullable=False,
            comment="when the portal was told",
        ),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("severity", sa.String(length=4), nullable=True),
        sa.Column("ground", sa.String(length=30), nullable=True, comment="of a pause or exclusion"),
        sa.Column(
            "begins_at", portal.kit.db.Instant(length=27), nullable=True, comment="of a pause"
        ),
        sa.Column("answers", sa.String(length=26), nullable=True, comment="the event it speaks to"),
        sa.Column("from_report", sa.Integer(), nullable=False, comment="0 | 1"),
        sa.Column("counts", sa.Integer(), nullable=False, comment="how a contest was settled"),
        sa.Column("words_enc", sa.LargeBinary(), nullable=True),
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
        sa.UniqueConstraint("incident_id", "position", name="events_in_order"),
    )
    op.create_index(
        op.f("ix_incident_events_contract_id"), "incident_events", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_incident_events_incident_id"), "incident_events", ["incident_id"], unique=False
    )
    op.create_table(
        "incident_notes",
        sa.Column("incident_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("words_enc", sa.LargeBinary(), nullable=False),
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
    )
    op.create_index(
        op.f("ix_incident_notes_contract_id"), "incident_notes", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_incident_notes_incident_id"), "incident_notes", ["incident_id"], unique=False
    )
    op.create_table(
        "incident_watchers",
        sa.Column("incident_id", sa.String(length=26), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("since", portal.kit.db.Instant(length=27), nullable=False),
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
        sa.UniqueConstraint("incident_id", "person_id", name="watchers_watch_once"),
    )
    op.create_index(
        op.f("ix_incident_watchers_contract_id"), "incident_watchers", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_incident_watchers_incident_id"), "incident_watchers", ["incident_id"], unique=False
    )
    op.create_table(
        "incident_attachments",
        sa.Column("incident_id", sa.String(length=26), nullable=False),
        sa.Column("event_id", sa.String(length=26), nullable=False),
        sa.Column("document_id", sa.String(length=26), nullable=False),
        sa.Column("name_enc", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
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
            ["event_id"],
            ["incident_events.id"],
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_incident_attachments_contract_id"),
        "incident_attachments",
        ["contract_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_incident_attachments_incident_id"),
        "incident_attachments",
        ["incident_id"],
        unique=False,
    )
    walls()
