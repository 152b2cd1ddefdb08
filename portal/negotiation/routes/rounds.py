"""Rounds: reviewed, sent, opened, recalled, read; and the freeze at the end of them."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import ROLE_WORDS, Role
from portal.contracts.rules.life import Side
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.negotiation import actions, rules
from portal.negotiation.forms import FreezeForm, RestForm, SendForm
from portal.negotiation.routes.visit import Visit, board, bp, frame, visit_to


@bp.get("/contracts/<ref>/answers")
@needs("round:draft")
def rest(ref: str) -> ResponseReturnValue:
    """List every offer that has no answer, before all of them are accepted."""
    return _rest_page(visit_to(ref))


def _rest_page(
    visit: Visit, status: int = 200, late: rules.TooLate | None = None
) -> ResponseReturnValue:
    found = visit.negotiation()
    words = actions.acceptable(found) if found.my_turn else {}
    wanted = {need.term for need in board(visit, found).outstanding}
    return page(
        "negotiation/rest.html",
        status,
        **frame(visit, found),
        form=RestForm(formdata=None, seen_round=str(found.last_sent)),
        changes=rules.changes_of(found.schema, words, found.standings, names=found.names),
        approvals=wanted,
        late=late,
    )


@bp.post("/contracts/<ref>/answers")
@needs("round:draft")
def accept_rest(ref: str) -> ResponseReturnValue:
    """Accept every offer that has no answer yet."""
    visit = visit_to(ref)
    try:
        count = actions.accept_rest(*visit.args, at=visit.now, seen_round=number(RestForm()))
    except rules.Stale as error:
        visit.session.rollback()
        return _rest_page(visit, 409, late=error)
    flash(say("%(count)s more accepted in your draft. Nothing is sent yet.", count=count), "good")
    return see_other(url_for(".preview", ref=ref))


def number(form: RestForm) -> int | None:
    """Return the number of the round they saw, or None where the form does not say."""
    seen = form.seen_round.data or ""
    return int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 7 else None


@bp.get("/contracts/<ref>/rounds/draft")
@needs("round:draft")
def preview(ref: str) -> ResponseReturnValue:
    """Show exactly what the other side will see."""
    return _preview_page(visit_to(ref), SendForm(formdata=None))


def _preview_page(
    visit: Visit, form: SendForm, status: int = 200, late: rules.TooLate | None = None
) -> ResponseReturnValue:
    found = visit.negotiation()
    form.seen_draft.data = rules.words_sha256(found.words)
    if form.note.data is None and found.draft is not None:
        form.note.data = found.draft.note
    missing = board(visit, found).outstanding
    return page(
        "negotiation/preview.html",
        status,
        **frame(visit, found),
        form=form,
        late=late,
        summary=found.summary(),
        changes=rules.changes_of(found.schema, found.words, found.standings, names=found.names),
        packages=rules.packages_in(found.words),
        back=sorted(rules.returned_packages(found.standings, found.words, side=found.side)),
        findings=found.findings(with_draft=True),
        approvals=[(found.schema.terms[n.term].label, ROLE_WORDS[Role(n.role)]) for n in missing],
    )


@bp.post("/contracts/<ref>/rounds/draft/note")
@needs("round:draft")
def keep_note(ref: str) -> ResponseReturnValue:
    """Keep the note in the draft, and lead back to the preview."""
    visit, form = visit_to(ref), SendForm()
    if not form.validate():
        return _preview_page(visit, form, 422)
    actions.keep_note(*visit.args, form.note.data, at=visit.now)
    return see_other(url_for(".preview", ref=ref))


@bp.post("/contracts/<ref>/rounds")
@needs("round:send")
def send(ref: str) -> ResponseReturnValue:
    """Send the draft."""
    visit = visit_to(ref)
    form = SendForm()
    if not form.validate():
        return _preview_page(visit, form, 422)
    try:
        row = actions.send_round(
            *visit.args, seen_draft_sha256=form.seen_draft.data or "", note=form.note.data,
            at=visit.now,
        )  # fmt: skip
    except rules.TooLate as error:
        visit.session.rollback()
        return _preview_page(visit, form, 409, late=error)
    flash(
        say("Round %(number)s is sent. You will get a mail when they answer.", number=row.number),
        "good",
    )
    return see_other(url_for(".show_round", ref=ref, number=row.number))


@bp.post("/contracts/<ref>/rounds/opening")
@needs("round:open")
def open_round(ref: str) -> ResponseReturnValue:
    """Open the round that came."""
    visit = visit_to(ref)
    number = actions.open_round(*visit.args, at=visit.now)
    if number is None:
        raise Refused(say("There is no round to open. It was opened already, or recalled."))
    return see_other(url_for(".show_round", ref=ref, number=number))


@bp.post("/contracts/<ref>/rounds/recall")
@needs("round:send")
def recall(ref: str) -> ResponseReturnValue:
    """Recall the last round while nobody has opened it."""
    visit = visit_to(ref)
    number = actions.recall_round(*visit.args, at=visit.now)
    flash(
        say("Round %(number)s is recalled. Its answers are your draft again.", number=number),
        "good",
    )
    return see_other(url_for(".preview", ref=ref))


@bp.get("/contracts/<ref>/rounds")
@needs("contract:see")
def rounds(ref: str) -> ResponseReturnValue:
    """Show the rounds sent, newest first, with the course of the negotiation as a picture."""
    visit = visit_to(ref)
    found = visit.negotiation()
    contract = visit.contract
    told = rules.course(
        list(found.standings),
        found.rounds,
        started_by=Side(contract.started_by_side),
        started_at=contract.created_at,
        turn=found.turn,
        until=visit.now,
        ended=not found.workable,
    )
    left = {after.number: after for after in told.after}
    bars, band = rules.drawn(told)
    return page(
        "negotiation/rounds.html",
        **frame(visit, found),
        sent=[(sent, left[sent.number]) for sent in reversed(found.rounds)],
        course=told,
        bars=bars,
        band=band,
        with_each=[
            (say("With %(name)s", name=found.names[side]), rules.in_words(told.with_side(side)))
            for side in Side
        ],
        in_words=rules.in_words,
    )


@bp.get("/contracts/<ref>/rounds/<int:number>")
@needs("contract:see")
def show_round(ref: str, number: int) -> ResponseReturnValue:
    """Show one round as it was sent."""
    visit = visit_to(ref)
    found = visit.negotiation()
    if found.waiting is not None and number == found.waiting.number:
        return page("negotiation/waiting.html", **frame(visit, found))
    sent, before = found.sent(number), found.before(number)
    numbers = [r.number for r in found.rounds]
    at = numbers.index(number)
    return page(
        "negotiation/round.html",
        **frame(visit, found),
        sent=sent,
        place=at + 1,
        previous=numbers[at - 1] if at else None,
        next=numbers[at + 1] if at + 1 < len(numbers) else None,
        summary=rules.summary(sent.words, before),
        packages=rules.packages_in(sent.words),
        back=sorted(rules.returned_packages(before, sent.words, side=sent.side)),
        changes=rules.changes_of(found.schema, sent.words, before, names=found.names),
        seen=visit.seen_round(),
    )


@bp.post("/contracts/<ref>/look")
@needs("contract:see")
def look(ref: str) -> ResponseReturnValue:
    """Say that everything up to now is seen."""
    visit = visit_to(ref)
    seen = number(RestForm())
    actions.look(*visit.args, seen_round=-1 if seen is None else seen, at=visit.now)
    flash(say("Marked as seen. What comes later is shown as changed."), "good")
    return see_other(url_for(".show", ref=ref, show=request.args.get("show")))


@bp.get("/contracts/<ref>/freeze")
@needs("version:freeze")
def freeze(ref: str) -> ResponseReturnValue:
    """Show what a freeze needs, and the button."""
    return _freeze_page(visit_to(ref))


def _freeze_page(
    visit: Visit, status: int = 200, late: rules.TooLate | None = None
) -> ResponseReturnValue:
    found = visit.negotiation()
    conditions = actions.freeze_conditions(visit.session, found)
    return page(
        "negotiation/freeze.html",
        status,
        **frame(visit, found),
        form=FreezeForm(formdata=None, seen_agreed=rules.agreed_sha256(found.standings)),
        conditions=conditions,
        ready=rules.missing(conditions) is None,
        findings=found.findings(with_draft=False),
        late=late,
    )


@bp.post("/contracts/<ref>/freeze")
@needs("version:freeze")
def freeze_now(ref: str) -> ResponseReturnValue:
    """Freeze the agreed terms."""
    visit = visit_to(ref)
    try:
        version = actions.freeze(
            *visit.args, at=visit.now, seen_sha256=FreezeForm().seen_agreed.data or None
        )
    except rules.TooLate as error:
        visit.session.rollback()
        return _freeze_page(visit, 409, late=error)
    flash(say("The terms are frozen as version %(number)s.", number=version.number), "good")
    return see_other(url_for("contracts.show", ref=ref))
