"""The tables of the log: one set in the directory, one in each region."""

from sqlalchemy import Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import REGIONAL, Model
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
    __table_args__ = (UniqueConstraint("chain", "prev", name="entries_never_fork"),)


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
