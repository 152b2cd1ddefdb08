"""The inbox, how each person reads, and what they chose"""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WAITING = sa.text("sent_at IS NULL AND dead_at IS NULL")
UNREAD = sa.text("read_at IS NULL")
UNDIGESTED = sa.text("digest_at IS NOT NULL AND digested_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("dedupe", sa.String(length=160), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column(
            "organisation_id",
            sa.String(length=26),
            nullable=True,
            comment="for whom the person reads it; none: for themselves",
        ),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("link", sa.String(length=300), nullable=False, comment="path in the portal"),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("read_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "digest_at",
            portal.kit.db.Instant(length=27),
            nullable=True,
            comment="when the digest that names it is due; none: in no digest",
        ),
        sa.Column("digested_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.Column(
            "recipient", sa.String(length=254), nullable=False, comment="where the digest goes"
        ),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dedupe"),
    )
    op.create_index(
        "inbox_undigested",
        "inbox",
        ["digest_at"],
        unique=False,
        sqlite_where=UNDIGESTED,
        postgresql_where=UNDIGESTED,
    )
    op.create_index(
        "inbox_unread",
        "inbox",
        ["person_id"],
        unique=False,
        sqlite_where=UNREAD,
        postgresql_where=UNREAD,
    )
    op.create_index(op.f("ix_inbox_chain"), "inbox", ["chain"], unique=False)
    op.create_index(op.f("ix_inbox_person_id"), "inbox", ["person_id"], unique=False)
    op.create_table(
        "mail_rules",
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column(
            "thin", sa.Integer(), nullable=False, comment="1 = mail says only that something waits"
        ),
        sa.PrimaryKeyConstraint("organisation_id"),
    )
    op.create_table(
        "notice_choices",
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "event"),
    )
    op.create_table(
        "readers",
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False, comment="IANA name"),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("quiet_from", sa.String(length=5), nullable=True, comment="wall time, HH:MM"),
        sa.Column("quiet_until", sa.String(length=5), nullable=True, comment="wall time, HH:MM"),
        sa.Column("digest_at", sa.String(length=5), nullable=False, comment="wall time, HH:MM"),
        sa.Column("weekly", sa.Integer(), nullable=False, comment="1 = digests on Mondays only"),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.add_column(
        "outbox",
        sa.Column(
            "leased_by", sa.String(length=26), nullable=True, comment="the try that holds it"
        ),
    )
    op.add_column(
        "outbox", sa.Column("person_id", sa.String(length=26), nullable=True, comment="the reader")
    )
    op.add_column("outbox", sa.Column("event", sa.String(length=80), nullable=True))
    op.add_column(
        "outbox",
        sa.Column(
            "caused_by", sa.String(length=26), nullable=True, comment="the person who caused it"
        ),
    )
    op.drop_index(op.f("ix_outbox_due_at"), table_name="outbox")
    op.create_index(
        "outbox_waiting",
        "outbox",
        ["due_at"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
