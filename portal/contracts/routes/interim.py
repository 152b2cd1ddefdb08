"""Schedules changed by agreement in the portal: propose the change, read it, answer it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand, may
from portal.contracts import actions, queries
from portal.contracts.forms.life import InterimAnswerForm, InterimForm
from portal.contracts.forms.terms import TermAnswers, problems_of, read_terms, term_field
from portal.contracts.models import Contract, InterimChange
from portal.contracts.routes.doors import bp, opened, today
from portal.contracts.rules import amending
from portal.contracts.rules.effective import Layer, LayerKind, first_day
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.negotiation.rules import difference, gains
from portal.terms.rules import Term, Value, show


@bp.get("/contracts/<ref>/interim-changes/new")
@needs("interim_change:propose")
def new_interim_change(ref: str) -> ResponseReturnValue:
    """Show the chosen schedules as they hold, ready to be changed; without one, the choice."""
    actor, session, contract = opened(ref)
    demand(actor, "interim_change:propose")
    chosen = _chosen(session, contract, request.args.getlist("terms"))
    form = InterimForm(formdata=None, starts=today() + timedelta(days=1))
    return _form_page(session, contract, chosen, form, TermAnswers())


@bp.post("/contracts/<ref>/interim-changes")
@needs("interim_change:propose")
def propose_interim_change(ref: str) -> ResponseReturnValue:
    """Send the proposal to those of the other side whom the contract names."""
    actor, session, contract = opened(ref)
    demand(actor, "interim_change:propose")
    now, form = clock.now(), InterimForm()
    chosen = _chosen(session, contract, request.form.getlist("terms"))
    answers = read_terms(chosen, request.form, queries.template_of(contract))
    good = form.validate()
    if not chosen or not good or answers.errors:
        return _form_page(session, contract, chosen, form, answers, status=422)
    ends = form.last.data + timedelta(days=1) if form.last.data else None
    terms = queries.terms_in_force(session, contract, on=form.starts.data)
    # What was ticked and left as it is, is no part of the proposal.
    values = amending.moved(answers.values, terms) or answers.values
    wish = amending.Wish(values, form.starts.data, ends)
    if _has_problem(contract, terms, wish, form, answers):
        return _form_page(session, contract, chosen, form, answers, status=422)
    row = actions.propose_interim_change(
        session, contract, actor, wish, reason=form.reason.data or "", at=now
    )
    flash(say("Proposed. The other side gets a mail; nothing changes before they agree."), "good")
    return see_other(url_for("contracts.interim_change", ref=ref, number=row.number))


def _has_problem(
    contract: Contract,
    terms: Mapping[str, Value],
    wish: amending.Wish,
    form: InterimForm,
    answers: TermAnswers,
) -> bool:
    problem = amending.wish_problem(queries.schema_of(contract), terms, wish, today=today())
    if problem is None:
        return False
    field, words = problem
    if field in ("starts", "ends"):
        form["starts" if field == "starts" else "last"].errors = [words]
    else:
        answers.errors[field] = words
    return True


def _chosen(session: Session, contract: Contract, ids: Sequence[str]) -> list[Term]:
    """Return the terms asked for, in the order of the contract; refuse one it does not let go."""
    schema = queries.schema_of(contract)
    allowed = amending.interim_terms(queries.terms_in_force(session, contract, on=today()))
    for term in ids:
        if term not in schema.terms:
            raise NotFound
        if term not in allowed:
            raise Refused(
                say("This contract lets that term change by an amendment only (term Q2).")
            )
    return [term for term in schema.terms.values() if term.id in ids]


def _form_page(
    session: Session,
    contract: Contract,
    chosen: Sequence[Term],
    form: InterimForm,
    answers: TermAnswers,
    *,
    status: int = 200,
) -> ResponseReturnValue:
    terms = queries.terms_in_force(session, contract, on=today())
    known = queries.schema_of(contract).terms
    missing = (
        [("terms", say("Choose at least one schedule."))] if status == 422 and not chosen else []
    )
    return page(
        "contracts/new_interim_change.html",
        status,
        contract=contract,
        chosen=chosen,
        schedules=[known[term] for term in amending.interim_terms(terms)],
        form=form,
        fields=[term_field(term, terms.get(term.id), answers) for term in chosen],
        problems_found=missing or problems_of(known, answers),
        failed=status == 422,
    )


@bp.get("/contracts/<ref>/interim-changes/<int:number>")
@needs("contract:see")
def interim_change(ref: str, number: int) -> ResponseReturnValue:
    """Show a proposed or settled change against what it replaces, with the answer forms."""
    actor, session, contract = opened(ref)
    row = queries.find_interim_change(contract, number)
    return _change_page(session, contract, actor, row, InterimAnswerForm(formdata=None))


def _change_page(
    session: Session,
    contract: Contract,
    actor: Actor,
    row: InterimChange,
    form: InterimAnswerForm,
    *,
    status: int = 200,
) -> ResponseReturnValue:
    agreed_at = row.decided_at if row.decision == amending.Decision.AGREED else None
    starts = first_day(agreed_at or clock.now(), date.fromisoformat(row.starts))
    over_time = queries.terms_over_time(session, contract)
    layers = [one for one in over_time.layers if not _is_this(one, row)]
    before = queries.TermsOverTime(over_time.signed, layers).on(starts)
    names = {side: queries.name_of(contract, side) for side in Side}
    mine = queries.side_of(contract, actor) == row.side
    able = amending.may_agree(actor.roles, over_time.on(starts)) and row.decision is None
    form.seen_sha256.data = row.value_sha256
    return page(
        "contracts/interim_change.html",
        status,
        contract=contract,
        row=row,
        changes=_changes(contract, row, before),
        form=form,
        starts=starts,
        last=date.fromisoformat(row.ends) - timedelta(days=1) if row.ends else None,
        proposer=names[Side(row.side)],
        other=names[Side(row.side).other],
        may_answer=able and not mine and may(actor, "interim_change:decide"),
        may_withdraw=able and mine and may(actor, "interim_change:propose"),
    )


def _changes(
    contract: Contract, row: InterimChange, before: Mapping[str, Value]
) -> list[dict[str, Any]]:
    """Return each term it changes with its redline, and for whom the new value is better."""
    names = {side: queries.name_of(contract, side) for side in Side}
    known = queries.schema_of(contract).terms
    return [
        {
            "term": known[term],
            "segments": difference(show(known[term], before.get(term)), show(known[term], value)),
            "gain": gains(known[term], before.get(term), value, names=names),
        }
        for term, value in row.values.items()
    ]


def _is_this(layer: Layer, row: InterimChange) -> bool:
    return layer.kind is LayerKind.INTERIM and layer.source == str(row.number)


@bp.post("/contracts/<ref>/interim-changes/<int:number>/agreement")
@needs("interim_change:decide")
def agree_interim_change(ref: str, number: int) -> ResponseReturnValue:
    """Agree the change as it was seen."""
    actor, session, contract = opened(ref)
    actions.agree_interim_change(
        session, contract, actor, number, seen_sha256=InterimAnswerForm().seen_sha256.data or "",
        at=clock.now(),
    )  # fmt: skip
    flash(say("Agreed. The service runs on it from its first day."), "good")
    return see_other(url_for("contracts.interim_change", ref=ref, number=number))


@bp.post("/contracts/<ref>/interim-changes/<int:number>/declination")
@needs("interim_change:decide")
def decline_interim_change(ref: str, number: int) -> ResponseReturnValue:
    """Decline the change, with a reason."""
    actor, session, contract = opened(ref)
    row, form = queries.find_interim_change(contract, number), InterimAnswerForm()
    good = form.validate()
    if good and not form.reason.data:
        form.reason.errors = [say("Give a reason: the other side will read it.")]
        good = False
    if not good:
        demand(actor, "interim_change:decide")
        return _change_page(session, contract, actor, row, form, status=422)
    actions.decline_interim_change(
        session, contract, actor, number, reason=form.reason.data,
        at=clock.now(),
    )  # fmt: skip
    flash(say("Declined. The other side reads your reason."), "good")
    return see_other(url_for("contracts.interim_change", ref=ref, number=number))


@bp.post("/contracts/<ref>/interim-changes/<int:number>/withdrawal")
@needs("interim_change:propose")
def withdraw_interim_change(ref: str, number: int) -> ResponseReturnValue:
    """Take back one's own side's proposal."""
    actor, session, contract = opened(ref)
    actions.withdraw_interim_change(session, contract, actor, number, at=clock.now())
    flash(say("Taken back."), "good")
    return see_other(url_for("contracts.amendments", ref=ref))
