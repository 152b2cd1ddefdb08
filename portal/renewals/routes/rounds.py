"""Opening a renewal as round 1, with promised against measured beside it."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.queries import find_contract, name_of, state
from portal.contracts.rules.life import STATE_WORDS
from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.renewals.actions.round import start_round
from portal.renewals.forms import ReceiptForm
from portal.renewals.queries.measured import kept_in, term_of, used_in
from portal.renewals.routes.desk import bp, opened
from portal.renewals.rules.promised import changed_terms, promised_rows
from portal.residency.databases import regions
from portal.statements.queries import past_of, terms_on_table
from portal.statements.rules.replay import TERMS as REPLAYED
from portal.statements.rules.replay import replay
from portal.statements.rules.shown import percent_shown
from portal.terms.rules import load_schema

SHOWN = 50
# Credits are shares of the fee, so that a new fee moves their amounts.
FEES = ("O1", "O1.period")


@bp.get("/contracts/<ref>/renewal/round")
@needs("renewal:see")
def prepare_round(ref: str) -> ResponseReturnValue:
    """Show what was promised and measured in this term, and the way to round 1."""
    desk = opened(ref, "renewal:see")
    found = desk.outlook()
    used = used_in(desk.session, found.found)
    successor = None
    if found.row and found.row.successor:
        successor = find_contract(desk.session, desk.actor, found.row.successor)
    return page(
        "renewals/round.html",
        contract=desk.contract,
        it=found,
        rows=promised_rows(
            load_schema(desk.contract.schema_version), found.found.terms,
            kept_in(desk.session, found.found), incidents=used.incidents, contacts=used.contacts,
        ),
        other=name_of(desk.contract, found.side.other),
        successor=successor,
        successor_state=STATE_WORDS[state(successor, today=desk.at.date())] if successor else None,
        form=ReceiptForm(formdata=None),
        may_start=may(desk.actor, "contract:start") and not found.over,
        replay=desk.url("statements.replay", source=f"contract:{ref}"),
    )  # fmt: skip


@bp.get("/contracts/<ref>/renewal/replay")
@needs("renewal:see")
def replay_offer(ref: str) -> ResponseReturnValue:
    """Run the incidents of the term that ends under all that the renewal offers."""
    desk = opened(ref, "renewal:see")
    found = desk.outlook()
    if not (found.row and found.row.successor):
        raise NotFound
    successor = find_contract(desk.session, desk.actor, found.row.successor)
    there = terms_on_table(desk.session, successor, desk.actor, at=desk.at, base=found.found.terms)
    past = past_of(desk.session, desk.contract, now=desk.at, since=term_of(found.found).begin)
    changed = changed_terms(
        load_schema(desk.contract.schema_version), found.found.terms, there, REPLAYED + FEES
    )
    result, problem = None, None
    try:
        result = replay(past, here=found.found.terms, there=there, now=desk.at)
    except Refused as refusal:
        problem = refusal.message
    return page(
        "renewals/replay.html",
        contract=desk.contract, it=found, successor=successor, result=result, problem=problem,
        changed=changed, shown=SHOWN, percent_shown=percent_shown,
        other=name_of(desk.contract, found.side.other),
    )  # fmt: skip


@bp.post("/contracts/<ref>/renewal/rounds")
@needs("contract:start")
def open_round(ref: str) -> ResponseReturnValue:
    """Start the contract that renews this one; its round 1 is filled and private."""
    desk = opened(ref, "contract:start")
    desk.outlook()
    database = regions()[desk.contract.region]
    desk.session.rollback()
    new = start_round(desk.session, database, desk.actor, desk.contract, at=desk.at)
    flash(
        say("Round 1 is filled with the terms in force. Change what should change, then send."),
        "good",
    )
    return see_other(url_for("negotiation.show", ref=new.id))
