"""Putting a contract under a profile and out of it; entering who looked at it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.actions import prove_password, spend_code
from portal.accounts.queries import members_with
from portal.accounts.rules import Actor, CodeOutcome, CodeResult, Role, demand, wait_message
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.rules import Actor as LogActor
from portal.contracts.models import Contract
from portal.contracts.queries import organisation_of, own_side, people_to_tell, state
from portal.contracts.rules.life import Side
from portal.kit.db import reading, transaction
from portal.kit.errors import Refused, SignatureNeeded
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.notices.rules import Recipient
from portal.profiles import queries, rules
from portal.profiles.models import ProfileTurn
from portal.profiles.rules import PROFILE_WORDS, Profile
from portal.residency.actions import make_data_key
from portal.residency.databases import RegionDatabase
from portal.residency.models import DataKey


def ask_for_turn(
    session: Session, actor: Actor, contract: Contract, profile: Profile, *, on: bool,
    hindrances: Collection[str], at: datetime, reference: str = "",
    signed_on: date | None = None,
) -> ProfileTurn:  # fmt: skip
    """Ask the other side to put a contract under a profile, or to let it leave one.

    HIPAA takes the signed business associate agreement; `hindrances` say what else is missing.
    """
    demand(actor, "profile:edit")
    side = own_side(contract, actor)
    with transaction(session):
        _demand(session, contract, profile, on=on, hindrances=hindrances, at=at)
        row = ProfileTurn(
            id=new_id(at), region=contract.region, contract_id=contract.id, profile=profile,
            turn="on" if on else "off", asked_by=actor.person_id, asked_side=side, asked_at=at,
        )  # fmt: skip
        sealed = {}
        if on and profile is Profile.HIPAA:
            named = rules.read_agreement(reference, signed_on, today=at.date())
            sealed = {"agreement": asdict(named) | {"signed_on": named.signed_on.isoformat()}}
        put(session, row, **sealed)
        try:
            session.flush()
        except IntegrityError as error:
            raise Refused(say("The other side was asked already. Withdraw that first.")) from error
        record(
            session, contract.id, "profile:turn:asked", actor=actor.log, at=at,
            facts={"profile": profile, "on": on, "turn": row.id},
        )  # fmt: skip
        _tell(session, contract, "profile:turn:asked", row, actor, at)
    return row


def _demand(
    session: Session, contract: Contract, profile: Profile, *, on: bool,
    hindrances: Collection[str], at: datetime,
) -> None:  # fmt: skip
    rules.demand_turn(
        on=on, stands=profile in queries.profiles_of(session, contract, at=at),
        where=state(contract, today=at.date()), hindrances=hindrances,
        amendment=contract.amends_id is not None,
    )  # fmt: skip


def agree_to_turn(
    session: Session, actor: Actor, contract: Contract, turn_id: str, *,
    hindrances: Collection[str], at: datetime,
) -> ProfileTurn:  # fmt: skip
    """Agree to the other side's wish: more protection holds at once, less a day later."""
    demand(actor, "profile:edit")
    with transaction(session):
        row = _waiting(session, contract, turn_id)
        if row.asked_side == own_side(contract, actor):
            raise Refused(
                say("Your side asked for this. An administrator of the other must agree.")
            )
        _demand(
            session, contract, Profile(row.profile), on=row.on, hindrances=hindrances, at=at
        )  # fmt: skip
        # Entered first: whether it takes a signature is asked of the profiles that hold until now.
        record(
            session, contract.id, "profile:turn:agreed", actor=actor.log, at=at,
            facts={"profile": row.profile, "on": row.on, "turn": row.id},
        )  # fmt: skip
        row.agreed_by, row.agreed_at = actor.person_id, at
        row.holds_from = rules.begins(on=row.on, at=at)
        _tell(session, contract, "profile:turn:agreed", row, actor, at)
    return row


def withdraw_turn(
    session: Session, actor: Actor, contract: Contract, turn_id: str, *, at: datetime
) -> None:
    """End a wish nobody agreed to; either side may."""
    demand(actor, "profile:edit")
    own_side(contract, actor)
    with transaction(session):
        row = _waiting(session, contract, turn_id)
        row.withdrawn_at = at
        record(
            session, contract.id, "profile:turn:withdrawn", actor=actor.log, at=at,
            facts={"profile": row.profile, "on": row.on, "turn": row.id},
        )  # fmt: skip


ATTEMPT = "signing:attempt:failed"


@dataclass(frozen=True)
class Typed:
    """What a person typed to prove who acts; the password only where the profile asks for it."""

    code: str
    password: str | None = None


@dataclass(frozen=True)
class Proof:
    """Who acts was proven: by which factors, and the step of the code that was consumed."""

    step: int
    factor: str


@dataclass(frozen=True)
class Unproven:
    """Which field was not right, and the sentence beside it; `outcome` where it was the code."""

    field: str
    message: str
    outcome: CodeOutcome | None = None


def prove(
    session: Session,
    actor: Actor,
    contract: Contract,
    typed: Typed,
    *,
    purpose: str,
    address: str | None,
    at: datetime,
) -> Proof | Unproven:
    """Judge who does a signed act: by a fresh code, and by the password too where the contract
    is regulated (21 CFR 11.200), which reports each wrong one (11.300(d)).

    The region's lock is let go: factors are judged in the directory, in transactions before.
    """
    regulated = queries.is_regulated(session, contract, at=at)
    session.commit()
    if regulated:
        known = prove_password(actor.person_id, typed.password or "", address=address, at=at)
        if known.person_id is None:
            report_attempt(session, actor, contract, factor="password", at=at)
            wrong = say("That is not your password.")
            return Unproven("password", wait_message(known.until) if known.until else wrong)
    outcome = spend_code(actor.person_id, typed.code, at=at, purpose=purpose, address=address)
    if outcome.accepted and outcome.step is not None:
        return Proof(outcome.step, rules.BOTH_FACTORS if regulated else rules.TOTP)
    if regulated and outcome.result in {CodeResult.WRONG, CodeResult.LOCKED}:
        # One that was used already is no guess.
        report_attempt(session, actor, contract, factor="code", at=at)
    return Unproven("code", outcome.message, outcome)


def report_attempt(
    session: Session, actor: Actor, contract: Contract, *, factor: str, at: datetime
) -> None:
    """Tell the administrators of the actor's organisation that a factor was wrong (21 CFR 11.300).

    `factor` says which: the password or the code. What was typed is kept nowhere.
    """
    with transaction(session):
        head = record(
            session, contract.id, ATTEMPT, actor=actor.log, at=at, facts={"factor": factor}
        )
        for to in administrators(contract, own_side(contract, actor)):
            tell(
                session, event=ATTEMPT, to=to, chain=contract.id, cause=head[:32],
                link=f"/contracts/{contract.id}/log", by=actor.person_id, at=at,
                signer=actor.name, factor=factor, moment=at,
            )  # fmt: skip


@dataclass(frozen=True)
class Signature:
    """What a person typed to sign the act of this request, proven, and what they had been shown.

    `content_sha256` is that of what was typed with the act, so that it fits no other.
    """

    person_id: str
    proof: Proof
    meaning: str
    act_sha256: str
    content_sha256: str


def carry(session: Session, signature: Signature) -> None:
    """Let the next act of this session that asks for a signature have this one; it serves once."""
    session.info["signature"] = signature


def demand_signature(
    session: Session, chain: str, event: str, *, actor: LogActor, at: datetime,
    facts: Mapping[str, Any],
) -> None:  # fmt: skip
    """Enter the signature of a regulated contract's act just before the act, in its transaction.

    Asked before every entry, so that no door leads past it. Without a signature, or with one that
    was given to something else, nothing is entered and nothing done: `SignatureNeeded`.
    """
    if event not in rules.SIGNED or actor.person == PORTAL.person:
        return
    contract = session.get(Contract, chain)
    if contract is None or not queries.is_regulated(session, contract, at=at):
        return
    shown = rules.act_sha256(chain, event, facts)
    signature: Signature | None = session.info.pop("signature", None)
    if signature is None or not _fits(signature, actor, shown):
        raise SignatureNeeded(chain, event, facts, changed=signature is not None)
    record(
        session, chain, "profile:act:signed", actor=actor, at=at,
        facts={"act": event, "act_sha256": shown, "meaning": signature.meaning,
               "factor": signature.proof.factor, "step": signature.proof.step,
               "sha256": signature.content_sha256},
    )  # fmt: skip


def _fits(signature: Signature, actor: LogActor, shown: str) -> bool:
    return (
        signature.person_id == actor.person
        and signature.act_sha256 == shown
        and signature.proof.factor == rules.BOTH_FACTORS
        and rules.meaning_problem(signature.meaning, regulated=True) is None
    )


def _waiting(session: Session, contract: Contract, turn_id: str) -> ProfileTurn:
    row = queries.find_turn(session, contract, turn_id)
    if row.agreed_at is not None or row.withdrawn_at is not None:
        raise Refused(say("This was answered already. Nothing was changed."))
    return row


def administrators(contract: Contract, side: Side) -> list[Recipient]:
    """Return the organisation administrators of a side."""
    organisation = organisation_of(contract, side)
    return [
        Recipient(row.person.id, row.person.name, row.person.email, organisation)
        for row in members_with(organisation, Role.ORG_ADMIN)
    ]


def _tell(
    session: Session, contract: Contract, event: str, row: ProfileTurn, actor: Actor, at: datetime
) -> None:
    for side in Side:
        people = [*administrators(contract, side), *people_to_tell(contract, side)]
        for to in {one.person_id: one for one in people}.values():
            tell(
                session, event=event, to=to, chain=contract.id, cause=row.id,
                link=f"/contracts/{contract.id}/profiles", by=actor.person_id, at=at,
                organisation=actor.organisation_name, on=row.on, begins=row.holds_from,
                profile=PROFILE_WORDS[Profile(row.profile)],
            )  # fmt: skip


def note_listed(
    places: Iterable[tuple[RegionDatabase, Session]], actor: LogActor, refs: Iterable[str], *,
    what: str, at: datetime,
) -> None:  # fmt: skip
    """Enter that contracts under HIPAA are handed out in a list; where one cannot be, none is."""
    listed = set(refs)
    for database, session in places:
        under = queries.refs_under(session, Profile.HIPAA, at=at)
        session.rollback()
        for ref in sorted(under & listed):
            note_view(database, ref, actor, what=what, at=at)


def note_view(
    database: RegionDatabase, ref: str, actor: LogActor, *, what: str, at: datetime
) -> None:
    """Enter that somebody looks at a record, in a transaction of its own, before it is shown.

    The looks of a contract are a chain of their own: hashed, in the region's tree and under its
    checkpoints like every entry, and no noise between what the parties did.
    """
    chain = queries.chain_of(ref)
    before = reading.set(False)
    try:
        with database.open_session() as session, transaction(session):
            if session.get(DataKey, chain) is None:
                make_data_key(session, database, contract_id=chain, at=at)
            record(session, chain, "profile:record:viewed", actor=actor, at=at,
                   facts={"record": what[:200]})  # fmt: skip
    finally:
        reading.reset(before)
