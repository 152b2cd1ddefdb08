"""A second, slow way to work the clock: mark every minute of four weeks and count them.

It shares no code with the product. Wall times are found by looking them up in the list of all
minutes of the zone, never by asking for an offset.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAYS_SHOWN = 28
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@lru_cache(maxsize=32)
def first_seen(tz: str, begin: datetime) -> dict[datetime, int]:
    """Each wall minute and the first minute after `begin` at which it is shown."""
    zone, seen = ZoneInfo(tz), {}
    for minute in range(DAYS_SHOWN * 1440):
        wall = (begin + minute * MINUTE).astimezone(zone).replace(tzinfo=None)
        seen.setdefault(wall, minute)
    return seen


@dataclass
class Oracle:
    """The minutes of four weeks from `begin` under a calendar given as plain JSON values."""

    calendar: dict
    begin: datetime

    @cached_property
    def walls(self) -> dict[datetime, int]:
        return first_seen(self.calendar["tz"], self.begin)

    @cached_property
    def dates(self) -> list[date]:
        first = self.begin.date()
        return [first + timedelta(days=n) for n in range(2, DAYS_SHOWN - 3)]

    @property
    def last(self) -> int:
        """Minutes from here on are not marked."""
        return (DAYS_SHOWN - 5) * 1440

    def minute_of(self, day: date, text_or_length: str | timedelta) -> int:
        length = text_or_length
        if isinstance(length, str):
            hours, minutes = map(int, length.split(":"))
            length = timedelta(hours=hours, minutes=minutes)
        wall = datetime.combine(day, datetime.min.time()) + length
        late = 0
        while wall - late * MINUTE not in self.walls:
            late += 1
        return self.walls[wall - late * MINUTE] + late

    def hours_of(self, day: date) -> list:
        exceptions = self.calendar["exceptions"]
        if str(day) in exceptions:
            return exceptions[str(day)]
        closed = self.calendar["holidays"]
        if str(day) in closed or str(day)[5:] in closed:
            return []
        return self.calendar["weekly"][DAY_NAMES[day.weekday()]]

    def span(self, day: date, opens: str, closes: str) -> range:
        tomorrow = day + timedelta(days=1)
        end = (tomorrow, closes) if closes <= opens else (day, closes)
        return range(self.minute_of(day, opens), self.minute_of(*end))

    @cached_property
    def broken(self) -> set[int]:
        return {
            minute
            for day, breaks in self.calendar["breaks"].items()
            for pair in breaks
            for minute in self.span(date.fromisoformat(day), *pair)
        }

    @cached_property
    def minutes_of_date(self) -> dict[date, list[int]]:
        return {
            day: sorted(
                {m for pair in self.hours_of(day) for m in self.span(day, *pair)} - self.broken
            )
            for day in self.dates
        }

    @cached_property
    def open_minutes(self) -> set[int]:
        return {minute for minutes in self.minutes_of_date.values() for minute in minutes}

    def counts(self, minute: int, pauses: list[tuple[int, int]]) -> bool:
        return minute in self.open_minutes and not any(b <= minute < e for b, e in pauses)

    def due(self, start: int, need: int, pauses: list[tuple[int, int]]) -> int | None:
        """The minute at which the target runs out; None when that is past what is marked."""
        for minute in range(start, self.last):
            if self.counts(minute, pauses):
                if need == 0:
                    return minute
                need -= 1
                if need == 0:
                    return minute + 1
        return None

    def back(self, end: int, need: int) -> int | None:
        for minute in range(end - 1, 3 * 1440, -1):
            if minute in self.open_minutes:
                if need == 0:
                    return minute + 1
                need -= 1
                if need == 0:
                    return minute
        return None

    def elapsed(self, start: int, end: int, pauses: list[tuple[int, int]]) -> int:
        return sum(self.counts(minute, pauses) for minute in range(start, end))

    def business_days(self, start: int, need: int, *, end_of_day: bool) -> int | None:
        begun = self.due(start, 0, [])
        if begun is None:
            return None
        day = max(d for d, minutes in self.minutes_of_date.items() if begun in minutes)
        later = [d for d in self.dates if d > day and self.minutes_of_date[d]]
        if need > len(later):
            return None
        landing = later[need - 1] if need else day
        minutes = self.minutes_of_date[landing]
        if end_of_day:
            return minutes[-1] + 1
        return begun if need == 0 else self.kept_clock_time(begun, day, landing)

    def kept_clock_time(self, begun: int, day: date, landing: date) -> int:
        shown = (self.begin + begun * MINUTE).astimezone(ZoneInfo(self.calendar["tz"]))
        past_midnight = shown.replace(tzinfo=None) - datetime.combine(day, datetime.min.time())
        at, minutes = self.minute_of(landing, past_midnight), self.minutes_of_date[landing]
        worked = [minute for minute in minutes if minute < at]
        if at in minutes or not worked:
            return at if at in minutes else minutes[0]
        return worked[-1] + 1

    def moment(self, minute: int) -> datetime:
        return self.begin + minute * MINUTE


def around(year: int, month: int, day: int) -> datetime:
    """The beginning of four weeks with that date in the second one."""
    return datetime(year, month, day, tzinfo=UTC) - timedelta(days=9)
