"""Calling the executive reviews that months and outages ask for."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.changes.queries import outages_of
from portal.contracts.models import Contract
from portal.incidents.actions import call_review
from portal.incidents.queries import promises_on
from portal.incidents.queries.reviews import last_cause
from portal.incidents.rules.reviews import trigger_row
from portal.statements import queries
from portal.statements.rules import reviews as rules
from portal.statements.rules.month import Month


def call_reviews(session: Session, contract: Contract, *, at: datetime) -> int:
    """Call the reviews whose numbers are reached, each once; return how many."""
    promises = promises_on(session, contract, at.date())
    terms = promises.terms
    called = []
    if asked := rules.months_asked(terms):
        months = queries.told_months(session, contract, last=asked)
        since = last_cause(session, contract, "uptime_missed")
        called = [
            rules.by_uptime(terms, months, since=Month.read(since) if since else None),
            rules.by_credits(terms, months),
        ]
    if any(trigger_row(terms, name) for name in ("outage_hours", "peak_outage")):
        called += rules.by_outages(terms, outages_of(session, contract), now=at)
    session.commit()
    return sum(
        call_review(session, contract, one, promises, at=at) is not None for one in called if one
    )
