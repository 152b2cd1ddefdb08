"""The negotiation in full: recalls, packages, comments, notes, approvals; each behind its walls."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
PINNED = (
    "approval_calls",
    "approvals",
    "comments",
    "looks",
    "notes",
    "round_fates",
)
NEVER_CHANGED = ("approvals", "round_fates")
# What somebody said stays as it was said; only its end may be marked.
SAID = ("text_enc", "term", "side", "person_id", "at")


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    tables()
    for table in PINNED:
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
    for table in NEVER_CHANGED:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
        refuse(table, "no_delete", "DELETE", f"{table} are never deleted")
    for table in ("comments", "notes"):
        changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in SAID)
        refuse(table, "said", "UPDATE", "what was said stays", f"WHEN {changed}")
        refuse(table, "kept", "DELETE", "what was said is kept")


def tables() -> None:
    op.create_table(
        "approval_calls",
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("asked_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column(
            "due_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="of the next reminder; none: nothing is missing",
        ),
        sa.Column("count", sa.Integer(), nullable=False, comment="mails sent so far"),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "side", name="approval_calls_once_a_side"),
    )
    op.create_index(
        op.f("ix_approval_calls_contract_id"), "approval_calls", ["contract_id"], unique=False
    )
    op.create_index(op.f("ix_approval_calls_due_at"), "approval_calls", ["due_at"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("term", sa.String(length=60), nullable=False),
        sa.Column("value_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "playbook", sa.Integer(), nullable=False, comment="version of the side's playbook"
        ),
        sa.Column("role", sa.String(length=20), nullable=False, comment="the role that was needed"),
        sa.Column("override", sa.Integer(), nullable=False, comment="1: beyond the last fallback"),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("proposer_id", sa.String(length=26), nullable=True),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_approvals_contract_id"), "approvals", ["contract_id"], unique=False)
    op.create_table(
        "comments",
        sa.Column("text_enc", sa.LargeBinary(), nullable=False),
        sa.Column(
            "term", sa.String(length=60), nullable=True, comment="term id; none: the contract"
        ),
        sa.Column("side", sa.String(length=8), nullable=False, comment="of whoever wrote it"),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("resolved_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("resolved_by", sa.String(length=26), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_comments_contract_id"), "comments", ["contract_id"], unique=False)
    op.create_table(
        "looks",
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, comment="number of the round seen last"),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract_id", "person_id", name="looks_once_a_person"),
    )
    op.create_index(op.f("ix_looks_contract_id"), "looks", ["contract_id"], unique=False)
    op.create_table(
        "notes",
        sa.Column("shared_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("text_enc", sa.LargeBinary(), nullable=False),
        sa.Column(
            "term", sa.String(length=60), nullable=True, comment="term id; none: the contract"
        ),
        sa.Column("side", sa.String(length=8), nullable=False, comment="of whoever wrote it"),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("resolved_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column("resolved_by", sa.String(length=26), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_notes_contract_id"), "notes", ["contract_id"], unique=False)
    op.create_table(
        "round_fates",
        sa.Column("round_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="opened | recalled"),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("contract_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("round_id", name="round_fates_once"),
    )
    op.create_index(
        op.f("ix_round_fates_contract_id"), "round_fates", ["contract_id"], unique=False
    )
    op.add_column(
        "answers",
        sa.Column(
            "package", sa.String(length=12), nullable=True, comment="P1, P2, ... of the contract"
        ),
    )
    op.add_column(
        "answers",
        sa.Column("author", sa.String(length=26), nullable=True, comment="person who drafted it"),
    )
