"""Consents, signatures, deeds and contract keys, in the contract's region."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
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
    covers: Mapped[str] = mapped_column(
        String(60), default="signing", server_default="signing",
        comment="signing | signing,notices,incidents,renewals",
    )  # fmt: skip
    demonstrated: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="1 = typed the word of the sample PDF"
    )
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
    strokes_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    identification = Sealed()
    strokes = Sealed()


class Approval(OfContract, Model):
    """A yes to the frozen terms, asked before anybody signs; bound to the version's hash."""

    __tablename__ = "signing_approvals"
    __bind_key__ = REGIONAL
    __table_args__ = (UniqueConstraint("version_id", "person_id", name="approved_once"),)

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    person_id: Mapped[str] = mapped_column(String(26))
    side: Mapped[str] = mapped_column(String(8))
    version_sha256: Mapped[str] = mapped_column(String(64))
    totp_step: Mapped[int] = mapped_column(Integer, comment="the 30 s step consumed")
    approved_at: Mapped[datetime] = mapped_column(Instant)


class Invitation(OfContract, Model):
    """A person asked to approve or to sign a version: since when, and how often reminded."""

    __tablename__ = "invitations"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("version_id", "kind", "person_id", name="invited_once"),
    )  # fmt: skip

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8), comment="approve | sign")
    person_id: Mapped[str] = mapped_column(String(26))
    slot_id: Mapped[str | None] = mapped_column(ForeignKey("signer_slots.id"))
    invited_at: Mapped[datetime] = mapped_column(Instant)
    asked_at: Mapped[datetime] = mapped_column(Instant, comment="of the last mail")
    reminders: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    resent_at: Mapped[datetime | None] = mapped_column(Instant, comment="asked for by a person")


class Handover(OfContract, Model):
    """A slot given to another person of the same side: by its signer, or before it was reached."""

    __tablename__ = "handovers"
    __bind_key__ = REGIONAL

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    slot_id: Mapped[str] = mapped_column(ForeignKey("signer_slots.id"))
    kind: Mapped[str] = mapped_column(String(10), comment="delegated | reassigned")
    from_person: Mapped[str] = mapped_column(String(26))
    to_person: Mapped[str] = mapped_column(String(26))
    by_person: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime] = mapped_column(Instant)
    names_enc: Mapped[bytes] = mapped_column(LargeBinary)
    reason_enc: Mapped[bytes] = mapped_column(LargeBinary)
    names = Sealed()
    reason = Sealed()


class PaperRequest(OfContract, Model):
    """A paper copy asked for by a person; the owner of their side sends it by the due day."""

    __tablename__ = "paper_requests"
    __bind_key__ = REGIONAL

    person_id: Mapped[str] = mapped_column(String(26))
    side: Mapped[str] = mapped_column(String(8))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    sent_by: Mapped[str | None] = mapped_column(String(26))
    name_enc: Mapped[bytes] = mapped_column(LargeBinary)
    name = Sealed()


class SpentCode(Model):
    """The last TOTP step a person signed with in this region; it may only grow."""

    __tablename__ = "spent_codes"
    __bind_key__ = REGIONAL

    person_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    step: Mapped[int] = mapped_column(Integer)


class Deed(OfContract, Model):
    """One revision of a version's PDF: prepared, signed, sealed, then stamped or renewed."""

    __tablename__ = "deeds"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("version_id", "revision", name="deeds_in_order"),
        Index("deeds_to_stamp", "stamp_due", "made_at"),
        Index("deeds_to_renew", "renew_by"),
    )

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    revision: Mapped[int] = mapped_column(
        Integer, comment="0 prepared, k after the k-th signature, then seal"
    )
    kind: Mapped[str] = mapped_column(
        String(10), comment="prepared | signed | sealed | stamped | renewed"
    )
    signature_id: Mapped[str | None] = mapped_column(
        String(26), comment="the act this revision put into the file"
    )
    stamp_due: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="1 = an authority has yet to stamp it"
    )
    renew_by: Mapped[datetime | None] = mapped_column(
        Instant, comment="when its last proof of time ends"
    )
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
