"""Contracts in a list: which filter a state belongs to, what a search finds, and the archive."""

from collections.abc import Mapping
from datetime import date, timedelta

from portal.contracts.rules.life import ENDED_EARLY, OVER, RUNNING, State

FILTERS: Mapping[str, tuple[str, frozenset[State]]] = {
    "draft": ("Drafts", frozenset({State.DRAFT})),
    "negotiation": ("In negotiation", frozenset({State.NEGOTIATION})),
    "signing": ("To sign", frozenset({State.AGREED, State.SIGNING, State.SEALING})),
    "signed": ("Signed", RUNNING | {State.COMPLETED, State.AMENDS}),
    "ended": ("Ended", OVER | {*ENDED_EARLY.values()}),
}

ARCHIVE = "archive"
"""The name of the filter over contracts that moved to the archive; every other one leaves them out.
"""

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


def stands_in(state: State, name: str | None, *, archived: date | None = None) -> bool:
    """Return whether a contract belongs to a filter; no filter holds every state.

    One that is `archived` stands in the archive and nowhere else.
    """
    if name == ARCHIVE or archived is not None:
        return name == ARCHIVE and archived is not None
    return name is None or name not in FILTERS or state in FILTERS[name][1]


def is_found(search: str, *, ref: str, title: str) -> bool:
    """Return whether every word searched for is in the reference or the title."""
    text = f"{ref} {title}".casefold()
    return all(word in text for word in search.casefold().split())


def archived_on(*, completed: date | None, ended: date | None, after: int = 365) -> date | None:
    """Return the day a contract moves to the archive: `after` days after completion, and never
    before its last term has ended. The archive is a view: nothing is moved or deleted."""
    if completed is None or ended is None:
        return None
    latest = date.max - timedelta(days=after)
    return max(min(completed, latest) + timedelta(days=after), ended)
