"""Changes, outages and monitors in the contract's region. Events are added and never changed."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class ChangeRow(OfContract, Model):
    """A change: its plan is a draft of the vendor's until it is announced, then it stands."""

    __tablename__ = "changes"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "ref", name="changes_by_ref"),
        Index("changes_by_begin", "begin"),
    )

    ref: Mapped[str] = mapped_column(String(16), comment="CHG-<letters>")
    kind: Mapped[str] = mapped_column(String(12), comment="maintenance | release | security")
    sort: Mapped[str] = mapped_column(String(10), comment="standard | normal | emergency")
    begin: Mapped[datetime] = mapped_column(Instant, comment="as first planned")
    end: Mapped[datetime] = mapped_column(Instant, comment="as first planned")
    created_at: Mapped[datetime] = mapped_column(Instant)
    asks: Mapped[str] = mapped_column(
        String(20), default="", server_default="",
        comment="sides whose approval the contract asked for when it was announced",
    )  # fmt: skip
    content_enc: Mapped[bytes] = mapped_column(LargeBinary)
    content = Sealed()
    events: Mapped[list["ChangeEvent"]] = relationship(order_by="ChangeEvent.position")


class ChangeEvent(OfContract, Model):
    """One dated word about a change."""

    __tablename__ = "change_events"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("change_id", "position", name="change_events_in_order"),)

    change_id: Mapped[str] = mapped_column(ForeignKey("changes.id"))
    position: Mapped[int] = mapped_column(Integer, comment="from 1")
    kind: Mapped[str] = mapped_column(
        String(12),
        comment="announced | approved | excepted | postponed | started | completed | rolled_back"
        " | withdrawn",
    )
    at: Mapped[datetime] = mapped_column(Instant, comment="when it happened")
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[str] = mapped_column(String(26))
    side: Mapped[str] = mapped_column(String(8))
    begin: Mapped[datetime | None] = mapped_column(Instant, comment="new times of a postponement")
    end: Mapped[datetime | None] = mapped_column(Instant)
    note_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    note = Sealed()


class OutageRow(OfContract, Model):
    """An outage of the software or of named modules."""

    __tablename__ = "outages"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "ref", name="outages_by_ref"),
        Index("outages_by_time", "created_at"),
    )

    ref: Mapped[str] = mapped_column(String(16), comment="OUT-<letters>")
    effect: Mapped[str] = mapped_column(String(10), comment="down | degraded")
    monitor_id: Mapped[str | None] = mapped_column(ForeignKey("monitors.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    content_enc: Mapped[bytes] = mapped_column(LargeBinary, comment="modules and what was seen")
    content = Sealed()
    events: Mapped[list["OutageEventRow"]] = relationship(order_by="OutageEventRow.position")


class OutageEventRow(OfContract, Model):
    """One dated word about an outage, by a side or a monitor of that side."""

    __tablename__ = "outage_events"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("outage_id", "position", name="outage_events_in_order"),)

    outage_id: Mapped[str] = mapped_column(ForeignKey("outages.id"))
    position: Mapped[int] = mapped_column(Integer, comment="from 1")
    kind: Mapped[str] = mapped_column(
        String(14),
        comment="reported | ended | confirmed | disputed | corrected | withdrawn | cause_claimed"
        " | cause_accepted | cause_refused",
    )
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[str | None] = mapped_column(String(26), comment="none: a monitor")
    side: Mapped[str] = mapped_column(String(8))
    begin: Mapped[datetime | None] = mapped_column(Instant)
    end: Mapped[datetime | None] = mapped_column(Instant)
    cause: Mapped[str | None] = mapped_column(String(20), comment="an option of D10")
    note_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    note = Sealed()


class Monitor(OfContract, Model):
    """A machine that reports outages for one side. Only the SHA-256 of its token is kept."""

    __tablename__ = "monitors"
    __bind_key__ = REGIONAL

    side: Mapped[str] = mapped_column(String(8))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    name = Sealed()
