"""Planned changes: the list, a plan with its verdict, and what is done with it."""

from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.changes import actions, queries
from portal.changes.actions import works
from portal.changes.forms import (
    FinishForm,
    PlanForm,
    PostponeForm,
    ReasonForm,
    StartForm,
    plan_data,
    to_utc,
)
from portal.changes.routes.doors import Visit, bp, modules_of, tests_of, visit
from portal.changes.rules import asked as contract_asks
from portal.changes.rules import plan as plans
from portal.changes.rules import verdict as judge
from portal.changes.rules.plan import Change, Stage
from portal.contracts.rules.life import Side
from portal.kit.errors import NotFound
from portal.kit.web import needs, page, see_other
from portal.kit.words import say

SHOW = {"coming": say("Coming"), "over": say("Over"), "draft": say("Drafts"), "all": say("All")}


@bp.get("/contracts/<ref>/changes")
@needs("contract:see")
def index(ref: str) -> ResponseReturnValue:
    """List the changes, what is coming first."""
    seen = visit(ref)
    found = queries.visible_changes(seen.session, seen.contract, seen.actor)
    wanted = request.args.get("show", "coming")
    wanted = wanted if wanted in SHOW else "coming"
    counts = {key: sum(_belongs(change, key) for change in found) for key in SHOW}
    rows = [change for change in found if _belongs(change, wanted)]
    return page(
        "changes/index.html", **seen.frame(), **_words(), wanted=wanted, shows=SHOW, counts=counts,
        rows=rows if wanted == "coming" else rows[::-1],
        may_plan=_may_plan(seen),
    )  # fmt: skip


def _belongs(change: Change, wanted: str) -> bool:
    groups = {
        "coming": change.stage in (Stage.ANNOUNCED, Stage.STARTED),
        "over": change.stage in plans.OVER,
        "draft": change.stage is Stage.DRAFT,
    }
    return groups.get(wanted, True)


def _words() -> dict[str, Any]:
    return {
        "kind_words": plans.KIND_WORDS,
        "sort_words": plans.SORT_WORDS,
        "sort_in_text": plans.SORT_IN_TEXT,
        "event_words": plans.EVENT_WORDS,
        "effect_words": plans.EFFECT_WORDS,
        "stage_words": plans.STAGE_WORDS,
        "stage_kinds": plans.STAGE_KINDS,
        "note_words": plans.NOTE_WORDS,
        "test_words": plans.TEST_WORDS,
        "outcome_words": judge.OUTCOME_WORDS,
        "outcome_kinds": judge.OUTCOME_KINDS,
    }


def _may_plan(seen: Visit) -> bool:
    return seen.side is Side.VENDOR and may(seen.actor, "change:plan")


@bp.get("/contracts/<ref>/changes/new")
@needs("change:plan")
def new(ref: str) -> ResponseReturnValue:
    """Ask for a plan; the verdict shows beside it while one types."""
    seen = visit(ref, "change:plan")
    return _plan_page(seen, _form(seen, PlanForm(formdata=None)), checks=[])


@bp.post("/contracts/<ref>/changes/verdict")
@needs("change:plan")
def verdict(ref: str) -> ResponseReturnValue:
    """Show the verdict on what is typed so far: the fragment of the planning page.

    Nothing is kept. It is a POST so that no word of a plan stands in an address or a server's log.
    """
    seen = visit(ref, "change:plan")
    form = _form(seen, PlanForm())
    return page("changes/_verdict.html", **_words(), checks=_checks_on(seen, form), typed=True)


def _checks_on(seen: Visit, form: PlanForm, change: Change | None = None) -> list[judge.Check]:
    if not form.validate() or form.end.data <= form.begin.data:
        return []
    plan = form.plan(seen.zone)
    proposed = Change(change.ref if change else "", plan, ())
    return works.checks_of(seen.session, seen.contract, proposed, seen.terms, at=seen.now)


@bp.post("/contracts/<ref>/changes")
@needs("change:plan")
def plan(ref: str) -> ResponseReturnValue:
    """Keep a plan as a private draft and show its verdict."""
    seen = visit(ref, "change:plan")
    form = _form(seen, PlanForm())
    if not _valid(form):
        return _plan_page(seen, form, checks=[], status=422)
    row = actions.plan_change(*seen.args, form.plan(seen.zone), at=seen.now)
    return see_other(url_for(".show", ref=ref, change=row.ref))


def _valid(form: PlanForm) -> bool:
    if not form.validate_on_submit():
        return False
    if form.end.data <= form.begin.data:
        form.end.errors = [say("The work ends after it begins.")]
        return False
    return True


def _form(seen: Visit, form: PlanForm) -> PlanForm:
    form.offer(modules_of(seen.terms), tests_of(seen.terms), str(seen.zone))
    return form


def _plan_page(
    seen: Visit, form: PlanForm, *, checks: list[judge.Check], status: int = 200,
    change: Change | None = None,
) -> ResponseReturnValue:  # fmt: skip
    return page(
        "changes/new.html", status, **seen.frame(), **_words(), form=form, checks=checks,
        change=change, typed=False,
    )  # fmt: skip


@bp.get("/contracts/<ref>/changes/<change>/edit")
@needs("change:plan")
def edit(ref: str, change: str) -> ResponseReturnValue:
    """Show a draft's plan to be changed."""
    seen = visit(ref, "change:plan")
    found = queries.as_change(queries.find_change(*seen.args, change))
    if found.stage is not Stage.DRAFT:
        raise NotFound
    form = _form(seen, PlanForm(formdata=None, data=plan_data(found.plan, seen.zone)))
    checks = works.checks_of(seen.session, seen.contract, found, seen.terms, at=seen.now)
    return _plan_page(seen, form, checks=checks, change=found)


@bp.post("/contracts/<ref>/changes/<change>/plan")
@needs("change:plan")
def replan(ref: str, change: str) -> ResponseReturnValue:
    """Rewrite a draft."""
    seen = visit(ref, "change:plan")
    row = queries.find_change(*seen.args, change)
    form = _form(seen, PlanForm())
    if not _valid(form):
        return _plan_page(seen, form, checks=[], status=422, change=queries.as_change(row))
    actions.replan(*seen.args, row, form.plan(seen.zone), at=seen.now)
    return see_other(url_for(".show", ref=ref, change=change))


@bp.get("/contracts/<ref>/changes/<change>")
@needs("contract:see")
def show(ref: str, change: str) -> ResponseReturnValue:
    """Show a change: its plan, its verdict, what happened, and what is to do next."""
    seen = visit(ref)
    return _show_page(seen, change)


def _show_page(
    seen: Visit, ref: str, *, status: int = 200, forms: dict[str, Any] | None = None
) -> ResponseReturnValue:
    row = queries.find_change(*seen.args, ref)
    found = queries.as_change(row)
    checks = works.checks_of(seen.session, seen.contract, found, seen.terms, at=seen.now)
    wall = seen.now.astimezone(seen.zone).replace(tzinfo=None, second=0, microsecond=0)
    return page(
        "changes/show.html", status, **seen.frame(), **_words(), change=found, plan=found.plan,
        checks=checks, worst=judge.worst(checks), notes=_notes(row), typed=False,
        forms={
            "reason": ReasonForm(formdata=None),
            "postpone": PostponeForm(formdata=None),
            "start": StartForm(formdata=None, data={"happened": wall}),
            "finish": FinishForm(formdata=None, data={"happened": wall}),
            **(forms or {}),
        },
        doors=_doors(seen, found, checks),
    )  # fmt: skip


def _notes(row: Any) -> list[tuple[Any, str]]:
    return [(event, event.note or "") for event in row.events]


def _doors(seen: Visit, change: Change, checks: list[judge.Check]) -> dict[str, bool]:
    """Say which acts stand open to the member who looks."""
    vendor, plans_it = seen.side is Side.VENDOR, _may_plan(seen)
    agrees = may(seen.actor, "change:approve")
    announced, draft = change.stage is Stage.ANNOUNCED, change.stage is Stage.DRAFT
    stopped = any(check.outcome is judge.Outcome.STOPS for check in checks)
    exception = contract_asks.exception_allowed(change.plan, seen.terms, frozenset(Side))
    frozen = bool(contract_asks.spans_of(seen.terms, "E7", change.plan.begin, change.plan.end))
    ahead = change.plan.begin > seen.now
    return {
        "edit": plans_it and draft,
        "announce": plans_it and draft and not stopped,
        "approve": agrees and announced and seen.side not in change.approved_by
        and seen.side in contract_asks.approvals_needed(change.plan, seen.terms),
        "except": agrees and announced and frozen and exception and ahead
        and seen.side not in change.excepted_by,
        "postpone": agrees and announced and not vendor
        and works.postponement_problem(change, seen.terms, at=seen.now) is None,
        "start": plans_it and announced,
        "finish": plans_it and change.stage is Stage.STARTED,
        "withdraw": plans_it and (announced or draft),
    }  # fmt: skip


@bp.post("/contracts/<ref>/changes/<change>/announcement")
@needs("change:plan")
def announce(ref: str, change: str) -> ResponseReturnValue:
    """Announce a plan to the customer."""
    seen = visit(ref, "change:plan")
    actions.announce(*seen.args, queries.find_change(*seen.args, change), at=seen.now)
    flash(say("The change is announced. The customer is told, and the plan stands."), "good")
    return see_other(url_for(".show", ref=ref, change=change))


@bp.post("/contracts/<ref>/changes/<change>/approval")
@needs("change:approve")
def approve(ref: str, change: str) -> ResponseReturnValue:
    """Approve an announced plan for one's side."""
    seen = visit(ref, "change:approve")
    actions.approve(*seen.args, queries.find_change(*seen.args, change), at=seen.now)
    flash(say("Approved. The other side is told."), "good")
    return see_other(url_for(".show", ref=ref, change=change))


@bp.post("/contracts/<ref>/changes/<change>/exception")
@needs("change:approve")
def allow(ref: str, change: str) -> ResponseReturnValue:
    """Allow an announced plan in a freeze, for one's side."""
    seen = visit(ref, "change:approve")
    form = ReasonForm()
    if not form.validate_on_submit():
        return _show_page(seen, change, status=422, forms={"reason": form})
    row = queries.find_change(*seen.args, change)
    actions.allow_in_freeze(*seen.args, row, reason=form.reason.data or "", at=seen.now)
    flash(say("Your side allows this work in the freeze."), "good")
    return see_other(url_for(".show", ref=ref, change=change))


@bp.post("/contracts/<ref>/changes/<change>/postponement")
@needs("change:approve")
def postpone(ref: str, change: str) -> ResponseReturnValue:
    """Move an announced change to a later time."""
    seen = visit(ref, "change:approve")
    form = PostponeForm()
    begin = to_utc(form.begin.data, seen.zone)
    if not form.validate_on_submit() or begin is None:
        return _show_page(seen, change, status=422, forms={"postpone": form})
    row = queries.find_change(*seen.args, change)
    actions.postpone(*seen.args, row, begin=begin, reason=form.reason.data or "", at=seen.now)
    flash(say("Postponed. The vendor is told, and approvals are asked anew."), "good")
    return see_other(url_for(".show", ref=ref, change=change))


@bp.post("/contracts/<ref>/changes/<change>/start")
@needs("change:plan")
def start(ref: str, change: str) -> ResponseReturnValue:
    """Record that the work began."""
    seen = visit(ref, "change:plan")
    form = StartForm()
    begun = to_utc(form.happened.data, seen.zone)
    if not form.validate_on_submit() or begun is None:
        return _show_page(seen, change, status=422, forms={"start": form})
    row = queries.find_change(*seen.args, change)
    actions.start(*seen.args, row, begun=begun, at=seen.now)
    flash(say("Recorded: the work is under way."), "good")
    return see_other(url_for(".show", ref=ref, change=change))


@bp.post("/contracts/<ref>/changes/<change>/completion")
@needs("change:plan")
def finish(ref: str, change: str) -> ResponseReturnValue:
    """Record how the work ended: completed or rolled back, and any overrun."""
    seen = visit(ref, "change:plan")
    form = FinishForm()
    over = to_utc(form.happened.data, seen.zone)
    if not form.validate_on_submit() or over is None:
        return _show_page(seen, change, status=422, forms={"finish": form})
    row = queries.find_change(*seen.args, change)
    actions.finish(
        *seen.args, row, outcome=Stage(form.outcome.data), over=over, note=form.note.data or "",
        at=seen.now,
    )  # fmt: skip
    flash(say("Recorded. The customer is told that the work is over."), "good")
    return see_other(url_for(".show", ref=ref, change=change))


@bp.post("/contracts/<ref>/changes/<change>/withdrawal")
@needs("change:plan")
def withdraw(ref: str, change: str) -> ResponseReturnValue:
    """Take a change back that has not begun."""
    seen = visit(ref, "change:plan")
    form = ReasonForm()
    if not form.validate_on_submit():
        return _show_page(seen, change, status=422, forms={"reason": form})
    row = queries.find_change(*seen.args, change)
    actions.withdraw_change(*seen.args, row, reason=form.reason.data or "", at=seen.now)
    flash(say("The change is withdrawn."), "good")
    return see_other(url_for(".show", ref=ref, change=change))
