"""Reviews and their actions, in the contract's region. What was said is sealed."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Review(OfContract, Model):
    """A review of a contract: planned by its terms, called by a number, or asked for."""

    __tablename__ = "reviews"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "key", name="reviews_planned_once"),
        Index("reviews_by_day", "contract_id", "due_on"),
    )

    kind: Mapped[str] = mapped_column(String(10), comment="service | targets")
    key: Mapped[str] = mapped_column(String(60), comment="what it is for, the same for ever")
    due_on: Mapped[str] = mapped_column(String(10), comment="date")
    sequence: Mapped[int] = mapped_column(Integer, default=0, comment="RFC 5545 SEQUENCE")
    changed_at: Mapped[datetime] = mapped_column(Instant)
    fixed: Mapped[int] = mapped_column(Integer, default=0, comment="1: its day was set by a person")
    held_on: Mapped[str | None] = mapped_column(String(10), comment="date")
    held_by: Mapped[str | None] = mapped_column(String(26), comment="who wrote the minutes")
    why_enc: Mapped[bytes] = mapped_column(LargeBinary)
    minutes_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    why = Sealed()
    minutes = Sealed()
    actions: Mapped[list["ReviewAction"]] = relationship(order_by="ReviewAction.id")


class ReviewAction(OfContract, Model):
    """Something agreed in a review: what, who, by when."""

    __tablename__ = "review_actions"
    __bind_key__ = REGIONAL

    review_id: Mapped[str] = mapped_column(ForeignKey("reviews.id"), index=True)
    side: Mapped[str] = mapped_column(String(8), comment="whose it is to do")
    due_on: Mapped[str] = mapped_column(String(10), comment="date")
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    said_enc: Mapped[bytes] = mapped_column(LargeBinary)
    said = Sealed()
