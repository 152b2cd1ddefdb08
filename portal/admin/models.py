"""What waits for a second administrator or for its day."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import Instant, Model

OPEN_CHANGE = text("applied_at IS NULL AND withdrawn_at IS NULL")
OPEN_RESET = text("confirmed_at IS NULL AND withdrawn_at IS NULL")


class PolicyChange(Model):
    """A change of an organisation's rule on codes or of its regions: asked, confirmed, in force."""

    __tablename__ = "policy_changes"
    __table_args__ = (
        Index(
            "policy_changes_one_open", "organisation_id", "kind", unique=True,
            sqlite_where=OPEN_CHANGE, postgresql_where=OPEN_CHANGE,
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(10), comment="mfa | regions | hipaa | retention")
    after: Mapped[str] = mapped_column(
        Text, comment="JSON: role -> rule, names of regions, on, years"
    )
    weaker: Mapped[int] = mapped_column(Integer, comment="1 = takes a second administrator")
    asked_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    holds_from: Mapped[datetime | None] = mapped_column(Instant, comment="none: not confirmed yet")
    applied_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class FactorReset(Model):
    """A wish to take a member's factor away, which a second administrator confirms."""

    __tablename__ = "factor_resets"
    __table_args__ = (
        Index(
            "factor_resets_one_open", "person_id", unique=True, sqlite_where=OPEN_RESET,
            postgresql_where=OPEN_RESET,
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    asked_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
