"""Files that are brought in, and what is wrong with their rows, in the contract's region."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Intake(OfContract, Model):
    """One file of one organisation; the other side sees only what is taken from it."""

    __tablename__ = "intakes"
    __bind_key__ = REGIONAL

    organisation_id: Mapped[str] = mapped_column(String(26), index=True)
    person_id: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(10), comment="incidents | outages")
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    total: Mapped[int] = mapped_column(Integer, comment="bytes")
    place: Mapped[int] = mapped_column(Integer, comment="bytes read so far")
    line: Mapped[int] = mapped_column(Integer, comment="of the next row")
    good: Mapped[int] = mapped_column(Integer, comment="rows")
    bad: Mapped[int] = mapped_column(Integer, comment="rows")
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    checked_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    taken_at: Mapped[datetime | None] = mapped_column(Instant)
    dropped_at: Mapped[datetime | None] = mapped_column(Instant)
    problem: Mapped[str | None] = mapped_column(String(200), comment="with the file as a whole")
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    name = Sealed()

    @property
    def state(self) -> str:
        """Where it stands: reading, read, taking, taken, dropped or broken."""
        if self.dropped_at:
            return "dropped"
        if self.taken_at:
            return "taken"
        if self.problem:
            return "broken"
        if self.confirmed_at:
            return "taking"
        return "read" if self.checked_at else "reading"


class IntakeFault(OfContract, Model):
    """One thing wrong with one row; the cell itself is not kept."""

    __tablename__ = "intake_faults"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("intake_id", "line", "column", "says", name="intake_faults_once"),
    )

    intake_id: Mapped[str] = mapped_column(ForeignKey("intakes.id"), index=True)
    line: Mapped[int] = mapped_column(Integer)
    column: Mapped[str] = mapped_column(String(20))
    says: Mapped[str] = mapped_column(String(120))
