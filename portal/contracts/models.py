"""Tables of a contract, in its region. Content is sealed with the contract's key."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contracts.rules.amending import unpacked
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed
from portal.terms.rules import Value


def _starter(context: Any) -> str:
    """Whoever starts a contract is the first to move."""
    side: str = context.get_current_parameters()["started_by_side"]
    return side


class Contract(Model):
    """A support contract between a vendor and a customer. `id` is the public reference."""

    __tablename__ = "contracts"
    __bind_key__ = REGIONAL
    __table_args__ = (
        Index("contracts_of_vendor", "vendor_id", "created_at", "id"),
        Index("contracts_of_customer", "customer_id", "created_at", "id"),
        Index(
            "contracts_staged_vendor",
            "vendor_id",
            "stage",
            "turn",
            "created_at",
            "id",
            "archived_on",
        ),
        Index(
            "contracts_staged_customer",
            "customer_id",
            "stage",
            "turn",
            "created_at",
            "id",
            "archived_on",
        ),
        Index("contracts_staged", "stage", "id"),
        Index("contracts_on_template", "template_sha256", "vendor_id", "created_at", "id"),
        Index("contracts_archived_vendor", "vendor_id", "archived_on", "id"),
        Index("contracts_archived_customer", "customer_id", "archived_on", "id"),
    )

    id: Mapped[str] = mapped_column(String(24), primary_key=True, comment="<region>-<letters>")
    region: Mapped[str] = mapped_column(String(12))
    title_enc: Mapped[bytes] = mapped_column(LargeBinary)
    vendor_id: Mapped[str] = mapped_column(String(26), index=True, comment="organisation")
    customer_id: Mapped[str] = mapped_column(String(26), index=True, comment="organisation")
    vendor_name: Mapped[str] = mapped_column(String(160))
    customer_name: Mapped[str] = mapped_column(String(160))
    started_by_side: Mapped[str] = mapped_column(String(8), comment="vendor | customer")
    template: Mapped[str] = mapped_column(String(80), comment="name/number")
    template_sha256: Mapped[str] = mapped_column(String(64))
    schema_version: Mapped[str] = mapped_column(String(20))
    schema_sha256: Mapped[str] = mapped_column(String(64))
    standard_version: Mapped[str] = mapped_column(String(20))
    standard_sha256: Mapped[str] = mapped_column(String(64))
    tier: Mapped[str | None] = mapped_column(String(120), comment="catalogue/version/tier")
    tier_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Instant)
    step: Mapped[int] = mapped_column(Integer, default=1, comment="of the guided start, 1..4")
    amends_id: Mapped[str | None] = mapped_column(
        ForeignKey("contracts.id"), index=True, comment="the contract this one amends"
    )
    amended: Mapped[str | None] = mapped_column(Text, comment="ids of its terms, by comma")
    # Where its facts put it, kept beside it so that a list finds it: written with every fact.
    stage: Mapped[str | None] = mapped_column(String(12), default="draft", comment="of the list")
    turn: Mapped[str | None] = mapped_column(
        String(8), default=_starter, comment="vendor | customer: whose it is, or was last"
    )
    archived_on: Mapped[str | None] = mapped_column(String(10), comment="first day in the archive")

    title = Sealed()
    stakeholders: Mapped[list["Stakeholder"]] = relationship(order_by="Stakeholder.id")
    slots: Mapped[list["SignerSlot"]] = relationship(
        order_by="SignerSlot.position",
        primaryjoin="and_(Contract.id == SignerSlot.contract_id, SignerSlot.retired_at.is_(None))",
    )
    facts: Mapped[list["Fact"]] = relationship(order_by="Fact.at")
    versions: Mapped[list["Version"]] = relationship(order_by="Version.number")
    amendments: Mapped[list["Contract"]] = relationship(
        order_by="Contract.created_at", viewonly=True
    )
    interim_changes: Mapped[list["InterimChange"]] = relationship(order_by="InterimChange.number")

    @property
    def named_terms(self) -> list[str] | None:
        """The terms an amendment is about; None for a contract of its own."""
        return self.amended.split(",") if self.amended is not None else None

    @property
    def ref(self) -> str:
        """The public reference."""
        return self.id

    @property
    def owner_key(self) -> str:
        """Whose data key seals this row."""
        return self.id


class OfContract:
    """Columns of a row that belongs to a contract and is sealed with its key."""

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), index=True)

    @property
    def owner_key(self) -> str:
        """Whose data key seals this row."""
        return self.contract_id


class Stakeholder(OfContract, Model):
    """A person with a function on one side of a contract; one owner a side."""

    __tablename__ = "stakeholders"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("contract_id", "side", "person_id", "function"),)

    side: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[str] = mapped_column(String(26))
    function: Mapped[str] = mapped_column(
        String(20), comment="owner | sales | it | legal | procurement | support"
    )
    approves: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="1 = approves before anyone signs"
    )
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    email_enc: Mapped[bytes] = mapped_column(LargeBinary)
    name = Sealed()
    email = Sealed()


class SignerSlot(OfContract, Model):
    """A place to sign: who signs for which side, and in which order over both sides."""

    __tablename__ = "signer_slots"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "position"),
        UniqueConstraint("contract_id", "person_id", name="slots_distinct_persons"),
    )

    side: Mapped[str] = mapped_column(String(8))
    position: Mapped[int] = mapped_column(Integer, comment="order over both sides, from 1")
    person_id: Mapped[str] = mapped_column(String(26))
    together: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="1 = asked with the slot before"
    )
    retired_at: Mapped[datetime | None] = mapped_column(
        Instant, comment="no longer signs, but signed a voided version"
    )
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    email_enc: Mapped[bytes] = mapped_column(LargeBinary)
    title_enc: Mapped[bytes] = mapped_column(LargeBinary)
    name = Sealed()
    email = Sealed()
    title = Sealed()


class Fact(OfContract, Model):
    """A dated fact in the life of a contract: withdrawn, declined, completed, ..."""

    __tablename__ = "facts"
    __bind_key__ = REGIONAL
    __table_args__ = (
        Index("facts_of_kind", "kind", "contract_id"),
        Index("facts_of_time", "kind", "at"),
    )

    kind: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[str] = mapped_column(String(26))
    side: Mapped[str | None] = mapped_column(String(8))
    effective_on: Mapped[str | None] = mapped_column(
        String(10), comment="date, where it is not the day of `at`"
    )
    reason_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason = Sealed()


class Version(OfContract, Model):
    """Frozen terms: canonical JSON (RFC 8785) and its SHA-256. Never changed, only voided.

    With `renews` it was written by a renewal, without signatures, under the version it names.
    """

    __tablename__ = "versions"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("contract_id", "number"),)

    number: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    canonical_enc: Mapped[bytes] = mapped_column(LargeBinary)
    frozen_at: Mapped[datetime] = mapped_column(Instant)
    voided_at: Mapped[datetime | None] = mapped_column(Instant)
    renews: Mapped[str | None] = mapped_column(String(26), comment="the signed version")
    begins: Mapped[str | None] = mapped_column(String(10), comment="date, of a renewal's term")
    canonical = Sealed(frozen=True)


class InterimChange(OfContract, Model):
    """Schedules changed without an amendment: proposed by one side, answered whole by the other."""

    __tablename__ = "interim_changes"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("contract_id", "number", name="interim_changes_numbered_once"),
    )

    number: Mapped[int] = mapped_column(Integer, comment="from 1, over both sides")
    side: Mapped[str] = mapped_column(String(8), comment="who proposed it")
    term: Mapped[str] = mapped_column(String(60), comment="term ids of the schema, by comma")
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    proposed_by: Mapped[str] = mapped_column(String(26), comment="person")
    starts: Mapped[str] = mapped_column(String(10), comment="first day, ISO 8601")
    ends: Mapped[str | None] = mapped_column(String(10), comment="first day after it; none: open")
    value_sha256: Mapped[str] = mapped_column(String(64), comment="of its values as packed")
    before_sha256: Mapped[str] = mapped_column(String(64), comment="of the values it replaces")
    decision: Mapped[str | None] = mapped_column(
        String(10), comment="agreed | declined | withdrawn"
    )
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    value_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    value = Sealed()
    reason = Sealed()
    answer = Sealed()

    @property
    def terms(self) -> list[str]:
        """The terms it changes, all of them or none."""
        return self.term.split(",")

    @property
    def values(self) -> dict[str, Value]:
        """The value of each term while it holds."""
        return unpacked(self.terms, self.value)


class OnboardingItem(OfContract, Model):
    """One thing to do before support starts; done when both sides have ticked it."""

    __tablename__ = "onboarding_items"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("contract_id", "item", name="items_listed_once"),)

    item: Mapped[str] = mapped_column(String(16), comment="handoff | access | runbooks | ...")
    owner_id: Mapped[str | None] = mapped_column(String(26), comment="person")
    due: Mapped[str] = mapped_column(String(10), comment="date")
    vendor_at: Mapped[datetime | None] = mapped_column(Instant)
    vendor_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    customer_at: Mapped[datetime | None] = mapped_column(Instant)
    customer_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    reminded: Mapped[int] = mapped_column(Integer, comment="0, 1: before due, 2: on it", default=0)


class OnboardingFile(OfContract, Model):
    """A file beside an item, such as a runbook; its bytes are a sealed document."""

    __tablename__ = "onboarding_files"
    __bind_key__ = REGIONAL

    item_id: Mapped[str] = mapped_column(ForeignKey("onboarding_items.id"), index=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"))
    side: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime] = mapped_column(Instant)
    size: Mapped[int] = mapped_column(Integer, comment="bytes")
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    name = Sealed()


class Walk(Model):
    """How far a job came that looks at the contracts of a region in turn."""

    __tablename__ = "walks"
    __bind_key__ = REGIONAL

    job: Mapped[str] = mapped_column(String(20), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    last: Mapped[str] = mapped_column(String(24), comment="contract looked at last; empty: all")
    place: Mapped[int] = mapped_column(Integer, comment="of the next entry to be looked at")
