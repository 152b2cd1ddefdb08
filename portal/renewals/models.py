"""Tables of renewals, in the contract's region.

Dates are plain columns, computed once from the signed terms, so that the worker sweeps and the
page lists tens of thousands of contracts by an index. Money, decisions and words are sealed.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Renewal(OfContract, Model):
    """A completed contract's current term and its dates; one row a contract."""

    __tablename__ = "renewals"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", name="renewals_once_a_contract"),
        Index("renewals_of_vendor", "vendor_id", "notice_by", "contract_id", "state"),
        Index("renewals_of_customer", "customer_id", "notice_by", "contract_id", "state"),
    )

    vendor_id: Mapped[str] = mapped_column(String(26), comment="organisation")
    customer_id: Mapped[str] = mapped_column(String(26), comment="organisation")
    state: Mapped[str] = mapped_column(String(10), comment="running | leaving | over")
    number: Mapped[int] = mapped_column(Integer, comment="of the current term, 0 the initial one")
    begins: Mapped[str] = mapped_column(String(10), comment="date")
    ends: Mapped[str] = mapped_column(String(10), comment="date, exclusive")
    notice_by: Mapped[str] = mapped_column(String(10), comment="date")
    price_by: Mapped[str | None] = mapped_column(String(10), comment="date")
    decide_by: Mapped[str] = mapped_column(String(10), comment="date")
    mode: Mapped[str] = mapped_column(String(20), comment="term P3")
    vendor_decided: Mapped[int] = mapped_column(Integer, default=0, comment="for this term")
    customer_decided: Mapped[int] = mapped_column(Integer, default=0, comment="for this term")
    version_sha256: Mapped[str] = mapped_column(String(64), comment="of the terms read")
    completed_at: Mapped[datetime] = mapped_column(Instant)
    read_at: Mapped[datetime | None] = mapped_column(Instant, comment="when the terms were read")
    successor: Mapped[str | None] = mapped_column(String(24), comment="the contract that renews it")
    money_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    checked_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    money = Sealed()
    checked = Sealed()


class PlannedDate(OfContract, Model):
    """One thing that happens on a date: done exactly once, moved with a higher sequence."""

    __tablename__ = "renewal_dates"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "number", "kind", name="renewal_dates_once"),
        Index(
            "renewal_dates_due",
            "due_at",
            sqlite_where=text("done_at IS NULL AND cancelled_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND cancelled_at IS NULL"),
        ),
    )

    number: Mapped[int] = mapped_column(Integer, comment="of the term")
    kind: Mapped[str] = mapped_column(String(20))
    due_on: Mapped[str] = mapped_column(String(10), comment="date, as people say it")
    due_at: Mapped[datetime] = mapped_column(Instant)
    sequence: Mapped[int] = mapped_column(Integer, default=0, comment="RFC 5545 SEQUENCE")
    changed_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    late: Mapped[int] = mapped_column(Integer, default=0)
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)


class Decision(OfContract, Model):
    """What one side means to do at the end of a term: its own business, only ever added."""

    __tablename__ = "renewal_decisions"
    __bind_key__ = REGIONAL

    side: Mapped[str] = mapped_column(String(8))
    number: Mapped[int] = mapped_column(Integer, comment="of the term")
    person_id: Mapped[str] = mapped_column(String(26))
    decided_at: Mapped[datetime] = mapped_column(Instant)
    said_enc: Mapped[bytes] = mapped_column(LargeBinary)
    said = Sealed()


class Notice(OfContract, Model):
    """A notice both sides hold: who gave it, how it travelled, when it counts as received."""

    __tablename__ = "renewal_notices"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "serial", name="renewal_notices_numbered_once"),
        UniqueConstraint("contract_id", "number", "dedupe", name="renewal_notices_once"),
    )

    serial: Mapped[int] = mapped_column(Integer, comment="from 1 in a contract")
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[int] = mapped_column(Integer, comment="of the term it is about")
    dedupe: Mapped[str] = mapped_column(String(40), comment="what may be said once a term")
    side: Mapped[str] = mapped_column(String(8), comment="who gave it")
    channel: Mapped[str] = mapped_column(String(10), comment="portal | email | post | courier")
    person_id: Mapped[str] = mapped_column(String(26))
    given_at: Mapped[datetime] = mapped_column(Instant)
    received_on: Mapped[str | None] = mapped_column(String(10), comment="date it counts, if known")
    due_on: Mapped[str] = mapped_column(String(10), comment="last day on which it is in time")
    sha256: Mapped[str] = mapped_column(String(64), comment="of the words, canonical")
    head: Mapped[str] = mapped_column(String(64), comment="of the log, its entry included")
    totp_step: Mapped[int] = mapped_column(Integer, comment="0: the portal's own")
    words_enc: Mapped[bytes] = mapped_column(LargeBinary)
    words = Sealed()


class Receipt(OfContract, Model):
    """The other side's confirmation that a notice sent outside the portal arrived."""

    __tablename__ = "renewal_receipts"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("notice_id", name="renewal_receipts_once"),)

    notice_id: Mapped[str] = mapped_column(ForeignKey("renewal_notices.id"))
    person_id: Mapped[str] = mapped_column(String(26))
    received_on: Mapped[str] = mapped_column(String(10), comment="date")
    confirmed_at: Mapped[datetime] = mapped_column(Instant)


class CalendarFeed(Model):
    """The address of one person's calendar; in the directory, which knows no date of a contract."""

    __tablename__ = "calendar_feeds"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
