"""People: the first step of the start, and a page of its own after it."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand, may
from portal.contracts import actions, queries
from portal.contracts.forms.people import PeopleForm
from portal.contracts.models import Contract
from portal.contracts.routes.doors import bp, opened, step_url, today
from portal.contracts.rules import people as people_rules
from portal.contracts.rules import waiting
from portal.contracts.rules.waiting import STEPS
from portal.kit import clock
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.templates.rules import slots_problem


@bp.get("/contracts/<ref>/start/people")
@needs("contract:start")
def start_people(ref: str) -> ResponseReturnValue:
    """Ask who takes part and who signs."""
    actor, _, contract = opened(ref)
    demand(actor, "contract:start")
    actions.demand_starting(contract, actor, at=clock.now())
    return _people_page(contract, actor, _people_form(contract, actor, sent=False), starting=True)


@bp.post("/contracts/<ref>/start/people")
@needs("contract:start")
def save_start_people(ref: str) -> ResponseReturnValue:
    """Save the people, then go to the service levels."""
    actor, session, contract = opened(ref)
    demand(actor, "contract:start")
    actions.demand_starting(contract, actor, at=clock.now())
    failed = _save_people(session, contract, actor, starting=True)
    if failed is not None:
        return failed
    actions.finish_step(session, contract, actor, step="people", at=clock.now())
    return see_other(step_url(contract, STEPS[1]))


@bp.get("/contracts/<ref>/people")
@needs("contract:see")
def people(ref: str) -> ResponseReturnValue:
    """Show both sides' people; those who may, change their own until a version is frozen."""
    actor, _, contract = opened(ref)
    form = None
    if _open_for_people(contract) and may(actor, "contract:edit_people"):
        form = _people_form(contract, actor, sent=False)
    return _people_page(contract, actor, form)


@bp.post("/contracts/<ref>/people")
@needs("contract:edit_people")
def save_people(ref: str) -> ResponseReturnValue:
    """Replace the people of one's own side."""
    actor, session, contract = opened(ref)
    failed = _save_people(session, contract, actor)
    if failed is not None:
        return failed
    flash(say("Your people and signers are saved."), "good")
    return see_other(url_for("contracts.show", ref=ref))


def _open_for_people(contract: Contract) -> bool:
    return queries.state(contract, today=today()) in waiting.OPEN


def _save_people(
    session: Session, contract: Contract, actor: Actor, *, starting: bool = False
) -> ResponseReturnValue | None:
    demand(actor, "contract:edit_people")
    form = _people_form(contract, actor, sent=True)
    if not form.validate_on_submit():
        return _people_page(contract, actor, form, status=422, starting=starting)
    members = {m.person_id: m for m in queries.members_of(actor.organisation_id)}
    functions, signers = form.functions(), form.signers()
    theirs = queries.signers_across(contract, actor)
    problem = people_rules.people_problem(
        members, functions=functions, signers=signers, theirs=theirs
    )
    side = queries.side_of(contract, actor) or ""
    problem = problem or slots_problem(queries.template_of(contract), side, len(signers))
    if problem and _open_for_people(contract):
        form.signer_1.errors = [*form.signer_1.errors, problem]
        return _people_page(contract, actor, form, status=422, starting=starting)
    actions.name_people(
        session, contract, actor, functions=functions, signers=signers,
        approving=form.approving(), at=clock.now(),
    )  # fmt: skip
    return None


def _people_form(contract: Contract, actor: Actor, *, sent: bool) -> PeopleForm:
    members = queries.members_of(actor.organisation_id)
    now = queries.people_to_edit(contract, actor, members)
    form = PeopleForm() if sent else PeopleForm(formdata=None, data=now)
    form.offer(
        [(m.person_id, m.name) for m in members],
        [(m.person_id, m.name) for m in members if m.may_sign],
    )
    return form


def _people_page(
    contract: Contract,
    actor: Actor,
    form: PeopleForm | None,
    *,
    status: int = 200,
    starting: bool = False,
) -> ResponseReturnValue:
    action = "save_start_people" if starting else "save_people"
    return page(
        "contracts/people.html",
        status,
        contract=contract,
        form=form,
        starting=starting,
        action=url_for(f"contracts.{action}", ref=contract.ref),
        signatories=form is not None and len(form.signer_1.choices) > 1,
        frozen=not _open_for_people(contract),
        sides=queries.people_of(contract),
    )
