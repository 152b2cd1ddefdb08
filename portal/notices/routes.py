"""Pages of the notices room: the inbox, how one wants to be told, mail that failed, the way out."""

from datetime import time
from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import refresh
from flask_login import current_user
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.accounts.actions.codes import actor_in_log
from portal.accounts.queries import person_by_id
from portal.kit import clock
from portal.kit.db import db, reading
from portal.kit.errors import NotFound
from portal.kit.faults import fault_of
from portal.kit.web import machine, page, public, see_other, signed_in
from portal.kit.words import Words, say
from portal.notices import queries
from portal.notices.actions import try_again
from portal.notices.actions.reading import choose, mark_all_read, mark_read, silence
from portal.notices.actions.silence import read_token
from portal.notices.forms import ZONES, WishesForm, field_of
from portal.notices.rules import DIGEST, EVENTS, Channel, Reader, grouped
from portal.residency.databases import regions

bp = Blueprint("notices", __name__)

DIRECTORY = "account"


def _places() -> dict[str, Session]:
    """Return every database that may hold notices, by the name its addresses carry."""
    found: dict[str, Session] = {DIRECTORY: db.session()}
    return found | {one.region.name: session for one, session in regions().each()}


def _place(name: str) -> Session:
    return db.session() if name == DIRECTORY else regions().session(name)


COUNTED = 99


def _organisation() -> str | None:
    return current_user.actor.organisation_id if current_user.actor else None


def unread_count() -> str:
    """Return how many notices wait for the person of this request, "99+" for more, or nothing.

    Read beside the request's own sessions, so that a form never waits for another region, and
    without those that do not answer now: every page asks.
    """
    before = reading.set(True)
    try:
        count = _unread_in(Session(db.engine)) or 0
        for place in regions().databases.values():
            if not place.is_resting:
                found = _unread_in(place.open_session())
                count += found or 0
                if found is None:
                    place.rest()
    finally:
        reading.reset(before)
    return f"{COUNTED}+" if count > COUNTED else str(count or "")


def _unread_in(session: Session) -> int | None:
    """Return how many wait in one database; None where it does not answer."""
    with session:
        try:
            person = current_user.person.id
            return queries.count_unread([session], person, _organisation(), most=COUNTED + 1)
        except DBAPIError as error:
            if fault_of(error) is None:
                raise
            return None


@bp.app_context_processor
def inbox_link() -> dict[str, Any]:
    """Give every page of a signed-in person the way to their inbox, and what waits there."""
    if not current_user.is_authenticated:
        return {}
    return {"inbox_url": url_for("notices.inbox"), "unread_count": unread_count}


@bp.get("/notices")
@signed_in
def inbox() -> ResponseReturnValue:
    """Show what one was told, the newest first."""
    places, before = _places(), request.args.get("before")
    unread_only = request.args.get("show") == "unread"
    found = queries.inbox_of(
        places.values(), current_user.person.id, _organisation(), unread_only=unread_only,
        before=before,
    )  # fmt: skip
    return page(
        "notices/index.html", found=found, unread_only=unread_only, before=before,
        place_of=lambda notice: getattr(notice, "region", DIRECTORY),
        newest=found.notices[0].id if found.notices else None,
        unread=any(notice.read_at is None for notice in found.notices),
    )  # fmt: skip


@bp.get("/notices/count")
@signed_in
def count() -> ResponseReturnValue:
    """The number in the header, which refreshes by itself."""
    return page("notices/_count.html")


@bp.post("/notices/<place>/<notice_id>/reading")
@signed_in
def read(place: str, notice_id: str) -> ResponseReturnValue:
    """Mark a notice read and go where it leads."""
    return see_other(
        mark_read(_place(place), current_user.person.id, _organisation(), notice_id, at=clock.now())
    )


@bp.post("/notices/reading")
@signed_in
def read_all() -> ResponseReturnValue:
    """Mark everything read that the page showed or that is older."""
    until = request.form.get("until", "")
    for session in _places().values():
        mark_all_read(session, current_user.person.id, _organisation(), until=until, at=clock.now())
    flash(say("Everything up to here is read."), "good")
    return see_other(url_for("notices.inbox"))


@bp.get("/notices/preferences")
@signed_in
def preferences() -> ResponseReturnValue:
    """Show how one wants to be told."""
    reader, chosen = current_user.reader, queries.choices_of(db.session(), current_user.person.id)
    start, end = reader.quiet or (time(22), time(7))
    form = WishesForm(
        formdata=None,
        zone=reader.zone.key,
        language=reader.language,
        quiet=reader.quiet is not None,
        quiet_from=start,
        quiet_until=end,
        digest_at=reader.digest_at,
        weekly=str(int(reader.weekly)),
    )
    for event, channel in chosen.items():
        form[field_of(event)].data = channel.value
    return _preferences_page(form, 200)


def _preferences_page(form: WishesForm, status: int) -> ResponseReturnValue:
    return page(
        "notices/edit.html", status, form=form, zones=ZONES, now=clock.now(),
        groups=[
            (heading, [form[field_of(event.name)] for event in events])
            for heading, events in grouped([one for one in EVENTS.values() if one.optional])
        ],
        always=[event.words for event in EVENTS.values() if not event.optional],
    )  # fmt: skip


@bp.post("/notices/preferences")
@signed_in
def save_preferences() -> ResponseReturnValue:
    """Keep how one wants to be told."""
    form = WishesForm()
    if not form.validate_on_submit():
        return _preferences_page(form, 422)
    quiet = (form.quiet_from.data, form.quiet_until.data) if form.quiet.data else None
    reader = Reader(
        form.zone_info,
        language=form.language.data,
        quiet=quiet,
        digest_at=form.digest_at.data,
        weekly=form.weekly.data == "1",
    )
    channels = {
        event.name: Channel(form[field_of(event.name)].data)
        for event in EVENTS.values()
        if event.optional
    }
    actor = actor_in_log(current_user.person)
    choose(db.session(), actor, reader, channels, at=clock.now())
    # The page that follows, and this word before it, are in the language just chosen.
    current_user.reader = reader
    refresh()
    flash(say("Saved. It holds from the next notice on."), "good")
    return see_other(url_for("notices.preferences"))


@bp.get("/notices/mail")
@signed_in
def mail() -> ResponseReturnValue:
    """Show the mail one caused, the failed first."""
    places = _places()
    names = {id(session): name for name, session in places.items()}
    found = queries.mail_caused_by(places.values(), current_user.person.id, at=clock.now())
    return page("notices/mail.html", mails=[(names[id(s)], row) for s, row in found])


@bp.post("/notices/mail/<place>/<mail_id>/try")
@signed_in
def send_again(place: str, mail_id: str) -> ResponseReturnValue:
    """Put a mail that was given up back into the outbox."""
    actor = actor_in_log(current_user.person)
    try_again(_place(place), actor, mail_id, at=clock.now())
    flash(say("The mail is on its way again."), "good")
    return see_other(url_for("notices.mail"))


@bp.get("/unsubscribe/<token>")
@public
def unsubscribe(token: str) -> ResponseReturnValue:
    """Ask before anything changes: whoever only fetches the address turns nothing off."""
    person_id, event = read_token(token)
    person_by_id(person_id)
    return page("notices/unsubscribe.html", words=_words_of(event), done=False)


@bp.post("/unsubscribe/<token>")
@public
@machine
def stop_mail(token: str) -> ResponseReturnValue:
    """Turn an event's mail off, at one press and without signing in.

    RFC 8058, 3.1: mail programs post here by themselves and follow no redirect, so this answers
    with the page itself.
    """
    person_id, event = read_token(token)
    person = person_by_id(person_id)
    silence(db.session(), actor_in_log(person), event, at=clock.now())
    return page("notices/unsubscribe.html", words=_words_of(event), done=True)


def _words_of(event: str) -> Words:
    if event == DIGEST:
        return say("Your digest")
    if event not in EVENTS:
        raise NotFound
    return EVENTS[event].words
