"""Legal holds, and the deletion of a contract's content, in the contract's region."""

from datetime import datetime

from sqlalchemy import Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed

OPEN_DELETION = text("withdrawn_at IS NULL AND deleted_at IS NULL")


class LegalHold(OfContract, Model):
    """A reason to keep everything about a contract; set by one member, lifted by two."""

    __tablename__ = "legal_holds"
    __bind_key__ = REGIONAL

    side: Mapped[str] = mapped_column(String(8), comment="whose hold: vendor | customer")
    set_by: Mapped[str] = mapped_column(String(26), comment="person")
    set_at: Mapped[datetime] = mapped_column(Instant)
    lift_asked_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    lift_asked_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(String(26), comment="another person")
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_enc: Mapped[bytes] = mapped_column(LargeBinary)
    who_enc: Mapped[bytes] = mapped_column(LargeBinary, comment="name of the person who set it")
    reason = Sealed()
    who = Sealed()


class Deletion(Model):
    """The content of a contract on its way out: asked by one side, agreed to by the other.

    The row stays when everything it is about is gone, and names nothing of it.
    """

    __tablename__ = "deletions"
    __bind_key__ = REGIONAL
    __table_args__ = (
        Index(
            "deletions_one_open", "contract_id", unique=True, sqlite_where=OPEN_DELETION,
            postgresql_where=OPEN_DELETION,
        ),
        Index("deletions_of_vendor", "vendor_id"),
        Index("deletions_of_customer", "customer_id"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    contract_id: Mapped[str] = mapped_column(String(24))
    vendor_id: Mapped[str] = mapped_column(String(26), comment="organisation")
    customer_id: Mapped[str] = mapped_column(String(26), comment="organisation")
    asked_by: Mapped[str] = mapped_column(String(26), comment="person")
    asked_side: Mapped[str] = mapped_column(String(8), comment="vendor | customer")
    asked_at: Mapped[datetime] = mapped_column(Instant)
    agreed_by: Mapped[str | None] = mapped_column(String(26), comment="person of the other side")
    agreed_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)
    rows: Mapped[int | None] = mapped_column(Integer, comment="deleted")
    documents: Mapped[int | None] = mapped_column(Integer, comment="deleted")
    head: Mapped[str | None] = mapped_column(String(64), comment="last entry of the log that stays")
