"""The inbox, and who holds a mail's try"""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WAITING = sa.text("sent_at IS NULL AND dead_at IS NULL")
UNREAD = sa.text("read_at IS NULL")
UNDIGESTED = sa.text("digest_at IS NOT NULL AND digested_at IS NULL")
PIN = """
CREATE TRIGGER inbox_{name} BEFORE {event} ON inbox
WHEN NEW.region IS NOT (SELECT region FROM region_identity)
BEGIN SELECT RAISE(ABORT, 'this row belongs to another region'); END
"""


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("region", sa.String(length=12), nullable=False),
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
    op.execute(PIN.format(name="region_in", event="INSERT"))
    op.execute(PIN.format(name="region_up", event="UPDATE"))
