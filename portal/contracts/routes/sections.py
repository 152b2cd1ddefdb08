"""The sections of a contract: one list for the navigation that stands on each of its pages.

A room that adds pages to a contract adds a line to a chapter; the template never knows the rooms.
"""

from dataclasses import dataclass

from flask import request, url_for

from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.routes.doors import today
from portal.contracts.rules.life import OVER, RUNNING, State
from portal.kit.words import say

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


# Chapter -> its sections. A chapter leads to its first section; the others show inside it.
CHAPTERS: dict[str, tuple[Section, ...]] = {
    say("Overview"): (Section(say("Overview"), "contracts.show"),),
    say("Terms"): (
        Section(say("Terms"), "negotiation.show"),
        Section(say("Rounds"), "negotiation.rounds", pages=("negotiation.show_round",)),
        Section(say("Compare"), "negotiation.compare"),
        Section(say("Comments"), "negotiation.comments", pages=("negotiation.share",)),
        Section(say("Approvals"), "negotiation.approvals", OPEN_TERMS),
        Section(say("Replay"), "statements.replay", frozenset({State.NEGOTIATION})),
    ),
    say("Agreement"): (
        Section(
            say("Signing"),
            "signing.overview",
            FROZEN | {State.NEGOTIATION},
            pages=("signing.done", "signing.delegation", "signing.voiding", "signing.reopening"),
        ),
        Section(say("Sign"), "signing.review", frozenset({State.SIGNING})),
        Section(say("Agreement"), "contracts.agreement", FROZEN),
        Section(say("Deed (PDF)"), "signing.deed", DEED),
        Section(
            say("Changes of terms"),
            "contracts.amendments",
            DONE,
            pages=(
                "contracts.new_amendment",
                "contracts.terms_in_force",
                "contracts.new_interim_change",
                "contracts.interim_change",
            ),
        ),
    ),
    say("Service"): (
        Section(
            say("Incidents"),
            "incidents.index",
            DONE,
            pages=("incidents.show", "incidents.contacts", "incidents.root_cause"),
        ),
        Section(say("Figures"), "incidents.figures", DONE, pages=("incidents.report",)),
        Section(say("Root causes"), "incidents.root_causes", DONE),
        Section(
            say("Executive reviews"), "incidents.reviews", DONE, pages=("incidents.review_page",)
        ),
        Section(say("Onboarding"), "contracts.onboarding", DONE),
        Section(
            say("Maintenance"),
            "changes.index",
            DONE,
            pages=("changes.new", "changes.show", "changes.edit", "changes.calendar"),
        ),
        Section(
            say("Outages"),
            "changes.outages",
            DONE,
            pages=("changes.outage", "changes.new_outage", "changes.monitors"),
        ),
        Section(
            say("Statements"),
            "statements.index",
            DONE,
            pages=("statements.show", "statements.ledger", "statements.replay"),
        ),
        Section(say("Risk"), "statements.risk", DONE),
    ),
    say("Renewal"): (
        Section(
            say("Renewal"),
            "renewals.show",
            DONE,
            pages=(
                "renewals.notice",
                "renewals.price",
                "renewals.show_notice",
                "renewals.prepare_round",
            ),
        ),
        Section(say("Reviews"), "reviews.index", DONE, pages=("reviews.show",)),
    ),
    say("People"): (Section(say("People"), "contracts.people"),),
    say("Evidence"): (
        Section(say("Evidence"), "evidence.show"),
        Section(say("Log"), "contracts.log"),
        Section(say("Where the data is"), "admin.contract_data"),
        Section(say("Emergency access"), "admin.emergencies"),
        Section(say("Retention"), "retention.show"),
        Section(say("Profiles"), "profiles.show", pages=("profiles.views",)),
    ),
}


@dataclass(frozen=True)
class Item:
    """A link of the navigation."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True)
class Navigation:
    """The chapters a contract has now, and the sections inside the one that is open."""

    chapters: list[Item]
    open: str
    sections: list[Item]


def sections_of(contract: Contract) -> Navigation:
    """Return the navigation of a contract for the page being served."""
    now, here = state(contract, today=today()), request.endpoint or ""
    chapters, opened, inner = [], "", []
    for label, sections in CHAPTERS.items():
        items = [_item(one, contract, here) for one in sections if now in one.states]
        if not items:
            continue
        current = any(item.current for item in items)
        chapters.append(Item(label, items[0].href, current))
        if current and len(items) > 1:
            opened, inner = label, items
    return Navigation(chapters, opened, inner)


def _item(section: Section, contract: Contract, here: str) -> Item:
    current = here == section.endpoint or here in section.pages
    return Item(section.label, url_for(section.endpoint, ref=contract.ref), current)
