"""Pages of retention: of an organisation, with what is due when; and of a contract."""

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts import gate
from portal.accounts import queries as people
from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.rules import Actor, may
from portal.admin import queries as administration
from portal.admin.actions import ask_for_years
from portal.admin.rules import Kind
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, side_of, state
from portal.contracts.rules.life import STATE_WORDS
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.residency.databases import regions
from portal.retention import actions, queries, rules
from portal.retention.forms import HoldForm, YearsForm

bp = Blueprint("retention", __name__)


def _opened(ref: str) -> tuple[Actor, Session, Contract]:
    actor = current_actor()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    return actor, session, contract


# An organisation's


@bp.get("/organisation/retention")
@needs("data:see")
def index() -> ResponseReturnValue:
    """Show how long records are kept, what is due when, and what was deleted."""
    actor = current_actor()
    years = people.organisation_by_id(actor.organisation_id).retention_years
    return _index(actor, YearsForm(formdata=None, years=years), 200)


def _index(actor: Actor, form: YearsForm, status: int) -> ResponseReturnValue:
    today = clock.now().date()
    sessions = [session for _, session in regions().each()]
    kept = [row for session in sessions for row in queries.kept_of(session, actor, today=today)]
    deletions = [row for session in sessions for row in queries.deleted_of(session, actor)]
    change = administration.open_change(actor, Kind.RETENTION)
    named = administration.names_of(change.asked_by, change.confirmed_by) if change else {}
    return page(
        "retention/index.html", status, actor=actor, form=form, today=today, kept=kept,
        organisation=people.organisation_by_id(actor.organisation_id), words=STATE_WORDS,
        deletions=[(row, rules.step_of(agreed=row.agreed_at, withdrawn=row.withdrawn_at,
                                       deleted=row.deleted_at)) for row in deletions],
        change=change, names=named, may_edit=may(actor, "policy:edit"),
        wanted=administration.years_of(change) if change else None,
    )  # fmt: skip


@bp.post("/organisation/retention")
@needs("policy:edit")
def set_years() -> ResponseReturnValue:
    """Ask for another number of years."""
    form, now = YearsForm(), clock.now()
    actor = gate.proven_actor(now)
    if not form.validate():
        return _index(actor, form, 422)
    try:
        row = ask_for_years(actor, form.years.data, at=now)
    except Refused as refusal:
        form.years.errors = [refusal.message]
        return _index(actor, form, 422)
    flash(administration.outcome_of(row), "good")
    return see_other(url_for("retention.index"))


# A contract's


@bp.get("/contracts/<ref>/retention")
@needs("contract:see")
def show(ref: str) -> ResponseReturnValue:
    """Show until when a contract is kept and why, its holds, and its deletion."""
    actor, session, contract = _opened(ref)
    return _show(actor, session, contract, HoldForm(formdata=None), 200)


def _show(
    actor: Actor, session: Session, contract: Contract, form: HoldForm, status: int
) -> ResponseReturnValue:
    today = clock.now().date()
    return page(
        "retention/show.html", status, contract=contract, actor=actor, form=form, today=today,
        retention=queries.retention_of(session, contract, today=today),
        holds=queries.holds_of(session, contract), side=side_of(contract, actor),
        deletion=queries.open_deletion(session, contract.id),
        closed=state(contract, today=today) in rules.CLOSED and contract.amends_id is None,
        may_hold=may(actor, "hold:set"), may_delete=may(actor, "retention:edit"),
    )  # fmt: skip


@bp.post("/contracts/<ref>/holds")
@needs("hold:set")
def hold(ref: str) -> ResponseReturnValue:
    """Put a legal hold on a contract."""
    actor, session, contract = _opened(ref)
    form = HoldForm()
    if not form.validate():
        return _show(actor, session, contract, form, 422)
    actions.set_hold(session, actor, contract, reason=form.reason.data, at=clock.now())
    flash(say("The hold stands. Both sides are told that it does, and not why."), "good")
    return see_other(url_for("retention.show", ref=ref))


@bp.post("/contracts/<ref>/holds/<hold_id>/lifting")
@needs("hold:set")
def ask_to_lift(ref: str, hold_id: str) -> ResponseReturnValue:
    """Ask that a hold be lifted."""
    actor, session, contract = _opened(ref)
    actions.ask_to_lift(session, actor, contract, hold_id, at=clock.now())
    flash(say("Asked. Another member of your organisation must confirm it."), "good")
    return see_other(url_for("retention.show", ref=ref))


@bp.post("/contracts/<ref>/holds/<hold_id>/lifting/confirmation")
@needs("hold:set")
def lift(ref: str, hold_id: str) -> ResponseReturnValue:
    """Confirm that a hold is lifted."""
    actor, session, contract = _opened(ref)
    now = clock.now()
    gate.demand_recent_code(now)
    actions.lift(session, actor, contract, hold_id, at=now)
    flash(say("The hold is lifted. Both sides are told."), "good")
    return see_other(url_for("retention.show", ref=ref))


@bp.post("/contracts/<ref>/deletion")
@needs("retention:edit")
def ask_to_delete(ref: str) -> ResponseReturnValue:
    """Ask the other side to let the content be deleted."""
    actor, session, contract = _opened(ref)
    now = clock.now()
    gate.demand_recent_code(now)
    actions.ask_to_delete(session, actor, contract, at=now)
    flash(say("Asked. Nothing is deleted before the other side agrees."), "good")
    return see_other(url_for("retention.show", ref=ref))


@bp.post("/contracts/<ref>/deletion/agreement")
@needs("retention:edit")
def agree_to_delete(ref: str) -> ResponseReturnValue:
    """Agree that the content is deleted."""
    actor, session, contract = _opened(ref)
    now = clock.now()
    gate.demand_recent_code(now)
    actions.agree_to_delete(session, actor, contract, at=now)
    flash(say("Agreed. The content is deleted within a minute; the log stays."), "good")
    return see_other(url_for("retention.index"))


@bp.post("/contracts/<ref>/deletion/withdrawal")
@needs("retention:edit")
def withdraw_deletion(ref: str) -> ResponseReturnValue:
    """Stop a deletion."""
    actor, session, contract = _opened(ref)
    actions.withdraw_deletion(session, actor, contract, at=clock.now())
    flash(say("Withdrawn. Everything is kept."), "good")
    return see_other(url_for("retention.show", ref=ref))
