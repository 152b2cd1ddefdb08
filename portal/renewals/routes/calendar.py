"""A person's calendar: its address, the file behind it, and single dates to download."""

from itertools import chain

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import actor_of, current_actor
from portal.accounts.rules import demand
from portal.kit import clock
from portal.kit.db import acting, reading
from portal.kit.errors import NotFound
from portal.kit.web import download, needs, page, public, see_other
from portal.kit.words import say
from portal.renewals.actions.feeds import make_feed, revoke_feed
from portal.renewals.ics import calendar_file
from portal.renewals.queries import feed as queries
from portal.renewals.routes.desk import bp, opened, settings
from portal.renewals.rules.calendar import SUBJECT_WORDS, Subject, subjects_for
from portal.residency.databases import regions
from portal.reviews.queries import review_entries

ICS = "text/calendar"


@bp.get("/calendar")
@needs("calendar:keep")
def calendar() -> ResponseReturnValue:
    """Show the addresses of one's calendar, without the secret part."""
    return _page(None)


@bp.post("/calendar")
@needs("calendar:keep")
def make_calendar() -> ResponseReturnValue:
    """Make an address and show it this once."""
    actor = current_actor()
    demand(actor, "calendar:keep")
    token = make_feed(actor, at=clock.now())
    # From here on this request only reads: it must hold no writer's lock while it renders.
    reading.set(True)
    return _page(settings().base_url + url_for("renewals.calendar_feed", token=token))


def _page(address: str | None) -> ResponseReturnValue:
    actor = current_actor()
    demand(actor, "calendar:keep")
    wanted = subjects_for(actor.roles)
    return page(
        "renewals/calendar.html",
        address=address,
        feeds=queries.feeds_of(actor),
        subjects=[words for subject, words in SUBJECT_WORDS.items() if subject in wanted],
        mine=actor.organisation_name,
    )


@bp.post("/calendar/<feed_id>/revocation")
@needs("calendar:keep")
def revoke_calendar(feed_id: str) -> ResponseReturnValue:
    """Let an address lead nowhere."""
    revoke_feed(current_actor(), feed_id, at=clock.now())
    flash(say("Revoked. Calendars that used this address get nothing more."), "good")
    return see_other(url_for("renewals.calendar"))


@bp.get("/calendar/<token>.ics")
@public
def calendar_feed(token: str) -> Response:
    """Give the calendar of the person whose address this is, by the roles they hold now."""
    membership = queries.member_of(queries.feed_by_token(token))
    actor, now = actor_of(membership), clock.now()
    acting.set(actor.organisation_id)
    wanted = subjects_for(actor.roles)
    sessions = [session for _, session in regions().each()]
    entries = chain.from_iterable(
        queries.entries_of(session, actor, wanted, at=now) for session in sessions
    )
    if Subject.REVIEW in wanted:
        reviews = (review_entries(session, actor, at=now) for session in sessions)
        entries = chain(entries, *reviews)
    content = calendar_file(
        entries, name=f"Counterpart: {actor.organisation_name}", base_url=settings().base_url,
        at=now,
    )  # fmt: skip
    return download(content, name="counterpart.ics", mimetype=ICS, inline=True)


@bp.get("/contracts/<ref>/renewal/dates/<kind>.ics")
@needs("renewal:see")
def one_date(ref: str, kind: str) -> Response:
    """Give one date of the running term as a file."""
    desk = opened(ref, "renewal:see")
    entry = queries.date_of(desk.session, desk.contract, desk.actor, kind)
    if entry.cancelled:
        raise NotFound
    content = calendar_file(
        [entry], name=entry.summary, base_url=settings().base_url, at=desk.at, method="PUBLISH"
    )
    return download(content, name=f"{kind}-{ref}.ics", mimetype=ICS)
