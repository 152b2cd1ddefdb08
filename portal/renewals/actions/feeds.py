"""Making and revoking the address of a person's calendar. Only its SHA-256 is kept."""

from datetime import datetime

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import Actor as LogActor
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id, new_token
from portal.kit.words import say
from portal.renewals.models import CalendarFeed
from portal.renewals.queries.feed import feeds_of, hash_of

MOST_FEEDS = 5


def make_feed(actor: Actor, *, at: datetime) -> str:
    """Return the token of a new calendar address; it is shown this once."""
    demand(actor, "calendar:keep")
    token = new_token()
    # A read that is open on this connection could not be raised to a write.
    db.session.rollback()
    with transaction(db.session) as session:
        if len(feeds_of(actor)) >= MOST_FEEDS:
            raise Refused(
                say(
                    "You have %(most_feeds)s addresses. Revoke one you no longer use.",
                    most_feeds=MOST_FEEDS,
                )
            )
        row = CalendarFeed(
            id=new_id(at), person_id=actor.person_id, organisation_id=actor.organisation_id,
            token_sha256=hash_of(token), created_at=at,
        )  # fmt: skip
        session.add(row)
        record(
            session, actor.person_id, "person:calendar:made", actor=_own(actor), at=at,
            facts={"feed": row.id},
        )  # fmt: skip
    return token


def revoke_feed(actor: Actor, feed_id: str, *, at: datetime) -> None:
    """Let an address of the actor's own lead nowhere from now on."""
    demand(actor, "calendar:keep")
    db.session.rollback()
    with transaction(db.session) as session:
        row = session.get(CalendarFeed, feed_id)
        if row is None or row.person_id != actor.person_id or row.revoked_at is not None:
            raise NotFound
        row.revoked_at = at
        record(
            session, actor.person_id, "person:calendar:revoked", actor=_own(actor), at=at,
            facts={"feed": row.id},
        )  # fmt: skip


def _own(actor: Actor) -> LogActor:
    return LogActor(actor.person_id, actor.name, "", "")
