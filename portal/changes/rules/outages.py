"""Outages as both sides see them: who recorded what, who confirms or disputes, what is excluded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from portal.changes.rules.plan import Effect
from portal.contracts.rules.life import Side
from portal.kit.words import say
from portal.sla.rules.uptime import Down, Exclusion


class Standing(StrEnum):
    """What the two sides make of an outage."""

    REPORTED = "reported"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


STANDING_WORDS = {
    Standing.REPORTED: say("Not confirmed yet"),
    Standing.CONFIRMED: say("Confirmed by both"),
    Standing.DISPUTED: say("Disputed"),
    Standing.WITHDRAWN: say("Withdrawn"),
}
STANDING_KINDS = {
    Standing.REPORTED: "open",
    Standing.CONFIRMED: "good",
    Standing.DISPUTED: "bad",
    Standing.WITHDRAWN: "",
}
CAUSE_WORDS = {
    "force_majeure": say("force majeure"),
    "internet": say("the internet at large"),
    "customer_side": say("the customer's equipment or software"),
    "unauthorised_use": say("unauthorised use"),
    "beta": say("beta features"),
    "suspension": say("suspension for non-payment"),
    "third_party": say("third parties the vendor does not control"),
}


class CauseStanding(StrEnum):
    """What became of a cause that would exclude an outage."""

    NONE = "none"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class OutageEvent:
    """One dated word about an outage. Reports and corrections carry times, causes their code."""

    kind: str
    recorded_at: datetime
    side: Side | None
    begin: datetime | None = None
    end: datetime | None = None
    cause: str | None = None


@dataclass(frozen=True)
class Outage:
    """An outage as its events leave it. `modules` empty: the whole software."""

    ref: str
    effect: Effect
    modules: tuple[str, ...]
    reporter: Side
    begin: datetime
    end: datetime | None
    standing: Standing
    cause: str | None = None
    cause_standing: CauseStanding = CauseStanding.NONE
    other_begin: datetime | None = None
    other_end: datetime | None = None
    by_monitor: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.end is not None

    def length(self, *, until: datetime) -> timedelta:
        """Return how long it lasted, or has lasted so far."""
        return max(timedelta(0), (self.end or until) - self.begin)


def outage_of(
    ref: str,
    events: Sequence[OutageEvent],
    *,
    effect: str,
    modules: Sequence[str],
    by_monitor: bool = False,
    known_at: datetime | None = None,
) -> Outage | None:
    """Fold the events of one outage, in the order they were recorded; None before it was known."""
    ordered = sorted(events, key=lambda event: event.recorded_at)
    known = [e for e in ordered if known_at is None or e.recorded_at <= known_at]
    if not known:
        return None
    first = known[0]
    if first.begin is None or first.side is None:
        raise ValueError("an outage begins with a report that says when, and by whom")
    outage = Outage(
        ref, Effect(effect), tuple(modules), first.side, first.begin, first.end,
        Standing.REPORTED, by_monitor=by_monitor,
    )  # fmt: skip
    for event in known[1:]:
        outage = _after(outage, event)
    return outage


def _after(outage: Outage, event: OutageEvent) -> Outage:
    match event.kind:
        case "ended":
            return replace(outage, end=event.end)
        case "confirmed":
            return replace(outage, standing=Standing.CONFIRMED)
        case "disputed":
            return replace(
                outage, standing=Standing.DISPUTED, other_begin=event.begin, other_end=event.end
            )
        case "corrected":
            return replace(
                outage, begin=event.begin or outage.begin, end=event.end,
                standing=Standing.CONFIRMED, other_begin=None, other_end=None,
            )  # fmt: skip
        case "withdrawn":
            return replace(outage, standing=Standing.WITHDRAWN)
        case "cause_claimed":
            return replace(outage, cause=event.cause, cause_standing=CauseStanding.CLAIMED)
        case "cause_accepted":
            return replace(outage, cause_standing=CauseStanding.ACCEPTED)
        case "cause_refused":
            return replace(outage, cause_standing=CauseStanding.REFUSED)
        case other:
            raise ValueError(f"unknown event of an outage: {other}")


def critical_modules(terms: Mapping[str, Any]) -> frozenset[str]:
    """Return the modules whose outage is one of the whole software (I1: critical)."""
    rows: Iterable[Mapping[str, Any]] = terms.get("I1") or ()
    return frozenset(row["module"] for row in rows if row.get("criticality") == "critical")


def downs_of(
    outages: Iterable[Outage], *, degraded: Fraction, critical: frozenset[str]
) -> list[Down]:
    """Return what counts for the software as a whole.

    A module that is not critical takes a function away and leaves the rest: the software is then
    degraded (clause 5.8). A disputed outage counts as it was recorded until it is corrected.
    """
    found = []
    for outage in _standing(outages):
        whole = not outage.modules or bool(critical.intersection(outage.modules))
        full = outage.effect is Effect.DOWN and whole
        found.append(_down(outage, Fraction(1) if full else degraded))
    return found


def module_downs(outages: Iterable[Outage], module: str, *, degraded: Fraction) -> list[Down]:
    """Return what counts for one module: its own outages and those of the whole software."""
    return [
        _down(outage, Fraction(1) if outage.effect is Effect.DOWN else degraded)
        for outage in _standing(outages)
        if not outage.modules or module in outage.modules
    ]


def exclusions_of(outages: Iterable[Outage], terms: Mapping[str, Any]) -> list[Exclusion]:
    """Return the stretches taken out: a cause the contract excludes that the customer accepted."""
    listed = terms.get("D10") or ()
    return [
        Exclusion(outage.begin, outage.end, CAUSE_WORDS[outage.cause], outage.ref)
        for outage in _standing(outages)
        if outage.cause is not None
        and outage.cause in listed
        and outage.cause_standing is CauseStanding.ACCEPTED
        and outage.end
    ]


def _standing(outages: Iterable[Outage]) -> Iterable[Outage]:
    counted = (one for one in outages if one.standing is not Standing.WITHDRAWN)
    return (one for one in counted if one.effect is not Effect.NONE)


def _down(outage: Outage, weight: Fraction) -> Down:
    return Down(outage.begin, outage.end, weight, outage.ref)
