"""Tables of incidents, in the contract's region. Words people wrote are sealed.

Severity, standing and the clock records are derived from the events in the transaction of each
event, so that lists and charts ask the database and not the history of every incident.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Incident(OfContract, Model):
    """A reported fault. `number` counts within the contract, from 1."""

    __tablename__ = "incidents"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "number", name="incidents_numbered_once"),
        Index("ix_incidents_reported", "contract_id", "reported_at", "id"),
        Index("ix_incidents_standing", "contract_id", "standing", "severity"),
        Index("ix_incidents_silence", "silence_at"),
        Index("incidents_by_due", "standing", "next_due_at"),
    )

    number: Mapped[int] = mapped_column(Integer)
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), comment="when reported")
    reported_at: Mapped[datetime] = mapped_column(Instant)
    reported_by: Mapped[str] = mapped_column(String(26), comment="person")
    side: Mapped[str] = mapped_column(String(8), comment="who wrote the report down")
    channel: Mapped[str] = mapped_column(String(12), comment="portal | email | phone | ...")
    module_key: Mapped[str] = mapped_column(String(16), comment="hash of the module's name")
    entitlement: Mapped[str] = mapped_column(String(20), comment="covered | doubtful")
    security: Mapped[int] = mapped_column(Integer, comment="1: a security weakness", default=0)
    severity: Mapped[str] = mapped_column(String(4), comment="derived")
    standing: Mapped[str] = mapped_column(String(10), comment="derived: open | resolved | closed")
    excluded: Mapped[str] = mapped_column(String(10), comment="derived: no | claimed | disputed")
    breaches: Mapped[int] = mapped_column(Integer, comment="derived: missed targets", default=0)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant, comment="derived")
    closed_at: Mapped[datetime | None] = mapped_column(Instant, comment="derived")
    silence_at: Mapped[datetime | None] = mapped_column(
        Instant, comment="derived: when silence closes it"
    )
    next_due_at: Mapped[datetime | None] = mapped_column(
        Instant, index=True, comment="derived: the next open target"
    )
    escalate_at: Mapped[datetime | None] = mapped_column(
        Instant, index=True, comment="derived: when the next level is told"
    )
    warn_at: Mapped[datetime | None] = mapped_column(
        Instant, index=True, comment="derived: when a target is soon due, or has run out"
    )
    title_enc: Mapped[bytes] = mapped_column(LargeBinary)
    facts_enc: Mapped[bytes] = mapped_column(LargeBinary)
    title = Sealed()
    facts = Sealed()
    events: Mapped[list["IncidentEvent"]] = relationship(order_by="IncidentEvent.position")
    escalations: Mapped[list["Escalation"]] = relationship(order_by="Escalation.due_at")
    clocks: Mapped[list["ClockRecord"]] = relationship(
        order_by="ClockRecord.id", cascade="all, delete-orphan"
    )


class IncidentEvent(OfContract, Model):
    """One thing that happened to an incident. Appended, never changed."""

    __tablename__ = "incident_events"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("incident_id", "position", name="events_in_order"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    position: Mapped[int] = mapped_column(Integer, comment="within the incident, from 1")
    kind: Mapped[str] = mapped_column(String(24))
    at: Mapped[datetime] = mapped_column(Instant, comment="when it happened")
    reported_at: Mapped[datetime] = mapped_column(Instant, comment="when the portal was told")
    side: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[str] = mapped_column(String(26))
    severity: Mapped[str | None] = mapped_column(String(4))
    ground: Mapped[str | None] = mapped_column(String(30), comment="of a pause or exclusion")
    begins_at: Mapped[datetime | None] = mapped_column(Instant, comment="of a pause")
    answers: Mapped[str | None] = mapped_column(String(26), comment="the event it speaks to")
    from_report: Mapped[int] = mapped_column(Integer, default=0, comment="0 | 1")
    counts: Mapped[int] = mapped_column(Integer, default=1, comment="how a contest was settled")
    words_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    words = Sealed()


class ClockRecord(OfContract, Model):
    """One target of an incident: its start, due instant and result. A breach is such a record.

    A frozen result names the release of the time-zone data it was worked out with.
    """

    __tablename__ = "incident_clocks"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("incident_id", "aim", "number", name="clocks_numbered_once"),
        Index("ix_incident_clocks_fell_due", "contract_id", "fell_due_at"),
    )

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    aim: Mapped[str] = mapped_column(
        String(10), comment="response | update | workaround | resolution"
    )
    number: Mapped[int] = mapped_column(Integer, comment="of its aim, from 1")
    severity: Mapped[str] = mapped_column(String(4))
    term: Mapped[str] = mapped_column(String(40), comment="the term that sets the target")
    started_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant, comment="None: no time promised")
    strict_due_at: Mapped[datetime | None] = mapped_column(
        Instant, comment="without contested pauses, where it differs"
    )
    met_at: Mapped[datetime | None] = mapped_column(Instant)
    fell_due_at: Mapped[datetime | None] = mapped_column(
        Instant, comment="met or run out, whichever came first"
    )
    result: Mapped[str] = mapped_column(
        String(10), comment="running | met | breached | disputed | untimed"
    )
    superseded: Mapped[int] = mapped_column(Integer, comment="1: carried on by a reopening")
    counted_seconds: Mapped[int | None] = mapped_column(Integer, comment="open time, pauses out")
    tzdata: Mapped[str | None] = mapped_column(String(10), comment="of a frozen result")
    soon_at: Mapped[datetime | None] = mapped_column(Instant, comment="when it is soon due")
    warned_at: Mapped[datetime | None] = mapped_column(Instant, comment="told: soon due")
    breach_told_at: Mapped[datetime | None] = mapped_column(Instant)


class Attachment(OfContract, Model):
    """A file beside an event; its bytes are a sealed document of the region's store."""

    __tablename__ = "incident_attachments"
    __bind_key__ = REGIONAL

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("incident_events.id"))
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"))
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(Integer, comment="bytes")
    name = Sealed()


class Note(OfContract, Model):
    """What one side writes for itself alone. No shared page, count, mail or export knows it."""

    __tablename__ = "incident_notes"
    __bind_key__ = REGIONAL

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    side: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime] = mapped_column(Instant)
    words_enc: Mapped[bytes] = mapped_column(LargeBinary)
    words = Sealed()


class Watcher(OfContract, Model):
    """A member who is told of every event of an incident."""

    __tablename__ = "incident_watchers"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("incident_id", "person_id", name="watchers_watch_once"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    side: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[str] = mapped_column(String(26))
    since: Mapped[datetime] = mapped_column(Instant)


class NamedContact(OfContract, Model):
    """A person of the customer who may open incidents (B7)."""

    __tablename__ = "named_contacts"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("contract_id", "person_id", name="contacts_named_once"),)

    person_id: Mapped[str] = mapped_column(String(26))
    since: Mapped[datetime] = mapped_column(Instant)


class Escalation(OfContract, Model):
    """An incident carried to the next level: by its times, because a level stayed silent, or by a
    side that asked for it. Told once."""

    __tablename__ = "escalations"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("incident_id", "episode", "level", name="levels_told_once"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    episode: Mapped[int] = mapped_column(Integer, comment="1, and one more each time it reopens")
    level: Mapped[str] = mapped_column(String(4), comment="L2 | L3 | L4")
    cause: Mapped[str] = mapped_column(String(8), comment="time | silence | asked")
    side: Mapped[str | None] = mapped_column(String(8), comment="who asked")
    due_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)
    late: Mapped[int] = mapped_column(Integer, comment="1: the portal told it late")
    answer_by: Mapped[datetime] = mapped_column(Instant, comment="then the next level is told")
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    reason_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason = Sealed()


class ExecutiveReview(OfContract, Model):
    """A review by the executives of both sides, called by the contract's numbers (G4)."""

    __tablename__ = "executive_reviews"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "trigger", "cause", name="reviews_called_once"),
    )

    number: Mapped[int] = mapped_column(Integer, comment="within the contract")
    trigger: Mapped[str] = mapped_column(String(16), comment="of G4")
    cause: Mapped[str] = mapped_column(String(40), comment="what made it due, once each")
    called_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    held_at: Mapped[datetime | None] = mapped_column(Instant)
    held_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    facts_enc: Mapped[bytes] = mapped_column(LargeBinary, comment="the numbers and incidents")
    outcome_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    facts = Sealed()
    outcome = Sealed()


class RootCause(OfContract, Model):
    """The account of why an incident happened, as the contract asks for it (N3)."""

    __tablename__ = "root_causes"
    __bind_key__ = REGIONAL

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), unique=True)
    preliminary_due_at: Mapped[datetime | None] = mapped_column(Instant)
    final_due_at: Mapped[datetime] = mapped_column(Instant, index=True)
    preliminary_at: Mapped[datetime | None] = mapped_column(Instant)
    final_at: Mapped[datetime | None] = mapped_column(Instant, comment="the one that stands")
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    soon_told_at: Mapped[datetime | None] = mapped_column(Instant)
    late_told_at: Mapped[datetime | None] = mapped_column(Instant)
    accounts: Mapped[list["Account"]] = relationship(order_by="Account.position")
    measures: Mapped[list["Measure"]] = relationship(order_by="Measure.id")


class Account(OfContract, Model):
    """One delivered account, first or full; never changed, only followed by another."""

    __tablename__ = "root_cause_accounts"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("root_cause_id", "position", name="accounts_in_order"),)

    root_cause_id: Mapped[str] = mapped_column(ForeignKey("root_causes.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(12), comment="preliminary | final | returned")
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[str] = mapped_column(String(26))
    side: Mapped[str] = mapped_column(String(8))
    content_enc: Mapped[bytes] = mapped_column(LargeBinary)
    content = Sealed()


class Measure(OfContract, Model):
    """An action that follows from a root cause, with its owner and date, followed until done."""

    __tablename__ = "measures"
    __bind_key__ = REGIONAL

    root_cause_id: Mapped[str] = mapped_column(ForeignKey("root_causes.id"), index=True)
    side: Mapped[str] = mapped_column(String(8), comment="whose it is")
    due: Mapped[str] = mapped_column(String(10), comment="date")
    added_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    done_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    late_told_at: Mapped[datetime | None] = mapped_column(Instant)
    words_enc: Mapped[bytes] = mapped_column(LargeBinary)
    owner_enc: Mapped[bytes] = mapped_column(LargeBinary)
    words = Sealed()
    owner = Sealed()
