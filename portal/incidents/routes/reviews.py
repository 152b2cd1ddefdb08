"""Executive reviews: why they were called, their agenda, and what they decided."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.queries import name_of
from portal.contracts.rules.contact_roles import contact_words
from portal.contracts.rules.life import Side
from portal.incidents import actions
from portal.incidents.forms import OutcomeForm
from portal.incidents.queries import promises_on
from portal.incidents.queries.beside import names_of
from portal.incidents.queries.reviews import agenda_of, find_review, reviews_of
from portal.incidents.routes.doors import Visit, bp, visit
from portal.incidents.rules.reviews import TRIGGER_WORDS, triggers_of
from portal.kit.kept_words import kept
from portal.kit.web import needs, page, see_other
from portal.kit.words import say


@bp.get("/contracts/<ref>/executive-reviews")
@needs("contract:see")
def reviews(ref: str) -> ResponseReturnValue:
    """List the reviews that the contract's numbers called."""
    here = visit(ref)
    terms = promises_on(here.session, here.contract, here.now.date()).terms
    return page(
        "incidents/reviews.html", contract=here.contract, words=TRIGGER_WORDS,
        rows=reviews_of(here.session, here.contract), now=here.now,
        triggers=triggers_of(terms),
    )  # fmt: skip


@bp.get("/contracts/<ref>/executive-reviews/<int:number>")
@needs("contract:see")
def review_page(ref: str, number: int) -> ResponseReturnValue:
    """Show one review with its agenda."""
    return _page(visit(ref), number)


@bp.post("/contracts/<ref>/executive-reviews/<int:number>/outcome")
@needs("review:hold")
def hold_review(ref: str, number: int) -> ResponseReturnValue:
    """Write down what a review decided."""
    here = visit(ref, needs="review:hold")
    form = OutcomeForm()
    find_review(here.session, here.contract, number)
    if not form.validate_on_submit():
        return _page(here, number, form=form, status=422)
    actions.hold_review(
        here.session, here.contract, here.actor, number, outcome=form.outcome.data, at=here.now
    )
    flash(say("The outcome is written down. Both sides see it."), "good")
    return see_other(url_for("incidents.review_page", ref=ref, number=number))


def _page(
    here: Visit, number: int, *, form: OutcomeForm | None = None, status: int = 200
) -> ResponseReturnValue:
    row = find_review(here.session, here.contract, number)
    promises = promises_on(here.session, here.contract, row.called_at.date())
    return page(
        "incidents/review.html",
        status,
        contract=here.contract,
        review=row,
        trigger=TRIGGER_WORDS[row.trigger],
        agenda=agenda_of(here.session, here.contract, row),
        points=[p.strip() for p in (promises.terms.get("G5.agenda") or "").split(",") if p.strip()],
        why=kept(row.facts.get("said") or row.facts["sentence"]),
        attendees=contact_words(promises.terms.get("G5.attendees") or ()),
        zone=promises.calendar.zone,
        now=here.now,
        today=here.now.date().isoformat(),
        sides={side.value: name_of(here.contract, side) for side in Side},
        holder=names_of([row.held_by]).get(row.held_by, say("Somebody")) if row.held_by else "",
        form=form or OutcomeForm(formdata=None)
        if row.held_at is None and may(here.actor, "review:hold") else None,
    )  # fmt: skip
