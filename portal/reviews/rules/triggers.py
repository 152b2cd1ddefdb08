"""What calls an executive review (term G4): numbers the contract sets, against the facts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What happened, as triggers read it."""

    now: datetime
    grave: Sequence[tuple[int, datetime]] = ()
    """Number and time of each severity 1 incident."""
    missed_months: Sequence[tuple[str, bool]] = ()
    """Each month with a statement, and whether its uptime was missed, oldest first."""
    outages: Sequence[tuple[str, datetime, datetime]] = ()
    in_peak: frozenset[str] = frozenset()
    attainment: tuple[str, Decimal] | None = None
    """The last month with a statement and its share of targets met."""


@dataclass(frozen=True)
class Call:
    """A trigger that fired: a key for its cause, and the cause in words."""

    key: str
    why: str


def calls(terms: Mapping[str, Any], facts: Facts) -> list[Call]:
    """Return every trigger that fires; the same cause always has the same key."""
    found: list[Call] = []
    for row in terms.get("G4") or ():
        judge = _JUDGES.get(row["trigger"])
        if judge is not None and row["number"] is not None:
            found += judge(row["number"], row["out_of"], facts)
    return found


def _s1_count(number: int, out_of: int | None, facts: Facts) -> Iterator[Call]:
    since = facts.now - timedelta(days=out_of or 30)
    recent = [incident for incident, at in facts.grave if at >= since]
    if number and len(recent) >= number:
        yield Call(
            f"s1:{max(recent)}",
            f"{len(recent)} severity 1 incidents in {out_of or 30} days; the contract allows "
            f"fewer than {number}.",
        )


def _uptime_missed(number: int, out_of: int | None, facts: Facts) -> Iterator[Call]:
    last = facts.missed_months[-(out_of or number) :]
    missed = [month for month, gone in last if gone]
    if number and len(missed) >= number:
        yield Call(f"uptime:{missed[-1]}", f"Uptime missed in {len(missed)} of {len(last)} months.")


def _outage_hours(number: int, _: int | None, facts: Facts) -> Iterator[Call]:
    for ref, begin, end in facts.outages:
        if end - begin > timedelta(hours=number):
            yield Call(f"outage:{ref}", f"Outage {ref} was longer than {number} hours.")


def _peak_outage(_: int, __: int | None, facts: Facts) -> Iterator[Call]:
    for ref, _begin, _end in facts.outages:
        if ref in facts.in_peak:
            yield Call(f"peak:{ref}", f"Outage {ref} fell into a peak.")


def _attainment(number: int, _: int | None, facts: Facts) -> Iterator[Call]:
    if facts.attainment and facts.attainment[1] < number:
        month, share = facts.attainment
        yield Call(f"attainment:{month}", f"{share} % of targets met in {month}, below {number} %.")


_JUDGES = {
    "s1_count": _s1_count,
    "uptime_missed": _uptime_missed,
    "outage_hours": _outage_hours,
    "peak_outage": _peak_outage,
    "attainment_pct": _attainment,
}
