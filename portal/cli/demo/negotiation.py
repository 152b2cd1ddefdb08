"""What the CPQ negotiation shows beside its rounds: limits of both sides, remarks, a clause.

Northwind's answer of twenty minutes is beyond its standard, so its lawyer is asked; Harbour has
noted something for itself and prepares a special term.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit.db import db
from portal.negotiation import actions
from portal.negotiation.queries import playbook_of
from portal.negotiation.rules.playbook import Limits, Rung
from portal.residency.databases import Regions
from portal.terms.rules import Value, load_schema, parse

REGION = "us"
RESPONSE, NOTICE = "C4.S1.first_response", "P6"
# Who writes, for which side, the term, its standard, and its fallbacks with who approves each.
LIMITS = (
    ("nia", Side.VENDOR, RESPONSE, "30 minutes", (("20 minutes", "legal"),)),
    ("nia", Side.VENDOR, NOTICE, "60 days", (("45 days", "account_manager"),)),
    ("lena", Side.CUSTOMER, RESPONSE, "15 minutes", (("20 minutes", "it_admin"),)),
    ("lena", Side.CUSTOMER, NOTICE, "30 days", (("45 days", "legal"),)),
)


def tell_negotiation(regions: Regions, cast: Mapping[str, Actor], *, now: datetime) -> None:
    """Write both playbooks, the remarks and the draft of a clause."""
    for key, side, term, standard, fallbacks in LIMITS:
        _limit(cast[key], side, term, standard, fallbacks, at=now - timedelta(days=10))
    session = regions.session(REGION)
    contract = session.scalars(
        select(Contract).where(Contract.vendor_id == cast["ada"].organisation_id)
    ).first()
    if contract is None:
        return
    at = now - timedelta(days=6)
    question = actions.write_note(
        session, contract, cast["ada"], term="J11", at=at,
        text="How many hours did your last release take? Then we can size this.",
    )  # fmt: skip
    actions.share_note(session, contract, cast["ada"], question.id, at=at + timedelta(minutes=4))
    actions.write_note(
        session, contract, cast["cleo"], term=RESPONSE, at=at + timedelta(hours=3),
        text="@Dov could we live with twenty if the bridge opens at once?",
    )  # fmt: skip
    actions.propose_clause(
        session, contract, cast["cleo"], at=at + timedelta(hours=5),
        value={
            "title": "Year-end change freeze",
            "text": "From 15 November to 5 January the vendor makes no change to order entry.\n"
            "A critical security fault may be mended when both change managers agree.",
        },
        reason="Half of our year is sold in these weeks.",
    )  # fmt: skip
    session.rollback()
    db.session.rollback()


def _limit(
    actor: Actor,
    side: Side,
    term: str,
    standard: str,
    fallbacks: tuple[tuple[str, str], ...],
    *,
    at: datetime,
) -> None:
    rungs = tuple(Rung(_value(term, text), role) for text, role in fallbacks)
    limits = Limits(_value(term, standard), rungs, None, "legal")
    seen = playbook_of(actor.organisation_id, side).number
    actions.set_limits(actor, side, term, limits, seen_number=seen, at=at)


def _value(term: str, text: str) -> Value:
    return parse(load_schema("1").terms[term], text)
