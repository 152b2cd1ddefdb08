"""The act of signing, and of approving before it: one transaction and one entry each."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.rules import ROLE_WORDS, Actor, Role, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract, SignerSlot, Stakeholder, Version
from portal.contracts.queries import side_of
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.profiles.queries import is_regulated
from portal.profiles.rules import meaning_problem
from portal.signing import queries, rules
from portal.signing.actions.invitations import invite_open
from portal.signing.actions.letters import Post
from portal.signing.actions.turn import AlreadySigned, demand_approver, demand_turn, hold
from portal.signing.models import Approval, Consent, Signature, SpentCode
from portal.signing.rules.strokes import Strokes


@dataclass(frozen=True)
class Identification:
    """How the portal knew the person at the act (UETA section 9), besides the code itself."""

    session_started_at: datetime
    factor: str
    factor_enrolled_at: datetime | None
    address: str
    agent: str


@dataclass(frozen=True)
class Shown:
    """What the page showed and the signer answered: the hash, the title, the two statements.

    `strokes` is a signature drawn as well as typed, where somebody wants that; `meaning` what the
    signature means, which the regulated profile asks for.
    """

    version_sha256: str
    title: str
    authority_confirmed: str
    intent: str
    strokes: Strokes | None = None
    meaning: str = ""


def check_signature(
    session: Session, contract: Contract, actor: Actor, shown: Shown, *, at: datetime
) -> tuple[Version, SignerSlot, Consent]:
    """Return what is signed, where, and under which consent; refuse all that a code cannot mend."""
    demand(actor, "signature:sign")
    if not queries.holds_role(actor, Role.SIGNATORY):
        raise NotAllowed(say("You no longer hold the role to sign for this organisation."))
    version, slot = demand_turn(session, contract, actor.person_id, at=at)
    problem = rules.signature_problem(
        shown_sha256=shown.version_sha256, stored_sha256=version.sha256, title=shown.title,
        authority_confirmed=shown.authority_confirmed, intent=shown.intent,
    )  # fmt: skip
    regulated = is_regulated(session, contract, at=at)
    problem = problem or meaning_problem(shown.meaning, regulated=regulated)
    if problem:
        raise Refused(problem)
    consent = queries.standing_consent(session, contract, actor.person_id)
    if consent is None:
        raise Refused(say("Consent to electronic records first, then sign."))
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
        _demand_both_factors(session, contract, identification.factor, at=at)
        _spend_step(session, contract, actor, step=step)
        row = Signature(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            version_id=version.id, slot_id=slot.id, person_id=actor.person_id,
            version_sha256=version.sha256, consent_id=consent.id, totp_step=step, signed_at=at,
        )  # fmt: skip
        known = (
            _identified(
                actor, slot, consent, row, title=" ".join(shown.title.split()), facts=identification
            )
            | queries.in_place_of(version, slot)
            | ({"meaning": shown.meaning} if shown.meaning else {})
            | _drawn(shown.strokes)
        )
        _write_signature(session, row, known, shown.strokes)
        _finish_signature(session, contract, actor, row, known)
        return row


def _demand_both_factors(
    session: Session, contract: Contract, factor: str, *, at: datetime
) -> None:
    if factor != rules.BOTH_FACTORS and is_regulated(session, contract, at=at):
        raise Refused(say("This contract takes your password and a code at each signature."))


def _spend_step(session: Session, contract: Contract, actor: Actor, *, step: int) -> None:
    used = Refused(say("That code was already used to sign. Wait for the next one."))
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


def _drawn(strokes: Strokes | None) -> dict[str, str]:
    """Bind what was drawn to the act: the log names the hash of what this is part of."""
    if not strokes:
        return {}
    return {"drawn_sha256": hashlib.sha256(rfc8785.dumps(strokes)).hexdigest()}


def _write_signature(
    session: Session, row: Signature, known: dict[str, Any], strokes: Strokes | None
) -> None:
    try:
        put(session, row, identification=known, strokes=strokes)
        session.flush()
    except IntegrityError as error:
        raise AlreadySigned(say("You have already signed this agreement.")) from error


def _finish_signature(
    session: Session,
    contract: Contract,
    actor: Actor,
    row: Signature,
    known: dict[str, Any],
) -> None:
    at, side = row.signed_at, side_of(contract, actor)
    add_fact(session, contract, "signed", person_id=actor.person_id, side=side, at=at)
    version = session.get_one(Version, row.version_id)
    remaining = [seat for seat in queries.seats(session, contract, version) if not seat.is_signed]
    if not remaining:
        add_fact(session, contract, "all_signed", person_id=actor.person_id, side=side, at=at)
    record(
        session, contract.id, "signing:signature:signed", actor=actor.log, at=at,
        facts={
            "signature": row.id, "slot": row.slot_id, "version": version.number,
            "sha256": row.version_sha256, "consent": row.consent_id,
            "identification_sha256": hashlib.sha256(rfc8785.dumps(known)).hexdigest(),
            "remaining": len(remaining),
        },
    )  # fmt: skip
    invite_open(Post(session, contract, at, by=actor.person_id), version)


def check_approval(
    contract: Contract, actor: Actor, *, shown_sha256: str, confirmed: str, at: datetime
) -> tuple[Version, Stakeholder]:
    """Return what is approved and by whom; refuse all that a code cannot mend."""
    demand(actor, "agreement:approve")
    version, mine = demand_approver(contract, actor.person_id, at=at)
    if shown_sha256 != version.sha256:
        raise Refused(say("The agreement changed after this page was opened. Review it again."))
    if confirmed != "yes":
        raise Refused(say("Tick the box if you approve."))
    return version, mine


def approve(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    shown_sha256: str,
    confirmed: str,
    step: int,
    at: datetime,
    factor: str = "totp",
) -> Approval:
    """Approve the version for signature, by its hash; after the last one the signers are asked.

    `step` is the code's 30 s step, and `factor` what was typed at this act, as for a signature.
    """
    with transaction(session):
        hold(session, contract)
        version, mine = check_approval(
            contract, actor, shown_sha256=shown_sha256, confirmed=confirmed, at=at
        )
        _demand_both_factors(session, contract, factor, at=at)
        _spend_step(session, contract, actor, step=step)
        row = Approval(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=mine.side,
            version_id=version.id, person_id=actor.person_id, version_sha256=version.sha256,
            totp_step=step, approved_at=at,
        )  # fmt: skip
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise AlreadySigned(say("You have already approved this agreement.")) from error
        add_fact(
            session, contract, "approved", person_id=actor.person_id,
            side=side_of(contract, actor), at=at,
        )  # fmt: skip
        record(
            session, contract.id, "signing:version:approved", actor=actor.log, at=at,
            facts={
                "approval": row.id, "function": mine.function, "version": version.number,
                "sha256": version.sha256, "factor": factor,
            },
        )  # fmt: skip
        post = Post(session, contract, at, by=actor.person_id)
        post.both_sides(
            "signing:version:approved", row.id, organisation=actor.organisation_name,
            sha256=version.sha256,
        )  # fmt: skip
        invite_open(post, version)
        return row
