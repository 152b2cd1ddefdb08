"""Statements, the credit ledger and imports, with their walls: what was computed never changes."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
KEPT = (
    "statements",
    "statement_revisions",
    "statement_events",
    "credit_entries",
    "statement_seal_tries",
)
NEVER_CHANGED = ("statement_revisions", "statement_events", "credit_entries", "replay_imports")
SETTLED = "(SELECT stage FROM statements WHERE id = NEW.statement_id) IN ('accepted', 'sealed')"


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def walls() -> None:
    for table in (*KEPT, "replay_imports"):
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
    for table in KEPT:
        refuse(table, "kept", "DELETE", f"{table} are kept")
    for table in NEVER_CHANGED:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
    refuse(
        "statement_revisions",
        "frozen",
        "INSERT",
        "a settled statement is frozen",
        f"WHEN {SETTLED}",
    )


def upgrade() -> None:
    op.create_table(
        "replay_imports",
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False, comment="incidents"),
        sa.Column("name_enc", sa.LargeBinary(), nullable=False),
        sa.Column("rows_enc", sa.LargeBinary(), nullable=False),
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
        op.f("ix_replay_imports_contract_id"), "replay_imports", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_replay_imports_organisation_id"),
        "replay_imports",
        ["organisation_id"],
        unique=False,
    )
    op.create_table(
        "statements",
        sa.Column("month", sa.String(length=7), nullable=False, comment="2026-10"),
        sa.Column("issued_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False, comment="derived from the events"),
        sa.Column(
            "act_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="derived: when silence accepts it",
        ),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "month", name="statements_once_a_month"),
    )
    op.create_index(op.f("ix_statements_act_at"), "statements", ["act_at"], unique=False)
    op.create_index(op.f("ix_statements_contract_id"), "statements", ["contract_id"], unique=False)
    op.create_index(op.f("ix_statements_stage"), "statements", ["stage"], unique=False)
    op.create_table(
        "credit_entries",
        sa.Column("statement_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="granted | lapsed | paid"),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=True),
        sa.Column(
            "value_enc", sa.LargeBinary(), nullable=False, comment="percent, amount, currency, how"
        ),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("statement_id", "kind", name="credits_once"),
    )
    op.create_index(
        op.f("ix_credit_entries_contract_id"), "credit_entries", ["contract_id"], unique=False
    )
    op.create_table(
        "statement_events",
        sa.Column("statement_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=True),
        sa.Column("side", sa.String(length=8), nullable=True),
        sa.Column("figure", sa.String(length=40), nullable=True, comment="the figure disputed"),
        sa.Column("document_id", sa.String(length=26), nullable=True),
        sa.Column("note_enc", sa.LargeBinary(), nullable=True),
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
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("statement_id", "position", name="statement_words_in_order"),
    )
    op.create_index(
        op.f("ix_statement_events_contract_id"), "statement_events", ["contract_id"], unique=False
    )
    op.create_table(
        "statement_revisions",
        sa.Column("statement_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column(
            "known_at",
            portal.kit.db.Instant(length=27),
            nullable=False,
            comment="facts recorded until then",
        ),
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column(
            "sha256", sa.String(length=64), nullable=False, comment="of the figures, RFC 8785"
        ),
        sa.Column("figures_enc", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("statement_id", "number", name="revisions_in_order"),
    )
    op.create_index(
        op.f("ix_statement_revisions_contract_id"),
        "statement_revisions",
        ["contract_id"],
        unique=False,
    )
    op.create_table(
        "statement_seal_tries",
        sa.Column("statement_id", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("message", sa.String(length=300), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_statement_seal_tries_contract_id"),
        "statement_seal_tries",
        ["contract_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_statement_seal_tries_statement_id"),
        "statement_seal_tries",
        ["statement_id"],
        unique=False,
    )
    walls()
