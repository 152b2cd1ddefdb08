"""The renewal of one contract: its dates with their working, and a side's own decision."""

from flask import flash
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.queries import name_of
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.renewals import actions
from portal.renewals.forms import DecisionForm
from portal.renewals.queries.outlook import Outlook
from portal.renewals.routes.desk import Desk, bp, opened
from portal.renewals.rules import summary
from portal.renewals.rules.money import rule_in_words
from portal.renewals.rules.notices import CHOICE_WORDS, Choice


@bp.get("/contracts/<ref>/renewal")
@needs("renewal:see")
def show(ref: str) -> ResponseReturnValue:
    """Show when the term ends, by when to act, and what can be done."""
    desk = opened(ref, "renewal:see")
    found = desk.outlook()
    said = found.decision.said if found.decision else {}
    form = DecisionForm(formdata=None, choice=said.get("choice"), note=said.get("note"))
    return _page(desk, found, form)


@bp.post("/contracts/<ref>/renewal/decision")
@needs("renewal:decide")
def decide(ref: str) -> ResponseReturnValue:
    """Keep what this side means to do."""
    desk = opened(ref, "renewal:decide")
    found, form = desk.outlook(), DecisionForm()
    if not form.validate_on_submit():
        return _page(desk, found, form, 422)
    actions.decide(
        desk.session, desk.actor, desk.contract, choice=Choice(form.choice.data),
        note=form.note.data or "", at=desk.at,
    )  # fmt: skip
    flash(say("Kept. Only %(name)s sees it.", name=desk.actor.organisation_name), "good")
    return see_other(desk.url("renewals.show"))


def _page(desk: Desk, found: Outlook, form: DecisionForm, status: int = 200) -> ResponseReturnValue:
    head = summary.headline(found)
    return page(
        "renewals/show.html",
        status,
        contract=desk.contract,
        it=found,
        headline=head,
        form=form,
        other=name_of(desk.contract, found.side.other),
        mine=desk.actor.organisation_name,
        price_rule=rule_in_words(found.price_rule),
        acts=_acts(desk, found),
        choice_words={one.value: words for one, words in CHOICE_WORDS.items()},
        may_decide=may(desk.actor, "renewal:decide") and not found.over,
        plan=summary.plan_lines(found),
    )


def _acts(desk: Desk, found: Outlook) -> list[dict[str, str]]:
    """What this person can do now, the first being the likeliest."""
    return [
        {"label": label, "href": desk.url(endpoint, **({"kind": kind.value} if kind else {}))}
        for label, endpoint, kind, action in summary.acts(found)
        if may(desk.actor, action)
    ]
