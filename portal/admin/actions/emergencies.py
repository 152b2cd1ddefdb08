"""Break-glass: a portal administrator reads one contract for four hours (45 CFR 164.312(a)(2)(ii)).

The notice comes before the access: what the parties are told is committed first, so that nobody is
ever let in unseen.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import EmergencyAccess, Person
from portal.accounts.queries import memberships_of, person_by_email
from portal.accounts.rules import EMERGENCY_LIFE
from portal.admin import rules
from portal.admin.actions.letters import keepers_of
from portal.audit.actions import record
from portal.audit.rules import Actor as LogActor
from portal.contracts.models import Contract
from portal.contracts.queries import name_of, organisation_of
from portal.contracts.rules.life import Side
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.notices.rules import Recipient


def break_glass(
    session: Session, ref: str, *, email: str, side: Side, reason: str, at: datetime
) -> EmergencyAccess:
    """Let a portal administrator read a contract as one side for four hours; tell both first.

    Acts are marked in the log, every look is entered, and nothing that binds anybody can be done.
    """
    why = rules.read_reason(reason)
    person = _administrator(email)
    contract = session.get(Contract, ref)
    if contract is None:
        raise NotFound
    row = EmergencyAccess(
        id=new_id(at), person_id=person.id, organisation_id=organisation_of(contract, side),
        contract_id=ref, opened_at=at, expires_at=at + EMERGENCY_LIFE,
    )  # fmt: skip
    by = LogActor(person.id, person.name, "", "")
    facts = {"access": row.id, "side": side.value, "until": row.expires_at.isoformat()}
    with transaction(session):
        record(session, ref, "emergency:access:opened", actor=by, at=at, facts=facts)
        _tell(session, contract, person, row, at)
    db.session.rollback()
    with transaction(db.session) as directory:
        put(directory, row, reason=why)
        record(
            directory, person.id, "emergency:access:opened", actor=by, at=at,
            facts={**facts, "contract": ref},
        )  # fmt: skip
    return row


def _administrator(email: str) -> Person:
    person = person_by_email(email.strip().lower())
    if person is None or person.deactivated_at is not None:
        raise Refused(say("Nobody here has the address %(email)s.", email=email))
    if not person.operator or memberships_of(person.id):
        raise Refused(
            say("Break-glass is for a portal administrator who belongs to no organisation.")
        )
    if not person.has_factor:
        raise Refused(say("This person must set up codes first: the access takes a second factor."))
    return person


def _tell(
    session: Session, contract: Contract, person: Person, row: EmergencyAccess, at: datetime
) -> None:
    for side in Side:
        organisation = organisation_of(contract, side)
        for one in keepers_of(organisation):
            tell(
                session, event="emergency:access:opened", chain=contract.id, cause=row.id,
                to=Recipient(one.id, one.name, one.email, organisation), at=at, by=person.id,
                link=f"/contracts/{contract.id}/emergencies", reader=person.name,
                until=row.expires_at, opened=at,
                side=name_of(contract, Side(side)),
            )  # fmt: skip


def end_emergencies(session: Session, ref: str, *, at: datetime) -> int:
    """End every emergency access to a contract that still lasts; return how many."""
    with transaction(db.session) as directory:
        rows = [
            row
            for row in directory.query(EmergencyAccess).filter_by(contract_id=ref, ended_at=None)
            if row.expires_at > at
        ]
        for row in rows:
            row.ended_at = at
            by = LogActor(row.person_id, row.person.name, "", "")
            record(directory, row.person_id, "emergency:access:ended", actor=by, at=at,
                   facts={"access": row.id, "contract": ref})  # fmt: skip
    people = [(row.id, row.person_id, row.person.name) for row in rows]
    db.session.rollback()
    with transaction(session):
        for key, person_id, name in people:
            by = LogActor(person_id, name, "", "")
            record(session, ref, "emergency:access:ended", actor=by, at=at, facts={"access": key})
    return len(people)
