"""Comparing two states of the terms."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue

from portal.kit.errors import NotFound
from portal.kit.web import needs, page
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.forms import RestForm
from portal.negotiation.queries import Negotiation
from portal.negotiation.routes.presets import template_values, tier_values
from portal.negotiation.routes.visit import Visit, bp, frame, visit_to
from portal.terms.rules import Value

NOW, DRAFT, TEMPLATE, TIER, SEEN = "now", "draft", "template", "tier", "seen"


@dataclass(frozen=True)
class State:
    """A state of the terms that can stand on either side of a comparison."""

    key: str
    label: str


@bp.get("/contracts/<ref>/compare")
@needs("contract:see")
def compare(ref: str) -> ResponseReturnValue:
    """Show what differs between two states: rounds, template, tier, draft, or my last look."""
    visit = visit_to(ref)
    found = visit.negotiation()
    seen = visit.seen_round()
    states = _states(visit, found, seen)
    keys = [state.key for state in states]
    old_key = request.args.get("from") or _usual(keys)
    new_key = request.args.get("to") or (NOW if NOW in keys else keys[-1])
    if old_key not in keys or new_key not in keys:
        raise NotFound
    differing = rules.compared(
        found.schema,
        _values(visit, found, old_key, seen),
        _values(visit, found, new_key, seen),
        names=found.names,
    )
    labels = {state.key: state.label for state in states}
    return page(
        "negotiation/compare.html",
        **frame(visit, found),
        states=states,
        old_key=old_key,
        new_key=new_key,
        old_label=labels[old_key],
        new_label=labels[new_key],
        cells=[one for one in differing if not one.is_prose],
        prose=[one for one in differing if one.is_prose],
        rest=RestForm(formdata=None, seen_round=str(found.last_sent)),
        seen=seen,
    )


def _usual(keys: list[str]) -> str:
    return next((key for key in (SEEN, TIER, TEMPLATE) if key in keys), keys[0])


def _states(visit: Visit, found: Negotiation, seen: int | None) -> list[State]:
    states = []
    if tier_values(visit.contract):
        tier = (visit.contract.tier or "").rpartition("/")[2]
        states.append(State(TIER, say("The tier %(tier)s", tier=tier)))
    if template_values(visit.contract):
        states.append(State(TEMPLATE, say("The template")))
    states += [
        State(
            str(r.number),
            say("Round %(number)s, %(name)s", number=r.number, name=found.names[r.side]),
        )
        for r in found.rounds
    ]
    if seen is not None and found.rounds:
        states.append(State(SEEN, say("When I last looked (round %(number)s)", number=seen)))
    if found.words:
        states.append(State(DRAFT, say("My draft")))
    if found.rounds or not states:
        states.append(State(NOW, say("Now")))
    return states


def _values(visit: Visit, found: Negotiation, key: str, seen: int | None) -> Mapping[str, Value]:
    if key == TIER:
        return tier_values(visit.contract)
    if key == TEMPLATE:
        return template_values(visit.contract)
    if key == DRAFT:
        return found.values(with_draft=True)
    if key == NOW:
        return _offered(found.standings)
    return _offered(found.after(int(key) if key != SEEN else seen or 0))


def _offered(standings: Mapping[str, rules.Standing]) -> dict[str, Value]:
    """The values that were offered by then; a special term not proposed yet was none."""
    return {term: s.value for term, s in standings.items() if s.offer is not None or term[0] == "X"}
