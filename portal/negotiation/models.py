"""Rounds, answers, comments, notes and approvals in the contract's region; playbooks in the
directory, for they belong to an organisation and to no contract."""

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
    kind: Mapped[str] = mapped_column(
        String(10), comment="offer | accept | reject | discuss | park"
    )
    value_sha256: Mapped[str | None] = mapped_column(
        String(64), comment="of the value offered, accepted or rejected"
    )
    package: Mapped[str | None] = mapped_column(String(12), comment="P1, P2, ... of the contract")
    author: Mapped[str | None] = mapped_column(String(26), comment="person who drafted it")
    value_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    value = Sealed()
    reason = Sealed()


class RoundFate(OfContract, Model):
    """What became of a sent round: opened by the other side, or recalled before. Never both."""

    __tablename__ = "round_fates"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("round_id", name="round_fates_once"),)

    round_id: Mapped[str] = mapped_column(ForeignKey("rounds.id"))
    kind: Mapped[str] = mapped_column(String(10), comment="opened | recalled")
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[str] = mapped_column(String(26))


class Look(OfContract, Model):
    """The last round a person has said to have seen; what came later is new to them."""

    __tablename__ = "looks"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("contract_id", "person_id", name="looks_once_a_person"),)

    person_id: Mapped[str] = mapped_column(String(26))
    round: Mapped[int] = mapped_column(Integer, comment="number of the round seen last")
    at: Mapped[datetime] = mapped_column(Instant)


class Spoken(OfContract):
    """What a comment and a note have in common; they never share a table."""

    term: Mapped[str | None] = mapped_column(String(60), comment="term id; none: the contract")
    side: Mapped[str] = mapped_column(String(8), comment="of whoever wrote it")
    person_id: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime] = mapped_column(Instant)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    resolved_by: Mapped[str | None] = mapped_column(String(26))


class Comment(Spoken, Model):
    """A remark both sides read; it was shared by an act of its own."""

    __tablename__ = "comments"
    __bind_key__ = REGIONAL

    text_enc: Mapped[bytes] = mapped_column(LargeBinary)
    text = Sealed()


class Note(Spoken, Model):
    """A remark only one side reads. No shared page, count, mail or export may know this table."""

    __tablename__ = "notes"
    __bind_key__ = REGIONAL

    shared_at: Mapped[datetime | None] = mapped_column(Instant)
    text_enc: Mapped[bytes] = mapped_column(LargeBinary)
    text = Sealed()


class Approval(OfContract, Model):
    """One side's own go-ahead for one value of one term, under one version of its playbook."""

    __tablename__ = "approvals"
    __bind_key__ = REGIONAL

    side: Mapped[str] = mapped_column(String(8))
    term: Mapped[str] = mapped_column(String(60))
    value_sha256: Mapped[str] = mapped_column(String(64))
    playbook: Mapped[int] = mapped_column(Integer, comment="version of the side's playbook")
    role: Mapped[str] = mapped_column(String(20), comment="the role that was needed")
    override: Mapped[int] = mapped_column(Integer, comment="1: beyond the last fallback")
    person_id: Mapped[str] = mapped_column(String(26))
    proposer_id: Mapped[str | None] = mapped_column(String(26))
    at: Mapped[datetime] = mapped_column(Instant)
    reason_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason = Sealed()


class ApprovalCall(OfContract, Model):
    """That one side's approvers were asked, and when they are reminded next."""

    __tablename__ = "approval_calls"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("contract_id", "side", name="approval_calls_once_a_side"),)

    side: Mapped[str] = mapped_column(String(8))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(
        Instant, index=True, comment="of the next reminder; none: nothing is missing"
    )
    count: Mapped[int] = mapped_column(Integer, comment="mails sent so far")


class Playbook(Model):
    """One version of an organisation's own limits. Never changed; the highest number counts."""

    __tablename__ = "playbooks"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number", name="playbooks_numbered_once"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    number: Mapped[int] = mapped_column(Integer, comment="from 1")
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(26), comment="person")
    sha256: Mapped[str] = mapped_column(String(64), comment="of the content")
    content_enc: Mapped[bytes] = mapped_column(LargeBinary)
    content = Sealed()

    @property
    def owner_key(self) -> str:
        """Whose key seals this row."""
        return self.organisation_id
