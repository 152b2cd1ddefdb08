"""When reviews are due (terms N5, N6): by the calendar, the close of a quarter, or a peak.

Each has a key that stays the same however its day moves, so that it is planned once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.changes.rules.agenda import Stretch, agenda
from portal.kit.words import month, say
from portal.renewals.rules.dates import (
    BusinessDay,
    add_days,
    add_months,
    later_business_day,
    start_of,
)
from portal.renewals.rules.reading import business_days, zone_of


class Kind(StrEnum):
    """What a review is for."""

    SERVICE = "service"
    TARGETS = "targets"


KIND_WORDS = {
    Kind.SERVICE: say("Service review"),
    Kind.TARGETS: say("Review of targets before a peak"),
}
MONTHS_OF = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}


@dataclass(frozen=True)
class Planned:
    """A review that is due: its key, its day, and why then."""

    kind: Kind
    key: str
    on: date
    why: str


def planned(terms: Mapping[str, Any], begin: date, end: date) -> list[Planned]:
    """Return the reviews due from one day up to another, in order of their days."""
    zone, days = zone_of(terms), business_days(terms)
    margin = timedelta(days=400)
    peaks = _peaks(
        agenda(terms, start_of(begin, zone) - margin, start_of(end, zone) + margin), zone=zone
    )
    found = [*_service(terms, begin, end, peaks, days), *_targets(terms, peaks, days)]
    return sorted(
        (one for one in found if begin <= one.on < end), key=lambda one: (one.on, one.key)
    )


@dataclass(frozen=True)
class Peak:
    """A peak as days: its name, first day, and the day after its last."""

    name: str
    begins: date
    ends: date


def peak_name(stretch: Stretch) -> str:
    """Return what the contract calls a peak, without its weight."""
    return stretch.name.removeprefix("Peak: ").partition(", weight")[0]


def _peaks(stretches: Sequence[Stretch], *, zone: Any) -> list[Peak]:
    def day(at: datetime) -> date:
        return at.astimezone(zone).date()

    return [
        Peak(peak_name(one), day(one.begin), day(one.end))
        for one in stretches
        if one.kind == "peak"
    ]


def _service(
    terms: Mapping[str, Any], begin: date, end: date, peaks: Sequence[Peak], days: BusinessDay
) -> Iterator[Planned]:
    months = MONTHS_OF.get(terms.get("N5") or "")
    if months is None:
        return
    anchor, offset = terms.get("N5.anchor") or "calendar", terms.get("N5.offset")
    if anchor in ("before_peak", "after_peak"):
        yield from _around_peaks(peaks, anchor, offset, days)
        return
    for closed in _period_ends(begin, end, months):
        # The close of a period is its last day; a review by the calendar opens the next one.
        on = _moved(add_days(closed, -1), offset, days) if offset else _open(closed, days)
        yield Planned(
            Kind.SERVICE,
            f"service:{add_days(closed, -1):%Y-%m}",
            on,
            _after_the_close(closed, months),
        )


def _period_ends(begin: date, end: date, months: int) -> Iterator[date]:
    """The first day after each calendar period near the two days."""
    first = date(begin.year - 1, 1, 1)
    for n in range(0, 12 * (end.year - begin.year + 3), months):
        yield add_months(first, n)


def _after_the_close(closed: date, months: int) -> str:
    last = add_days(closed, -1)
    if months == 3:
        return say(
            "After the close of quarter %(number)s of %(year)s",
            number=(last.month + 2) // 3,
            year=last.year,
        )
    if months == 1:
        return say("After the close of %(month)s", month=month(last))
    return say("After the close of %(count)s months, in %(month)s", count=months, month=month(last))


def _around_peaks(
    peaks: Sequence[Peak], anchor: str, offset: Mapping[str, Any] | None, days: BusinessDay
) -> Iterator[Planned]:
    for peak in peaks:
        if anchor == "before_peak":
            on = _moved(peak.begins, offset, days, back=True) if offset else peak.begins
            why = say("Before %(name)s", name=peak.name)
        else:
            on = _moved(add_days(peak.ends, -1), offset, days) if offset else peak.ends
            why = say("After %(name)s", name=peak.name)
        yield Planned(Kind.SERVICE, f"service:peak:{peak.begins}", on, why)


def _targets(
    terms: Mapping[str, Any], peaks: Sequence[Peak], days: BusinessDay
) -> Iterator[Planned]:
    ahead = terms.get("N6")
    if not ahead:
        return
    for peak in peaks:
        on = _open(add_days(peak.begins, -ahead["n"]), days, back=True)
        yield Planned(
            Kind.TARGETS, f"targets:{peak.begins}", on, say("Before %(name)s", name=peak.name)
        )


def _moved(day: date, offset: Mapping[str, Any], days: BusinessDay, *, back: bool = False) -> date:
    """The day so far after (or before) a day; calendar days end on the next business day."""
    if offset["unit"] == "d":
        return _open(add_days(day, -offset["n"] if back else offset["n"]), days, back=back)
    if not back:
        return later_business_day(day, offset["n"], is_business_day=days)
    for _ in range(offset["n"]):
        day = _open(add_days(day, -1), days, back=True)
    return day


def _open(day: date, days: BusinessDay, *, back: bool = False) -> date:
    for _ in range(62):
        if days(day):
            return day
        day = add_days(day, -1 if back else 1)
    return day
