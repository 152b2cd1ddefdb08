"""What the signed terms promise about incidents: targets by severity, their clocks, their rules.

Read once from a version's terms and then used by every clock of its incidents, so that a later
change of the contract moves no clock. Term ids are those of the schema's groups B, C and H.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.kit.words import say
from portal.sla.rules.calendar import Calendar, calendar_from_schedule
from portal.sla.rules.clock import due_at
from portal.sla.rules.instants import to_moment
from portal.sla.rules.peaks import Peak, peak_at, peaks_from_stretches
from portal.sla.rules.target import Clock, Target, counting_calendar, target_from_term
from portal.terms.rules.durations import WEEK
from portal.terms.rules.schedules import DAYS, open_week
from portal.terms.rules.spans import windows_year

Terms = Mapping[str, Any]

SEVERITIES = ("S1", "S2", "S3", "S4")
NEXT_RELEASE = "next_release"


class Aim(StrEnum):
    """The four things a contract may set a time for."""

    RESPONSE = "response"
    UPDATE = "update"
    WORKAROUND = "workaround"
    RESOLUTION = "resolution"


AIM_WORDS = {
    Aim.RESPONSE: say("First response"),
    Aim.UPDATE: say("Next update"),
    Aim.WORKAROUND: say("Workaround"),
    Aim.RESOLUTION: say("Resolution"),
}
# The same inside a sentence.
AIM_IN_TEXT = {
    Aim.RESPONSE: say("first response"),
    Aim.UPDATE: say("next update"),
    Aim.WORKAROUND: say("workaround"),
    Aim.RESOLUTION: say("resolution"),
}
_TERM = {
    Aim.RESPONSE: "first_response",
    Aim.UPDATE: "update_every",
    Aim.WORKAROUND: "workaround",
    Aim.RESOLUTION: "resolution",
}


@dataclass(frozen=True)
class Promise:
    """One target and the term that sets it. `target` is None where no time is promised."""

    aim: Aim
    severity: str
    term: str
    target: Target | None
    at_next_release: bool = False


def term_of(aim: Aim, severity: str, *, peak: bool = False) -> str:
    """The id of the term that sets a target."""
    name = "peak_first_response" if peak else _TERM[aim]
    return f"C4.{severity}.{name}"


def more_severe(one: str, other: str) -> bool:
    """Whether the first severity is the graver; S1 is the gravest."""
    return one < other


@dataclass(frozen=True)
class Promises:
    """The promises of one signed version. Build it with `promises_of`."""

    calendar: Calendar
    with_holidays: Calendar
    terms: Terms = field(repr=False)
    holidays: frozenset[date]
    max_pause: Target | None
    needs_diagnosis: bool
    starts_when_severity_is_set: bool
    next_business_day: bool
    _peaks: dict[int, tuple[Peak, ...]] = field(default_factory=dict, compare=False, repr=False)
    _known: dict[tuple[str, str, bool], Promise] = field(
        default_factory=dict, compare=False, repr=False
    )

    def promise(self, aim: Aim, severity: str, *, reported: datetime) -> Promise:
        """The target of that kind and severity for an incident reported at that moment.

        In a peak the faster first response holds, and stays in force after the peak (clause 4.15).
        """
        peak = aim is Aim.RESPONSE and self.in_peak(reported) is not None
        if peak and self.terms.get(term_of(aim, severity, peak=True)) is None:
            peak = False
        key = (aim.value, severity, peak)
        if key not in self._known:
            self._known[key] = self._promise(aim, severity, peak=peak)
        return self._known[key]

    def _promise(self, aim: Aim, severity: str, *, peak: bool) -> Promise:
        term = term_of(aim, severity, peak=peak)
        value = self.terms.get(term)
        if not isinstance(value, Mapping):
            return Promise(aim, severity, term, None, at_next_release=value == NEXT_RELEASE)
        return Promise(aim, severity, term, target_from_term(value))

    def in_peak(self, moment: datetime) -> Peak | None:
        """The peak of the contract in which a moment lies."""
        if not self.terms.get("B5"):
            return None
        # A window that opens in December may run into January, read in the year it opened.
        year = moment.year
        return peak_at(moment, peaks=(*self.peaks(year - 1), *self.peaks(year)))

    def peaks(self, year: int) -> tuple[Peak, ...]:
        """The peaks that begin in a year."""
        if year not in self._peaks:
            self._peaks[year] = tuple(
                peak
                for row in self.terms.get("B5") or ()
                for peak in peaks_from_stretches(
                    row["name"],
                    stretches=windows_year(
                        row["window"], year, zone=self.calendar.zone.key, holidays=self.holidays
                    ),
                )
            )
        return self._peaks[year]

    def calendar_for(self, target: Target) -> Calendar:
        """The calendar a target of this contract is counted on."""
        return self.with_holidays if target.clock is Clock.WEEKDAYS else self.calendar

    def starts_at(self, reported: datetime, target: Target) -> datetime:
        """From when a report is counted: outside open hours perhaps the next business day (C11).

        A day whose hours have not begun is the next business day of a report made that morning.
        """
        if not self.next_business_day:
            return reported
        counting = counting_calendar(target.clock, calendar=self.calendar_for(target))
        opening = due_at(reported, target=timedelta(), calendar=counting)
        day = counting.local(reported).date()
        shifts = counting.shifts(day.toordinal())
        begun = any(to_moment(end) <= reported for _, end in shifts)
        if opening == reported or counting.local(opening).date() != day or not begun:
            return opening
        tomorrow = to_moment(counting.at_wall(day, timedelta(days=1)))
        return due_at(tomorrow, target=timedelta(), calendar=counting)

    def pause_limit(self, begin: datetime) -> datetime | None:
        """When a pause that began then ends by itself (C7)."""
        if self.max_pause is None:
            return None
        return due_at(begin, target=self.max_pause, calendar=self.calendar)

    def silence_until(self, resolved: datetime) -> datetime | None:
        """When silence closes an incident resolved then (C9); None where only a yes does."""
        value = self.terms.get("C9.silence")
        if self.terms.get("C9") != "customer_or_silence" or not value:
            return None
        return due_at(resolved, target=target_from_term(value), calendar=self.calendar)

    def reopen_until(self, ended: datetime) -> datetime | None:
        """Until when an incident that ended then may be reopened (C10)."""
        value = self.terms.get("C10")
        if not value:
            return None
        return due_at(ended, target=target_from_term(value), calendar=self.calendar)


def promises_of(terms: Terms) -> Promises:
    """Read the promises of a version's terms."""
    hours, rows = terms["B1"], terms.get("B2") or ()
    closed = [row["date"] for row in rows if not row.get("open")]
    half_days = {
        row["date"]: _hours_on(row["date"], row["open"]) for row in rows if row.get("open")
    }
    with_holidays = calendar_from_schedule({**hours, "exceptions": half_days}, holidays=closed)
    pause = terms.get("C7.max_pause")
    return Promises(
        # Hours around the clock, every day, do not close for holidays (clause 2.4).
        calendar=calendar_from_schedule(hours) if _never_closes(hours) else with_holidays,
        with_holidays=with_holidays,
        terms=terms,
        holidays=frozenset(date.fromisoformat(day) for day in closed),
        max_pause=target_from_term(pause) if pause else None,
        needs_diagnosis=terms.get("C5") == "diagnosis",
        starts_when_severity_is_set=terms.get("C6") == "severity_set",
        next_business_day=terms.get("C11") == "next_business_day",
    )


def _never_closes(hours: Mapping[str, Any]) -> bool:
    return open_week(hours) == ((0, WEEK),)


def _hours_on(day: str, schedule: Mapping[str, Any]) -> list[tuple[str, str]]:
    weekday = DAYS[date.fromisoformat(day).weekday()]
    return [(row["from"], row["to"]) for row in schedule["days"] if weekday in row["days"]]
