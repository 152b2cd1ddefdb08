"""Data keys, the region's own name, and document records."""

from datetime import datetime

from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import REGIONAL, Instant, Model


class RegionIdentity(Model):
    """One row that says which region this database is, so that swapped addresses are refused."""

    __tablename__ = "region_identity"
    __bind_key__ = REGIONAL

    region: Mapped[str] = mapped_column(String(12), primary_key=True)


class DataKey(Model):
    """The key of one contract, wrapped by the region's key."""

    __tablename__ = "data_keys"
    __bind_key__ = REGIONAL

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="the contract")
    region: Mapped[str] = mapped_column(String(12))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Document(Model):
    """A file of a contract in the region's store, sealed with the contract's key."""

    __tablename__ = "documents"
    __bind_key__ = REGIONAL

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    contract_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    sha256: Mapped[str] = mapped_column(String(64), comment="of the plain bytes")
    size: Mapped[int] = mapped_column(Integer, comment="bytes, plain")
    created_at: Mapped[datetime] = mapped_column(Instant)
