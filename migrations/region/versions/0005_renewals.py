"""Renewals: terms with their dates, decisions, notices, and versions that a renewal wrote."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


KEPT = ("renewal_decisions", "renewal_notices", "renewal_receipts")
PINNED = ("renewals", "renewal_dates", *KEPT)
REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    op.create_table(
        "renewal_dates",
        sa.Column("number", sa.Integer(), nullable=False, comment="of the term"),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False, comment="date, as people say it"),
        sa.Column("due_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="RFC 5545 SEQUENCE"),
        sa.Column("changed_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("done_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("cancelled_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "number", "kind", name="renewal_dates_once"),
    )
    op.create_index(
        op.f("ix_renewal_dates_contract_id"), "renewal_dates", ["contract_id"], unique=False
    )
    op.create_index(
        "renewal_dates_due",
        "renewal_dates",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL AND cancelled_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL AND cancelled_at IS NULL"),
    )
    op.create_table(
        "renewal_decisions",
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the term"),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("decided_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("said_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_renewal_decisions_contract_id"), "renewal_decisions", ["contract_id"], unique=False
    )
    op.create_table(
        "renewal_notices",
        sa.Column("serial", sa.Integer(), nullable=False, comment="from 1 in a contract"),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the term it is about"),
        sa.Column(
            "dedupe", sa.String(length=40), nullable=False, comment="what may be said once a term"
        ),
        sa.Column("side", sa.String(length=8), nullable=False, comment="who gave it"),
        sa.Column(
            "channel",
            sa.String(length=10),
            nullable=False,
            comment="portal | email | post | courier",
        ),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("given_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "received_on", sa.String(length=10), nullable=True, comment="date it counts, if known"
        ),
        sa.Column(
            "due_on",
            sa.String(length=10),
            nullable=False,
            comment="last day on which it is in time",
        ),
        sa.Column(
            "sha256", sa.String(length=64), nullable=False, comment="of the words, canonical"
        ),
        sa.Column(
            "head", sa.String(length=64), nullable=False, comment="of the log, its entry included"
        ),
        sa.Column("totp_step", sa.Integer(), nullable=False, comment="0: the portal's own"),
        sa.Column("words_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "number", "dedupe", name="renewal_notices_once"),
        sa.UniqueConstraint("contract_id", "serial", name="renewal_notices_numbered_once"),
    )
    op.create_index(
        op.f("ix_renewal_notices_contract_id"), "renewal_notices", ["contract_id"], unique=False
    )
    op.create_table(
        "renewals",
        sa.Column("vendor_id", sa.String(length=26), nullable=False, comment="organisation"),
        sa.Column("customer_id", sa.String(length=26), nullable=False, comment="organisation"),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="running | leaving | over"
        ),
        sa.Column(
            "number", sa.Integer(), nullable=False, comment="of the current term, 0 the initial one"
        ),
        sa.Column("begins", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("ends", sa.String(length=10), nullable=False, comment="date, exclusive"),
        sa.Column("notice_by", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("price_by", sa.String(length=10), nullable=True, comment="date"),
        sa.Column("decide_by", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("mode", sa.String(length=20), nullable=False, comment="term P3"),
        sa.Column("vendor_decided", sa.Integer(), nullable=False, comment="for this term"),
        sa.Column("customer_decided", sa.Integer(), nullable=False, comment="for this term"),
        sa.Column(
            "version_sha256", sa.String(length=64), nullable=False, comment="of the terms read"
        ),
        sa.Column("completed_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "successor", sa.String(length=24), nullable=True, comment="the contract that renews it"
        ),
        sa.Column("money_enc", sa.LargeBinary(), nullable=True),
        sa.Column("checked_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", name="renewals_once_a_contract"),
    )
    op.create_index(op.f("ix_renewals_contract_id"), "renewals", ["contract_id"], unique=False)
    op.create_index(
        "renewals_of_customer",
        "renewals",
        ["customer_id", "state", "notice_by", "contract_id"],
        unique=False,
    )
    op.create_index(
        "renewals_of_vendor",
        "renewals",
        ["vendor_id", "state", "notice_by", "contract_id"],
        unique=False,
    )
    op.create_table(
        "renewal_receipts",
        sa.Column("notice_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("received_on", sa.String(length=10), nullable=False, comment="date"),
        sa.Column("confirmed_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["renewal_notices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("notice_id", name="renewal_receipts_once"),
    )
    op.create_index(
        op.f("ix_renewal_receipts_contract_id"), "renewal_receipts", ["contract_id"], unique=False
    )
    op.add_column(
        "versions",
        sa.Column("renews", sa.String(length=26), nullable=True, comment="the signed version"),
    )
    op.add_column(
        "versions",
        sa.Column(
            "begins", sa.String(length=10), nullable=True, comment="date, of a renewal's term"
        ),
    )
    op.create_index("facts_of_kind", "facts", ["kind", "contract_id"], unique=False)
    for table in KEPT:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
        refuse(table, "no_delete", "DELETE", f"{table} are never deleted")
    for table in PINNED:
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
    refuse(
        "versions",
        "renewal",
        "UPDATE",
        "a version is frozen",
        "WHEN NEW.renews IS NOT OLD.renews OR NEW.begins IS NOT OLD.begins",
    )
    refuse(
        "renewal_dates",
        "once",
        "UPDATE",
        "a date is done once",
        "WHEN OLD.done_at IS NOT NULL AND NEW.done_at IS NOT OLD.done_at",
    )
    refuse("renewal_dates", "kept", "DELETE", "a date is kept")
