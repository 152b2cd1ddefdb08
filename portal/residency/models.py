"""Data keys, the region's own name, and document records."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, LargeBinary, String, and_
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import REGIONAL, Instant, Model


def is_inside(column: Any, contract_id: str) -> ColumnElement[bool]:
    """Whether a chain is one inside a contract: `<contract>/<side>`.

    Said as a range, which an index finds; names sort by their bytes, and `0` follows `/`.
    """
    return and_(column > f"{contract_id}/", column < f"{contract_id}0")


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
    wrapped_before: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="the key before, while it is being rotated"
    )
    generation: Mapped[int] = mapped_column(
        Integer, server_default="0", default=0, comment="how many keys there were before"
    )
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
    generation: Mapped[int] = mapped_column(
        Integer, server_default="0", default=0, comment="of the key it is sealed with"
    )
    created_at: Mapped[datetime] = mapped_column(Instant)


class Move(Model):
    """A contract on its way to another region, or gone there; kept in both regions' databases.

    Rows of one `group_id` move together: a contract and its amendments. In the region that is
    left, the newest row of a contract says where it is now.
    """

    __tablename__ = "moves"
    __bind_key__ = REGIONAL

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    group_id: Mapped[str] = mapped_column(String(26), index=True)
    contract_id: Mapped[str] = mapped_column(String(24), index=True)
    from_region: Mapped[str] = mapped_column(String(12))
    to_region: Mapped[str] = mapped_column(String(12))
    asked_by: Mapped[str] = mapped_column(String(26), comment="organisation")
    asked_at: Mapped[datetime] = mapped_column(Instant)
    agreed_at: Mapped[datetime | None] = mapped_column(Instant)
    frozen_at: Mapped[datetime | None] = mapped_column(Instant, comment="no entry follows here")
    arrived_at: Mapped[datetime | None] = mapped_column(Instant, comment="it lives there now")
    left_at: Mapped[datetime | None] = mapped_column(Instant, comment="entered in the log left")
    emptied_at: Mapped[datetime | None] = mapped_column(Instant, comment="nothing but the log left")
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    rows: Mapped[int | None] = mapped_column(Integer, comment="copied and compared")
    digest: Mapped[str | None] = mapped_column(String(64), comment="SHA-256 over all of them")
