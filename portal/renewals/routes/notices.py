"""Giving notice and telling a price: signed acts with a fresh code, and their receipts."""

from datetime import date
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from portal.accounts.rules import may
from portal.contracts.queries import name_of
from portal.kit.db import reading
from portal.kit.errors import NotFound, Refused
from portal.kit.forms import Form
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.profiles.actions import Proof, Typed, prove
from portal.profiles.rules import MEANING_WORDS, Meaning
from portal.renewals import actions
from portal.renewals.actions import Given
from portal.renewals.forms import NoticeForm, PriceForm, ReceiptForm
from portal.renewals.queries.outlook import deliveries_of, told_of
from portal.renewals.queries.term import find_notice
from portal.renewals.routes.desk import Desk, bp, opened
from portal.renewals.rules import money
from portal.renewals.rules.giving import Target
from portal.renewals.rules.notices import CHANNEL_WORDS, KIND_WORDS, Kind, channels
from portal.renewals.rules.working import in_words

INTENTS = {
    Kind.AGAINST: say(
        "I give notice for %(mine)s: the contract shall not renew and ends on %(ends)s."
    ),
    Kind.OPTION: say("I choose for %(mine)s that the contract renews on %(ends)s."),
    Kind.WAIVER: say("I waive for %(mine)s the conditions that were not met: the contract renews."),
    Kind.LEAVE: say("No reminder came in time, so %(mine)s leaves: the contract ends on %(ends)s."),
    Kind.CONVENIENCE: say(
        "I give notice for %(mine)s without a reason: the contract ends on %(ends)s."
    ),
}


# Notices.


@bp.get("/contracts/<ref>/renewal/notice")
@needs("notice:give")
def notice(ref: str) -> ResponseReturnValue:
    """Show what a notice given now would do, and the form to give it."""
    desk = opened(ref, "notice:give")
    kind = _kind(request.args.get("kind", Kind.AGAINST.value))
    target = actions.target_now(desk.session, desk.actor, desk.contract, kind, at=desk.at)
    if isinstance(target, str):
        return _too_late(desk, kind, target)
    if not current_user.person.has_factor:
        return see_other(url_for("accounts.factor", next=desk.url("renewals.notice")))
    form = desk.form(NoticeForm)(formdata=None, kind=kind.value, seen_ends=target.ends.isoformat())
    return _notice_page(desk, form, target)


@bp.post("/contracts/<ref>/renewal/notices")
@needs("notice:give")
def give_notice(ref: str) -> ResponseReturnValue:
    """Give the notice with a fresh code; both sides get a receipt."""
    desk = opened(ref, "notice:give")
    form = desk.form(NoticeForm)()
    kind = _kind(form.kind.data or "")
    target = actions.target_now(desk.session, desk.actor, desk.contract, kind, at=desk.at)
    if isinstance(target, str):
        return _too_late(desk, kind, target)
    if not form.validate_on_submit():
        return _notice_page(desk, form, target, 422)
    if form.seen_ends.data != target.ends.isoformat():
        return _moved(desk, form, target)
    given = Given(
        kind=kind, seen_ends=target.ends, title=form.title.data, text=form.text.data or "",
        channel=form.channel.data, sent_on=form.sent_on.data,
    )  # fmt: skip
    try:
        actions.check_notice(desk.session, desk.actor, desk.contract, given, at=desk.at)
    except Refused as refusal:
        form.channel.errors = [refusal.message]
        return _notice_page(desk, form, target, 422)
    signed = _signed(desk, form)
    if signed is None:
        return _notice_page(desk, form, target, 422)
    row = actions.give_notice(desk.session, desk.actor, desk.contract, given, **signed, at=desk.at)
    flash(say("Your notice is given. The receipt is below, and in your mail."), "good")
    return see_other(desk.url("renewals.show_notice", number=row.serial))


def _signed(desk: Desk, form: Form) -> dict[str, Any] | None:
    """Judge what was typed to sign; None with the reason beside the field where it is not right."""
    given = form.data
    typed = Typed(given["code"], given.get("password"))
    proof = prove(
        desk.session, desk.actor, desk.contract, typed, purpose="notice",
        address=request.remote_addr, at=desk.at,
    )  # fmt: skip
    if isinstance(proof, Proof):
        meaning = given.get("meaning", "")
        return {"step": proof.step, "factor": proof.factor, "meaning": meaning}
    reading.set(True)
    form[proof.field].errors = [proof.message]
    return None


def _kind(text: str) -> Kind:
    try:
        kind = Kind(text)
    except ValueError:
        raise NotFound from None
    if kind not in INTENTS:
        raise NotFound
    return kind


def _moved(desk: Desk, form: NoticeForm, target: Target) -> ResponseReturnValue:
    """The last day passed while the page was open: show what the notice would do now, and ask."""
    form.seen_ends.data = target.ends.isoformat()
    form.intent.data = False
    form.intent.errors = [
        say(
            "The dates moved while this page was open: the contract would now end on %(ends)s. "
            "Tick the box again if that is what you want.",
            ends=in_words(target.ends),
        )
    ]
    return _notice_page(desk, form, target, 422)


def _notice_page(
    desk: Desk, form: NoticeForm, target: Target, status: int = 200
) -> ResponseReturnValue:
    kind, found = _kind(form.kind.data), desk.outlook()
    accepted = channels(found.found.terms)
    form.channel.choices = [SelectChoice(one, CHANNEL_WORDS[one]) for one in accepted]
    form.channel.data = form.channel.data or accepted[0]
    form.intent.label.text = INTENTS[kind] % {
        "mine": desk.actor.organisation_name,
        "ends": in_words(target.ends),
    }
    form.seen_ends.data = form.seen_ends.data or target.ends.isoformat()
    return page(
        "renewals/notice.html",
        status,
        contract=desk.contract,
        form=form,
        it=found,
        heading=KIND_WORDS[kind],
        target=target,
        next_term=target.number > found.found.span.number,
        other=name_of(desk.contract, found.side.other),
        person=desk.actor,
        outside=any(one != "portal" for one in accepted),
    )


def _too_late(desk: Desk, kind: Kind, message: str) -> ResponseReturnValue:
    return page(
        "renewals/late.html",
        409,
        contract=desk.contract,
        heading=KIND_WORDS[kind],
        message=message,
        it=desk.outlook(),
    )


@bp.get("/contracts/<ref>/renewal/notices/<int:number>")
@needs("renewal:see")
def show_notice(ref: str, number: int) -> ResponseReturnValue:
    """Show a notice with the proof of its sending and receipt."""
    desk = opened(ref, "renewal:see")
    found = desk.outlook()
    row = find_notice(desk.session, desk.contract, number)
    told = told_of(desk.session, desk.contract, row, found.side)
    return page(
        "renewals/shown.html",
        contract=desk.contract,
        told=told,
        said=row.words["words"],
        meaning=_meaning(row.words["words"].get("meaning")),
        it=found,
        deliveries=deliveries_of(desk.session, row) if told.mine else [],
        due_on=date.fromisoformat(row.due_on),
        zone=found.found.zone,
        other=name_of(desk.contract, found.side.other),
        form=ReceiptForm(formdata=None),
        may_confirm=not told.mine and told.counts_on is None
        and may(desk.actor, "notice:confirm"),
    )  # fmt: skip


def _meaning(kept: str | None) -> str:
    return MEANING_WORDS[Meaning(kept)] if kept else ""


@bp.post("/contracts/<ref>/renewal/notices/<int:number>/receipt")
@needs("notice:confirm")
def confirm_receipt(ref: str, number: int) -> ResponseReturnValue:
    """Confirm that a notice sent outside the portal arrived."""
    desk = opened(ref, "notice:confirm")
    actions.confirm_receipt(
        desk.session, desk.actor, desk.contract, serial=number,
        at=desk.at,
    )  # fmt: skip
    flash(say("Confirmed. The other side sees the day it arrived."), "good")
    return see_other(desk.url("renewals.show_notice", number=number))


# The price of the next term.


@bp.get("/contracts/<ref>/renewal/price")
@needs("price:tell")
def price(ref: str) -> ResponseReturnValue:
    """Show what the contract allows, and the form to tell the price."""
    desk = opened(ref, "price:tell")
    return _price_page(desk, desk.form(PriceForm)(formdata=None))


@bp.post("/contracts/<ref>/renewal/price")
@needs("price:tell")
def give_price(ref: str) -> ResponseReturnValue:
    """Tell the customer the fee of the next term."""
    desk = opened(ref, "price:tell")
    form = desk.form(PriceForm)()
    if not form.validate_on_submit():
        return _price_page(desk, form, 422)
    told = {"amount": form.amount.data, "index_change": form.index_change.data, "at": desk.at}
    try:
        actions.check_price(desk.session, desk.actor, desk.contract, **told)
    except Refused as refusal:
        form.amount.errors = [refusal.message]
        return _price_page(desk, form, 422)
    signed = _signed(desk, form)
    if signed is None:
        return _price_page(desk, form, 422)
    row = actions.give_price(desk.session, desk.actor, desk.contract, **signed, **told)
    flash(say("The price is told. The receipt is below, and in your mail."), "good")
    return see_other(desk.url("renewals.show_notice", number=row.serial))


def _price_page(desk: Desk, form: PriceForm, status: int = 200) -> ResponseReturnValue:
    found = desk.outlook()
    if found.fee is None:
        raise Refused(say("This contract has no base fee, so there is no price to tell."))
    form.intent.label.text = say(
        "I tell %(other)s this fee for %(mine)s.",
        other=name_of(desk.contract, found.side.other),
        mine=desk.actor.organisation_name,
    )
    limit = money.largest_rise(found.price_rule)
    return page(
        "renewals/price.html",
        status,
        contract=desk.contract,
        form=form,
        it=found,
        rule=money.rule_in_words(found.price_rule),
        fee=money.in_words(found.fee.amount, found.fee.currency),
        most=money.in_words(money.most_fee(found.fee, limit), found.fee.currency)
        if limit is not None
        else None,
        other=name_of(desk.contract, found.side.other),
    )  # fmt: skip
