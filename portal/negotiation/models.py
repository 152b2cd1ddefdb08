"""Rounds and answers, in the contract's region."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Round(OfContract, Model):
    """One side's round. Without `sent_at` it is a private draft, one a side at most."""

    __tablename__ = "rounds"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("contract_id", "number", name="rounds_numbered_once"),)

    number: Mapped[int] = mapped_column(Integer, comment="from 1, over both sides")
    side: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    sent_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    sha256: Mapped[str | None] = mapped_column(String(64), comment="of the sent answers")
    note_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    note = Sealed()
    answers: Mapped[list["Answer"]] = relationship(order_by="Answer.term")


class Answer(OfContract, Model):
    """One side's word on one term in a round."""

    __tablename__ = "answers"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("round_id", "term", name="answers_once_a_round"),)

    round_id: Mapped[str] = mapped_column(ForeignKey("rounds.id"), index=True)
    term: Mapped[str] = mapped_column(String(60), comment="term id of the schema")
    kind: Mapped[str] = mapped_column(String(10), comment="offer | accept | reject")
    value_sha256: Mapped[str | None] = mapped_column(
        String(64), comment="of the value offered, accepted or rejected"
    )
    value_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    value = Sealed()
    reason = Sealed()
