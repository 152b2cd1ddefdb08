"""Outages: recorded by either side, confirmed or disputed by the other."""

from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.changes import actions, queries
from portal.changes.forms import (
    CauseAnswerForm,
    CauseForm,
    DisputeForm,
    EndForm,
    OutageForm,
    ReasonForm,
    to_utc,
)
from portal.changes.models import OutageRow
from portal.changes.routes.doors import Visit, bp, modules_of, visit
from portal.changes.rules import outages as rules
from portal.changes.rules.outages import CauseStanding, Outage, Standing
from portal.changes.rules.plan import Effect
from portal.contracts.rules.life import Side
from portal.kit.web import needs, page, see_other
from portal.kit.words import say

SHOW = {"open": say("To settle"), "all": say("All")}


@bp.get("/contracts/<ref>/outages")
@needs("contract:see")
def outages(ref: str) -> ResponseReturnValue:
    """List the outages, newest first."""
    seen = visit(ref)
    found = queries.outages_of(seen.session, seen.contract)
    asked = request.args.get("show", "")
    shown = asked if asked in SHOW else "all"
    counts = {"open": sum(_unsettled(one) for one in found), "all": len(found)}
    rows = [one for one in found if shown == "all" or _unsettled(one)]
    return page(
        "changes/outages.html", **seen.frame(), **_words(), rows=rows, shown=shown, shows=SHOW,
        counts=counts, may_report=may(seen.actor, "outage:report"),
        may_monitor=may(seen.actor, "monitor:edit"),
    )  # fmt: skip


def _unsettled(outage: Outage) -> bool:
    waiting = outage.standing in (Standing.REPORTED, Standing.DISPUTED)
    return waiting or outage.cause_standing is CauseStanding.CLAIMED


def _words() -> dict[str, Any]:
    return {
        "standing_words": rules.STANDING_WORDS,
        "standing_kinds": rules.STANDING_KINDS,
        "cause_words": rules.CAUSE_WORDS,
    }


@bp.get("/contracts/<ref>/outages/new")
@needs("outage:report")
def new_outage(ref: str) -> ResponseReturnValue:
    """Ask what was seen and when."""
    seen = visit(ref, "outage:report")
    return _new_page(seen, OutageForm(formdata=None))


def _new_page(seen: Visit, form: OutageForm, status: int = 200) -> ResponseReturnValue:
    form.offer(modules_of(seen.terms), str(seen.zone))
    return page("changes/new_outage.html", status, **seen.frame(), form=form)


@bp.post("/contracts/<ref>/outages")
@needs("outage:report")
def report(ref: str) -> ResponseReturnValue:
    """Record an outage."""
    seen = visit(ref, "outage:report")
    form = OutageForm()
    form.offer(modules_of(seen.terms), str(seen.zone))
    if not form.validate_on_submit():
        return _new_page(seen, form, 422)
    begin, end = to_utc(form.begin.data, seen.zone), to_utc(form.end.data, seen.zone)
    for field, moment in ((form.begin, begin), (form.end, end)):
        if moment is not None and moment > seen.now:
            field.errors = [say("This lies in the future. Record what has happened.")]
    if end is not None and begin is not None and end <= begin:
        form.end.errors = [say("An outage ends after it began.")]
    if begin is None or form.errors:
        return _new_page(seen, form, 422)
    row = actions.report_outage(
        *seen.args, effect=Effect(form.effect.data), modules=form.modules.data or (), begin=begin,
        end=end, seen=form.seen.data, at=seen.now,
    )  # fmt: skip
    flash(say("Recorded. The other side is asked to confirm it."), "good")
    return see_other(url_for(".outage", ref=ref, outage=row.ref))


@bp.get("/contracts/<ref>/outages/<outage>")
@needs("contract:see")
def outage(ref: str, outage: str) -> ResponseReturnValue:
    """Show an outage: both sides' times, its cause, its words in order, and what to do."""
    return _show_page(visit(ref), outage)


def _show_page(
    seen: Visit, ref: str, *, status: int = 200, forms: dict[str, Any] | None = None
) -> ResponseReturnValue:
    row = queries.find_outage(seen.session, seen.contract, ref)
    found = queries.standing_outage(row)
    known = {
        "end": EndForm(formdata=None),
        "dispute": DisputeForm(formdata=None),
        "reason": ReasonForm(formdata=None),
        "cause": CauseForm(formdata=None),
        "answer": CauseAnswerForm(formdata=None),
        **(forms or {}),
    }
    known["cause"].offer(_causes(seen))
    return page(
        "changes/outage.html", status, **seen.frame(), **_words(), outage=found, row=row,
        seen_text=row.content["seen"], doors=_doors(seen, found), forms=known,
        notes=[(event, event.note or "") for event in row.events],
    )  # fmt: skip


def _causes(seen: Visit) -> list[tuple[str, str]]:
    listed = seen.terms.get("D10") or ()
    return [(code, words) for code, words in rules.CAUSE_WORDS.items() if code in listed]


def _doors(seen: Visit, outage: Outage) -> dict[str, bool]:
    able = may(seen.actor, "outage:report")
    mine = outage.reporter is seen.side
    unsettled = outage.standing in (Standing.REPORTED, Standing.DISPUTED)
    free = outage.cause_standing in (CauseStanding.NONE, CauseStanding.REFUSED)
    stands = outage.standing is not Standing.WITHDRAWN
    return {
        "end": able and not outage.over and stands,
        "confirm": able and not mine and unsettled and outage.over,
        "dispute": able and not mine and unsettled,
        "correct": able and mine and outage.standing is Standing.DISPUTED
        and outage.other_begin is not None,
        "withdraw": able and mine and unsettled,
        "claim": able and seen.side is Side.VENDOR and free and stands and bool(_causes(seen)),
        "answer": able and seen.side is Side.CUSTOMER
        and outage.cause_standing is CauseStanding.CLAIMED,
    }  # fmt: skip


def _row(seen: Visit, ref: str) -> OutageRow:
    return queries.find_outage(seen.session, seen.contract, ref)


def _back(ref: str, outage: str, words: str) -> ResponseReturnValue:
    flash(words, "good")
    return see_other(url_for(".outage", ref=ref, outage=outage))


@bp.post("/contracts/<ref>/outages/<outage>/end")
@needs("outage:report")
def end_outage(ref: str, outage: str) -> ResponseReturnValue:
    """Record when it ended."""
    seen = visit(ref, "outage:report")
    form = EndForm()
    end = to_utc(form.end.data, seen.zone)
    if not form.validate_on_submit() or end is None:
        return _show_page(seen, outage, status=422, forms={"end": form})
    actions.end_outage(*seen.args, _row(seen, outage), end=end, at=seen.now)
    return _back(ref, outage, say("Recorded when it ended."))


@bp.post("/contracts/<ref>/outages/<outage>/confirmation")
@needs("outage:report")
def confirm_outage(ref: str, outage: str) -> ResponseReturnValue:
    """Agree with the other side's record."""
    seen = visit(ref, "outage:report")
    actions.confirm_outage(*seen.args, _row(seen, outage), at=seen.now)
    return _back(ref, outage, say("Confirmed by both sides."))


@bp.post("/contracts/<ref>/outages/<outage>/dispute")
@needs("outage:report")
def dispute_outage(ref: str, outage: str) -> ResponseReturnValue:
    """Disagree, with one's own times or none."""
    seen = visit(ref, "outage:report")
    form = DisputeForm()
    if not form.validate_on_submit():
        return _show_page(seen, outage, status=422, forms={"dispute": form})
    actions.dispute_outage(
        *seen.args, _row(seen, outage), begin=to_utc(form.begin.data, seen.zone),
        end=to_utc(form.end.data, seen.zone), reason=form.reason.data, at=seen.now,
    )  # fmt: skip
    return _back(ref, outage, say("Disputed. The other side is told; both times stay visible."))


@bp.post("/contracts/<ref>/outages/<outage>/correction")
@needs("outage:report")
def correct_outage(ref: str, outage: str) -> ResponseReturnValue:
    """Take over the other side's times."""
    seen = visit(ref, "outage:report")
    actions.correct_outage(*seen.args, _row(seen, outage), at=seen.now)
    return _back(ref, outage, say("Corrected: both sides agree on these times."))


@bp.post("/contracts/<ref>/outages/<outage>/withdrawal")
@needs("outage:report")
def withdraw_outage(ref: str, outage: str) -> ResponseReturnValue:
    """Take one's own record back."""
    seen = visit(ref, "outage:report")
    form = ReasonForm()
    if not form.validate_on_submit() or not (form.reason.data or "").strip():
        form.reason.errors = [*form.reason.errors, say("Say why: the other side will read it.")]
        return _show_page(seen, outage, status=422, forms={"reason": form})
    actions.withdraw_outage(*seen.args, _row(seen, outage), reason=form.reason.data, at=seen.now)
    return _back(ref, outage, say("Withdrawn. It no longer counts."))


@bp.post("/contracts/<ref>/outages/<outage>/cause")
@needs("outage:report")
def claim_cause(ref: str, outage: str) -> ResponseReturnValue:
    """Claim a cause that the contract does not count."""
    seen = visit(ref, "outage:report")
    form = CauseForm()
    form.offer(_causes(seen))
    if not form.validate_on_submit():
        return _show_page(seen, outage, status=422, forms={"cause": form})
    actions.claim_cause(
        *seen.args, _row(seen, outage), cause=form.cause.data, evidence=form.evidence.data,
        at=seen.now,
    )  # fmt: skip
    return _back(
        ref, outage, say("Claimed. The minutes count until the customer accepts the cause.")
    )


@bp.post("/contracts/<ref>/outages/<outage>/cause/answer")
@needs("outage:report")
def answer_cause(ref: str, outage: str) -> ResponseReturnValue:
    """Accept or refuse the claimed cause."""
    seen = visit(ref, "outage:report")
    form = CauseAnswerForm()
    refused = form.accepted.data == "no" and not (form.reason.data or "").strip()
    if not form.validate_on_submit() or refused:
        if refused:
            form.reason.errors = [say("Say why: the other side will read it.")]
        return _show_page(seen, outage, status=422, forms={"answer": form})
    actions.answer_cause(
        *seen.args, _row(seen, outage), accepted=form.accepted.data,
        reason=form.reason.data or "", at=seen.now,
    )  # fmt: skip
    return _back(ref, outage, say("Your answer is recorded."))
