"""Holding a contract for an act, and whose turn it is; every act asks here first."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.contracts.models import Contract, SignerSlot, Stakeholder, Version
from portal.contracts.queries import approvals_missing, approvers, current_version, state
from portal.contracts.rules.life import State
from portal.kit.errors import NotFound, Refused
from portal.kit.words import say
from portal.residency.databases import hold_family
from portal.signing import queries, rules


class AlreadySigned(Refused):
    """The slot holds a signature already: a second press, which changes nothing."""


def hold(session: Session, contract: Contract) -> Contract:
    """Lock a contract for the caller's transaction, and read everything about it anew."""
    session.expire_all()
    hold_family(session, contract.id)
    return contract


def demand_signing(contract: Contract, *, at: datetime) -> Version:
    """Return the version that is out for signature, or say in words why none is."""
    version = current_version(contract)
    where = state(contract, today=at.date())
    if version is None or where in {State.DRAFT, State.NEGOTIATION}:
        raise Refused(say("The terms are not frozen yet, so there is nothing to sign."))
    if where is State.AGREED:
        raise Refused(say("The deed is being prepared. The first signer gets a mail in a moment."))
    if where is not State.SIGNING:
        raise Refused(say("This contract is no longer open for signatures."))
    if at >= queries.offer_ends(contract, version):
        raise Refused(say("The offer to sign has expired. Ask the other side for a new one."))
    return version


def demand_turn(
    session: Session, contract: Contract, person_id: str, *, at: datetime
) -> tuple[Version, SignerSlot]:
    """Return the version and the slot a person signs now, or say in words why they cannot."""
    slot = queries.slot_of(contract, person_id)
    if slot is None:
        raise NotFound
    standing = current_version(contract)
    if standing is not None and queries.signature_of(session, standing, slot) is not None:
        raise AlreadySigned(say("You have already signed this agreement."))
    version = demand_signing(contract, at=at)
    seats = queries.seats(session, contract, version)
    problem = rules.turn_problem(seats, queries.open_now(session, contract, version), person_id)
    if problem:
        raise Refused(problem)
    return version, slot


def demand_approver(
    contract: Contract, person_id: str, *, at: datetime
) -> tuple[Version, Stakeholder]:
    """Return the version and the approver a person is asked to be, or say why they are not."""
    mine = next((row for row in approvers(contract) if row.person_id == person_id), None)
    if mine is None:
        raise NotFound
    version = demand_signing(contract, at=at)
    if person_id not in {row.person_id for row in approvals_missing(contract)}:
        raise AlreadySigned(say("You have already approved this agreement."))
    return version, mine
