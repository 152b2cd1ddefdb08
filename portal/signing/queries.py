"""Finding signatures, consents and deeds. Whoever calls has found the contract as its party."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.models import RegionEntry
from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import current_version, state
from portal.contracts.rules.life import State
from portal.residency.models import Document
from portal.signing import rules
from portal.signing.models import Consent, Deed, IssuingKey, SealFailure, Signature

PREPARED, SIGNED, SEALED = "prepared", "signed", "sealed"
SEALED_EVENT = "signing:deed:sealed"
TO_WORK_ON = frozenset({State.AGREED, State.SIGNING, State.SEALING})


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

    @property
    def is_signed(self) -> bool:
        """Whether this signer has signed."""
        return self.signed_at is not None


def signatures_of(session: Session, version: Version) -> list[SignatureLine]:
    """Return every signer of a version in order, signed or not, and how each was identified."""
    contract = session.get_one(Contract, version.contract_id)
    done = {row.slot_id: row for row in _signatures(session, version)}
    slots = sorted(contract.slots, key=lambda slot: slot.position)
    return [_line(contract, slot, done.get(slot.id)) for slot in slots]


def _signatures(session: Session, version: Version) -> Sequence[Signature]:
    query = select(Signature).where(Signature.version_id == version.id)
    return session.scalars(query.order_by(Signature.signed_at, Signature.id)).all()


def _line(contract: Contract, slot: SignerSlot, signature: Signature | None) -> SignatureLine:
    names = {"vendor": contract.vendor_name, "customer": contract.customer_name}
    known = signature.identification if signature else None
    return SignatureLine(
        slot_id=slot.id,
        position=slot.position,
        side=slot.side,
        person_id=slot.person_id,
        name=slot.name,
        title=known["title"] if known else slot.title,
        organisation=names[slot.side],
        signed_at=signature.signed_at if signature else None,
        version_sha256=signature.version_sha256 if signature else None,
        identified=rules.identified_words(known) if known else [],
    )


def places(session: Session, contract: Contract, version: Version) -> list[rules.Place]:
    """Return the slots as the rules see them, in the order of signing."""
    signed = {row.slot_id: row.signed_at for row in _signatures(session, version)}
    return [
        rules.Place(slot.id, slot.position, slot.person_id, slot.name, signed.get(slot.id))
        for slot in sorted(contract.slots, key=lambda slot: slot.position)
    ]


def next_slot(session: Session, contract: Contract) -> SignerSlot | None:
    """Return the slot that signs next; None when all have, or nothing is frozen."""
    version = current_version(contract)
    if version is None:
        return None
    turn = rules.whose_turn(places(session, contract, version))
    return next((slot for slot in contract.slots if turn and slot.id == turn.slot_id), None)


def slot_of(contract: Contract, person_id: str) -> SignerSlot | None:
    """Return the slot a person signs in, if they are named."""
    return next((slot for slot in contract.slots if slot.person_id == person_id), None)


def signature_of(session: Session, version: Version, slot: SignerSlot) -> Signature | None:
    """Return the signature in a slot of a version, if it was made."""
    return session.scalar(
        select(Signature).where(Signature.version_id == version.id, Signature.slot_id == slot.id)
    )


def standing_consent(session: Session, contract: Contract, person_id: str) -> Consent | None:
    """Return a person's consent to the current disclosure for this contract, unless withdrawn."""
    given = consents_of(session, contract, person_id)
    disclosure = rules.load_disclosure()
    return next((row for row in given if row.disclosure_sha256 == disclosure.sha256), None)


def consents_of(session: Session, contract: Contract, person_id: str) -> Sequence[Consent]:
    """Return a person's consents for a contract that were not withdrawn, the latest first."""
    return session.scalars(
        select(Consent)
        .where(
            Consent.contract_id == contract.id,
            Consent.person_id == person_id,
            Consent.withdrawn_at.is_(None),
        )
        .order_by(Consent.given_at.desc(), Consent.id.desc())
    ).all()


def withdrawn_persons(session: Session, contract: Contract) -> set[str]:
    """Return who withdrew their consent to electronic records and gave no new one."""
    rows = session.execute(
        select(Consent.person_id, Consent.withdrawn_at).where(Consent.contract_id == contract.id)
    ).all()
    return {p for p, at in rows if at is not None} - {p for p, at in rows if at is None}


def latest_deed(session: Session, version: Version) -> Deed | None:
    """Return the newest revision of a version's deed."""
    query = select(Deed).where(Deed.version_id == version.id)
    return session.scalar(query.order_by(Deed.revision.desc()).limit(1))


def document_of(session: Session, deed: Deed) -> Document:
    """Return the record of a deed's file."""
    return session.get_one(Document, deed.document_id)


def issuing_key(session: Session, version: Version) -> IssuingKey:
    """Return the authority that issues the certificates of a version's signers."""
    return session.scalars(select(IssuingKey).where(IssuingKey.version_id == version.id)).one()


def failures_since(session: Session, version: Version, deed: Deed | None) -> list[SealFailure]:
    """Return the failed tries since the deed last moved, oldest first."""
    query = select(SealFailure).where(SealFailure.version_id == version.id)
    if deed is not None:
        query = query.where(SealFailure.at >= deed.made_at)
    return list(session.scalars(query.order_by(SealFailure.at, SealFailure.id)))


@dataclass(frozen=True)
class Sealing:
    """How far the deed of a version is, in words both sides read."""

    words: str
    kind: str
    deed: Deed | None
    failed_at: datetime | None
    failure: str | None

    @property
    def is_sealed(self) -> bool:
        """Whether the deed is complete."""
        return self.deed is not None and self.deed.kind == SEALED


def sealing_state(session: Session, contract: Contract) -> Sealing | None:
    """Return how far the deed of the standing version is; None while nothing is frozen."""
    version = current_version(contract)
    if version is None:
        return None
    deed = latest_deed(session, version)
    failures = failures_since(session, version, deed)
    last = failures[-1] if failures and not (deed and deed.kind == SEALED) else None
    signed = sum(place.signed_at is not None for place in places(session, contract, version))
    words, kind = _sealing_words(deed, signed=signed, slots=len(contract.slots))
    return Sealing(words, kind, deed, last.at if last else None, last.message if last else None)


def _sealing_words(deed: Deed | None, *, signed: int, slots: int) -> tuple[str, str]:
    if deed is None:
        return "Being prepared", "open"
    if deed.kind == SEALED:
        return "Signed and sealed", "agreed"
    if signed == slots:
        return "Being sealed", "open"
    return f"{signed} of {slots} signed", "open"


def contracts_to_work_on(session: Session, *, today: date) -> list[str]:
    """Return the contracts whose deed may have a next step: frozen, standing, not yet sealed."""
    sealed = select(Deed.version_id).where(Deed.kind == SEALED)
    rows = session.scalars(
        select(Contract)
        .join(Version, Version.contract_id == Contract.id)
        .where(Version.voided_at.is_(None), Version.renews.is_(None), Version.id.not_in(sealed))
        .order_by(Version.frozen_at)
    ).unique()
    return [row.id for row in rows if state(row, today=today) in TO_WORK_ON]


@dataclass(frozen=True)
class KnownFile:
    """What the tables know of a file by its SHA-256."""

    ref: str
    region: str
    kind: str
    version: int
    version_sha256: str
    revision: int


def known_file(session: Session, sha256: str) -> KnownFile | None:
    """Return which revision of which deed a file is, in this region."""
    query = (
        select(Deed, Version).join(Version, Version.id == Deed.version_id)
        .where(Deed.sha256 == sha256)
    )  # fmt: skip
    found = session.execute(query).first()
    if found is None:
        return None
    deed, version = found
    return KnownFile(
        ref=deed.contract_id, region=deed.region, kind=deed.kind, version=version.number,
        version_sha256=version.sha256, revision=deed.revision,
    )  # fmt: skip


def sealed_deed_of_terms(session: Session, version_sha256: str) -> Deed | None:
    """Return the sealed deed of the version with these terms, in this region."""
    return session.scalar(
        select(Deed).join(Version, Version.id == Deed.version_id)
        .where(Version.sha256 == version_sha256, Deed.kind == SEALED)
    )  # fmt: skip


def sealed_entries(session: Session, ref: str) -> list[str]:
    """Return the canonical text of the entries that recorded a contract's sealing."""
    return list(
        session.scalars(
            select(RegionEntry.body)
            .where(RegionEntry.chain == ref, RegionEntry.event == SEALED_EVENT)
            .order_by(RegionEntry.seq)
        )
    )
