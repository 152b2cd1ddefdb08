"""The order of all entries of a region as leaves of a tree, and signed checkpoints over it."""

import hashlib

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
NOT_NEXT = "WHEN NEW.place <> coalesce((SELECT max(place) + 1 FROM leaves), 0)"
TABLES = ("leaves", "checkpoints", "checkpoint_stamps")


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, comment="C2SP tlog-checkpoint, signed"),
        sa.Column("at", portal.kit.db.Instant(length=27), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "checkpoint_stamps",
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("authority", sa.String(length=200), nullable=False, comment="address"),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False, comment="TimeStampToken, DER"),
        sa.Column(
            "at", portal.kit.db.Instant(length=27), nullable=False, comment="as the token says"
        ),
        sa.ForeignKeyConstraint(["size"], ["checkpoints.size"]),
        sa.PrimaryKeyConstraint("size", "authority"),
    )
    op.create_table(
        "leaves",
        sa.Column(
            "place", sa.Integer(), autoincrement=False, nullable=False, comment="dense, from 0"
        ),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="RFC 6962 leaf hash"),
        sa.ForeignKeyConstraint(["chain", "seq"], ["entries.chain", "entries.seq"]),
        sa.PrimaryKeyConstraint("place"),
        sa.UniqueConstraint("chain", "seq", name="leaves_once"),
    )
    place_known_entries()
    for table in TABLES:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
        refuse(table, "no_delete", "DELETE", f"{table} are never deleted")
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
    refuse("leaves", "in_order", "INSERT", "a leaf follows the last one", NOT_NEXT)


def place_known_entries() -> None:
    """Entries written before there was an order get theirs by the time they were written."""
    known = op.get_bind().execute(
        sa.text(
            "SELECT chain, seq, body, region FROM entries, region_identity ORDER BY at, chain, seq"
        )
    )
    rows = [
        {
            "place": place,
            "region": region,
            "chain": chain,
            "seq": seq,
            "hash": hashlib.sha256(b"\x00" + body.encode()).hexdigest(),
        }
        for place, (chain, seq, body, region) in enumerate(known)
    ]
    if rows:
        op.get_bind().execute(
            sa.text("INSERT INTO leaves VALUES (:place, :region, :chain, :seq, :hash)"), rows
        )
