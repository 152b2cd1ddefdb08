"""The sections of a contract: one list for the navigation that stands on each of its pages.

A room that adds pages to a contract adds a line here; the template never knows the rooms.
"""

from dataclasses import dataclass

from flask import request, url_for

from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.routes.doors import today
from portal.contracts.rules.life import OVER, RUNNING, State

ANY = frozenset(State)
FROZEN = ANY - {State.DRAFT, State.NEGOTIATION, State.WITHDRAWN}
DONE = RUNNING | OVER | {State.COMPLETED}
DEED = DONE | {State.SIGNING, State.SEALING, State.AMENDS}
OPEN_TERMS = frozenset({State.DRAFT, State.NEGOTIATION})


@dataclass(frozen=True)
class Section:
    """A page of a contract, and the states in which there is something on it.

    `pages` are further endpoints that count as inside it.
    """

    label: str
    endpoint: str
    states: frozenset[State] = ANY
    pages: tuple[str, ...] = ()


SECTIONS = (
    Section("Overview", "contracts.show"),
    Section("Terms", "negotiation.show"),
    Section("Rounds", "negotiation.rounds", pages=("negotiation.show_round",)),
    Section("Compare", "negotiation.compare"),
    Section("Comments", "negotiation.comments", pages=("negotiation.share",)),
    Section("Approvals", "negotiation.approvals", OPEN_TERMS),
    Section("Incidents", "incidents.index", DONE, pages=("incidents.show", "incidents.contacts")),
    Section("People", "contracts.people"),
    Section("Agreement", "contracts.agreement", FROZEN),
    Section("Sign", "signing.review", frozenset({State.SIGNING}), pages=("signing.done",)),
    Section("Deed (PDF)", "signing.deed", DEED),
    Section(
        "Changes of terms",
        "contracts.amendments",
        DONE,
        pages=(
            "contracts.new_amendment",
            "contracts.terms_in_force",
            "contracts.new_interim_change",
            "contracts.interim_change",
        ),
    ),
    Section(
        "Maintenance",
        "changes.index",
        DONE,
        pages=("changes.new", "changes.show", "changes.edit", "changes.calendar"),
    ),
    Section(
        "Outages",
        "changes.outages",
        DONE,
        pages=("changes.outage", "changes.new_outage", "changes.monitors"),
    ),
    Section(
        "Renewal",
        "renewals.show",
        DONE,
        pages=(
            "renewals.notice",
            "renewals.price",
            "renewals.show_notice",
            "renewals.prepare_round",
        ),
    ),
    Section(
        "Statements",
        "statements.index",
        DONE,
        pages=("statements.show", "statements.ledger", "statements.risk", "statements.replay"),
    ),
    Section("Log", "contracts.log"),
    Section("Evidence", "evidence.show"),
)


def sections_of(contract: Contract) -> list[dict[str, object]]:
    """Return the sections a contract has now, as (label, href, current)."""
    now = state(contract, today=today())
    here = request.endpoint or ""
    return [
        {
            "label": section.label,
            "href": url_for(section.endpoint, ref=contract.ref),
            "current": here == section.endpoint or here in section.pages,
        }
        for section in SECTIONS
        if now in section.states
    ]
