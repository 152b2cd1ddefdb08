"""Pages of the negotiation room."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.rules import Actor, may
from portal.contracts.models import Contract
from portal.contracts.queries import current_version, find_contract
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.web import needs, page, see_other
from portal.negotiation import actions, rules
from portal.negotiation.forms import (
    AnswerForm,
    FreezeForm,
    RestForm,
    SendForm,
    Typed,
    read_value,
    typed_field,
    typed_value,
    value_field,
)
from portal.negotiation.queries import Negotiation, negotiation_of
from portal.residency.databases import regions
from portal.residency.rules import region_of
from portal.terms.rules import Term, show

bp = Blueprint("negotiation", __name__)


@dataclass(frozen=True)
class Visit:
    """A member at the table of one contract, now."""

    session: Session
    actor: Actor
    contract: Contract
    now: datetime

    def negotiation(self) -> Negotiation:
        """Return the negotiation as this member's side sees it."""
        return negotiation_of(self.session, self.contract, self.actor, at=self.now)

    @property
    def args(self) -> tuple[Session, Contract, Actor]:
        """The first arguments of every action."""
        return self.session, self.contract, self.actor


def _visit(ref: str) -> Visit:
    actor, now = current_actor(), clock.now()
    session = regions().session(region_of(ref))
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    return Visit(session, actor, contract, now)


def _frame(visit: Visit, found: Negotiation) -> dict[str, Any]:
    """Return what every page of the room shows: who, whose turn, how far."""
    left = rules.unanswered(found.standings, found.words, found.side)
    return {
        "contract": visit.contract,
        "found": found,
        "view": found.view,
        "left": left,
        "may_answer": found.my_turn and may(visit.actor, "round:draft"),
        "may_send": found.my_turn and may(visit.actor, "round:send"),
        "may_freeze": found.workable and may(visit.actor, "version:freeze"),
        "version": current_version(visit.contract),
        "text": show,
    }


@bp.get("/contracts/<ref>/terms", endpoint="show")
@needs("contract:see")
def show_terms(ref: str) -> ResponseReturnValue:
    """Show the issues list."""
    visit = _visit(ref)
    found = visit.negotiation()
    wanted = _wanted(found)
    groups = rules.grouped(found.schema, found.standings, found.words, found.view, show=wanted)
    return page(
        "negotiation/show.html",
        **_frame(visit, found),
        wanted=wanted,
        counts=rules.counts(found.standings.values(), found.words, found.view),
        words_for=rules.SHOW_WORDS,
        groups=groups,
        findings=found.findings(with_draft=True),
        rest=RestForm(seen_round=str(len(found.rounds))),
        acceptable=_acceptable(found),
    )


def _wanted(found: Negotiation) -> rules.Show:
    asked = request.args.get("show", "")
    if asked in set(rules.Show):
        return rules.Show(asked)
    if found.my_turn:
        return rules.Show.MINE
    return rules.Show.ALL if found.all_agreed or not found.workable else rules.Show.OPEN


def _acceptable(found: Negotiation) -> int:
    """Count the offers of the other side that still have no answer."""
    left = rules.unanswered(found.standings, found.words, found.side)
    return sum(
        (offer := found.standings[term].offer) is not None and offer.side is not found.side
        for term in left
    )


@bp.get("/contracts/<ref>/terms/<term>")
@needs("contract:see")
def edit(ref: str, term: str) -> ResponseReturnValue:
    """Show one term with the form that answers it, its clause and its history."""
    visit = _visit(ref)
    found = visit.negotiation()
    known = _term(found, term)
    word = found.words.get(known.id)
    offered = word.value if word and word.kind is rules.Kind.OFFER else None
    start = offered if word and word.kind is rules.Kind.OFFER else found.standings[known.id].value
    form = AnswerForm(
        formdata=None,
        kind=word.kind.value if word else None,
        seen_sha256=found.standings[known.id].sha256 or "",
        why=(word.reason if word and word.kind is rules.Kind.OFFER else None),
        reason=(word.reason if word and word.kind is rules.Kind.REJECT else None),
    )
    return page(
        "negotiation/edit.html",
        **_frame(visit, found),
        **_term_context(found, known, form, value_field(known, start)),
    )


def _term(found: Negotiation, term: str) -> Term:
    known = found.schema.terms.get(term)
    if known is None:
        raise NotFound
    return known


def _term_context(
    found: Negotiation, term: Term, form: AnswerForm, field: Any, problems: Any = ()
) -> dict[str, Any]:
    standing = found.standings[term.id]
    values = found.values(with_draft=True)
    year = clock.now().year
    return {
        "term": term,
        "standing": standing,
        "issue": rules.issue(term, standing, found.words.get(term.id), found.view),
        "able": rules.able(standing, found.side),
        "form": form,
        "field": field,
        "problems": list(problems),
        "failed": bool(problems),
        "moves": rules.history(term, standing, names=found.names),
        "clause": rules.clause(found.whole_schema, found.contract.standard_version, term, values),
        "worst": rules.worst(term, standing.value, values, year=year),
        "after": _next(found, term.id),
    }


def _next(found: Negotiation, term: str) -> Term | None:
    left = rules.unanswered(found.standings, found.words, found.side)
    order = list(found.schema.terms)
    later = [other for other in left if order.index(other) > order.index(term)]
    following = next((other for other in [*later, *left] if other != term), None)
    return found.schema.terms[following] if following else None


@bp.get("/contracts/<ref>/terms/<term>/answer")
@needs("contract:see")
def answered(ref: str, term: str) -> ResponseReturnValue:
    """Show what this side's draft says on one term, and which term comes next."""
    visit = _visit(ref)
    found = visit.negotiation()
    known = _term(found, term)
    issue = rules.issue(known, found.standings[known.id], found.words.get(known.id), found.view)
    return page(
        "negotiation/answered.html",
        **_frame(visit, found),
        term=known,
        issue=issue,
        after=_next(found, known.id),
    )


@bp.post("/contracts/<ref>/terms/<term>/answer")
@needs("round:draft")
def answer(ref: str, term: str) -> ResponseReturnValue:
    """Store one answer in the draft."""
    visit = _visit(ref)
    found = visit.negotiation()
    known = _term(found, term)
    form, typed = AnswerForm(), typed_value(known, request.form)
    value, problems = _read(found, known, form, typed)
    if problems:
        context = _term_context(found, known, form, typed_field(known, typed), problems)
        return page("negotiation/edit.html", 422, **_frame(visit, found), **context)
    try:
        actions.answer(
            *visit.args, known.id, kind=form.kind.data, value=value,
            seen_sha256=form.seen_sha256.data, reason=form.given_reason, at=visit.now,
        )  # fmt: skip
    except rules.TooLate as error:
        return _too_late(visit, error, known, form, typed)
    return see_other(url_for(".answered", ref=ref, term=known.id))


def _read(
    found: Negotiation, term: Term, form: AnswerForm, typed: Typed
) -> tuple[Any, list[tuple[str, str]]]:
    """Return the value and the (field, message) pairs of what a person must put right."""
    wrong = [(name, message) for name, texts in _shape_errors(form) for message in texts]
    standing = found.standings[term.id]
    fresh = found.my_turn and (form.seen_sha256.data or None) == standing.sha256
    # What came too late is for the action to refuse, with both values shown.
    if wrong or not fresh:
        return _quietly(term, form, typed), wrong
    kind, value = rules.Kind(form.kind.data), None
    if kind is rules.Kind.OFFER:
        value, texts = read_value(term, typed)
        texts = texts or rules.value_problems(term, value, complete=True)
        wrong = [("value", text) for text in texts]
    return value, wrong or _rule_errors(standing, found, kind, value, form)


def _shape_errors(form: AnswerForm) -> list[tuple[str, list[str]]]:
    form.validate()
    return [(name or "kind", list(texts)) for name, texts in form.errors.items()]


def _quietly(term: Term, form: AnswerForm, typed: Typed) -> Any:
    return read_value(term, typed)[0] if form.kind.data == rules.Kind.OFFER else None


def _rule_errors(
    standing: rules.Standing, found: Negotiation, kind: rules.Kind, value: Any, form: AnswerForm
) -> list[tuple[str, str]]:
    reason = form.given_reason
    word = rules.Word(kind, standing.sha256 or "", reason=reason)
    if kind is rules.Kind.OFFER:
        word = rules.offer(value, reason=reason)
    problem = rules.why_not(standing, word, side=found.side)
    if problem is None:
        return []
    field = {"reject": "reason", "accept": "kind"}.get(kind.value, "value")
    if kind is rules.Kind.OFFER and standing.status is rules.Status.AGREED and not reason:
        field = "why"
    return [(field, problem)]


def _too_late(
    visit: Visit, error: rules.TooLate, term: Term, form: AnswerForm, typed: Typed
) -> ResponseReturnValue:
    """Answer 409 with what they saw, what they wrote and what stands now."""
    visit.session.rollback()
    found = visit.negotiation()
    standing = found.standings[term.id]
    seen = standing.offered(form.seen_sha256.data or "")
    kept = form.given_reason
    form.seen_sha256.data = standing.sha256 or ""
    return page(
        "negotiation/late.html",
        409,
        **_frame(visit, found),
        **_term_context(found, term, form, typed_field(term, typed)),
        error=error,
        seen=show(term, seen.word.value) if seen else None,
        wrote=_wrote(term, form, typed),
        kept=kept,
        now=show(term, standing.value) if standing.offer else None,
    )


def _wrote(term: Term, form: AnswerForm, typed: Typed) -> str | None:
    if form.kind.data != rules.Kind.OFFER:
        return None
    return ", ".join(typed) if isinstance(typed, list) else typed


@bp.post("/contracts/<ref>/terms/<term>/answer/removal")
@needs("round:draft")
def clear(ref: str, term: str) -> ResponseReturnValue:
    """Take one answer out of the draft."""
    visit = _visit(ref)
    known = _term(visit.negotiation(), term)
    try:
        actions.clear_answer(*visit.args, known.id, at=visit.now)
    except rules.TooLate as error:
        return _too_late(visit, error, known, AnswerForm(formdata=None), "")
    return see_other(url_for(".answered", ref=ref, term=known.id))


@bp.post("/contracts/<ref>/answers")
@needs("round:draft")
def accept_rest(ref: str) -> ResponseReturnValue:
    """Accept every offer that has no answer yet."""
    visit = _visit(ref)
    seen = RestForm().seen_round.data or ""
    count = actions.accept_rest(
        *visit.args, at=visit.now, seen_round=int(seen) if seen.isdecimal() else None
    )
    flash(f"{count} more accepted in your draft. Nothing is sent yet.", "good")
    return see_other(url_for(".preview", ref=ref))


@bp.get("/contracts/<ref>/rounds/draft")
@needs("round:draft")
def preview(ref: str) -> ResponseReturnValue:
    """Show exactly what the other side will see."""
    visit = _visit(ref)
    return _preview_page(visit, SendForm(formdata=None))


def _preview_page(
    visit: Visit, form: SendForm, status: int = 200, late: rules.TooLate | None = None
) -> ResponseReturnValue:
    found = visit.negotiation()
    form.seen_draft.data = rules.words_sha256(found.words)
    return page(
        "negotiation/preview.html",
        status,
        **_frame(visit, found),
        form=form,
        late=late,
        summary=found.summary(),
        changes=rules.changes_of(found.schema, found.words, found.standings, names=found.names),
        findings=found.findings(with_draft=True),
    )


@bp.post("/contracts/<ref>/rounds")
@needs("round:send")
def send(ref: str) -> ResponseReturnValue:
    """Send the draft."""
    visit = _visit(ref)
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
    flash(f"Round {row.number} is sent. You will get a mail when they answer.", "good")
    return see_other(url_for(".show_round", ref=ref, number=row.number))


@bp.get("/contracts/<ref>/rounds")
@needs("contract:see")
def rounds(ref: str) -> ResponseReturnValue:
    """Show the rounds sent, newest first."""
    visit = _visit(ref)
    found = visit.negotiation()
    sent = [(r, rules.summary(r.words, found.before(r.number))) for r in reversed(found.rounds)]
    return page("negotiation/rounds.html", **_frame(visit, found), sent=sent)


@bp.get("/contracts/<ref>/rounds/<int:number>")
@needs("contract:see")
def show_round(ref: str, number: int) -> ResponseReturnValue:
    """Show one round as it was sent."""
    visit = _visit(ref)
    found = visit.negotiation()
    if not 1 <= number <= len(found.rounds):
        raise NotFound
    sent, before = found.rounds[number - 1], found.before(number)
    return page(
        "negotiation/round.html",
        **_frame(visit, found),
        sent=sent,
        summary=rules.summary(sent.words, before),
        changes=rules.changes_of(found.schema, sent.words, before, names=found.names),
    )


@bp.get("/contracts/<ref>/freeze")
@needs("version:freeze")
def freeze(ref: str) -> ResponseReturnValue:
    """Show what a freeze needs, and the button."""
    return _freeze_page(_visit(ref))


def _freeze_page(
    visit: Visit, status: int = 200, late: rules.TooLate | None = None
) -> ResponseReturnValue:
    found = visit.negotiation()
    conditions = actions.freeze_conditions(found)
    return page(
        "negotiation/freeze.html",
        status,
        **_frame(visit, found),
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
    visit = _visit(ref)
    try:
        version = actions.freeze(
            *visit.args, at=visit.now, seen_sha256=FreezeForm().seen_agreed.data or None
        )
    except rules.TooLate as error:
        visit.session.rollback()
        return _freeze_page(visit, 409, late=error)
    flash(f"The terms are frozen as version {version.number}.", "good")
    return see_other(url_for("contracts.show", ref=ref))
