"""The issues list, and one term: read, answered, checked while it is typed."""

from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import ROLE_WORDS, Role
from portal.contracts.queries import organisation_of, template_of
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.errors import Refused
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import say
from portal.negotiation import actions, rules
from portal.negotiation.forms import (
    AnswerForm,
    NoteForm,
    RestForm,
    Typed,
    read_value,
    typed_field,
    typed_value,
    value_field,
)
from portal.negotiation.queries import Negotiation, comments_of, notes_of, playbook_of
from portal.negotiation.routes.suggesting import holiday_form, suggested_days
from portal.negotiation.routes.visit import (
    Visit,
    besides,
    board,
    bp,
    frame,
    personal,
    term_of,
    visit_to,
)
from portal.negotiation.rules import playbook as limits
from portal.terms.rules import Term, show


@bp.get("/contracts/<ref>/terms", endpoint="show")
@needs("contract:see")
def show_terms(ref: str) -> ResponseReturnValue:
    """Show the issues list."""
    visit = visit_to(ref)
    found = visit.negotiation()
    wanted, role = _wanted(found), _role(found)
    view = personal(visit, found, board(visit, found), role)
    groups = rules.grouped(
        found.schema, found.standings, found.words, view, show=wanted, beside=besides(visit, found)
    )
    return page(
        "negotiation/show.html",
        **(frame(visit, found) | {"view": view}),
        wanted=wanted,
        role=role,
        roles=[(name, ROLE_WORDS[Role(name)]) for name in rules.roles_in(found.schema, found.side)],
        counts=rules.counts(_concerned(found, role), found.words, view),
        words_for=rules.SHOW_WORDS,
        groups=groups,
        findings=found.findings(with_draft=True),
        rest=RestForm(seen_round=str(found.last_sent)),
        acceptable=len(actions.acceptable(found)) if found.my_turn else 0,
        packages=rules.packages_of(found.standings),
        mine=rules.packages_in(found.words),
        first=_next(found, ""),
    )


def _concerned(found: Negotiation, role: str | None) -> list[rules.Standing]:
    return [
        standing
        for term, standing in found.standings.items()
        if rules.concerns(found.schema.terms[term], role, found.side)
    ]


def _role(found: Negotiation) -> str | None:
    asked = request.args.get("role", "")
    return asked if asked in rules.roles_in(found.schema, found.side) else None


def _wanted(found: Negotiation) -> rules.Show:
    asked = request.args.get("show", "")
    if asked in set(rules.Show):
        return rules.Show(asked)
    if found.my_turn:
        return rules.Show.MINE
    return rules.Show.ALL if found.all_agreed or not found.workable else rules.Show.OPEN


@bp.get("/contracts/<ref>/terms.csv")
@needs("contract:see")
def terms_csv(ref: str) -> ResponseReturnValue:
    """Answer with the terms as a spreadsheet: both positions, and no draft."""
    visit = visit_to(ref)
    found = visit.negotiation()
    body = csv_bytes(rules.HEADER, rules.rows_of(found.schema, found.standings))
    return download(body, name=f"terms-{visit.contract.ref}.csv", mimetype="text/csv")


@bp.get("/contracts/<ref>/terms/<term>")
@needs("contract:see")
def edit(ref: str, term: str) -> ResponseReturnValue:
    """Show one term with the form that answers it, its clause and its history."""
    visit = visit_to(ref)
    found = visit.negotiation()
    known = term_of(found, term)
    word = found.words.get(known.id)
    offered = word is not None and word.kind is rules.Kind.OFFER
    start = word.value if word and offered else found.standings[known.id].value
    field = value_field(known, start)
    days = suggested_days(known, request.args)
    if days:
        field = typed_field(known, days)
    form = AnswerForm(
        formdata=None,
        kind=("offer" if days else word.kind.value if word else None),
        seen_sha256=found.standings[known.id].sha256 or "",
        why=(word.reason if word and word.kind is rules.Kind.OFFER else None),
        reason=(word.reason if word and word.kind is rules.Kind.REJECT else None),
        topic=(word.reason if word and word.kind is rules.Kind.DISCUSS else None),
    )
    context = _term_context(visit, found, known, form, field)
    context["holidays"] = holiday_form(known, request.args)
    return page("negotiation/edit.html", **(frame(visit, found) | context))


def _term_context(
    visit: Visit,
    found: Negotiation,
    term: Term,
    form: AnswerForm,
    field: Any,
    problems: Any = (),
) -> dict[str, Any]:
    standing = found.standings[term.id]
    values = found.values(with_draft=True)
    view = personal(visit, found, board(visit, found), None)
    word = found.words.get(term.id)
    return {
        "term": term,
        "view": view,
        "standing": standing,
        "issue": rules.issue(term, standing, word, view, beside=besides(visit, found)(term)),
        "able": rules.able(standing, found.side),
        "form": form,
        "field": field,
        "problems": list(problems),
        "failed": bool(problems),
        "moves": rules.history(term, standing, names=found.names),
        "clause": rules.clause(found.whole_schema, found.contract.standard_version, term, values),
        "worst": rules.worst(term, values[term.id], values, year=visit.now.year),
        "panel": panel_of(visit, found, term, word),
        "package": rules.packages_of(found.standings).get(standing.package or "", []),
        "comments": comments_of(visit.session, visit.contract, term.id),
        "notes": notes_of(visit.session, visit.contract, found.side, term.id),
        "note_form": NoteForm(formdata=None),
        "after": _next(found, term.id),
        "holidays": None,
    }


def panel_of(
    visit: Visit,
    found: Negotiation,
    term: Term,
    word: rules.Word | None,
    *,
    said: str | None = None,
) -> dict[str, Any]:
    """Return what a value does, as it is typed or as it was saved: whom it helps, how long it can
    last on the wall, what it takes to approve, and what it contradicts."""
    standing = found.standings[term.id]
    offered = word is not None and word.kind is rules.Kind.OFFER
    value = word.value if word and offered else standing.value
    values = {**found.values(with_draft=True), term.id: value}
    own = playbook_of(organisation_of(visit.contract, found.side), found.side).limits.get(term.id)
    need = limits.need_of(term, own, value, found.side) if own else None
    moved = offered and standing.offer is not None
    return {
        "said": said,
        "gain": rules.gains(term, standing.value, value, names=found.names) if moved else None,
        "worst": rules.worst(term, value, values, year=visit.now.year),
        "need": say("%(role)s (%(level)s)", role=ROLE_WORDS[Role(need.role)], level=need.level)
        if need
        else None,
        "findings": [
            finding
            for finding in found.findings(with_draft=True, over={term.id: value})
            if term.id in finding.terms
        ],
    }


def _next(found: Negotiation, term: str) -> Term | None:
    left = rules.unanswered(found.standings, found.words, found.side)
    order = list(found.schema.terms)
    at = order.index(term) if term in order else -1
    later = [other for other in left if order.index(other) > at]
    following = next((other for other in [*later, *left] if other != term), None)
    return found.schema.terms[following] if following else None


@bp.get("/contracts/<ref>/terms/<term>/answer")
@needs("contract:see")
def answered(ref: str, term: str) -> ResponseReturnValue:
    """Show what this side's draft says on one term, and which term comes next."""
    visit = visit_to(ref)
    found = visit.negotiation()
    known = term_of(found, term)
    word = found.words.get(known.id)
    issue = rules.issue(
        known,
        found.standings[known.id],
        word,
        personal(visit, found, board(visit, found), None),
        beside=besides(visit, found)(known),
    )
    return page(
        "negotiation/answered.html",
        **frame(visit, found),
        term=known,
        issue=issue,
        panel=panel_of(visit, found, known, word),
        after=_next(found, known.id),
    )


@bp.post("/contracts/<ref>/terms/<term>/answer")
@needs("round:draft")
def answer(ref: str, term: str) -> ResponseReturnValue:
    """Store one answer in the draft."""
    visit = visit_to(ref)
    found = visit.negotiation()
    known = term_of(found, term)
    form, typed = AnswerForm(), typed_value(known, request.form)
    value, problems = _read(found, known, form, typed)
    if problems:
        context = _term_context(visit, found, known, form, typed_field(known, typed), problems)
        return page("negotiation/edit.html", 422, **(frame(visit, found) | context))
    try:
        actions.answer(
            *visit.args, known.id, kind=form.kind.data, value=value,
            seen_sha256=form.seen_sha256.data, reason=form.given_reason, at=visit.now,
        )  # fmt: skip
    except rules.TooLate as error:
        return _too_late(visit, error, known, form, typed)
    following = _next(visit.negotiation(), known.id)
    if form.then.data == "next" and following is not None:
        flash(say("Saved in your draft: %(label)s.", label=known.label), "good")
        return see_other(url_for(".edit", ref=ref, term=following.id))
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
        texts = texts or actions.value_problems(
            found, template_of(found.contract), term, value, complete=True
        )
        wrong = [("value", text) for text in texts]
    return value, wrong or _rule_errors(standing, found, kind, value, form)


def _shape_errors(form: AnswerForm) -> list[tuple[str, list[str]]]:
    form.validate()
    return [(name or "kind", list(texts)) for name, texts in form.errors.items()]


def _quietly(term: Term, form: AnswerForm, typed: Typed) -> Any:
    return read_value(term, typed)[0] if form.kind.data == rules.Kind.OFFER else None


_FIELDS = {"reject": "reason", "discuss": "topic", "accept": "kind", "park": "kind"}


def _rule_errors(
    standing: rules.Standing, found: Negotiation, kind: rules.Kind, value: Any, form: AnswerForm
) -> list[tuple[str, str]]:
    reason = form.given_reason
    word = rules.Word(kind, standing.sha256 or "", reason=reason)
    if kind is rules.Kind.OFFER:
        drafted = found.words.get(standing.term)
        word = rules.offer(value, reason=reason, package=drafted.package if drafted else None)
    problem = rules.why_not(standing, word, side=found.side)
    if problem is None:
        return []
    field = _FIELDS.get(kind.value, "value")
    if kind is rules.Kind.OFFER and standing.status is rules.Status.AGREED and not reason:
        field = "why"
    return [(field, problem)]


def _too_late(
    visit: Visit, error: rules.TooLate, term: Term, form: AnswerForm, typed: Typed
) -> ResponseReturnValue:
    """Answer 409 with what they saw, what they wrote and what stands now."""
    visit.session.rollback()
    found = visit.negotiation()
    if term.id not in found.standings:
        raise Refused(error.message)
    standing = found.standings[term.id]
    seen = standing.offered(form.seen_sha256.data or "")
    kept = form.given_reason
    form.seen_sha256.data = standing.sha256 or ""
    context = _term_context(visit, found, term, form, typed_field(term, typed))
    return page(
        "negotiation/late.html",
        409,
        **(frame(visit, found) | context),
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


@bp.post("/contracts/<ref>/terms/<term>/draft")
@needs("round:draft")
def autosave(ref: str, term: str) -> ResponseReturnValue:
    """Keep what is typed, where it can stand, and show what it does; the fragment alone."""
    visit = visit_to(ref)
    found = visit.negotiation()
    known = term_of(found, term)
    form, typed = AnswerForm(), typed_value(known, request.form)
    value, problems = _read(found, known, form, typed)
    said = problems[0][1] if problems else None
    if not problems:
        try:
            actions.answer(
                *visit.args, known.id, kind=form.kind.data, value=value,
                seen_sha256=form.seen_sha256.data, reason=form.given_reason, at=visit.now,
            )  # fmt: skip
            said = say("Kept in your draft at %(time)s UTC.", time=f"{clock.now():%H:%M}")
        except Refused as error:
            visit.session.rollback()
            said = error.message
        found = visit.negotiation()
    panel = panel_of(visit, found, known, found.words.get(known.id), said=said)
    return page("negotiation/_panel.html", found=found, contract=visit.contract, panel=panel)


@bp.post("/contracts/<ref>/terms/<term>/answer/removal")
@needs("round:draft")
def clear(ref: str, term: str) -> ResponseReturnValue:
    """Take one answer out of the draft."""
    visit = visit_to(ref)
    known = term_of(visit.negotiation(), term)
    try:
        actions.clear_answer(*visit.args, known.id, at=visit.now)
    except rules.TooLate as error:
        return _too_late(visit, error, known, AnswerForm(formdata=None), "")
    if known.id not in visit.negotiation().schema.terms:
        flash(say("%(label)s is taken out of your draft.", label=known.label), "good")
        return see_other(url_for(".show", ref=ref))
    return see_other(url_for(".answered", ref=ref, term=known.id))
