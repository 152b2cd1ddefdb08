"""Making organisations, people and members, for the command line and the demo."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts import passwords
from portal.accounts.actions.forgetting import demand_unused
from portal.accounts.models import Membership, Organisation, Person
from portal.accounts.rules import read_email, read_name, read_roles
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.kit.db import db, transaction
from portal.kit.refs import new_id


def create_organisation(
    name: str, slug: str, details: str, regions: Iterable[str], at: datetime
) -> Organisation:
    """Add an organisation; `regions` are the names of those its contracts may live in."""
    allowed = list(regions)
    with transaction(db.session) as session:
        organisation = Organisation(
            id=new_id(at), slug=slug, name=read_name(name, most=160), details=details.strip(),
            regions=",".join(allowed), created_at=at,
        )  # fmt: skip
        session.add(organisation)
        record(
            session, organisation.id, "organisation:created", actor=PORTAL, at=at,
            facts={"regions": allowed},
        )  # fmt: skip
    return organisation


def create_person(
    email: str, name: str, password: str, at: datetime, *, operator: bool = False
) -> Person:
    """Add a person with a password; hashed before the transaction begins."""
    hashed = passwords.hash_password(password)
    with transaction(db.session) as session:
        demand_unused(session, read_email(email))
        person = Person(
            id=new_id(at), email=read_email(email), name=read_name(name), password_hash=hashed,
            operator=int(operator), totp_step=0, created_at=at,
        )  # fmt: skip
        session.add(person)
        record(
            session, person.id, "person:created", actor=PORTAL, at=at, facts={"operator": operator}
        )
    return person


def add_member(
    person: Person, organisation: Organisation, roles: Iterable[str], at: datetime
) -> Membership:
    """Make a person a member with roles; one who left before comes back."""
    chosen = read_roles(list(roles))
    with transaction(db.session) as session:
        member = join(session, person.id, organisation.id, roles=chosen, at=at)
        record(
            session, organisation.id, "organisation:member:added", actor=PORTAL, at=at,
            facts={"person": person.id, "roles": [*chosen]},
        )  # fmt: skip
    return member


def join(
    session: Session, person_id: str, organisation_id: str, *, roles: Iterable[str], at: datetime
) -> Membership:
    """Write the membership in the caller's transaction; an ended one is opened again."""
    member = (
        session.query(Membership)
        .filter_by(person_id=person_id, organisation_id=organisation_id)
        .one_or_none()
    )
    if member is None:
        member = Membership(
            id=new_id(at), person_id=person_id, organisation_id=organisation_id, created_at=at
        )
        session.add(member)
    member.roles, member.ended_at = ",".join(roles), None
    session.flush()
    return member


def enrol_factor(person: Person, secret: str, at: datetime) -> None:
    """Give a person a confirmed authenticator with a known seed, for the demo."""
    with transaction(db.session) as session:
        person.totp_secret, person.totp_confirmed_at = secret, at
        record(session, person.id, "person:factor:enrolled", actor=PORTAL, at=at)
