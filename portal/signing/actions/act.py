"""The act of signing: consent, signature, declination. Each is one transaction and one entry."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.rules import ROLE_WORDS, Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import current_version, people_to_tell, side_of, state
from portal.contracts.rules.life import Side, State
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.signing import queries, rules
from portal.signing.actions.letters import Post, everyone
from portal.signing.models import Consent, Signature, SpentCode


class AlreadySigned(Refused):
    """The slot holds a signature already: a second press, which changes nothing."""


@dataclass(frozen=True)
class Identification:
    """How the portal knew the person at the act (UETA section 9), besides the code itself."""

    session_started_at: datetime
    factor: str
    factor_enrolled_at: datetime | None
    address: str
    agent: str


def hold(session: Session, contract: Contract) -> Contract:
    """Lock a contract for the caller's transaction, and read everything about it anew."""
    session.expire_all()
    session.execute(select(Contract.id).where(Contract.id == contract.id).with_for_update())
    return contract


def give_consent(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    shown_sha256: str,
    at: datetime,
) -> Consent:
    """Store a signer's consent to electronic records with the exact text shown; once is enough."""
    demand(actor, "signature:sign")
    disclosure = rules.load_disclosure()
    if shown_sha256 != disclosure.sha256:
        raise Refused("The text changed after this page was opened. Read it again.")
    with transaction(session):
        _demand_signer(hold(session, contract), actor)
        given = queries.standing_consent(session, contract, actor.person_id)
        if given is not None:
            return given
        row = Consent(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            person_id=actor.person_id, disclosure=disclosure.version,
            disclosure_sha256=disclosure.sha256, given_at=at,
        )  # fmt: skip
        session.add(row)
        record(
            session, contract.id, "signing:consent:given", actor=actor.log, at=at,
            facts={"consent": row.id, "disclosure": row.disclosure, "sha256": disclosure.sha256},
        )  # fmt: skip
        return row


def withdraw_consent(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> None:
    """End a person's consent from this instant; a signature they made stays as it is."""
    with transaction(session):
        hold(session, contract)
        given = queries.consents_of(session, contract, actor.person_id)
        if not given:
            raise Refused("There is no consent of yours to withdraw for this contract.")
        for row in given:
            row.withdrawn_at = at
        record(
            session, contract.id, "signing:consent:withdrawn", actor=actor.log, at=at,
            facts={"consents": [row.id for row in given]},
        )  # fmt: skip
        post = Post(session, contract, at, by=actor.person_id)
        for person in [p for side in Side for p in people_to_tell(contract, side)]:
            post.write(
                "signing:consent:withdrawn", given[0].id, person,
                organisation=actor.organisation_name,
            )  # fmt: skip


def demand_turn(
    session: Session, contract: Contract, person_id: str, *, at: datetime
) -> tuple[Version, SignerSlot]:
    """Return the version and the slot a person signs now, or say in words why they cannot."""
    slot = queries.slot_of(contract, person_id)
    if slot is None:
        raise NotFound
    version = current_version(contract)
    where = state(contract, today=at.date())
    if version is None or where in {State.DRAFT, State.NEGOTIATION}:
        raise Refused("The terms are not frozen yet, so there is nothing to sign.")
    places = queries.places(session, contract, version)
    if queries.signature_of(session, version, slot) is not None:
        raise AlreadySigned("You have already signed this agreement.")
    if where is State.AGREED:
        raise Refused("The deed is being prepared. The first signer gets a mail in a moment.")
    if where is not State.SIGNING:
        raise Refused("This contract is no longer open for signatures.")
    problem = rules.turn_problem(places, person_id)
    if problem:
        raise Refused(problem)
    return version, slot


@dataclass(frozen=True)
class Shown:
    """What the page showed and the signer answered: the hash, the title, the two statements."""

    version_sha256: str
    title: str
    authority_confirmed: str
    intent: str


def check_signature(
    session: Session, contract: Contract, actor: Actor, shown: Shown, *, at: datetime
) -> tuple[Version, SignerSlot, Consent]:
    """Return what is signed, where, and under which consent; refuse all that a code cannot mend."""
    demand(actor, "signature:sign")
    version, slot = demand_turn(session, contract, actor.person_id, at=at)
    problem = rules.signature_problem(
        shown_sha256=shown.version_sha256, stored_sha256=version.sha256, title=shown.title,
        authority_confirmed=shown.authority_confirmed, intent=shown.intent,
    )  # fmt: skip
    if problem:
        raise Refused(problem)
    consent = queries.standing_consent(session, contract, actor.person_id)
    if consent is None:
        raise Refused("Consent to electronic records first, then sign.")
    return version, slot, consent


def sign(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    slot_id: str,
    shown: Shown,
    step: int,
    identification: Identification,
    at: datetime,
) -> Signature:
    """Sign the version as it was shown; a refusal leaves nothing, a second press `AlreadySigned`.

    `step` is the code's 30 s step, already consumed in the directory; it must also be above the
    last one this person signed with in this region.
    """
    with transaction(session):
        hold(session, contract)
        version, slot, consent = check_signature(session, contract, actor, shown, at=at)
        if slot.id != slot_id:
            raise NotFound
        _spend_step(session, contract, actor, step=step)
        row = Signature(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            version_id=version.id, slot_id=slot.id, person_id=actor.person_id,
            version_sha256=version.sha256, consent_id=consent.id, totp_step=step, signed_at=at,
        )  # fmt: skip
        known = _identified(
            actor, slot, consent, row, title=" ".join(shown.title.split()), facts=identification
        )
        _write_signature(session, row, known)
        _finish_signature(session, contract, actor, row, known)
        return row


def _spend_step(session: Session, contract: Contract, actor: Actor, *, step: int) -> None:
    used = Refused("That code was already used to sign. Wait for the next one.")
    done: Any = session.execute(
        update(SpentCode)
        .where(SpentCode.person_id == actor.person_id, SpentCode.step < step)
        .values(step=step)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount == 1:
        return
    session.add(SpentCode(person_id=actor.person_id, region=contract.region, step=step))
    try:
        session.flush()
    except IntegrityError as error:
        raise used from error


def _identified(
    actor: Actor,
    slot: SignerSlot,
    consent: Consent,
    row: Signature,
    *,
    title: str,
    facts: Identification,
) -> dict[str, Any]:
    organisation = actor.organisation_name
    enrolled = facts.factor_enrolled_at
    return {
        "person": actor.person_id,
        "name": slot.name,
        "title": title,
        "organisation": organisation,
        "email": actor.email,
        "roles": ", ".join(sorted(ROLE_WORDS[role] for role in actor.roles)),
        "factor": facts.factor,
        "factor_enrolled_at": clock.stamp(enrolled) if enrolled else "",
        "step": row.totp_step,
        "session_started_at": clock.stamp(facts.session_started_at),
        "signed_at": clock.stamp(row.signed_at),
        "address": facts.address,
        "agent": facts.agent,
        "disclosure": consent.disclosure,
        "disclosure_sha256": consent.disclosure_sha256,
        "version_sha256": row.version_sha256,
        "authority": rules.authority_statement(organisation),
        "intent": rules.intent_statement(organisation),
    }


def _write_signature(session: Session, row: Signature, known: dict[str, Any]) -> None:
    try:
        put(session, row, identification=known)
        session.flush()
    except IntegrityError as error:
        raise AlreadySigned("You have already signed this agreement.") from error


def _finish_signature(
    session: Session,
    contract: Contract,
    actor: Actor,
    row: Signature,
    known: dict[str, Any],
) -> None:
    at, side = row.signed_at, side_of(contract, actor)
    add_fact(session, contract, "signed", person_id=actor.person_id, side=side, at=at)
    following = queries.next_slot(session, contract)
    if following is None:
        add_fact(session, contract, "all_signed", person_id=actor.person_id, side=side, at=at)
    version = session.get_one(Version, row.version_id)
    record(
        session, contract.id, "signing:signature:signed", actor=actor.log, at=at,
        facts={
            "signature": row.id, "slot": row.slot_id, "version": version.number,
            "sha256": row.version_sha256, "consent": row.consent_id,
            "identification_sha256": hashlib.sha256(rfc8785.dumps(known)).hexdigest(),
            "remaining": sum(
                place.signed_at is None for place in queries.places(session, contract, version)
            ),
        },
    )  # fmt: skip
    if following is not None:
        Post(session, contract, at, by=actor.person_id).invite(version, following)


def decline(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    reason: str,
    at: datetime,
) -> None:
    """Refuse to sign, with a reason both sides read; the contract ends."""
    demand(actor, "signature:sign")
    if len(reason.strip()) < rules.LEAST_REASON:
        raise Refused("Give a reason: the other side will read it.")
    with transaction(session):
        slot = _demand_signer(hold(session, contract), actor)
        version = current_version(contract)
        if version is None or state(contract, today=at.date()) is not State.SIGNING:
            raise Refused("This contract is not open for signatures.")
        if queries.signature_of(session, version, slot) is not None:
            raise Refused("You have already signed. Ask the owner of the contract to withdraw it.")
        add_fact(
            session, contract, "declined", person_id=actor.person_id, side=Side(slot.side), at=at,
            reason=reason.strip(),
        )  # fmt: skip
        record(
            session, contract.id, "signing:signature:declined", actor=actor.log, at=at,
            facts={"slot": slot.id, "version": version.number, "sha256": version.sha256},
        )  # fmt: skip
        post = Post(session, contract, at, by=actor.person_id)
        for person in everyone(session, contract):
            post.write(
                "signing:signature:declined", version.id, person,
                organisation=actor.organisation_name,
            )  # fmt: skip


def _demand_signer(contract: Contract, actor: Actor) -> SignerSlot:
    slot = queries.slot_of(contract, actor.person_id)
    if slot is None:
        raise NotFound
    return slot
