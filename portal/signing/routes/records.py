"""Electronic records of the person who asks: withdraw consent, ask for paper; two clicks away."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.contracts.queries import find_contract
from portal.kit import clock
from portal.kit.web import needs, page, see_other
from portal.kit.words import long_day, say
from portal.residency.databases import regions
from portal.signing import actions, queries, rules
from portal.signing.forms import RecordsForm
from portal.signing.routes.desk import bp, opened


@bp.get("/consents")
@needs("contract:see")
def consents() -> ResponseReturnValue:
    """List where the person consented to electronic records, with the way out beside each."""
    actor = current_actor()
    rows = [
        row
        for _, session in regions().each()
        for row in queries.contracts_of_signer(session, actor)
    ]
    return page(
        "signing/consents.html", rows=rows, covers=rules.COVERS, form=RecordsForm(formdata=None)
    )


@bp.post("/consent/withdraw")
@needs("contract:see")
def withdraw_consent() -> ResponseReturnValue:
    """Withdraw one's own consent for a contract; both sides are told."""
    actor, ref = current_actor(), request.form.get("ref", "")
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    actions.withdraw_consent(session, actor, contract, at=clock.now())
    flash(say("Your consent is withdrawn. Both sides are told."), "good")
    return see_other(url_for("signing.consents"))


@bp.post("/contracts/<ref>/paper")
@needs("contract:see")
def ask_for_paper(ref: str) -> ResponseReturnValue:
    """Ask one's own side for a paper copy."""
    desk = opened(ref)
    row = actions.ask_for_paper(desk.session, desk.actor, desk.contract, at=desk.at)
    told = say(
        "Your side is asked to send you a paper copy by %(day)s. No fee.",
        day=long_day(row.due_at),
    )
    flash(told, "good")
    return see_other(url_for("signing.consents"))


@bp.post("/contracts/<ref>/paper/<request_id>/sent")
@needs("paper:send")
def send_paper(ref: str, request_id: str) -> ResponseReturnValue:
    """Note that a paper copy was sent."""
    desk = opened(ref)
    actions.send_paper(desk.session, desk.actor, desk.contract, request_id, at=desk.at)
    flash(say("Noted: the paper copy is on its way."), "good")
    return see_other(desk.url("signing.overview"))
