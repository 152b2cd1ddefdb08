"""Saying something about an incident: one address a noun, all built from the table of verbs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.contracts.queries import settled_until
from portal.incidents import actions
from portal.incidents.actions import Said
from portal.incidents.forms import SaidForm, offered
from portal.incidents.queries import history_of, promises_for
from portal.incidents.routes.doors import Visit, bp, visit
from portal.incidents.routes.incident import incident_page
from portal.incidents.rules.panels import VERBS, Verb
from portal.incidents.rules.steps import Situation
from portal.kit.web import needs, see_other
from portal.residency.stores import LEAVE_OUT, StoreAway

Do = Callable[[Said, SaidForm], Any]

DO: Mapping[str, Do] = {
    "acknowledgement": lambda s, f: actions.acknowledge(s, words=f.words.data or ""),
    "response": lambda s, f: actions.respond(s, words=f.words.data),
    "update": lambda s, f: actions.update(s, words=f.words.data),
    "workaround": lambda s, f: actions.deliver_workaround(s, words=f.words.data),
    "resolution": lambda s, f: actions.resolve(s, means=f.choice.data, words=f.words.data),
    "message": lambda s, f: actions.message(
        s, words=f.words.data, ends_pause=f.about.data if f.ends_pause.data else None
    ),
    "severity": lambda s, f: actions.propose_severity(
        s, severity=f.choice.data, words=f.words.data
    ),
    "severity-agreement": lambda s, f: actions.agree_severity(
        s, proposal=f.about.data, from_report=f.from_report.data
    ),
    "severity-objection": lambda s, f: actions.decline_severity(
        s, proposal=f.about.data, words=f.words.data
    ),
    "severity-withdrawal": lambda s, f: actions.withdraw_severity(s, proposal=f.about.data),
    "pause": lambda s, f: actions.claim_pause(s, ground=f.choice.data, words=f.words.data),
    "pause-contest": lambda s, f: actions.contest_pause(s, pause=f.about.data, words=f.words.data),
    "pause-settlement": lambda s, f: actions.settle_pause(s, pause=f.about.data),
    "pause-end": lambda s, f: actions.end_pause(s, pause=f.about.data),
    "refusal": lambda s, f: actions.refuse(s, delivery=f.about.data, words=f.words.data),
    "confirmation": lambda s, f: actions.confirm(s, words=f.words.data or ""),
    "reopening": lambda s, f: actions.reopen(s, words=f.words.data),
    "exclusion": lambda s, f: actions.exclude(s, ground=f.choice.data, words=f.words.data),
    "exclusion-contest": lambda s, f: actions.contest_exclusion(s, words=f.words.data),
    "exclusion-settlement": lambda s, f: actions.settle_exclusion(s),
}


def _say(ref: str, number: int, verb: Verb) -> ResponseReturnValue:
    """Check what was typed, say it, and show the incident again."""
    here = visit(ref, needs=verb.needs)
    situation = situation_of(here, number)
    form = SaidForm()
    choices = list(verb.choices(situation)) if verb.choices else None
    form.choice.choices = offered(choices or [])
    typed = form.validate_on_submit()
    if not form.need(words=verb.words, choices=choices) or not typed:
        return incident_page(here, number, failed=(verb, form), status=422)
    said = Said(here.session, here.contract, here.actor, number, here.now)
    if verb.files:
        said = replace(said, files=tuple(form.files.read), database=here.database)
    try:
        DO[verb.noun](said, form)
    except StoreAway:
        form.files.errors = [LEAVE_OUT]
        return incident_page(here, number, failed=(verb, form), status=422)
    flash(verb.done, "good")
    return see_other(url_for("incidents.show", ref=ref, number=number))


def situation_of(here: Visit, number: int) -> Situation:
    """Return what decides what this person may say now."""
    incident = here.incident(number)
    promises = promises_for(here.session, here.contract, incident)
    return Situation(
        history_of(incident), promises, here.side.value, here.now, settled_until(here.contract)
    )


def _add(verb: Verb) -> None:
    """Give a verb its address."""

    @needs(verb.needs)
    def view(ref: str, number: int) -> ResponseReturnValue:
        return _say(ref, number, verb)

    bp.add_url_rule(
        f"/contracts/<ref>/incidents/<int:number>/{verb.noun}",
        endpoint=verb.noun.replace("-", "_"), view_func=view, methods=["POST"],
    )  # fmt: skip


for _verb in VERBS.values():
    _add(_verb)
