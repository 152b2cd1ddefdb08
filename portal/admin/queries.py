"""Finding what waits for a second administrator, and whom a policy reaches."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import EmergencyAccess, Membership, Person, SignIn
from portal.accounts.rules import Actor, MfaRule
from portal.admin.models import FactorReset, PolicyChange
from portal.admin.rules import RESET_LIFE, Kind
from portal.contracts.models import Contract
from portal.kit.db import db, reading
from portal.kit.errors import NotFound
from portal.kit.words import say
from portal.residency.databases import Regions
from portal.residency.models import Move


def find_change(actor: Actor, change_id: str) -> PolicyChange:
    """Return a change of the actor's organisation, or raise `NotFound`."""
    row = db.session.get(PolicyChange, change_id)
    if row is None or row.organisation_id != actor.organisation_id:
        raise NotFound
    return row


def open_change(actor: Actor, kind: Kind) -> PolicyChange | None:
    """Return the change of one kind that waits, if there is one."""
    return db.session.scalar(
        select(PolicyChange).where(
            PolicyChange.organisation_id == actor.organisation_id,
            PolicyChange.kind == kind,
            PolicyChange.applied_at.is_(None),
            PolicyChange.withdrawn_at.is_(None),
        )
    )


def due_changes(*, at: datetime) -> Sequence[PolicyChange]:
    """Return the changes whose day has come, in every organisation."""
    return db.session.scalars(
        select(PolicyChange)
        .where(
            PolicyChange.holds_from <= at,
            PolicyChange.applied_at.is_(None),
            PolicyChange.withdrawn_at.is_(None),
        )
        .order_by(PolicyChange.holds_from)
    ).all()


def mfa_of(row: PolicyChange) -> dict[str, MfaRule]:
    """Return the rules on codes a change asks for."""
    return {role: MfaRule(rule) for role, rule in json.loads(row.after).items()}


def regions_of(row: PolicyChange) -> list[str]:
    """Return the regions a change asks for."""
    return [str(name) for name in json.loads(row.after)]


def is_put_on(row: PolicyChange) -> bool:
    """Return whether a change of a profile puts it on."""
    return bool(json.loads(row.after))


def emergencies_of(ref: str) -> Sequence[EmergencyAccess]:
    """Return every emergency access to a contract, the newest first."""
    return db.session.scalars(
        select(EmergencyAccess)
        .where(EmergencyAccess.contract_id == ref)
        .options(joinedload(EmergencyAccess.person), joinedload(EmergencyAccess.organisation))
        .order_by(EmergencyAccess.id.desc())
    ).all()


def years_of(row: PolicyChange) -> int:
    """Return the years a change asks for."""
    return int(json.loads(row.after))


def leaving_hipaa(directory: Session, organisations: Collection[str]) -> set[str]:
    """Return which of these organisations asked to end the HIPAA profile, confirmed or not."""
    rows = directory.scalars(
        select(PolicyChange).where(
            PolicyChange.organisation_id.in_(organisations),
            PolicyChange.kind == Kind.HIPAA,
            PolicyChange.applied_at.is_(None),
            PolicyChange.withdrawn_at.is_(None),
        )
    )
    return {row.organisation_id for row in rows if not is_put_on(row)}


def find_reset(actor: Actor, reset_id: str, *, at: datetime) -> FactorReset:
    """Return a reset of the actor's organisation that can still be confirmed, or `NotFound`."""
    row = db.session.get(FactorReset, reset_id)
    over = row is None or row.confirmed_at or row.withdrawn_at or at - row.asked_at > RESET_LIFE
    if row is None or over or row.organisation_id != actor.organisation_id:
        raise NotFound
    return row


def open_reset(actor: Actor, person_id: str, *, at: datetime) -> FactorReset | None:
    """Return the reset of a member's factor that waits in the actor's organisation."""
    return db.session.scalar(
        select(FactorReset).where(
            FactorReset.organisation_id == actor.organisation_id,
            FactorReset.person_id == person_id,
            FactorReset.confirmed_at.is_(None),
            FactorReset.withdrawn_at.is_(None),
            FactorReset.asked_at >= at - RESET_LIFE,
        )
    )


def stale_resets(person_id: str, *, at: datetime) -> Sequence[FactorReset]:
    """Return the resets of a person that nobody confirmed in time."""
    return db.session.scalars(
        select(FactorReset).where(
            FactorReset.person_id == person_id,
            FactorReset.confirmed_at.is_(None),
            FactorReset.withdrawn_at.is_(None),
            FactorReset.asked_at < at - RESET_LIFE,
        )
    ).all()


def names_of(*person_ids: str | None) -> dict[str, str]:
    """Return people's names by id."""
    wanted = [one for one in person_ids if one]
    rows = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))
    return {row[0]: row[1] for row in rows}


def sign_ins_of(membership: Membership) -> Sequence[SignIn]:
    """Return the open sessions in which a member acts for the organisation, the newest first."""
    return db.session.scalars(
        select(SignIn)
        .where(SignIn.membership_id == membership.id, SignIn.ended_at.is_(None))
        .order_by(SignIn.seen_at.desc())
    ).all()


def partners_of(regions: Regions, organisation_id: str) -> set[str]:
    """Return the organisations that share a contract with this one, over all regions.

    Read beside any transaction, so that no region's write lock is taken to ask.
    """
    found: set[str] = set()
    before = reading.set(True)
    try:
        for database in regions.databases.values():
            with database.open_session() as session:
                rows = session.execute(
                    select(Contract.vendor_id, Contract.customer_id)
                    .where(
                        or_(
                            Contract.vendor_id == organisation_id,
                            Contract.customer_id == organisation_id,
                        )
                    )
                    .distinct()
                )
                found |= {one for row in rows for one in row}
    finally:
        reading.reset(before)
    return found - {organisation_id}


def open_move(session: Session, ref: str) -> Move | None:
    """Return the move of a contract that is not over, seen from where the contract lives."""
    return session.scalar(
        select(Move)
        .where(
            Move.contract_id == ref,
            Move.from_region == session.info["region"],
            Move.withdrawn_at.is_(None),
            Move.emptied_at.is_(None),
        )
        .order_by(Move.id.desc())
        .limit(1)
    )


def moves_of(session: Session, ref: str) -> Sequence[Move]:
    """Return the moves this region knows of a contract, the newest first."""
    return session.scalars(
        select(Move).where(Move.contract_id == ref).order_by(Move.id.desc())
    ).all()


def contracts_of(
    session: Session, organisation_id: str, *, most: int | None = None
) -> Sequence[str]:
    """Return the references of an organisation's contracts in one region, or `most` of them."""
    either = or_(
        Contract.vendor_id == organisation_id, Contract.customer_id == organisation_id
    )  # fmt: skip
    return session.scalars(select(Contract.id).where(either).limit(most)).all()


def every_contract(session: Session) -> Sequence[str]:
    """Return the references of all contracts of a region, for the operator's count of them."""
    return session.scalars(select(Contract.id)).all()


def outcome_of(row: PolicyChange | None, nothing: str = say("Nothing was changed.")) -> str:
    """Return what became of asking for a change, in words."""
    if row is None:
        return nothing
    if row.applied_at:
        return say("Saved. It holds now.")
    if row.weaker:
        return say("Asked. A second administrator must confirm it; it then holds 24 hours later.")
    return say("Saved. It holds from the day you chose, and those it concerns are told.")
