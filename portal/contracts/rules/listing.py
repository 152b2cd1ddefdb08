"""Contracts in a list: the stage a contract is in, what a search finds, and the archive.

A *stage* is what the list can be narrowed to. It follows from the dated facts alone, on whatever
day one looks, so that it can be kept beside the contract and an index can find it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.contracts.rules.life import (
    ENDED_EARLY,
    OVER,
    RUNNING,
    DatedFact,
    State,
    state_of,
)
from portal.kit import clock
from portal.kit.words import say

FILTERS: Mapping[str, tuple[str, frozenset[State]]] = {
    "draft": (say("Drafts"), frozenset({State.DRAFT})),
    "negotiation": (say("In negotiation"), frozenset({State.NEGOTIATION})),
    "signing": (say("To sign"), frozenset({State.AGREED, State.SIGNING, State.SEALING})),
    "signed": (say("Signed"), RUNNING | {State.COMPLETED, State.AMENDS}),
    "ended": (say("Ended"), OVER | {*ENDED_EARLY.values()}),
}

ENDED = "ended"
ARCHIVE = "archive"
"""The name of the filter over contracts that moved to the archive; every other one leaves them out.
"""

YOURS = "yours"
"""The name of the filter over drafts and negotiations in which the asker's side is to move."""

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


def stage_of(facts: Sequence[DatedFact], *, of: str | None = None) -> str:
    """Return the stage that facts, in time order, add up to; the same on every day.

    Whether support has begun changes the state of a signed contract, never its stage.
    """
    state = state_of(facts, service_start=None, today=date.min, of=of)
    return next(name for name, (_, states) in FILTERS.items() if state in states)


def filter_named(name: str | None) -> str | None:
    """Return the filter that an address names; None, for all, where it names none."""
    return name if name in {*FILTERS, ARCHIVE, YOURS} else None


@dataclass(frozen=True)
class Place:
    """A place in a list of contracts: what the list is ordered by, and a reference."""

    key: str
    ref: str

    @property
    def text(self) -> str:
        """This place as it stands in an address."""
        return f"{self.key}~{self.ref}"


def read_place(text: str | None) -> Place | None:
    """Read a place from an address; anything else is the beginning of the list."""
    key, mark, ref = (text or "").partition("~")
    try:
        if len(key) == len(date.min.isoformat()):
            date.fromisoformat(key)
        else:
            clock.read_stamp(key)
    except ValueError:
        return None
    known = 0 < len(ref) <= 24 and ref.isascii() and ref.isprintable()
    return Place(key, ref) if mark and known else None


def fits(place: Place | None, name: str | None) -> bool:
    """Return whether a place is one of this filter's list: the archive is ordered by its days."""
    return place is None or (len(place.key) == len(date.min.isoformat())) == (name == ARCHIVE)


@dataclass(frozen=True)
class Count:
    """How many contracts a filter shows; counted up to a limit, so that counting costs the same."""

    number: int
    more: bool = False

    def __add__(self, other: "Count") -> "Count":
        return Count(self.number + other.number, self.more or other.more)

    def __str__(self) -> str:
        return f"{self.number:,}+" if self.more else f"{self.number:,}"


def is_found(search: str, *, ref: str, title: str, other: str = "") -> bool:
    """Return whether every word searched for is in the reference, the title or the other party."""
    text = f"{ref} {title} {other}".casefold()
    return all(word in text for word in search.casefold().split())


def archived_on(*, completed: date | None, ended: date | None, after: int = 365) -> date | None:
    """Return the day a contract moves to the archive: `after` days after completion, and never
    before its last term has ended. The archive is a view: nothing is moved or deleted."""
    if completed is None or ended is None:
        return None
    latest = date.max - timedelta(days=after)
    return max(min(completed, latest) + timedelta(days=after), ended)
