"""Until when a contract is kept, and what may be done to it then. Time is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal.contracts.rules.life import ENDED_EARLY, OVER, State
from portal.kit.errors import Refused
from portal.kit.words import day, say
from portal.renewals.rules.dates import add_months

HIPAA_MONTHS = 72  # 45 CFR 164.316(b)(2)(i)
LEAST_REASON = 5
LONGEST_REASON = 2000
CLOSED = OVER | frozenset(ENDED_EARLY.values())


@dataclass(frozen=True)
class Ground:
    """One reason to keep a contract's records, and for how many months after its end."""

    months: int
    words: str


@dataclass(frozen=True)
class Retention:
    """Until when a contract is kept: the longest of its grounds after its end decides.

    `ended` and `until` are None while the contract runs or is open: then nothing is due.
    """

    ended: date | None
    until: date | None
    grounds: tuple[Ground, ...]

    def is_due(self, today: date) -> bool:
        """Whether the time is over: on the day named, and every day after."""
        return self.until is not None and today >= self.until


def retention_of(
    *, ended: date | None, term: Mapping[str, Any] | None, years: Mapping[str, int], hipaa: bool
) -> Retention:
    """Return how long a contract is kept after the first day it no longer runs.

    `term` is N10 of the terms in force, `years` the limitation period each party chose by its name,
    `hipaa` whether the contract ever was under that profile.
    """
    grounds = [
        Ground(number * 12, say("%(name)s keeps records", name=name))
        for name, number in years.items()
    ]
    if term is not None:
        grounds.append(Ground(_months(term), say("The contract’s own term (N10)")))
    if hipaa:
        grounds.append(Ground(HIPAA_MONTHS, say("HIPAA, six years")))
    grounds.sort(key=lambda ground: -ground.months)
    longest = grounds[0].months if grounds else 0
    until = add_months(ended, longest) if ended else None
    return Retention(ended, until, tuple(grounds))


def _months(term: Mapping[str, Any]) -> int:
    number = int(term["n"])
    return number * 12 if term["unit"] in {"y", "yr"} else number


def read_reason(text: str) -> str:
    """Return the reason of a hold; `Refused` where it says nothing."""
    reason = " ".join(text.split())
    if not LEAST_REASON <= len(reason) <= LONGEST_REASON:
        raise Refused(say("Give a reason of 5 to 2,000 characters."))
    return reason


def demand_deletable(
    retention: Retention, *, holds: int, state: State, moving: bool, amendment: bool, today: date
) -> None:
    """Refuse to delete what is not over, not due, held, or on its way to another region."""
    if amendment:
        raise Refused(say("An amendment goes with the contract it amends. Ask there."))
    if state not in CLOSED or retention.until is None:
        raise Refused(say("This contract is not over, so nothing of it is deleted."))
    if holds:
        raise Refused(say("A legal hold stands. Nothing is deleted while it does."))
    if not retention.is_due(today):
        raise Refused(say("Its records are kept until %(day)s.", day=day(retention.until)))
    if moving:
        raise Refused(say("The contract is being moved to another region. Try again afterwards."))


def demand_lift(*, asked_by: str | None, person: str) -> None:
    """Refuse the second "yes" where nobody gave the first, or the same person did."""
    if asked_by is None:
        raise Refused(say("Ask first that the hold be lifted."))
    if asked_by == person:
        raise Refused(say("You asked for this yourself. Another member must confirm it."))


@dataclass(frozen=True)
class Step:
    """How far a deletion has come."""

    word: str
    kind: str


def step_of(
    *, agreed: datetime | None, withdrawn: datetime | None, deleted: datetime | None
) -> Step:
    """Return where a deletion stands, in words."""
    if deleted:
        return Step(say("Deleted"), "agreed")
    if withdrawn:
        return Step(say("Withdrawn"), "rejected")
    return Step(say("Waits for the worker") if agreed else say("Asked"), "open")
