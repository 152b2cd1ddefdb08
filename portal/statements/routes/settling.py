"""What the sides say to a statement."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.kit.web import needs, see_other
from portal.kit.words import say
from portal.statements import actions, queries
from portal.statements.forms import AnswerForm, ConfirmForm, DisputeForm, PaymentForm, RevisionForm
from portal.statements.models import Statement
from portal.statements.routes.doors import Visit, bp, visit
from portal.statements.routes.statements import show_page
from portal.statements.rules.settling import figure_names


def _issued(seen: Visit, month: str) -> Statement:
    return queries.find_statement(seen.session, seen.contract, month)


def _back(ref: str, month: str, words: str) -> ResponseReturnValue:
    flash(words, "good")
    return see_other(url_for(".show", ref=ref, month=month))


@bp.post("/contracts/<ref>/statements/<month>/confirmation")
@needs("statement:settle")
def confirm(ref: str, month: str) -> ResponseReturnValue:
    """Stand by the figures, or object to them."""
    seen = visit(ref, "statement:settle")
    row, form = _issued(seen, month), ConfirmForm()
    objects = form.word.data == "object"
    unsaid = objects and not form.objection.data
    if not form.validate_on_submit() or unsaid:
        if unsaid:
            form.objection.errors = [say("Say what is wrong: the other side will read it.")]
        return show_page(seen, month, status=422, forms={"confirm": form})
    actions.confirm(
        *seen.args, row, revision=form.revision.data,
        objection=form.objection.data if objects else None, at=seen.now,
    )  # fmt: skip
    said = (
        say("Your objection is recorded.")
        if objects
        else say("Confirmed. The customer answers next.")
    )
    return _back(ref, month, said)


@bp.post("/contracts/<ref>/statements/<month>/acceptance")
@needs("statement:settle")
def accept(ref: str, month: str) -> ResponseReturnValue:
    """Accept the figures: they are frozen and sealed."""
    seen = visit(ref, "statement:settle")
    row, form = _issued(seen, month), RevisionForm()
    if not form.validate_on_submit():
        return show_page(seen, month, status=422)
    actions.accept(*seen.args, row, revision=form.revision.data, at=seen.now)
    return _back(ref, month, say("Accepted. The statement is frozen, and its sealed PDF follows."))


@bp.post("/contracts/<ref>/statements/<month>/dispute")
@needs("statement:settle")
def dispute(ref: str, month: str) -> ResponseReturnValue:
    """Dispute one figure, and say why."""
    seen = visit(ref, "statement:settle")
    row, form = _issued(seen, month), DisputeForm()
    form.offer(figure_names(queries.latest_revision(row).figures).items())
    if not form.validate_on_submit():
        return show_page(seen, month, status=422, forms={"dispute": form})
    actions.dispute(
        *seen.args, row, revision=form.revision.data, figure=form.figure.data,
        reason=form.reason.data, at=seen.now,
    )  # fmt: skip
    return _back(ref, month, say("Disputed. The vendor is told; what is not disputed stands."))


@bp.post("/contracts/<ref>/statements/<month>/answer")
@needs("statement:settle")
def answer(ref: str, month: str) -> ResponseReturnValue:
    """Answer a dispute."""
    seen = visit(ref, "statement:settle")
    row, form = _issued(seen, month), AnswerForm()
    if not form.validate_on_submit():
        return show_page(seen, month, status=422, forms={"answer": form})
    actions.answer(*seen.args, row, reply=form.reply.data, at=seen.now)
    return _back(ref, month, say("Your answer is recorded, and the customer is told."))


@bp.post("/contracts/<ref>/statements/<month>/revision")
@needs("statement:settle")
def compute_again(ref: str, month: str) -> ResponseReturnValue:
    """Compute it again from what is recorded by now."""
    seen = visit(ref, "statement:settle")
    actions.compute_again(*seen.args, _issued(seen, month), at=seen.now)
    return _back(ref, month, say("Computed again. The vendor confirms the new figures."))


@bp.post("/contracts/<ref>/statements/<month>/claim")
@needs("statement:settle")
def claim(ref: str, month: str) -> ResponseReturnValue:
    """Claim the credit of a month."""
    seen = visit(ref, "statement:settle")
    actions.claim_credit(*seen.args, _issued(seen, month), at=seen.now)
    return _back(ref, month, say("Claimed. The credit is granted when the statement is accepted."))


@bp.post("/contracts/<ref>/statements/<month>/payment")
@needs("statement:settle")
def pay(ref: str, month: str) -> ResponseReturnValue:
    """Record how a credit was paid."""
    seen = visit(ref, "statement:settle")
    row, form = _issued(seen, month), PaymentForm()
    if not form.validate_on_submit():
        return show_page(seen, month, status=422, forms={"payment": form})
    actions.pay_credit(*seen.args, row, how=form.how.data, at=seen.now)
    return _back(ref, month, say("Recorded in the credit ledger."))
