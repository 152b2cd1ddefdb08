"""Changes of the terms of a signed contract: what was agreed, what holds on a day, a new one."""

from collections.abc import Collection
from datetime import date
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand, may
from portal.contracts import actions, queries
from portal.contracts.models import Contract, InterimChange
from portal.contracts.routes.doors import bp, opened, today
from portal.contracts.rules import amending, effective, listing
from portal.contracts.rules.amending import FROM, Decision
from portal.contracts.rules.contact_roles import contact_words
from portal.contracts.rules.effective import Layer, LayerKind
from portal.contracts.rules.life import STATE_WORDS, Side, State
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.web import needs, page, see_other
from portal.kit.words import commas, day, say
from portal.negotiation.actions import set_offers
from portal.residency.databases import regions
from portal.terms.rules import Schema, show


@bp.get("/contracts/<ref>/amendments")
@needs("contract:see")
def amendments(ref: str) -> ResponseReturnValue:
    """Show every agreed change of terms, what waits for an answer, and how to change more."""
    actor, session, contract = opened(ref)
    over_time = queries.terms_over_time(session, contract)
    schema, terms = queries.schema_of(contract), over_time.on(today())
    rows = queries.amendments_of(session, contract)
    able = amending.may_agree(actor.roles, terms) and may(actor, "interim_change:propose")
    return page(
        "contracts/amendments.html",
        contract=contract,
        agreed=[
            _agreed(contract, layer, over_time.layers, schema)
            for layer in effective.in_order(over_time.layers)
        ],
        under_way=[_under_way(row, actor) for row in rows if _is_open(row)],
        proposals=[
            _proposal(contract, row, actor, schema)
            for row in contract.interim_changes
            if row.decision is None
        ],
        settled=[
            _proposal(contract, row, actor, schema)
            for row in contract.interim_changes
            if row.decision in (Decision.DECLINED, Decision.WITHDRAWN)
        ],
        schedules=[schema.terms[term] for term in amending.interim_terms(terms)],
        able=able,
        roles=contact_words(terms.get(amending.INTERIM_ROLES) or ()),
        today=today(),
        may_amend=may(actor, "amendment:start"),
    )


def _is_open(row: Contract) -> bool:
    return queries.state(row, today=today()) not in {
        State.AMENDS, State.WITHDRAWN, State.DECLINED,
    }  # fmt: skip


def _agreed(
    contract: Contract, layer: Layer, layers: list[Layer], schema: Schema
) -> dict[str, Any]:
    deciding = effective.sources_on(layers, on=today())
    if layer.starts > today():
        state, kind = say("Agreed, not yet"), "open"
    elif not layer.holds(today()):
        state, kind = say("Over"), ""
    elif any(deciding.get(term) == layer for term in layer.terms):
        state, kind = say("Holds now"), "good"
    else:
        state, kind = say("Replaced since"), ""
    return {
        "href": _href(contract, layer),
        "label": layer_words(layer),
        "terms": [schema.terms[term].label for term in layer.terms],
        "starts": layer.starts,
        "ends": layer.ends,
        "agreed_at": layer.agreed_at,
        "state": state,
        "kind": kind,
    }


def _href(contract: Contract, layer: Layer) -> str:
    if layer.kind is LayerKind.AMENDMENT:
        return url_for("contracts.agreement", ref=layer.source)
    if layer.kind is LayerKind.RENEWAL:
        return url_for(
            "contracts.terms_in_force", ref=contract.ref, on=layer.starts, show="changed"
        )
    return url_for("contracts.interim_change", ref=contract.ref, number=int(layer.source))


def layer_words(layer: Layer) -> str:
    """Name a change as people do."""
    if layer.kind is LayerKind.AMENDMENT:
        return say("Amendment %(source)s", source=layer.source)
    if layer.kind is LayerKind.RENEWAL:
        return say("Renewal, version %(source)s", source=layer.source)
    return say("Schedule change %(source)s", source=layer.source)


def _under_way(row: Contract, actor: Actor) -> dict[str, Any]:
    where = queries.state(row, today=today())
    mine = where in listing.OPEN_STATES and queries.turn(row) is queries.side_of(row, actor)
    return {
        "href": url_for("contracts.show", ref=row.ref),
        "label": row.title,
        "hint": say(
            "%(ref)s, %(number)s terms", ref=row.ref, number=len(row.named_terms or ()) - 1
        ),
        "state": say("Your turn") if mine else STATE_WORDS[where],
        "kind": "yours" if mine else listing.KINDS.get(where),
    }


def _proposal(
    contract: Contract, row: InterimChange, actor: Actor, schema: Schema
) -> dict[str, Any]:
    mine = queries.side_of(contract, actor) == row.side
    if row.decision is None:
        state, kind = (
            (say("You proposed it"), "theirs") if mine else (say("Yours to answer"), "yours")
        )
    else:
        declined = row.decision == Decision.DECLINED
        state, kind = (say("Declined"), "rejected") if declined else (say("Taken back"), "")
    name = queries.name_of(contract, Side(row.side))
    labels = commas(schema.terms[term].label for term in row.terms)
    return {
        "href": url_for("contracts.interim_change", ref=contract.ref, number=row.number),
        "label": say("Schedule change %(number)s: %(labels)s", number=row.number, labels=labels),
        "hint": say(
            "From %(starts)s, proposed by %(name)s",
            starts=day(date.fromisoformat(row.starts)),
            name=name,
        ),
        "state": state,
        "kind": kind,
    }


@bp.get("/contracts/<ref>/terms-in-force")
@needs("contract:see")
def terms_in_force(ref: str) -> ResponseReturnValue:
    """Show every term as it holds on a day, with the change that decided it."""
    _, session, contract = opened(ref)
    over_time = queries.terms_over_time(session, contract)
    schema = queries.schema_of(contract)
    on, error = _day(request.args.get("on", ""))
    sources, values = effective.sources_on(over_time.layers, on=on), over_time.on(on)
    only = request.args.get("show") == "changed"
    groups = [
        (group, rows)
        for group in schema.groups
        if (
            rows := [
                {
                    "term": term,
                    "text": show(term, values.get(term.id)),
                    "signed": show(term, over_time.signed.get(term.id)),
                    "layer": layer_words(sources[term.id]) if term.id in sources else None,
                    "href": _href(contract, sources[term.id]) if term.id in sources else None,
                }
                for term in schema.in_group(group.code)
                if not only or term.id in sources
            ]
        )
    ]
    return page(
        "contracts/terms_in_force.html",
        422 if error else 200,
        contract=contract,
        day=on,
        error=error,
        only=only,
        groups=groups,
        changed=len(sources),
        days=effective.turning_days(over_time.layers),
        failed=bool(error),
    )


def _day(typed: str) -> tuple[date, str | None]:
    if not typed:
        return today(), None
    try:
        return date.fromisoformat(typed), None
    except ValueError:
        return today(), say("Write a day such as 2027-03-31.")


@bp.get("/contracts/<ref>/amendments/new")
@needs("amendment:start")
def new_amendment(ref: str) -> ResponseReturnValue:
    """Ask which terms an amendment is about."""
    actor, session, contract = opened(ref)
    demand(actor, "amendment:start")
    return _naming_page(session, contract, ())


@bp.post("/contracts/<ref>/amendments")
@needs("amendment:start")
def start_amendment(ref: str) -> ResponseReturnValue:
    """Open the amendment with the terms as they hold today, ready to be changed."""
    actor, session, contract = opened(ref)
    demand(actor, "amendment:start")
    chosen = request.form.getlist("terms")
    locked = queries.template_of(contract).locked
    problem = amending.naming_problem(queries.schema_of(contract), chosen, locked=locked)
    if problem:
        return _naming_page(session, contract, chosen, problem)
    now = clock.now()
    database = regions()[contract.region]
    child = actions.start_amendment(session, database, actor, contract, terms=chosen, at=now)
    standing = queries.standing_terms(session, child, on=now.date())
    values = {term: standing.get(term) for term in child.named_terms or ()}
    set_offers(session, child, actor, {**values, FROM: None}, at=now)
    flash(say("The amendment is open. Change its terms, then send round 1."), "good")
    return see_other(url_for("negotiation.show", ref=child.ref))


def _naming_page(
    session: Session, contract: Contract, chosen: Collection[str], problem: str | None = None
) -> ResponseReturnValue:
    if queries.version_in_force(contract) is None:
        raise NotFound
    schema = queries.schema_of(contract)
    values = queries.terms_in_force(session, contract, on=today())
    terms = amending.amendable(schema, queries.template_of(contract).locked)
    groups = [
        (group, [(t, show(t, values.get(t.id)).split("\n")[0]) for t in terms if t.group == code])
        for group in schema.groups
        for code in [group.code]
    ]
    return page(
        "contracts/new_amendment.html",
        422 if problem else 200,
        contract=contract,
        groups=[(group, rows) for group, rows in groups if rows],
        chosen=set(chosen),
        problem=problem,
        failed=bool(problem),
    )
