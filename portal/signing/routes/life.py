"""How a signing stands, and what may be done with it besides signing."""

from flask import flash, request
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.models import Contract
from portal.contracts.queries import approved_by, approvers, name_of, side_of
from portal.contracts.rules.life import STATE_WORDS, Side, State
from portal.contracts.rules.order import is_reached
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.signing import actions, queries, rules
from portal.signing.forms import (
    AnswerForm,
    DeclinationForm,
    HandoverForm,
    ReasonForm,
    RecordsForm,
)
from portal.signing.routes.ceremony import VOID
from portal.signing.routes.desk import Desk, bp, opened


@bp.get("/contracts/<ref>/signing")
@needs("contract:see")
def overview(ref: str) -> ResponseReturnValue:
    """Show whom the signing waits for and since when, and everything that happened to it."""
    desk = opened(ref)
    version, contract, session = desk.version, desk.contract, desk.session
    signing = desk.state is State.SIGNING and version is not None
    side = side_of(contract, desk.actor)
    return page(
        "signing/overview.html",
        contract=contract,
        version=version,
        state_words=STATE_WORDS[desk.state],
        signing=signing,
        void=desk.state in VOID,
        now=desk.at,
        waited=rules.waited_words,
        awaited=queries.awaited(session, contract, version) if signing and version else [],
        ends=queries.offer_ends(contract, version) if version else None,
        signers=desk.signers(),
        next_ids=desk.next_ids(),
        approvers=[_approver(contract, row.person_id, row.name, row.side) for row in
                   approvers(contract)],
        sealing=queries.sealing_state(session, contract),
        voided=queries.voided_versions(session, contract),
        handovers=queries.handovers_of(session, contract),
        happened=queries.happened(contract),
        proposal=queries.open_reopening(contract),
        my_side=side,
        my_id=desk.actor.person_id,
        paper=queries.paper_requests(session, contract, side) if side else [],
        voidable=desk.state in actions.VOIDABLE,
        mine_open=_mine_open(desk),
        reassignable=_reassignable(desk),
        may=lambda action: may(desk.actor, action),
        form=RecordsForm(formdata=None),
    )  # fmt: skip


def _approver(contract: Contract, person_id: str, name: str, side: str) -> dict[str, object]:
    given = approved_by(contract)
    return {"name": name, "organisation": name_of(contract, Side(side)),
            "at": given.get(person_id)}  # fmt: skip


def _mine_open(desk: Desk) -> bool:
    slot = queries.slot_of(desk.contract, desk.actor.person_id)
    return desk.state is State.SIGNING and slot is not None and not desk.has_signed()


def _reassignable(desk: Desk) -> set[str]:
    """Return the slots of one's own side that were not reached yet."""
    if desk.state is not State.SIGNING or desk.version is None:
        return set()
    now = queries.open_now(desk.session, desk.contract, desk.version)
    mine = {slot.id for slot in desk.contract.slots
            if slot.side == side_of(desk.contract, desk.actor)}  # fmt: skip
    seats = queries.seats(desk.session, desk.contract, desk.version)
    return {seat.slot_id for seat in seats if seat.slot_id in mine and not is_reached(seat, now)}


@bp.post("/contracts/<ref>/reminders")
@needs("signing:remind")
def remind(ref: str) -> ResponseReturnValue:
    """Ask somebody again, at most once a day."""
    desk = opened(ref)
    invitation = request.form.get("invitation", "")
    actions.resend(desk.session, desk.actor, desk.contract, invitation, at=desk.at)
    flash(say("They were asked again. The mail is on its way."), "good")
    return see_other(desk.url("signing.overview"))


# Another person signs.


@bp.get("/contracts/<ref>/delegation")
@needs("signature:sign")
def delegation(ref: str) -> ResponseReturnValue:
    """Ask to whom a signer gives their place."""
    desk = opened(ref)
    if not _mine_open(desk):
        raise Refused(say("You have no place to sign that could be given away."))
    return _handover_page(desk, _handover_form(desk, sent=False))


@bp.post("/contracts/<ref>/delegation")
@needs("signature:sign")
def delegate(ref: str) -> ResponseReturnValue:
    """Give one's own place to a colleague."""
    desk = opened(ref)
    form = _handover_form(desk, sent=True)
    if not form.validate_on_submit():
        return _handover_page(desk, form, 422)
    actions.delegate(desk.session, desk.actor, desk.contract, _to(form), at=desk.at)
    flash(
        say("Your place is given away. Your colleague is invited, and both sides are told."), "good"
    )
    return see_other(desk.url("signing.overview"))


@bp.get("/contracts/<ref>/slots/<slot_id>/reassignment")
@needs("signing:reassign")
def reassignment(ref: str, slot_id: str) -> ResponseReturnValue:
    """Ask who signs in a place that was not reached yet."""
    desk = opened(ref)
    if slot_id not in _reassignable(desk):
        raise Refused(say("This place cannot be given to somebody else now."))
    return _handover_page(desk, _handover_form(desk, sent=False), slot_id=slot_id)


@bp.post("/contracts/<ref>/slots/<slot_id>/reassignment")
@needs("signing:reassign")
def reassign(ref: str, slot_id: str) -> ResponseReturnValue:
    """Give a place of one's own side to another colleague before it was reached."""
    desk = opened(ref)
    form = _handover_form(desk, sent=True)
    if not form.validate_on_submit():
        return _handover_page(desk, form, 422, slot_id=slot_id)
    actions.reassign(desk.session, desk.actor, desk.contract, slot_id, _to(form), at=desk.at)
    flash(say("Another person signs there now. Both sides are told."), "good")
    return see_other(desk.url("signing.overview"))


def _handover_form(desk: Desk, *, sent: bool) -> HandoverForm:
    form = HandoverForm() if sent else HandoverForm(formdata=None)
    side = side_of(desk.contract, desk.actor)
    taken = {slot.person_id for slot in desk.contract.slots}
    able = queries.candidates(desk.contract, side) if side else []
    form.offer([(one.person_id, one.name) for one in able
                if one.may_sign and one.person_id not in taken])  # fmt: skip
    return form


def _to(form: HandoverForm) -> actions.To:
    return actions.To(form.person.data, form.title.data, form.reason.data)


def _handover_page(
    desk: Desk, form: HandoverForm, status: int = 200, *, slot_id: str | None = None
) -> ResponseReturnValue:
    slot = next((one for one in desk.contract.slots if one.id == slot_id), None)
    action = (
        desk.url("signing.reassign", slot_id=slot_id) if slot_id else desk.url("signing.delegate")
    )
    return page(
        "signing/handover.html",
        status,
        contract=desk.contract,
        form=form,
        action=action,
        holder=slot.name if slot else None,
        able=len(form.person.choices) > 1,
    )


# Endings before completion.


@bp.get("/contracts/<ref>/declination")
@needs("agreement:approve")
def declination(ref: str) -> ResponseReturnValue:
    """Ask for the reason before a signer or an approver declines."""
    desk = opened(ref)
    _demand_declinable(desk)
    return _declination_page(desk, DeclinationForm(formdata=None))


@bp.post("/contracts/<ref>/declination")
@needs("agreement:approve")
def decline(ref: str) -> ResponseReturnValue:
    """Decline to sign; the contract ends, and both sides are told."""
    desk = opened(ref)
    _demand_declinable(desk)
    form = DeclinationForm()
    if not form.validate_on_submit():
        return _declination_page(desk, form, 422)
    actions.decline(desk.session, desk.actor, desk.contract, reason=form.reason.data, at=desk.at)
    flash(say("You declined to sign. Both sides are told."), "good")
    return see_other(desk.url("contracts.show"))


def _demand_declinable(desk: Desk) -> None:
    approves = desk.actor.person_id in {row.person_id for row in approvers(desk.contract)}
    if queries.slot_of(desk.contract, desk.actor.person_id) is None and not approves:
        raise Refused(say("You are not named as a signer of this contract."))
    if desk.has_signed() or desk.state is not State.SIGNING:
        raise Refused(
            say("There is nothing of yours to decline: look at where the contract stands.")
        )


def _declination_page(desk: Desk, form: DeclinationForm, status: int = 200) -> ResponseReturnValue:
    return page("signing/decline.html", status, contract=desk.contract, form=form)


@bp.get("/contracts/<ref>/voiding")
@needs("signing:void")
def voiding(ref: str) -> ResponseReturnValue:
    """Ask for the reason before a signing is called off."""
    desk = opened(ref)
    _demand_voidable(desk)
    return page("signing/void.html", contract=desk.contract, form=ReasonForm(formdata=None))


@bp.post("/contracts/<ref>/voiding")
@needs("signing:void")
def void(ref: str) -> ResponseReturnValue:
    """Call off the signing; the contract ends, and both sides are told."""
    desk = opened(ref)
    _demand_voidable(desk)
    form = ReasonForm()
    if not form.validate_on_submit():
        return page("signing/void.html", 422, contract=desk.contract, form=form)
    actions.void(desk.session, desk.actor, desk.contract, reason=form.reason.data, at=desk.at)
    flash(say("The signing is voided. Both sides are told."), "good")
    return see_other(desk.url("signing.overview"))


def _demand_voidable(desk: Desk) -> None:
    if desk.state not in actions.VOIDABLE:
        raise Refused(say("Only a signing that not everybody has finished can be voided."))


# Opening the terms again.


@bp.get("/contracts/<ref>/reopening")
@needs("signing:reopen")
def reopening(ref: str) -> ResponseReturnValue:
    """Ask for the reason before proposing to open the terms again."""
    desk = opened(ref)
    _demand_voidable(desk)
    return page("signing/reopen.html", contract=desk.contract, form=ReasonForm(formdata=None))


@bp.post("/contracts/<ref>/reopening")
@needs("signing:reopen")
def propose_reopening(ref: str) -> ResponseReturnValue:
    """Propose to the other side to open the terms again."""
    desk = opened(ref)
    _demand_voidable(desk)
    form = ReasonForm()
    if not form.validate_on_submit():
        return page("signing/reopen.html", 422, contract=desk.contract, form=form)
    actions.propose_reopening(
        desk.session, desk.actor, desk.contract, reason=form.reason.data, at=desk.at
    )
    flash(say("Proposed. Nothing changes unless the other side agrees."), "good")
    return see_other(desk.url("signing.overview"))


@bp.post("/contracts/<ref>/reopening/answer")
@needs("signing:reopen")
def answer_reopening(ref: str) -> ResponseReturnValue:
    """Agree to open the terms again, or refuse."""
    desk = opened(ref)
    form = AnswerForm()
    if not form.validate_on_submit():
        raise Refused(say("Press one of the two buttons: agree, or refuse."))
    actions.answer_reopening(
        desk.session, desk.actor, desk.contract, agree=form.agree.data, at=desk.at
    )
    agreed = form.agree.data == "yes"
    flash(say("The terms are open again.") if agreed else say("The terms stay frozen."), "good")
    return see_other(desk.url("signing.overview"))
