"""Erasing a person's data: their names go from behind the entries, and every proof still holds.

Each region is one transaction, the directory the last: whoever is interrupted asks again, and
what is done already is not done twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.actions import forget_person
from portal.accounts.models import Person
from portal.audit.actions import forget_names, record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract, SignerSlot, Stakeholder
from portal.contracts.queries import state
from portal.evidence import rules
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import forget_mail
from portal.residency.databases import Regions
from portal.signing.models import Signature

ERASED = "Erased person"


@dataclass
class Erased:
    """What was erased, and what stays as evidence of a contract somebody signed."""

    contracts: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)


def erase_person(regions: Regions, email: str, *, at: datetime) -> Erased:
    """Erase what the portal knows of a person, except what they signed.

    Refused while a contract still needs them: as a signer who has not signed, or as the owner of a
    side. A signature stays whole, in the deed and beside it: the other side relies on it.
    """
    person = db.session.scalar(select(Person).where(Person.email == email.strip().lower()))
    if person is None:
        raise NotFound
    person_id, address = person.id, person.email
    db.session.rollback()
    needed = []
    for database in regions.databases.values():
        with database.open_session() as session:
            needed += _needing(session, person_id, at=at)
            session.rollback()
    if needed:
        raise Refused(
            say(
                "This person is still needed. Name somebody else on: %(places)s.",
                places=", ".join(needed),
            )
        )
    done = Erased()
    for database in regions.databases.values():
        with database.open_session() as session, transaction(session):
            _erase_in_region(session, person_id, address, done, at=at)
    with transaction(db.session) as session:
        chains = forget_names(session, person_id)
        forget_mail(session, person_id, address)
        forget_person(session, person_id, name=ERASED, at=at)
        record(
            session, person_id, "person:erased", actor=PORTAL, at=at, facts={"chains": len(chains)}
        )
    return done


def _needing(session: Session, person_id: str, *, at: datetime) -> list[str]:
    owner = select(Stakeholder.contract_id).where(
        Stakeholder.person_id == person_id, Stakeholder.function == "owner"
    )
    signs = select(SignerSlot.contract_id).where(SignerSlot.person_id == person_id)
    rows = session.scalars(select(Contract).where(Contract.id.in_(owner) | Contract.id.in_(signs)))
    return sorted(
        contract.id
        for contract in rows
        if rules.is_needed(
            state(contract, today=at.date()),
            owns=any(
                p.person_id == person_id and p.function == "owner" for p in contract.stakeholders
            ),
        )
    )


def _erase_in_region(
    session: Session, person_id: str, address: str, done: Erased, *, at: datetime
) -> None:
    chains = forget_names(session, person_id)
    forget_mail(session, person_id, address)
    touched = {*chains, *_forget_places(session, person_id, done)}
    for chain in sorted(touched):
        record(
            session, chain, "contract:person:erased", actor=PORTAL, at=at,
            facts={"commitments": _sorted(chains, chain)},
        )  # fmt: skip
    done.contracts += sorted(touched)


def _sorted(chains: Mapping[str, Sequence[str]], chain: str) -> list[str]:
    return sorted(chains.get(chain, ()))


def _forget_places(session: Session, person_id: str, done: Erased) -> set[str]:
    """Take the person from the people of contracts; who signed keeps the name under the deed."""
    touched = set()
    for stakeholder in session.scalars(
        select(Stakeholder).where(Stakeholder.person_id == person_id)
    ).all():
        touched.add(stakeholder.contract_id)
        session.delete(stakeholder)
    signed = set(session.scalars(select(Signature.slot_id).where(Signature.person_id == person_id)))
    for slot in session.scalars(select(SignerSlot).where(SignerSlot.person_id == person_id)).all():
        if slot.id in signed:
            done.signed.append(slot.contract_id)
        if slot.email:
            touched.add(slot.contract_id)
            put(session, slot, email="")
        if slot.id not in signed and slot.name != ERASED:
            touched.add(slot.contract_id)
            put(session, slot, name=ERASED, title="")
    return touched
