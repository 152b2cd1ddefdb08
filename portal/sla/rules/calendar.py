"""The calendar of a promise: a zone, weekly windows, dated exceptions, holidays and breaks.

A window belongs to the day on which it opens: a night shift that began on the eve of a holiday is
finished, one that would begin on the holiday does not. A dated exception replaces the hours of its
day and wins over a holiday, since it is the more particular agreement. Breaks are taken out last.
Wall times become UTC as RFC 5545 section 3.3.5 says: the first of two equal wall times (`fold=0`),
and a wall time that does not exist moves forward by the gap.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from portal.kit.errors import Refused
from portal.kit.words import say
from portal.sla.rules import windows as read
from portal.sla.rules.instants import DAY, Span, clip, to_instant, union, without
from portal.sla.rules.zones import zone

WEEK = 7 * DAY
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# A window may open up to 14 hours off UTC and close up to 48 hours after its local midnight.
_DAYS_BEFORE, _DAYS_AFTER = 3, 1


class NeverOpens(Refused):
    """The calendar has no opening hour, or none within reach, so nothing can fall due."""


class Block(NamedTuple):
    """One UTC week of open intervals; `before` and `after` are the open microseconds so far."""

    opens: list[int]
    closes: list[int]
    before: list[int]
    after: list[int]
    total: int

    def open_before(self, instant: int) -> int:
        """Open microseconds of this week before the instant."""
        nth = bisect_right(self.closes, instant)
        if nth == len(self.closes):
            return self.total
        return self.before[nth] + max(0, instant - self.opens[nth])


Dated = tuple[tuple[str, read.Windows], ...]


@dataclass(frozen=True)
class Calendar:
    """When the vendor is open. Build it with `Calendar.of`, which checks and shares it."""

    zone: ZoneInfo
    weekly: tuple[read.Windows, ...]
    holidays: frozenset[str]
    exceptions: Dated
    breaks: Dated
    _days: dict[int, tuple[Span, ...]] = field(default_factory=dict, compare=False, repr=False)
    _blocks: dict[int, Block] = field(default_factory=dict, compare=False, repr=False)
    _exceptions: dict[str, read.Windows] = field(default_factory=dict, compare=False, repr=False)
    _breaks: dict[str, read.Windows] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(
        tz: str,
        *,
        weekly: Mapping[str, read.Hours],
        holidays: Iterable[Any] = (),
        exceptions: Mapping[str | date, read.Hours] | None = None,
        breaks: Mapping[str | date, read.Hours] | None = None,
    ) -> "Calendar":
        """The calendar of these hours; one that never opens is refused.

        `weekly` maps days to lists of `(opens, closes)` wall times; `exceptions` (which replace the
        hours of a date) and `breaks` (which are taken out) do the same for dates.
        """
        return _shared(
            tz,
            read.week(weekly),
            read.holiday_keys(holidays),
            tuple(sorted(read.dated(exceptions or {}).items())),
            tuple(sorted(read.dated(breaks or {}).items())),
        )

    def windows_on(self, day: date) -> read.Windows:
        """The windows that open on that local date, before breaks."""
        text = day.isoformat()
        for key in (text, text[5:]):
            if key in self._exceptions:
                return self._exceptions[key]
        if text in self.holidays or text[5:] in self.holidays:
            return ()
        return self.weekly[day.weekday()]

    def shifts(self, ordinal: int) -> tuple[Span, ...]:
        """The open spans that begin on the local date with that ordinal, in UTC."""
        if (known := self._days.get(ordinal)) is None:
            known = self._days[ordinal] = self._shifts(date.fromordinal(ordinal))
        return known

    def block(self, number: int) -> Block:
        """The open intervals of one UTC week, counted from 1 January 1970."""
        if (known := self._blocks.get(number)) is None:
            known = self._blocks[number] = self._block(number)
        return known

    def local(self, moment: datetime) -> datetime:
        """The moment on the wall clock of the calendar's zone."""
        return moment.astimezone(self.zone)

    def at_wall(self, day: date, seconds: timedelta) -> int:
        """The instant at which the wall clock shows that much past the midnight of `day`."""
        wall = datetime(day.year, day.month, day.day) + seconds  # noqa: DTZ001
        return to_instant(wall.replace(tzinfo=self.zone))

    def _shifts(self, day: date) -> tuple[Span, ...]:
        opened = union(self._in_utc(day, self.windows_on(day)))
        if not (opened and self._breaks):
            return tuple(opened)
        return tuple(without(opened, self._breaks_around(day)))

    def _in_utc(self, day: date, hours: read.Windows) -> list[Span]:
        return [
            (self.at_wall(day, timedelta(seconds=begin)), self.at_wall(day, timedelta(seconds=end)))
            for begin, end in hours
        ]

    def _breaks_around(self, day: date) -> list[Span]:
        near = [day + timedelta(days=shift) for shift in (-1, 0, 1, 2)]
        return union(span for d in near for span in self._in_utc(d, self._breaks_on(d)))

    def _breaks_on(self, day: date) -> read.Windows:
        text = day.isoformat()
        return self._breaks.get(text, ()) + self._breaks.get(text[5:], ())

    def _block(self, number: int) -> Block:
        begin = number * WEEK
        first = _EPOCH_DAY + number * 7
        near = range(first - _DAYS_BEFORE, first + 7 + _DAYS_AFTER)
        spans = clip(union(s for day in near for s in self.shifts(day)), begin, begin + WEEK)
        after = list(accumulate(end - start for start, end in spans))
        return Block(
            opens=[start for start, _ in spans],
            closes=[end for _, end in spans],
            before=[0, *after[:-1]] if after else [],
            after=after,
            total=after[-1] if after else 0,
        )


@lru_cache(maxsize=512)
def _shared(
    tz: str,
    weekly: tuple[read.Windows, ...],
    holidays: frozenset[str],
    exceptions: Dated,
    breaks: Dated,
) -> Calendar:
    # Equal calendars share one object and so one cache of intervals.
    if not any(weekly) and not any(hours for _, hours in exceptions):
        raise NeverOpens(say("These support hours never open. Add at least one window."))
    return Calendar(
        zone=zone(tz),
        weekly=weekly,
        holidays=holidays,
        exceptions=exceptions,
        breaks=breaks,
        _exceptions=dict(exceptions),
        _breaks=dict(breaks),
    )


@lru_cache(maxsize=64)
def always_open(tz: str) -> Calendar:
    """Real time: open every minute of every day."""
    return Calendar.of(tz, weekly={day: [read.WHOLE_DAY] for day in read.WEEKDAYS})


@lru_cache(maxsize=64)
def weekdays_open(calendar: Calendar) -> Calendar:
    """24x5 beside a calendar: Monday 00:00 to Friday 24:00 in its zone, its holidays closed."""
    return Calendar.of(
        calendar.zone.key,
        weekly={day: [read.WHOLE_DAY] for day in read.ROUND_THE_CLOCK["24x5"]},
        holidays=calendar.holidays,
    )


def calendar_from_json(source: Mapping[str, Any]) -> Calendar:
    """A calendar from `tz` and `weekly`, with `holidays`, `exceptions` and `breaks` if any."""
    if not isinstance(source, Mapping) or not {"tz", "weekly"} <= source.keys():
        raise Refused(say("A calendar needs a time zone (tz) and weekly hours (weekly)."))
    return Calendar.of(
        str(source["tz"]),
        weekly=source["weekly"],
        holidays=source.get("holidays") or (),
        exceptions=source.get("exceptions"),
        breaks=source.get("breaks"),
    )


def calendar_from_schedule(
    schedule: Mapping[str, Any] | str, *, holidays: Iterable[Any] = (), tz: str = "UTC"
) -> Calendar:
    """A calendar from a support-hours term, with the holidays frozen beside it.

    The term is `{"tz", "days": [{"days": ["mo", …], "from": "09:00", "to": "17:00"}]}`, or names
    `24x7` or `24x5`. `tz` is used only where the term carries no zone of its own.
    """
    term: Mapping[str, Any] = {"coverage": schedule} if isinstance(schedule, str) else schedule
    own = term.get("holidays") or ()
    return Calendar.of(
        term.get("tz") or tz,
        weekly=read.week_of_schedule(term),
        holidays=() if read.round_the_clock(term) == "24x7" else (*holidays, *own),
        exceptions=term.get("exceptions"),
        breaks=term.get("breaks"),
    )
