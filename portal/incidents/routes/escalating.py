"""Asking for the next level, and confirming for one."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.incidents import actions
from portal.incidents.forms import LevelForm, ReasonForm
from portal.incidents.routes.doors import bp, visit
from portal.incidents.routes.incident import incident_page
from portal.kit.errors import Refused
from portal.kit.web import needs, see_other
from portal.kit.words import say


@bp.post("/contracts/<ref>/incidents/<int:number>/escalation")
@needs("incident:follow")
def escalation(ref: str, number: int) -> ResponseReturnValue:
    """Carry an incident to the next level."""
    here = visit(ref, needs="incident:follow")
    form = ReasonForm()
    if not form.validate_on_submit():
        return incident_page(here, number, reason_form=form, status=422)
    row = actions.escalate(
        here.session, here.contract, here.actor, number, reason=form.reason.data, at=here.now
    )
    flash(say("Level %(level)s is called on both sides.", level=row.level), "good")
    return see_other(url_for("incidents.show", ref=ref, number=number) + "#escalation")


@bp.post("/contracts/<ref>/incidents/<int:number>/escalation/confirmation")
@needs("incident:follow")
def confirm_level(ref: str, number: int) -> ResponseReturnValue:
    """Confirm for a level that was called."""
    here = visit(ref, needs="incident:follow")
    form = LevelForm()
    if not form.validate_on_submit():
        raise Refused(say("Name the level you confirm for."))
    actions.confirm_level(
        here.session, here.contract, here.actor, number, form.level.data, at=here.now
    )
    flash(say("Confirmed. The next level waits for its own time."), "good")
    return see_other(url_for("incidents.show", ref=ref, number=number) + "#escalation")
