"""Tables of a batch, in the region of its contracts; what a row says is sealed."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Batch(Model):
    """One sheet, what its contracts start from, and who confirmed it."""

    __tablename__ = "batches"
    __bind_key__ = REGIONAL

    id: Mapped[str] = mapped_column(String(24), primary_key=True, comment="<region>-<letters>")
    region: Mapped[str] = mapped_column(String(12))
    organisation_id: Mapped[str] = mapped_column(String(26), index=True, comment="the vendor")
    once: Mapped[str] = mapped_column(String(64), unique=True, comment="of the form: one upload")
    template: Mapped[str] = mapped_column(String(80), comment="name/number")
    template_sha256: Mapped[str] = mapped_column(String(64))
    tier: Mapped[str | None] = mapped_column(String(120))
    tier_sha256: Mapped[str | None] = mapped_column(String(64))
    sends: Mapped[int] = mapped_column(Integer, comment="1 = round 1 is sent, 0 = drafts only")
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(26), comment="person")
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(26), comment="person")
    stopped_at: Mapped[datetime | None] = mapped_column(Instant)
    people_enc: Mapped[bytes] = mapped_column(LargeBinary, comment="owner and signers")
    people = Sealed()
    rows: Mapped[list["BatchRow"]] = relationship(order_by="BatchRow.number")

    @property
    def owner_key(self) -> str:
        """Whose data key seals this row."""
        return self.id


class BatchRow(Model):
    """One row of the sheet, and the contract it became."""

    __tablename__ = "batch_rows"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("batch_id", "number", name="batch_rows_numbered_once"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    batch_id: Mapped[str] = mapped_column(ForeignKey("batches.id"), index=True)
    number: Mapped[int] = mapped_column(Integer, comment="line of the sheet, the heading is 1")
    faults: Mapped[int] = mapped_column(Integer, comment="how many; a row with one is left out")
    customer_id: Mapped[str | None] = mapped_column(String(26), comment="organisation")
    contract_id: Mapped[str | None] = mapped_column(String(24), unique=True)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    failed_at: Mapped[datetime | None] = mapped_column(Instant)
    content_enc: Mapped[bytes] = mapped_column(LargeBinary, comment="title, terms, faults")
    failure_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    content = Sealed()
    failure = Sealed()

    @property
    def owner_key(self) -> str:
        """Whose data key seals this row."""
        return self.batch_id
