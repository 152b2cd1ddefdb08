"""The account of a cause and the actions that follow from it."""

from datetime import date
from typing import Any

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.queries import name_of
from portal.contracts.rules.life import Side
from portal.incidents import actions
from portal.incidents.forms import AccountForm, MeasureForm, ReviewForm, offered
from portal.incidents.queries import promises_for, tell
from portal.incidents.queries.beside import names_of
from portal.incidents.queries.root_causes import find_root_cause, open_measures, root_causes_of
from portal.incidents.routes.doors import Visit, bp, visit
from portal.incidents.rules.reading import event_words
from portal.incidents.rules.root_cause import (
    FIELDS,
    KIND_WORDS,
    METHOD_HINTS,
    Kind,
    missing,
    standing,
)
from portal.kit.errors import NotFound
from portal.kit.web import needs, page, see_other
from portal.kit.words import say


@bp.get("/contracts/<ref>/root-causes")
@needs("contract:see")
def root_causes(ref: str) -> ResponseReturnValue:
    """List the accounts that are asked for, and the actions that are not done."""
    here = visit(ref)
    rows = [
        (row, incident, _standing(here, row))
        for row, incident in root_causes_of(here.session, here.contract)
    ]
    return page(
        "incidents/root_causes.html", contract=here.contract, rows=rows,
        measures=open_measures(here.session, here.contract), side=here.side.value,
        today=here.now.date().isoformat(), may_follow=may(here.actor, "incident:follow"),
        names={side.value: name_of(here.contract, side) for side in Side},
    )  # fmt: skip


@bp.get("/contracts/<ref>/incidents/<int:number>/root-cause")
@needs("contract:see")
def root_cause(ref: str, number: int) -> ResponseReturnValue:
    """Show the account of one incident's cause."""
    return _page(visit(ref), number)


@bp.post("/contracts/<ref>/incidents/<int:number>/root-cause/accounts")
@needs("incident:answer")
def deliver(ref: str, number: int) -> ResponseReturnValue:
    """Deliver the first or the full account."""
    here = visit(ref, needs="incident:answer")
    form, row = AccountForm(), _row(here, number)
    form.kind.choices = _kinds()
    sound = form.validate_on_submit()
    kind = Kind.PRELIMINARY if form.kind.data == Kind.PRELIMINARY else Kind.FINAL
    terms = promises_for(here.session, here.contract, here.incident(number)).terms
    lacking = missing(terms, kind, form.content(), measures=len(row.measures))
    if not sound or lacking:
        form.lack(lacking)
        return _page(here, number, account=form, status=422)
    actions.deliver_account(
        here.session, here.contract, here.actor, number, kind=kind, content=form.content(),
        at=here.now,
    )  # fmt: skip
    flash(say("Delivered to the customer."), "good")
    return see_other(url_for("incidents.root_cause", ref=ref, number=number))


@bp.post("/contracts/<ref>/incidents/<int:number>/root-cause/review")
@needs("incident:follow")
def review(ref: str, number: int) -> ResponseReturnValue:
    """Accept the full account, or return it with what it lacks."""
    here = visit(ref, needs="incident:follow")
    form = ReviewForm()
    _row(here, number)
    if not form.validate_on_submit():
        return _page(here, number, reviewed=form, status=422)
    args = (here.session, here.contract, here.actor, number)
    if form.answer.data == "accept":
        actions.accept_account(*args, at=here.now)
        flash(say("Accepted. The actions are followed up until they are done."), "good")
    else:
        actions.return_account(*args, reason=form.reason.data, at=here.now)
        flash(say("Returned to the vendor."), "good")
    return see_other(url_for("incidents.root_cause", ref=ref, number=number))


@bp.post("/contracts/<ref>/incidents/<int:number>/root-cause/measures")
@needs("incident:answer")
def add_measure(ref: str, number: int) -> ResponseReturnValue:
    """Add an action with its owner and date."""
    here = visit(ref, needs="incident:answer")
    form = MeasureForm()
    _row(here, number)
    if not form.validate_on_submit():
        return _page(here, number, measure=form, status=422)
    actions.add_measure(
        here.session, here.contract, here.actor, number, words=form.words.data,
        owner=form.owner.data, side=Side(form.side.data), due=date.fromisoformat(form.due.data),
        at=here.now,
    )  # fmt: skip
    flash(say("The action is added."), "good")
    return see_other(url_for("incidents.root_cause", ref=ref, number=number))


@bp.post("/contracts/<ref>/measures/<measure_id>/completion")
@needs("incident:follow")
def finish_measure(ref: str, measure_id: str) -> ResponseReturnValue:
    """Say that an action is done."""
    here = visit(ref, needs="incident:follow")
    actions.finish_measure(here.session, here.contract, here.actor, measure_id, at=here.now)
    flash(say("Done. Both sides see it."), "good")
    return see_other(url_for("incidents.root_causes", ref=ref))


def _row(here: Visit, number: int) -> Any:
    row = find_root_cause(here.session, here.incident(number))
    if row is None:
        raise NotFound
    return row


def _standing(here: Visit, row: Any) -> Any:
    return standing(
        [one.kind for one in row.accounts], preliminary_due=row.preliminary_due_at,
        final_due=row.final_due_at, now=here.now,
    )  # fmt: skip


def _kinds() -> Any:
    return offered((kind.value, KIND_WORDS[kind]) for kind in (Kind.PRELIMINARY, Kind.FINAL))


def _page(
    here: Visit,
    number: int,
    *,
    account: AccountForm | None = None,
    reviewed: ReviewForm | None = None,
    measure: MeasureForm | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    row = _row(here, number)
    told = tell(here.session, here.contract, here.incident(number), now=here.now)
    terms, now = told.promises.terms, _standing(here, row)
    vendor = here.side is Side.VENDOR
    answers, follows = (may(here.actor, f"incident:{one}") for one in ("answer", "follow"))
    draft_open = vendor and now.vendors_turn and answers
    review_open = not vendor and now.customers_turn and follows
    draft = account or AccountForm(formdata=None, data=_beginning(told, row))
    draft.kind.choices = _kinds()
    people = {one.person_id for one in row.accounts} | {m.done_by for m in row.measures}
    return page(
        "incidents/root_cause.html",
        status,
        contract=here.contract,
        incident=told.incident,
        row=row,
        now=now,
        names=names_of({one for one in people if one}),
        sides={side.value: name_of(here.contract, side) for side in Side},
        kind_words=KIND_WORDS,
        fields=FIELDS,
        needed=terms.get("N3.content") or (),
        method=METHOD_HINTS.get(terms.get("N3.method") or "free", ""),
        zone=told.promises.calendar.zone,
        account=draft if draft_open else None,
        review=(reviewed or ReviewForm(formdata=None)) if review_open else None,
        measure=(measure or MeasureForm(formdata=None)) if vendor and answers else None,
        side=here.side.value,
        may_follow=follows,
        form=account or reviewed or measure,
        today=here.now.date().isoformat(),
    )  # fmt: skip


def _beginning(told: Any, row: Any) -> dict[str, str]:
    """What the account begins with: the last one, or the incident's own events."""
    delivered = [one for one in row.accounts if one.kind in (Kind.PRELIMINARY, Kind.FINAL)]
    kind = Kind.FINAL if row.preliminary_due_at is None or delivered else Kind.PRELIMINARY
    if delivered:
        return {**delivered[-1].content, "kind": kind.value}
    zone = told.promises.calendar.zone
    lines = [
        f"{event.at.astimezone(zone):%d %b %H:%M %Z}: {event_words(event)}"
        for event in told.history.events
    ]
    return {"timeline": "\n".join(lines), "kind": kind.value}
