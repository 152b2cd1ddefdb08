"""Contracts in a list: which filter a state belongs to, and what a search finds."""

from collections.abc import Mapping

from portal.contracts.rules.life import ENDED_EARLY, OVER, RUNNING, State

FILTERS: Mapping[str, tuple[str, frozenset[State]]] = {
    "draft": ("Drafts", frozenset({State.DRAFT})),
    "negotiation": ("In negotiation", frozenset({State.NEGOTIATION})),
    "signing": ("To sign", frozenset({State.AGREED, State.SIGNING, State.SEALING})),
    "signed": ("Signed", RUNNING | {State.COMPLETED, State.AMENDS}),
    "ended": ("Ended", OVER | {*ENDED_EARLY.values()}),
}

OPEN_STATES = frozenset({State.DRAFT, State.NEGOTIATION})

KINDS: Mapping[State, str] = {
    State.NEGOTIATION: "open",
    State.AGREED: "agreed",
    State.SIGNING: "open",
    State.SEALING: "agreed",
    State.COMPLETED: "good",
    State.IN_FORCE: "good",
    State.EXPIRING: "warn",
    State.RENEWED: "agreed",
    State.AMENDS: "good",
    State.DECLINED: "rejected",
    State.WITHDRAWN: "rejected",
    State.VOIDED: "rejected",
    State.EXPIRED: "rejected",
}


def stands_in(state: State, name: str | None) -> bool:
    """Return whether a state belongs to a filter; no filter holds every state."""
    return name is None or name not in FILTERS or state in FILTERS[name][1]


def is_found(search: str, *, ref: str, title: str) -> bool:
    """Return whether every word searched for is in the reference or the title."""
    text = f"{ref} {title}".casefold()
    return all(word in text for word in search.casefold().split())
