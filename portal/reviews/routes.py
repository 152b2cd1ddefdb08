"""Pages of reviews: the list, one review with its agenda, minutes and actions, the invitation."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, current_app, flash, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand, may
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, name_of, people_to_tell, side_of, terms_in_force
from portal.contracts.rules.contact_roles import contact_words
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.kept_words import kept
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import Words, say
from portal.renewals.rules.dates import add_days
from portal.residency.databases import regions
from portal.reviews import actions, queries
from portal.reviews.actions import Agreed
from portal.reviews.forms import CallForm, DoneForm, MinutesForm, MoveForm
from portal.reviews.ics import invitation
from portal.reviews.models import Review
from portal.reviews.rules.agenda import Item, agenda_of
from portal.reviews.rules.schedule import KIND_WORDS, Kind, planned
from portal.settings.rules import Settings

bp = Blueprint("reviews", __name__)
LOOK_AHEAD = 400


@dataclass(frozen=True)
class Desk:
    """Who asks, about which contract, when."""

    actor: Actor
    session: Session
    contract: Contract
    at: datetime


def opened(ref: str, action: str) -> Desk:
    """Find the contract, then ask whether the actor may do this."""
    actor = current_actor()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand(actor, action)
    return Desk(actor, session, contract, clock.now())


@bp.get("/contracts/<ref>/reviews")
@needs("contract:see")
def index(ref: str) -> ResponseReturnValue:
    """Show what is planned, what was held, and what was agreed."""
    desk = opened(ref, "contract:see")
    return _list(desk, CallForm(formdata=None))


@bp.post("/contracts/<ref>/reviews")
@needs("review:keep")
def call(ref: str) -> ResponseReturnValue:
    """Ask the other side to a review."""
    desk = opened(ref, "review:keep")
    form = CallForm()
    if not form.validate_on_submit():
        return _list(desk, form, 422)
    row = actions.call_review(
        desk.session, desk.actor, desk.contract, kind=Kind(form.kind.data), on=form.on.data,
        why=form.why.data, at=desk.at,
    )  # fmt: skip
    flash(say("Both sides are invited."), "good")
    return see_other(url_for("reviews.show", ref=ref, review_id=row.id))


def _list(desk: Desk, form: CallForm, status: int = 200) -> ResponseReturnValue:
    today = desk.at.date()
    terms = terms_in_force(desk.session, desk.contract, on=today)
    rows = queries.reviews_of(desk.session, desk.contract)
    known = {row.key for row in rows}
    ahead = planned(terms, today, add_days(today, LOOK_AHEAD))
    side = side_of(desk.contract, desk.actor)
    return page(
        "reviews/index.html",
        status,
        contract=desk.contract,
        form=form,
        next=[row for row in reversed(rows) if not row.held_on],
        held=[row for row in rows if row.held_on],
        ahead=[one for one in ahead if one.key not in known],
        agreed=queries.open_actions(desk.session, desk.contract),
        words=KIND_WORDS,
        side=side,
        names={one.value: name_of(desk.contract, one) for one in Side},
        today=today,
        day=date.fromisoformat,
        kept=kept,
        done=DoneForm(formdata=None),
        may_hold=may(desk.actor, "review:keep"),
    )


@bp.get("/contracts/<ref>/reviews/<review_id>")
@needs("contract:see")
def show(ref: str, review_id: str) -> ResponseReturnValue:
    """Show a review: its agenda from the facts of today, or its minutes."""
    desk = opened(ref, "contract:see")
    row = queries.find_review(desk.session, desk.contract, review_id)
    return _one(desk, row, MinutesForm(formdata=None), MoveForm(formdata=None))


def _one(
    desk: Desk, row: Review, minutes: MinutesForm, move: MoveForm, status: int = 200
) -> ResponseReturnValue:
    failed = bool(minutes.errors or move.errors)
    return page(
        "reviews/show.html",
        status,
        contract=desk.contract,
        review=row,
        heading=KIND_WORDS[Kind(row.kind)],
        agenda=_agenda(desk, row),
        people=[(p.name, p.email) for side in Side for p in people_to_tell(desk.contract, side)],
        attendees=_attendees(desk),
        form=minutes,
        move=move,
        failed=failed,
        names={one.value: name_of(desk.contract, one) for one in Side},
        day=date.fromisoformat,
        kept=kept,
        may_hold=may(desk.actor, "review:keep"),
    )


def _agenda(desk: Desk, row: Review) -> list[Item]:
    if row.minutes:
        return [
            Item(kept(one["heading"]), tuple(kept(one["facts"]))) for one in row.minutes["agenda"]
        ]
    seen = queries.seen_for(desk.session, desk.contract, row, at=desk.at)
    return agenda_of(seen, why=kept(row.why), called=row.key.startswith("called:"))


def _attendees(desk: Desk) -> Words:
    terms = terms_in_force(desk.session, desk.contract, on=desk.at.date())
    return contact_words(terms.get("N7") or ())


@bp.post("/contracts/<ref>/reviews/<review_id>/minutes")
@needs("review:keep")
def hold(ref: str, review_id: str) -> ResponseReturnValue:
    """Keep the minutes and what was agreed."""
    desk = opened(ref, "review:keep")
    row = queries.find_review(desk.session, desk.contract, review_id)
    form = MinutesForm()
    if not form.validate_on_submit():
        return _one(desk, row, form, MoveForm(formdata=None), 422)
    actions.hold_review(
        desk.session, desk.actor, desk.contract, review_id, held_on=form.held_on.data,
        minutes=form.minutes.data, agreed=_agreed(form), at=desk.at,
    )  # fmt: skip
    flash(say("The minutes are kept. Both sides can read them."), "good")
    return see_other(url_for("reviews.show", ref=ref, review_id=review_id))


def _agreed(form: MinutesForm) -> list[Agreed]:
    rows: list[dict[str, Any]] = [entry.data for entry in form.actions]
    return [
        Agreed(row["text"], row["owner"], Side(row["side"]), row["due"])
        for row in rows
        if row["text"]
    ]


@bp.post("/contracts/<ref>/reviews/<review_id>/day")
@needs("review:keep")
def move(ref: str, review_id: str) -> ResponseReturnValue:
    """Set another day."""
    desk = opened(ref, "review:keep")
    row = queries.find_review(desk.session, desk.contract, review_id)
    form = MoveForm()
    if not form.validate_on_submit():
        return _one(desk, row, MinutesForm(formdata=None), form, 422)
    actions.move_review(
        desk.session, desk.actor, desk.contract, review_id, on=form.on.data, at=desk.at
    )
    flash(say("Moved. Both sides are told, and their calendars follow."), "good")
    return see_other(url_for("reviews.show", ref=ref, review_id=review_id))


@bp.post("/contracts/<ref>/reviews/actions/<action_id>/completion")
@needs("review:keep")
def finish(ref: str, action_id: str) -> ResponseReturnValue:
    """Mark an action of one's own side done."""
    desk = opened(ref, "review:keep")
    actions.finish_action(desk.session, desk.actor, desk.contract, action_id, at=desk.at)
    flash(say("Done."), "good")
    return see_other(url_for("reviews.index", ref=ref))


@bp.get("/contracts/<ref>/reviews/<review_id>.ics")
@needs("contract:see")
def invite(ref: str, review_id: str) -> Response:
    """Give the invitation as a file."""
    desk = opened(ref, "contract:see")
    row = queries.find_review(desk.session, desk.contract, review_id)
    if row.held_on:
        raise NotFound
    words = KIND_WORDS[Kind(row.kind)]
    settings: Settings = current_app.config["SETTINGS"]
    address = settings.base_url + url_for("reviews.show", ref=ref, review_id=review_id)
    content = invitation(
        uid=queries.uid_of(row.contract_id, row.key), on=date.fromisoformat(row.due_on),
        sequence=row.sequence, changed_at=row.changed_at, summary=f"{words}: {ref}",
        text=f"{words} of contract {ref}. The agenda is in the portal.", address=address,
        organiser=(desk.actor.name, desk.actor.email),
        people=[(p.name, p.email) for side in Side for p in people_to_tell(desk.contract, side)],
    )  # fmt: skip
    return download(content, name=f"review-{ref}.ics", mimetype="text/calendar")
