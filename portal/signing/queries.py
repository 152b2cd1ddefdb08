"""Finding signatures, consents and deeds. Whoever calls has found the contract as its party."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership, Person
from portal.accounts.rules import Actor, Role
from portal.audit.models import RegionEntry
from portal.contracts.models import Contract, Fact, SignerSlot, Version
from portal.contracts.queries import (
    approvals_missing,
    current_version,
    members_of,
    name_of,
    organisation_of,
    signs_at_once,
    state,
    template_of,
)
from portal.contracts.rules.life import Side, State
from portal.contracts.rules.order import Seat, open_seats
from portal.kit.db import directory_reader
from portal.notices.rules import Recipient
from portal.residency.models import Document
from portal.signing import rules
from portal.signing.models import (
    Approval,
    Consent,
    Deed,
    Handover,
    Invitation,
    IssuingKey,
    PaperRequest,
    SealFailure,
    Signature,
)

PREPARED, SIGNED, SEALED = "prepared", "signed", "sealed"
STAMPED, RENEWED = "stamped", "renewed"
CLOSED = frozenset({SEALED, STAMPED, RENEWED})
SEALED_EVENT = "signing:deed:sealed"
CLOSED_EVENTS = (SEALED_EVENT, "signing:deed:stamped", "signing:deed:renewed")
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
    strokes: Any = None
    in_place_of: str = ""
    together: bool = False

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
    return next((row for row in _signatures(session, version) if row.id not in applied), None)


def signatures_of(session: Session, version: Version) -> list[SignatureLine]:
    """Return every signer of a version in order, signed or not, and how each was identified."""
    contract = session.get_one(Contract, version.contract_id)
    done = {row.slot_id: row for row in _signatures(session, version)}
    slots = [slot for slot in _every_slot(session, contract) if _counts(slot, version, done)]
    return [_line(contract, version, slot, done.get(slot.id)) for slot in slots]


def _every_slot(session: Session, contract: Contract) -> Sequence[SignerSlot]:
    """Return the slots in order; those let go after a version fell come last."""
    query = select(SignerSlot).where(SignerSlot.contract_id == contract.id)
    return session.scalars(query.order_by(SignerSlot.position)).all()


def _counts(slot: SignerSlot, version: Version, done: Mapping[str, Signature]) -> bool:
    """A version that stands has the slots of now; one that fell shows who had signed it."""
    return slot.id in done or (slot.retired_at is None and version.voided_at is None)


def _signatures(session: Session, version: Version) -> Sequence[Signature]:
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
    )


def seats(session: Session, contract: Contract, version: Version) -> list[Seat]:
    """Return the places to sign as the rules see them, in the order of signing."""
    signed = {row.slot_id: row.signed_at for row in _signatures(session, version)}
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


def setting(contract: Contract, name: str) -> int:
    """Return a setting of the workflow: `reminder_hours`, `offer_expiry_days` or `archive_days`."""
    return template_of(contract).settings[name]


def offer_ends(contract: Contract, version: Version) -> datetime:
    """Return when the offer to sign a version ends."""
    return rules.expires_at(version.frozen_at, days=setting(contract, "offer_expiry_days"))


def holds_role(actor: Actor, role: Role) -> bool:
    """Return whether the actor holds a role at this moment, whatever they held at sign-in."""
    with directory_reader() as directory:
        roles = directory.scalar(
            select(Membership.roles).where(
                Membership.person_id == actor.person_id,
                Membership.organisation_id == actor.organisation_id,
                Membership.ended_at.is_(None),
            )
        )
    return roles is not None and role in roles.split(",")


def administrators() -> list[Recipient]:
    """Return the portal's administrators as those who are told when something breaks."""
    with directory_reader() as directory:
        rows = directory.scalars(
            select(Person).where(Person.operator == 1, Person.deactivated_at.is_(None))
        )
        return [Recipient(row.id, row.name, row.email, None) for row in rows]


def in_place_of(version: Version, slot: SignerSlot) -> dict[str, str]:
    """Return whom the deed names in a slot that was handed over; nothing where it was not."""
    named = [
        signer["name"]
        for signer in version.canonical["signers"]
        if (signer["side"], signer["position"]) == (slot.side, slot.position)
    ]
    return {"in_place_of": named[0]} if named and named[0] != slot.name else {}


def candidates(contract: Contract, side: Side) -> list[rules.Candidate]:
    """Return the members of a side who could take a place to sign."""
    return [
        rules.Candidate(member.person_id, member.name, member.email, member.may_sign)
        for member in members_of(organisation_of(contract, side))
    ]


def invitations_of(session: Session, version: Version) -> Sequence[Invitation]:
    """Return everybody who was asked to approve or sign a version, the first asked first."""
    query = select(Invitation).where(Invitation.version_id == version.id)
    return session.scalars(query.order_by(Invitation.invited_at, Invitation.id)).all()


@dataclass(frozen=True)
class Awaited:
    """Somebody the signing waits for: who, to do what, since when, how often reminded."""

    person_id: str
    name: str
    organisation: str
    verb: str
    invitation: Invitation | None

    @property
    def since(self) -> datetime | None:
        """When it became their turn."""
        return self.invitation.invited_at if self.invitation else None

    def asked(self) -> rules.Asked:
        """Return the invitation as the rules see it."""
        row = self.invitation
        if row is None:
            raise LookupError("not invited yet")
        return rules.Asked(row.invited_at, row.asked_at, row.reminders, row.resent_at)

    def is_invitation(self, invitation_id: str) -> bool:
        """Return whether this is the one who was asked by an invitation."""
        return self.invitation is not None and self.invitation.id == invitation_id


def awaited(session: Session, contract: Contract, version: Version) -> list[Awaited]:
    """Return whom the signing of a version waits for now, and since when."""
    asked = {(row.kind, row.person_id): row for row in invitations_of(session, version)}
    missing = approvals_missing(contract)
    sides = {slot.id: slot.side for slot in contract.slots}
    if missing:
        waiting = [(row.person_id, row.name, row.side, "approve") for row in missing]
    else:
        waiting = [
            (seat.person_id, seat.name, sides[seat.slot_id], "sign")
            for seat in open_now(session, contract, version)
        ]
    return [
        Awaited(person, name, name_of(contract, Side(side)), verb, asked.get((verb, person)))
        for person, name, side, verb in waiting
    ]


def open_reopening(contract: Contract) -> Fact | None:
    """Return the proposal to open the terms again that nobody answered yet."""
    told = {"reopening", "reopening_refused", "reopened", "frozen", "all_signed"}
    facts = [fact for fact in dated(contract) if fact.kind in told]
    return facts[-1] if facts and facts[-1].kind == "reopening" else None


def dated(contract: Contract) -> list[Fact]:
    """Return the facts of a contract in time order."""
    return sorted(contract.facts, key=lambda fact: (fact.at, fact.id))


def voided_facts(session: Session, version: Version) -> dict[str, Any]:
    """Return what an entry says of a version that falls: its hash, and how much was given on it."""
    approved = select(Approval.id).where(Approval.version_id == version.id)
    return {
        "version": version.number,
        "sha256": version.sha256,
        "signatures": len(_signatures(session, version)),
        "approvals": len(session.scalars(approved).all()),
    }


@dataclass(frozen=True)
class Passed:
    """One dated thing that happened to a signing, in words both sides read."""

    at: datetime
    words: str
    organisation: str
    reason: str


PASSED_WORDS = {
    "frozen": "The terms were frozen",
    "deed_prepared": "The deed was ready, and the first were asked",
    "approved": "Approved for signature",
    "signed": "Signed",
    "all_signed": "Signed by all",
    "completed": "Sealed and completed",
    "delegated": "A signer gave their place to a colleague",
    "reassigned": "A place was given to another person before it was reached",
    "reopening": "Opening the terms again was proposed",
    "reopening_refused": "The terms were kept frozen",
    "reopened": "The terms were opened again: everything signed until then is void",
    "declined": "Declined",
    "voided": "The signing was voided",
    "withdrawn": "Withdrawn",
    "expired": "The offer to sign expired",
}


def happened(contract: Contract) -> list[Passed]:
    """Return the dated facts of a signing as both sides read them, the latest first."""
    return [
        Passed(
            fact.at, PASSED_WORDS[fact.kind],
            name_of(contract, Side(fact.side)) if fact.side else "", fact.reason or "",
        )
        for fact in reversed(dated(contract))
        if fact.kind in PASSED_WORDS
    ]  # fmt: skip


@dataclass(frozen=True)
class Records:
    """A contract in which a person may have electronic records, and the consent they gave."""

    ref: str
    title: str
    consent: Consent | None
    paper: PaperRequest | None


def contracts_of_signer(session: Session, actor: Actor) -> list[Records]:
    """Return the contracts a person signs or consented in, within their own organisation."""
    mine = or_(
        Contract.vendor_id == actor.organisation_id, Contract.customer_id == actor.organisation_id
    )
    signs = select(SignerSlot.contract_id).where(SignerSlot.person_id == actor.person_id)
    consented = select(Consent.contract_id).where(Consent.person_id == actor.person_id)
    rows = session.scalars(
        select(Contract)
        .where(mine, or_(Contract.id.in_(signs), Contract.id.in_(consented)))
        .order_by(Contract.created_at.desc())
    ).all()
    given = session.scalars(
        select(Consent)
        .where(Consent.person_id == actor.person_id, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at)
    )
    standing = {row.contract_id: row for row in given}
    asked = session.scalars(
        select(PaperRequest).where(
            PaperRequest.person_id == actor.person_id, PaperRequest.sent_at.is_(None)
        )
    )
    paper = {row.contract_id: row for row in asked}
    return [Records(row.id, row.title, standing.get(row.id), paper.get(row.id)) for row in rows]


def voided_versions(
    session: Session, contract: Contract
) -> list[tuple[Version, list[SignatureLine]]]:
    """Return the versions that fell, the newest first, with who had signed them."""
    fallen = [version for version in contract.versions if version.voided_at is not None]
    return [
        (version, [line for line in signatures_of(session, version) if line.is_signed])
        for version in reversed(fallen)
    ]


def handovers_of(session: Session, contract: Contract) -> Sequence[Handover]:
    """Return the places that were given to another person, the latest first."""
    query = select(Handover).where(Handover.contract_id == contract.id)
    return session.scalars(query.order_by(Handover.at.desc(), Handover.id.desc())).all()


def paper_requests(session: Session, contract: Contract, side: Side) -> Sequence[PaperRequest]:
    """Return the paper copies people of a side asked for, the oldest first."""
    query = select(PaperRequest).where(
        PaperRequest.contract_id == contract.id, PaperRequest.side == side
    )
    return session.scalars(query.order_by(PaperRequest.asked_at)).all()


def open_paper_request(session: Session, contract: Contract, person_id: str) -> PaperRequest | None:
    """Return a person's request for a paper copy that was not sent yet."""
    return session.scalar(
        select(PaperRequest).where(
            PaperRequest.contract_id == contract.id,
            PaperRequest.person_id == person_id,
            PaperRequest.sent_at.is_(None),
        )
    )


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


def find_issuing_key(session: Session, version: Version) -> IssuingKey | None:
    """Return the authority of a version, if its deed was prepared."""
    return session.scalar(select(IssuingKey).where(IssuingKey.version_id == version.id))


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
        return self.deed is not None and self.deed.kind in CLOSED


def sealing_state(session: Session, contract: Contract) -> Sealing | None:
    """Return how far the deed of the standing version is; None while nothing is frozen."""
    version = current_version(contract)
    if version is None:
        return None
    deed = latest_deed(session, version)
    failures = failures_since(session, version, deed)
    closed = deed is not None and deed.kind in CLOSED
    last = failures[-1] if failures and (not closed or (deed and deed.stamp_due)) else None
    signed = len(_signatures(session, version))
    words, kind = _sealing_words(deed, signed=signed, slots=len(contract.slots))
    return Sealing(words, kind, deed, last.at if last else None, last.message if last else None)


def _sealing_words(deed: Deed | None, *, signed: int, slots: int) -> tuple[str, str]:
    if deed is None:
        return "Being prepared", "open"
    if deed.stamp_due:
        return "Signed and sealed, time stamp pending", "agreed"
    if deed.kind in CLOSED:
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


def deeds_to_stamp(session: Session) -> list[Deed]:
    """Return the sealed deeds that an outside authority has yet to stamp, the oldest first."""
    newest = _newest_revisions()
    query = select(Deed).where(Deed.id.in_(newest), Deed.stamp_due == 1, Deed.kind == SEALED)
    return list(session.scalars(query.order_by(Deed.made_at)))


def deeds_to_renew(session: Session, *, before: datetime) -> list[Deed]:
    """Return the closed deeds whose last proof of time ends before an instant."""
    query = select(Deed).where(
        Deed.id.in_(_newest_revisions()), Deed.kind.in_(CLOSED), Deed.renew_by < before
    )
    return list(session.scalars(query.order_by(Deed.renew_by)))


def _newest_revisions() -> Select[str]:
    last = (
        select(Deed.version_id, func.max(Deed.revision).label("revision"))
        .group_by(Deed.version_id)
        .subquery()
    )
    return select(Deed.id).join(
        last, and_(Deed.version_id == last.c.version_id, Deed.revision == last.c.revision)
    )


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
    """Return the canonical text of the entries that recorded a sealing, a stamp or a renewal."""
    return list(
        session.scalars(
            select(RegionEntry.body)
            .where(RegionEntry.chain == ref, RegionEntry.event.in_(CLOSED_EVENTS))
            .order_by(RegionEntry.seq)
        )
    )
