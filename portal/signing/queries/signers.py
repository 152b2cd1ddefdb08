"""Who signs a version, who has, and whose turn it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import approvals_missing, signs_at_once
from portal.contracts.rules.order import Seat, open_seats
from portal.signing import rules
from portal.signing.models import Approval, Deed, Signature


@dataclass(frozen=True)
class SignatureLine:
    """One signer of a version: who, for whom, and what became of it."""

    slot_id: str
    position: int
    side: str
    person_id: str
    name: str
    title: str
    organisation: str
    signed_at: datetime | None
    version_sha256: str | None
    identified: list[tuple[str, str]]
    strokes: Any = None
    in_place_of: str = ""
    together: bool = False
    meaning: str = ""

    @property
    def drawn(self) -> str:
        """The drawn signature as the data of an SVG path; empty where nothing was drawn."""
        return rules.svg_path(self.strokes) if self.strokes else ""

    @property
    def is_signed(self) -> bool:
        """Whether this signer has signed."""
        return self.signed_at is not None


def signature_to_apply(session: Session, version: Version) -> Signature | None:
    """Return the earliest signature of a version that no revision of its deed holds yet."""
    applied = set(session.scalars(select(Deed.signature_id).where(Deed.version_id == version.id)))
    return next((row for row in signatures_made(session, version) if row.id not in applied), None)


def signatures_of(session: Session, version: Version) -> list[SignatureLine]:
    """Return every signer of a version in order, signed or not, and how each was identified."""
    contract = session.get_one(Contract, version.contract_id)
    done = {row.slot_id: row for row in signatures_made(session, version)}
    slots = [slot for slot in _every_slot(session, contract) if _counts(slot, version, done)]
    return [_line(contract, version, slot, done.get(slot.id)) for slot in slots]


def _every_slot(session: Session, contract: Contract) -> Sequence[SignerSlot]:
    """Return the slots in order; those let go after a version fell come last."""
    query = select(SignerSlot).where(SignerSlot.contract_id == contract.id)
    return session.scalars(query.order_by(SignerSlot.position)).all()


def _counts(slot: SignerSlot, version: Version, done: Mapping[str, Signature]) -> bool:
    """A version that stands has the slots of now; one that fell shows who had signed it."""
    return slot.id in done or (slot.retired_at is None and version.voided_at is None)


def signatures_made(session: Session, version: Version) -> Sequence[Signature]:
    """Return the signatures made on a version, the earliest first."""
    query = select(Signature).where(Signature.version_id == version.id)
    return session.scalars(query.order_by(Signature.signed_at, Signature.id)).all()


def _line(
    contract: Contract, version: Version, slot: SignerSlot, signature: Signature | None
) -> SignatureLine:
    names = {"vendor": contract.vendor_name, "customer": contract.customer_name}
    known = signature.identification if signature else None
    return SignatureLine(
        slot_id=slot.id,
        position=slot.position,
        side=slot.side,
        person_id=signature.person_id if signature else slot.person_id,
        name=known["name"] if known else slot.name,
        title=known["title"] if known else slot.title,
        organisation=names[slot.side],
        signed_at=signature.signed_at if signature else None,
        version_sha256=signature.version_sha256 if signature else None,
        identified=rules.identified_words(known) if known else [],
        strokes=signature.strokes if signature else None,
        in_place_of=in_place_of(version, slot).get("in_place_of", ""),
        together=bool(slot.together),
        meaning=rules.meaning_words(known) if known else "",
    )


def seats(session: Session, contract: Contract, version: Version) -> list[Seat]:
    """Return the places to sign as the rules see them, in the order of signing."""
    signed = {row.slot_id: row.signed_at for row in signatures_made(session, version)}
    return [
        Seat(
            slot.id, slot.position, slot.person_id, slot.name, signed.get(slot.id),
            bool(slot.together),
        )
        for slot in sorted(contract.slots, key=lambda slot: slot.position)
    ]  # fmt: skip


def open_now(session: Session, contract: Contract, version: Version) -> list[Seat]:
    """Return the places whose turn it is; none while an approval is missing."""
    return open_seats(
        seats(session, contract, version), all_at_once=signs_at_once(contract),
        approvals_missing=len(approvals_missing(contract)),
    )  # fmt: skip


def in_place_of(version: Version, slot: SignerSlot) -> dict[str, str]:
    """Return whom the deed names in a slot that was handed over; nothing where it was not."""
    named = [
        signer["name"]
        for signer in version.canonical["signers"]
        if (signer["side"], signer["position"]) == (slot.side, slot.position)
    ]
    return {"in_place_of": named[0]} if named and named[0] != slot.name else {}


def slot_of(contract: Contract, person_id: str) -> SignerSlot | None:
    """Return the slot a person signs in, if they are named."""
    return next((slot for slot in contract.slots if slot.person_id == person_id), None)


def signature_of(session: Session, version: Version, slot: SignerSlot) -> Signature | None:
    """Return the signature in a slot of a version, if it was made."""
    return session.scalar(
        select(Signature).where(Signature.version_id == version.id, Signature.slot_id == slot.id)
    )


def voided_facts(session: Session, version: Version) -> dict[str, Any]:
    """Return what an entry says of a version that falls: its hash, and how much was given on it."""
    approved = select(Approval.id).where(Approval.version_id == version.id)
    return {
        "version": version.number,
        "sha256": version.sha256,
        "signatures": len(signatures_made(session, version)),
        "approvals": len(session.scalars(approved).all()),
    }


def voided_versions(
    session: Session, contract: Contract
) -> list[tuple[Version, list[SignatureLine]]]:
    """Return the versions that fell, the newest first, with who had signed them."""
    fallen = [version for version in contract.versions if version.voided_at is not None]
    return [
        (version, [line for line in signatures_of(session, version) if line.is_signed])
        for version in reversed(fallen)
    ]


def approved_version_of(session: Session, contract: Contract, person_id: str) -> Version | None:
    """Return the latest voided version that a person approved or signed, to compare with."""
    said = set(
        session.scalars(
            select(Approval.version_id).where(
                Approval.contract_id == contract.id, Approval.person_id == person_id
            )
        )
    ) | set(
        session.scalars(
            select(Signature.version_id).where(
                Signature.contract_id == contract.id, Signature.person_id == person_id
            )
        )
    )
    mine = [v for v in contract.versions if v.id in said and v.voided_at is not None]
    return mine[-1] if mine else None
