"""Statements with their revisions and events, the credit ledger, and imports for replays."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Statement(OfContract, Model):
    """The statement of one month of a contract; it is issued once."""

    __tablename__ = "statements"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "month", name="statements_once_a_month"),
        Index("statements_by_stage", "stage", "month"),
    )

    month: Mapped[str] = mapped_column(String(7), comment="2026-10")
    issued_at: Mapped[datetime] = mapped_column(Instant)
    stage: Mapped[str] = mapped_column(String(10), comment="derived from the events")
    act_at: Mapped[datetime | None] = mapped_column(
        Instant, index=True, comment="derived: when silence settles it, or makes the report missing"
    )
    revisions: Mapped[list["Revision"]] = relationship(order_by="Revision.number")
    events: Mapped[list["StatementEvent"]] = relationship(order_by="StatementEvent.position")


class Revision(OfContract, Model):
    """The figures of a statement as they were computed once; never changed."""

    __tablename__ = "statement_revisions"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("statement_id", "number", name="revisions_in_order"),)

    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    number: Mapped[int] = mapped_column(Integer, comment="from 1")
    known_at: Mapped[datetime] = mapped_column(Instant, comment="facts recorded until then")
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"))
    sha256: Mapped[str] = mapped_column(String(64), comment="of the figures, RFC 8785")
    figures_enc: Mapped[bytes] = mapped_column(LargeBinary)
    figures = Sealed()


class StatementEvent(OfContract, Model):
    """One dated word about a statement; no person: the portal itself."""

    __tablename__ = "statement_events"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("statement_id", "position", name="statement_words_in_order"),
    )

    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    position: Mapped[int] = mapped_column(Integer, comment="from 1")
    revision: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[str | None] = mapped_column(String(26))
    side: Mapped[str | None] = mapped_column(String(8))
    figure: Mapped[str | None] = mapped_column(String(40), comment="the figure disputed")
    document_id: Mapped[str | None] = mapped_column(ForeignKey("documents.id"))
    note_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    note = Sealed()


class CreditEntry(OfContract, Model):
    """A line of the credit ledger; what each kind does to what is owed is in `rules/ledger.py`."""

    __tablename__ = "credit_entries"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("statement_id", "kind", name="credits_once"),)

    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    kind: Mapped[str] = mapped_column(
        String(8), comment="granted | lapsed | interest | returned | expired | paid"
    )
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[str | None] = mapped_column(String(26))
    value_enc: Mapped[bytes] = mapped_column(
        LargeBinary, comment="percent, time, amount, currency, how"
    )
    value = Sealed()


class SealTry(OfContract, Model):
    """A try to seal a statement that failed; the worker goes on trying and both sides see it."""

    __tablename__ = "statement_seal_tries"
    __bind_key__ = REGIONAL

    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    message: Mapped[str] = mapped_column(String(300))


class Import(OfContract, Model):
    """Past incidents one organisation brought for its own replays; nobody else sees them."""

    __tablename__ = "replay_imports"
    __bind_key__ = REGIONAL

    organisation_id: Mapped[str] = mapped_column(String(26), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int] = mapped_column(Integer, comment="incidents")
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    rows_enc: Mapped[bytes] = mapped_column(LargeBinary)
    name = Sealed()
    rows = Sealed()
