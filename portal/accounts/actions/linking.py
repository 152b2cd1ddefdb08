"""Whom a provider's word lets in: the person whose verified address it is, by one account there."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.actions.codes import actor_in_log
from portal.accounts.actions.letters import tell_person
from portal.accounts.models import Invitation, Person, ProviderLink
from portal.accounts.oidc import Claims
from portal.accounts.queries import person_by_email, person_by_id
from portal.accounts.rules import link_problem
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.words import say
from portal.settings.rules import Provider


@dataclass(frozen=True)
class Known:
    """Whom it is about, and whether their codes are set up."""

    person_id: str
    has_factor: bool


def recognise(provider: Provider, claims: Claims, *, at: datetime) -> Known:
    """Return the person a provider proves, linked to that account from the first time on.

    `Refused` where the address is not verified, nobody here has it, or it was linked to another
    account of the same provider before.
    """
    with transaction(db.session) as session:
        person = person_by_email(claims.email) if claims.email else None
        problem = link_problem(
            label=provider.label, email=claims.email, verified=claims.verified,
            domains=provider.domains,
            known=person is not None and person.deactivated_at is None,
            invited=_is_invited(session, claims.email, at),
        )  # fmt: skip
        if problem or person is None:
            raise Refused(problem or "")
        _keep_link(session, person, provider, claims, at)
        return Known(person.id, person.has_factor)


def _is_invited(session: Session, email: str, at: datetime) -> bool:
    waiting = select(Invitation.id).where(
        Invitation.email == email, Invitation.accepted_at.is_(None), Invitation.expires_at > at
    )
    return session.scalar(waiting.limit(1)) is not None


def _keep_link(
    session: Session, person: Person, provider: Provider, claims: Claims, at: datetime
) -> None:
    """Find both halves of the link, or make it; half a link is somebody else's account."""
    of_subject = session.scalar(
        select(ProviderLink).where(
            ProviderLink.issuer == claims.issuer, ProviderLink.subject == claims.subject
        )
    )
    of_person = session.scalar(
        select(ProviderLink).where(
            ProviderLink.issuer == claims.issuer, ProviderLink.person_id == person.id
        )
    )
    if of_subject is None and of_person is None:
        session.add(
            ProviderLink(
                id=new_id(at), person_id=person.id, issuer=claims.issuer, subject=claims.subject,
                created_at=at, used_at=at,
            )
        )  # fmt: skip
        record(
            session, person.id, "person:provider:linked", actor=actor_in_log(person), at=at,
            facts={"provider": provider.name},
        )  # fmt: skip
        tell_person(person, "person:provider:linked", at=at, provider=provider.label)
        return
    if of_subject is None or of_subject is not of_person:
        raise Refused(
            say(
                "This account at %(label)s is not the one that was used for your address before. "
                "Sign in with your password, and remove the old one on the security page.",
                label=provider.label,
            )
        )
    of_subject.used_at = at


def remove_link(person_id: str, link_id: str, *, at: datetime) -> None:
    """Remove a person's own link; the next account with their verified address may be linked."""
    with transaction(db.session) as session:
        row = session.get(ProviderLink, link_id)
        if row is None or row.person_id != person_id:
            raise NotFound
        person = person_by_id(person_id)
        session.delete(row)
        record(
            session, person_id, "person:provider:removed", actor=actor_in_log(person), at=at,
            facts={"link": link_id},
        )  # fmt: skip
