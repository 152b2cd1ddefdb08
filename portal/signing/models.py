"""Consents, signatures, deeds and contract keys, in the contract's region."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class Consent(OfContract, Model):
    """A person's consent to electronic records for a contract, with the exact text shown."""

    __tablename__ = "consents"
    __bind_key__ = REGIONAL

    person_id: Mapped[str] = mapped_column(String(26))
    disclosure: Mapped[str] = mapped_column(String(20), comment="version of the text")
    disclosure_sha256: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class Signature(OfContract, Model):
    """The act of signing, one a slot. `identification` says how the person was known."""

    __tablename__ = "signatures"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("version_id", "slot_id", name="signed_once"),)

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    slot_id: Mapped[str] = mapped_column(ForeignKey("signer_slots.id"))
    person_id: Mapped[str] = mapped_column(String(26))
    version_sha256: Mapped[str] = mapped_column(String(64))
    consent_id: Mapped[str] = mapped_column(ForeignKey("consents.id"))
    totp_step: Mapped[int] = mapped_column(Integer, comment="the 30 s step consumed")
    signed_at: Mapped[datetime] = mapped_column(Instant)
    identification_enc: Mapped[bytes] = mapped_column(LargeBinary)
    identification = Sealed()


class SpentCode(Model):
    """The last TOTP step a person signed with in this region; it may only grow."""

    __tablename__ = "spent_codes"
    __bind_key__ = REGIONAL

    person_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    step: Mapped[int] = mapped_column(Integer)


class Deed(OfContract, Model):
    """One revision of a version's PDF: prepared, signed by slot k, or sealed."""

    __tablename__ = "deeds"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("version_id", "revision", name="deeds_in_order"),)

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    revision: Mapped[int] = mapped_column(Integer, comment="0 prepared, k after slot k, then seal")
    kind: Mapped[str] = mapped_column(String(10), comment="prepared | signed | sealed")
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"))
    sha256: Mapped[str] = mapped_column(String(64), index=True, comment="of the whole file")
    made_at: Mapped[datetime] = mapped_column(Instant)


class IssuingKey(OfContract, Model):
    """The contract's own certificate authority; the key is destroyed at completion."""

    __tablename__ = "issuing_keys"
    __bind_key__ = REGIONAL

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), unique=True)
    certificate: Mapped[bytes] = mapped_column(LargeBinary, comment="PEM")
    key_enc: Mapped[bytes | None] = mapped_column(LargeBinary, comment="none after completion")
    destroyed_at: Mapped[datetime | None] = mapped_column(Instant)
    key = Sealed()


class SealFailure(OfContract, Model):
    """A try to sign or seal the PDF that failed; shown to both sides until it succeeds."""

    __tablename__ = "seal_failures"
    __bind_key__ = REGIONAL

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    message: Mapped[str] = mapped_column(String(300))
