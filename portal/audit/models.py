"""The tables of the log: one set in the directory, one in each region."""

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class EntryColumns:
    """An entry: appended, never changed (triggers in the migrations refuse it)."""

    chain: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[str] = mapped_column(String(27))
    event: Mapped[str] = mapped_column(String(80), index=True)
    body: Mapped[str] = mapped_column(Text, comment="canonical JSON, RFC 8785")


class EntryPersonColumns:
    """The identity behind an entry's salted commitment; erasing the row erases the person."""

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="the commitment")
    chain: Mapped[str] = mapped_column(String(64), index=True)
    person: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), comment="of the identity, to use one salt")
    salt_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    identity_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    salt = Sealed()
    identity = Sealed()

    @property
    def owner_key(self) -> str:
        """The subject whose key seals this row."""
        return self.chain


class RegionEntry(EntryColumns, Model):
    """An entry of a contract, in the contract's region."""

    __tablename__ = "entries"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("chain", "prev", name="entries_never_fork"),
        Index("entries_of_time", "at", "chain"),
    )


class Leaf(Model):
    """The place of an entry in the order of its whole region, and its leaf in the tree."""

    __tablename__ = "leaves"
    __bind_key__ = REGIONAL
    __table_args__ = (
        ForeignKeyConstraint(["chain", "seq"], ["entries.chain", "entries.seq"]),
        UniqueConstraint("chain", "seq", name="leaves_once"),
    )

    place: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, comment="dense, from 0"
    )
    region: Mapped[str] = mapped_column(String(12))
    chain: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(Integer)
    hash: Mapped[str] = mapped_column(String(64), comment="RFC 6962 leaf hash")


class Branch(Model):
    """The root over a full run of leaves, kept so that nobody reads them all again."""

    __tablename__ = "branches"
    __bind_key__ = REGIONAL

    level: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, comment="8: over 256 leaves; 16; 24"
    )
    number: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, comment="of the run, from 0"
    )
    region: Mapped[str] = mapped_column(String(12))
    hash: Mapped[str] = mapped_column(String(64), comment="RFC 6962 node hash")


class RegionCheckpoint(Model):
    """A signed statement of how many entries a region holds and of the root over them."""

    __tablename__ = "checkpoints"
    __bind_key__ = REGIONAL

    size: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    region: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text, comment="C2SP tlog-checkpoint, signed")
    at: Mapped[datetime] = mapped_column(Instant)


class CheckpointStamp(Model):
    """A time stamp (RFC 3161) over the note of a checkpoint, by an authority outside."""

    __tablename__ = "checkpoint_stamps"
    __bind_key__ = REGIONAL

    size: Mapped[int] = mapped_column(ForeignKey("checkpoints.size"), primary_key=True)
    authority: Mapped[str] = mapped_column(String(200), primary_key=True, comment="address")
    region: Mapped[str] = mapped_column(String(12))
    token: Mapped[bytes] = mapped_column(LargeBinary, comment="TimeStampToken, DER")
    at: Mapped[datetime] = mapped_column(Instant, comment="as the token says")
    lists: Mapped[str] = mapped_column(
        Text, default="[]", server_default="[]", comment="JSON: revocation lists of then, base64"
    )


class RegionEntryPerson(EntryPersonColumns, Model):
    """A person named by entries of a contract."""

    __tablename__ = "entry_people"
    __bind_key__ = REGIONAL


class DirectoryEntry(EntryColumns, Model):
    """An entry of an organisation or of the portal, in the directory."""

    __tablename__ = "entries"
    __table_args__ = (UniqueConstraint("chain", "prev", name="entries_never_fork"),)


class DirectoryEntryPerson(EntryPersonColumns, Model):
    """A person named by entries of an organisation."""

    __tablename__ = "entry_people"
