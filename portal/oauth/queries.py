"""Finding clients, grants and tokens. A client of another organisation is not found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.interfaces import LoaderOption

from portal.accounts.gate import actor_of
from portal.accounts.models import Membership
from portal.accounts.rules import Actor
from portal.kit.db import db, directory_reader
from portal.kit.errors import NotFound
from portal.oauth import rules
from portal.oauth.models import OAuthClient, OAuthCode, OAuthGrant, OAuthToken


def clients_of(actor: Actor) -> Sequence[OAuthClient]:
    """Return the clients of the actor's organisation, those in use first, then by name."""
    query = (
        select(OAuthClient)
        .where(OAuthClient.organisation_id == actor.organisation_id)
        .options(joinedload(OAuthClient.author))
        .order_by(OAuthClient.ended_at.is_not(None), OAuthClient.name, OAuthClient.id)
    )
    return db.session.scalars(query).all()


def find_client(actor: Actor, client_id: str) -> OAuthClient:
    """Return a client of the actor's organisation, or raise `NotFound`."""
    found = db.session.get(OAuthClient, client_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFound
    return found


def live_client(client_id: str) -> OAuthClient | None:
    """Return a client that was not ended, whosever it is: the protocol's own look-up."""
    found = db.session.get(OAuthClient, client_id[:26])
    return found if found is not None and found.ended_at is None else None


def _with_people() -> tuple[LoaderOption, ...]:
    return (
        joinedload(OAuthGrant.client),
        joinedload(OAuthGrant.membership).joinedload(Membership.person),
        joinedload(OAuthGrant.membership).joinedload(Membership.organisation),
    )


def grants_to(client: OAuthClient) -> Sequence[OAuthGrant]:
    """Return the grants a client was given that have not ended, newest first."""
    query = select(OAuthGrant).where(
        OAuthGrant.client_id == client.id, OAuthGrant.ended_at.is_(None)
    )
    return db.session.scalars(
        query.options(*_with_people()).order_by(OAuthGrant.created_at.desc())
    ).all()


def grants_by(person_id: str) -> Sequence[OAuthGrant]:
    """Return the grants a person gave, for any organisation, that have not ended."""
    query = (
        select(OAuthGrant)
        .join(OAuthGrant.membership)
        .where(Membership.person_id == person_id, OAuthGrant.ended_at.is_(None))
    )
    return db.session.scalars(
        query.options(*_with_people()).order_by(OAuthGrant.created_at.desc())
    ).all()


def find_grant(actor: Actor, grant_id: str) -> OAuthGrant:
    """Return a grant within the actor's organisation, or one the actor's person gave."""
    found = db.session.get(OAuthGrant, grant_id, options=_with_people())
    if found is None or (
        found.membership.person_id != actor.person_id
        and found.client.organisation_id != actor.organisation_id
    ):
        raise NotFound
    return found


def code_of(text: str) -> OAuthCode | None:
    """Return the row of an authorisation code, used or not."""
    return db.session.get(OAuthCode, rules.hashed(text))


def token_of(text: str) -> OAuthToken | None:
    """Return the row of a token, live or not."""
    return db.session.get(OAuthToken, rules.hashed(text))


def is_live(token: OAuthToken, *, at: datetime) -> bool:
    """Return whether a token still counts: it, its grant, its client and the membership."""
    grant = token.grant
    member = grant.membership
    ended = (
        token.ended_at, token.used_at, grant.ended_at, grant.client.ended_at, member.ended_at,
        member.person.deactivated_at,
    )  # fmt: skip
    return not any(ended) and at < token.expires_at


@dataclass(frozen=True)
class Access:
    """Who asks by a token: the member it stands for, and the scopes it carries."""

    actor: Actor
    scopes: frozenset[str]
    client_id: str
    grant_id: str


def access_of(text: str, *, at: datetime) -> Access | None:
    """Return what a live access token opens, or None; read beside the request's transaction."""
    with directory_reader() as session:
        token = _access_token(session, rules.hashed(text))
        if token is None or not is_live(token, at=at):
            return None
        grant = token.grant
        return Access(
            actor=actor_of(grant.membership), scopes=frozenset(token.scopes.split()),
            client_id=grant.client_id, grant_id=grant.id,
        )  # fmt: skip


def _access_token(session: Session, key: str) -> OAuthToken | None:
    grant = joinedload(OAuthToken.grant)
    member = grant.joinedload(OAuthGrant.membership)
    query = (
        select(OAuthToken)
        .where(OAuthToken.id == key, OAuthToken.kind == "access")
        .options(
            grant.joinedload(OAuthGrant.client),
            member.joinedload(Membership.person),
            member.joinedload(Membership.organisation),
        )
    )
    return session.scalar(query)
