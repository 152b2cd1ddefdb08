"""Registering clients, giving and ending grants, issuing tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.accounts.models import Membership
from portal.accounts.rules import Actor, demand, read_name
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.rules import Actor as LogActor
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id, new_token
from portal.kit.words import say
from portal.notices.actions import tell
from portal.notices.rules import Recipient
from portal.oauth import queries, rules
from portal.oauth.models import OAuthClient, OAuthCode, OAuthGrant, OAuthToken
from portal.oauth.rules import Kind

SECRET, CODE, ACCESS, REFRESH = "cps_", "cpc_", "cpa_", "cpr_"
KEPT = timedelta(days=1)


def add_client(
    actor: Actor, *, name: str, kind: Kind, addresses: str, scopes: Iterable[str],
    membership_id: str, at: datetime,
) -> tuple[OAuthClient, str | None]:  # fmt: skip
    """Register a program; return it with its secret, which is shown this once.

    A machine acts for the member who registers it, `membership_id`, whose grant is given with it.
    """
    demand(actor, "client:edit")
    called, chosen = read_name(name, most=80), rules.read_scopes(scopes)
    back = [] if kind is Kind.MACHINE else rules.read_addresses(addresses)
    secret = None if kind is Kind.APP else SECRET + new_token()
    with transaction(db.session) as session:
        row = OAuthClient(
            id=new_id(at), organisation_id=actor.organisation_id, name=called, kind=kind,
            addresses="\n".join(back), scopes=" ".join(chosen),
            secret_hash=rules.hashed(secret) if secret else None, created_by=actor.person_id,
            created_at=at,
        )  # fmt: skip
        session.add(row)
        session.flush()
        if kind is Kind.MACHINE:
            _add_grant(session, row, _own_membership(session, actor, membership_id), chosen, at)
        record(
            session, actor.organisation_id, "organisation:client:added", actor=actor.log, at=at,
            facts={"client": row.id, "kind": kind, "scopes": chosen},
        )  # fmt: skip
    return row, secret


def _own_membership(session: Session, actor: Actor, membership_id: str) -> Membership:
    row = session.get(Membership, membership_id)
    mine = (actor.person_id, actor.organisation_id)
    if row is None or row.ended_at or (row.person_id, row.organisation_id) != mine:
        raise NotFound
    return row


def _add_grant(
    session: Session, client: OAuthClient, member: Membership, scopes: list[str], at: datetime
) -> OAuthGrant:
    row = OAuthGrant(
        id=new_id(at), client_id=client.id, membership_id=member.id, scopes=" ".join(scopes),
        created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def renew_secret(actor: Actor, client_id: str, *, at: datetime) -> tuple[OAuthClient, str]:
    """Replace a client's secret at once; what it was granted goes on."""
    demand(actor, "client:edit")
    secret = SECRET + new_token()
    with transaction(db.session) as session:
        row = queries.find_client(actor, client_id)
        if row.ended_at or row.secret_hash is None:
            raise Refused(say("This client has no secret to renew."))
        row.secret_hash = rules.hashed(secret)
        record(
            session, actor.organisation_id, "organisation:client:secret_renewed",
            actor=actor.log, at=at, facts={"client": row.id},
        )  # fmt: skip
    return row, secret


def end_client(actor: Actor, client_id: str, *, at: datetime) -> int:
    """End a client and everything it was granted; return how many grants ended."""
    demand(actor, "client:edit")
    with transaction(db.session) as session:
        row = queries.find_client(actor, client_id)
        if row.ended_at:
            raise Refused(say("This client was ended already."))
        row.ended_at = at
        grants = queries.grants_to(row)
        for grant in grants:
            _end(session, grant, "client_ended", at)
        record(
            session, actor.organisation_id, "organisation:client:ended", actor=actor.log, at=at,
            facts={"client": row.id, "grants": len(grants)},
        )  # fmt: skip
    return len(grants)


@dataclass(frozen=True)
class Consent:
    """What a person agreed to at the consent page, and where the code goes."""

    client_id: str
    membership_id: str
    scopes: str
    address: str
    challenge: str


def give_consent(actor: Actor, consent: Consent, *, at: datetime) -> str:
    """Grant the scopes to a client for the actor; return the code that its tokens are got with."""
    code = CODE + new_token()
    with transaction(db.session) as session:
        client = queries.find_client(actor, consent.client_id)
        member = _own_membership(session, actor, consent.membership_id)
        grant = _add_grant(session, client, member, consent.scopes.split(), at)
        session.add(
            OAuthCode(
                id=rules.hashed(code), grant_id=grant.id, address=consent.address,
                challenge=consent.challenge, expires_at=at + rules.CODE_LIFE,
            )
        )  # fmt: skip
        record(
            session, actor.organisation_id, "organisation:grant:given", actor=actor.log, at=at,
            facts={"client": client.id, "grant": grant.id, "scopes": grant.allowed},
        )  # fmt: skip
    return code


def end_grant(actor: Actor, grant_id: str, *, at: datetime) -> None:
    """Take back a grant: one's own, or any of one's organisation as its administrator."""
    with transaction(db.session) as session:
        grant = queries.find_grant(actor, grant_id)
        if grant.membership.person_id != actor.person_id:
            demand(actor, "client:edit")
        if grant.ended_at is None:
            _end(session, grant, "revoked", at)
            _note_end(session, grant, "revoked", actor.log, at)


def give_back(token: OAuthToken, *, at: datetime) -> None:
    """End a token at its client's wish; a refresh token takes its whole grant with it (RFC 7009).

    A machine's grant stays: it stands until the client is ended.
    """
    with transaction(db.session) as session:
        grant = token.grant
        if token.kind == "access" or grant.client.acts_alone:
            token.ended_at = token.ended_at or at
        elif grant.ended_at is None:
            _end(session, grant, "by_client", at)
            _note_end(session, grant, "by_client", PORTAL, at)


def end_as_reused(grant: OAuthGrant, *, at: datetime) -> None:
    """End a grant whose code or refresh token came back, or came from another client.

    Somebody else holds a copy (RFC 9700 4.14.2): all that came of the grant ends, and its person
    is told. A second call changes nothing.
    """
    with transaction(db.session) as session:
        if grant.ended_at is not None or grant.client.acts_alone:
            return
        _end(session, grant, "reuse", at)
        _note_end(session, grant, "reuse", PORTAL, at)
        person, client = grant.membership.person, grant.client
        tell(
            session, event="organisation:grant:reused", chain=grant.membership.organisation_id,
            to=Recipient(
                person.id, person.name, person.email, grant.membership.organisation_id
            ),
            cause=grant.id, link="/security/applications", at=at, client=client.name, when=at,
        )  # fmt: skip


def _end(session: Session, grant: OAuthGrant, why: str, at: datetime) -> None:
    grant.ended_at, grant.ended_why = at, why
    session.execute(
        update(OAuthToken)
        .where(OAuthToken.grant_id == grant.id, OAuthToken.ended_at.is_(None))
        .values(ended_at=at)
    )


def _note_end(session: Session, grant: OAuthGrant, why: str, actor: LogActor, at: datetime) -> None:
    record(
        session, grant.membership.organisation_id, "organisation:grant:ended", actor=actor, at=at,
        facts={"client": grant.client_id, "grant": grant.id, "why": why},
    )  # fmt: skip


class AlreadyUsed(Exception):
    """The code or refresh token was used by another request at the same moment."""


def issue_tokens(
    grant: OAuthGrant, *, access: str, refresh: str | None, scopes: str, at: datetime,
    spends: OAuthCode | OAuthToken | None = None,
) -> None:  # fmt: skip
    """Keep the hashes of new tokens, and spend the code or refresh token they are got with.

    Of two requests with the same code or token one gets here first; the other raises `AlreadyUsed`
    and leaves nothing. No entry: what may be done was settled by the grant, which has one.
    """
    with transaction(db.session) as session:
        if spends is not None and not _spend(session, spends, at):
            raise AlreadyUsed
        grant.used_at = at
        session.add(
            OAuthToken(
                id=rules.hashed(access), grant_id=grant.id, kind="access", scopes=scopes,
                created_at=at, expires_at=at + rules.ACCESS_LIFE,
            )
        )  # fmt: skip
        if refresh is not None:
            session.add(
                OAuthToken(
                    id=rules.hashed(refresh), grant_id=grant.id, kind="refresh",
                    scopes=grant.scopes, created_at=at, expires_at=at + rules.REFRESH_LIFE,
                )
            )  # fmt: skip


def _spend(session: Session, row: OAuthCode | OAuthToken, at: datetime) -> bool:
    table = type(row)
    done: Any = session.execute(
        update(table).where(table.id == row.id, table.used_at.is_(None)).values(used_at=at)
    )
    return bool(done.rowcount == 1)


def forget_tokens(*, at: datetime) -> int:
    """Delete what is over: codes and tokens past their end, and end grants nothing renews.

    Return how many rows went. What was used is kept a while, so that its second use is still known
    for what it is.
    """
    with transaction(db.session) as session:
        codes: Any = session.execute(delete(OAuthCode).where(OAuthCode.expires_at < at - KEPT))
        tokens: Any = session.execute(delete(OAuthToken).where(OAuthToken.expires_at < at))
        living = select(OAuthToken.grant_id).where(OAuthToken.kind == "refresh")
        pending = select(OAuthCode.grant_id)
        machines = select(OAuthClient.id).where(OAuthClient.kind == Kind.MACHINE)
        session.execute(
            update(OAuthGrant)
            .where(
                OAuthGrant.ended_at.is_(None),
                OAuthGrant.client_id.not_in(machines),
                OAuthGrant.id.not_in(living),
                OAuthGrant.id.not_in(pending),
            )
            .values(ended_at=at, ended_why="expired")
        )
    return int(codes.rowcount) + int(tokens.rowcount)
