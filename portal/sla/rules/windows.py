"""Read opening hours: wall times, windows of a day, weeks, dates, and schedule terms."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from portal.kit.errors import Refused
from portal.kit.words import say

DAY_SECONDS = 86_400
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
WHOLE_DAY = ("00:00", "24:00")
ROUND_THE_CLOCK = {"24x7": WEEKDAYS, "24x5": WEEKDAYS[:5]}

# Seconds after local midnight of the day on which the window opens; a close past 86,400 is the
# next morning.
Window = tuple[int, int]
Windows = tuple[Window, ...]
Hours = Sequence[Sequence[str]]

_Key = TypeVar("_Key")

_WALL_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_YEARLY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)


def wall_time(text: str) -> int:
    """Seconds after midnight of `HH:MM` or `HH:MM:SS`; `24:00` is the midnight ending the day."""
    match = _WALL_TIME.fullmatch(text) if isinstance(text, str) else None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (99, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if total > DAY_SECONDS:
        raise Refused(
            say("“%(text)s” is not a time of day. Write it as 09:00, up to 24:00.", text=text)
        )
    return total


def window(opens: str, closes: str) -> Window:
    """One window; closing at or before the opening time means the next day (an overnight shift)."""
    begin, end = wall_time(opens), wall_time(closes)
    if begin in (end, DAY_SECONDS):
        raise Refused(
            say(
                "A window from %(opens)s to %(closes)s is unclear. "
                "Write 00:00 to 24:00 for a whole day.",
                opens=opens,
                closes=closes,
            )
        )
    return begin, end if end > begin else end + DAY_SECONDS


def windows(hours: Hours) -> Windows:
    """The windows of one day, in order."""
    if not isinstance(hours, (list, tuple)):
        raise Refused(
            say("“%(hours)s” is not a list of windows. Give pairs of times.", hours=hours)
        )
    return tuple(sorted(window(*_pair(pair)) for pair in hours))


def weekday(name: str) -> int:
    """0 for Monday to 6 for Sunday, from `mo`, `mon` or `Monday`."""
    short = str(name).strip().lower()[:2]
    if short not in WEEKDAYS:
        raise Refused(
            say("“%(name)s” is not a day of the week. Use mo, tu, we, th, fr, sa or su.", name=name)
        )
    return WEEKDAYS.index(short)


def week(hours_by_day: Mapping[str, Hours]) -> tuple[Windows, ...]:
    """Seven days of windows, Monday first; a day not named is closed."""
    days: list[Windows] = [()] * 7
    for name, hours in _named(hours_by_day).items():
        days[weekday(name)] = windows(hours)
    return tuple(days)


def dated(hours_by_date: Mapping[str | date, Hours]) -> dict[str, Windows]:
    """Windows by date, `2026-12-31` or `12-31` for every year."""
    return {day_key(day): windows(hours) for day, hours in _named(hours_by_date).items()}


def day_key(day: str | date) -> str:
    """A date as it is stored: `2026-12-25`, or `12-25` for the same day every year."""
    if isinstance(day, date):
        return day.isoformat()[:10]
    yearly = _YEARLY.fullmatch(day) if isinstance(day, str) else None
    try:
        # 2000 is a leap year, so 29 February may be a yearly holiday.
        date.fromisoformat(f"2000-{day}" if yearly else day)
    except (TypeError, ValueError):
        raise Refused(
            say(
                "“%(day)s” is not a date. Write it as 2026-12-25, or 12-25 for every year.", day=day
            )
        ) from None
    return day


def holiday_keys(holidays: Iterable[Any]) -> frozenset[str]:
    """Holidays given as dates, as text, or as rows that carry a `date`."""
    if isinstance(holidays, str) or not isinstance(holidays, Iterable):
        raise Refused(say("“%(holidays)s” is not a list of holidays.", holidays=holidays))
    return frozenset(
        day_key(day.get("date", "") if isinstance(day, Mapping) else day) for day in holidays
    )


def week_of_schedule(schedule: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Hours by weekday from a schedule term: rows of `days`, `from`, `to`, or 24x7, or 24x5."""
    hours: dict[str, list[tuple[str, str]]] = {}
    for row in _rows(schedule):
        for name in row["days"]:
            hours.setdefault(WEEKDAYS[weekday(name)], []).append((row["from"], row["to"]))
    return hours


def round_the_clock(schedule: Mapping[str, Any]) -> str | None:
    """`24x7` or `24x5` where a schedule term says so by name, else nothing."""
    words = (schedule.get(key) for key in ("coverage", "clock", "kind", "preset", "days"))
    return next((w for w in words if isinstance(w, str) and w in ROUND_THE_CLOCK), None)


def _rows(schedule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if named := round_the_clock(schedule):
        opens, closes = WHOLE_DAY
        return [{"days": ROUND_THE_CLOCK[named], "from": opens, "to": closes}]
    rows = schedule.get("days") or schedule.get("windows") or []
    if not all(isinstance(row, Mapping) and {"days", "from", "to"} <= row.keys() for row in rows):
        raise Refused(
            say("Support hours need days, an opening time and a closing time in every row.")
        )
    return list(rows)


def _named(hours: Mapping[_Key, Hours]) -> Mapping[_Key, Hours]:
    if not isinstance(hours, Mapping):
        raise Refused(
            say("“%(hours)s” does not name days. Give the hours of each day or date.", hours=hours)
        )
    return hours


def _pair(hours: Sequence[str]) -> tuple[str, str]:
    if not isinstance(hours, (list, tuple)) or len(hours) != 2:
        raise Refused(
            say("“%(hours)s” is not a window. Give an opening and a closing time.", hours=hours)
        )
    return hours[0], hours[1]
