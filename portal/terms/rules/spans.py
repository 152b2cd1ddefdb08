"""Schedules and windows laid out over a calendar year, to see where they meet.

Stretches are half-open pairs of whole minutes since 1970-01-01 00:00 UTC, in order, never touching.
"""

import json
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from portal.terms.rules.durations import DAY
from portal.terms.rules.schedules import DAYS, merged, minutes_of
from portal.terms.rules.shape import Value

Stretches = tuple[tuple[int, int], ...]

REFERENCE_YEAR = 2027
"""The year recurring windows are compared in; dated windows bring their own years."""

_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


def _at(day: date, minute: int, zone: ZoneInfo) -> int:
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    return int((local.replace(tzinfo=zone) - _EPOCH) / timedelta(minutes=1))


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    return (first + timedelta(days=n) for n in range(length))


def schedule_year(schedule: Value, year: int) -> Stretches:
    """Return the open stretches of a weekly schedule in one year, holidays not counted."""
    return _weekly_year(schedule["days"], ZoneInfo(schedule["tz"]), year)


def _weekly_year(entries: Iterable[Value], zone: ZoneInfo, year: int) -> Stretches:
    pieces = []
    for entry in entries:
        start, end = minutes_of(entry["from"]), minutes_of(entry["to"])
        end += DAY if end <= start else 0
        wanted = {DAYS.index(day) for day in entry["days"]}
        pieces += [
            (_at(day, start, zone), _at(day, end, zone))
            for day in _days_of(year)
            if day.weekday() in wanted
        ]
    return merged(pieces)


def windows_year(windows: Value, year: int, *, zone: str, holidays: frozenset[date]) -> Stretches:
    """Return the stretches of a list of windows in one year; `zone` serves those without one."""
    pieces: list[tuple[int, int]] = []
    for slot in windows:
        pieces += _laid_out(json.dumps(slot, sort_keys=True), year, slot["tz"] or zone, holidays)
    return merged(pieces)


# The same few windows stand in most contracts, and a list of contracts asks for each of them.
@lru_cache(maxsize=4_096)
def _laid_out(slot: str, year: int, zone: str, holidays: frozenset[date]) -> Stretches:
    return _slot_year(json.loads(slot), year, ZoneInfo(zone), holidays)


def _slot_year(slot: Value, year: int, zone: ZoneInfo, holidays: frozenset[date]) -> Stretches:
    match slot["freq"]:
        case "weekly":
            return _weekly_year([slot], zone, year)
        case "monthly":
            days = [_nth_day(year, month, slot) for month in range(1, 13)]
            return tuple(_on(day, slot, zone) for day in days)
        case "yearly":
            return (_whole_days(*_yearly_ends(slot, year), zone),)
        case "once":
            return _once_year(slot, year, zone)
        case _:
            months = {"month_end": 1, "quarter_end": 3, "year_end": 12}[slot["freq"]]
            ends = [_last_day(year, month) for month in range(months, 13, months)]
            return tuple(_around(end, slot, zone, holidays) for end in ends)


def _on(day: date, slot: Value, zone: ZoneInfo) -> tuple[int, int]:
    start, end = minutes_of(slot["from"]), minutes_of(slot["to"])
    return _at(day, start, zone), _at(day, end + (DAY if end <= start else 0), zone)


def _whole_days(first: date, last: date, zone: ZoneInfo) -> tuple[int, int]:
    return _at(first, 0, zone), _at(last + timedelta(days=1), 0, zone)


def _last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _nth_day(year: int, month: int, slot: Value) -> date:
    weekday = DAYS.index(slot["day"])
    if slot["nth"] == -1:
        last = _last_day(year, month)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (slot["nth"] - 1))


def _yearly_ends(slot: Value, year: int) -> tuple[date, date]:
    first, last = (_month_day(year, slot[end]) for end in ("from", "to"))
    return first, last if last >= first else _month_day(year + 1, slot["to"])


def _month_day(year: int, text: str) -> date:
    month, day = int(text[:2]), int(text[3:])
    return date(year, month, min(day, monthrange(year, month)[1]))


def _once_year(slot: Value, year: int, zone: ZoneInfo) -> Stretches:
    start, end = date.fromisoformat(slot["start"]), date.fromisoformat(slot["end"])
    if not start.year <= year <= end.year:
        return ()
    return ((_at(start, minutes_of(slot["from"]), zone), _at(end, minutes_of(slot["to"]), zone)),)


def _around(end: date, slot: Value, zone: ZoneInfo, holidays: frozenset[date]) -> tuple[int, int]:
    """The stretch from one counted day to another, both whole, around a period's end."""
    business = slot["unit"] == "bd"
    first = _counted_day(end, slot["from"], business=business, holidays=holidays)
    last = _counted_day(end, slot["to"], business=business, holidays=holidays)
    # Zero is the end of the period itself: nothing after it, or nothing before it.
    start_day = first if slot["from"] else end + timedelta(days=1)
    last_day = last if slot["to"] else end
    return _whole_days(start_day, max(last_day, start_day - timedelta(days=1)), zone)


def _counted_day(end: date, n: int, *, business: bool, holidays: frozenset[date]) -> date:
    step = timedelta(days=1 if n > 0 else -1)
    day = end if n > 0 else end + timedelta(days=1)
    left = abs(n)
    while left:
        day += step
        if not business or (day.weekday() < 5 and day not in holidays):
            left -= 1
    return day


def years_of(*lists: Value) -> list[int]:
    """Return the years these windows must be compared in."""
    years = {REFERENCE_YEAR}
    for windows in lists:
        for slot in windows or ():
            if slot["freq"] == "once":
                years |= {int(slot["start"][:4]), int(slot["end"][:4])}
    return sorted(years)


def meeting(one: Stretches, other: Stretches) -> Stretches:
    """Return the stretches that are in both."""
    out, a, b = [], 0, 0
    while a < len(one) and b < len(other):
        start, end = max(one[a][0], other[b][0]), min(one[a][1], other[b][1])
        if start < end:
            out.append((start, end))
        if one[a][1] < other[b][1]:
            a += 1
        else:
            b += 1
    return tuple(out)


def without(one: Stretches, other: Stretches) -> Stretches:
    """Return what is in the first but not in the second."""
    out, cut = [], 0
    for start, end in one:
        while cut < len(other) and other[cut][1] <= start:
            cut += 1
        at = cut
        while at < len(other) and other[at][0] < end:
            if start < other[at][0]:
                out.append((start, other[at][0]))
            start = max(start, other[at][1])
            at += 1
        if start < end:
            out.append((start, end))
    return tuple(out)


def minutes_in(stretches: Stretches) -> int:
    """Return how many minutes the stretches hold together."""
    return sum(end - start for start, end in stretches)


def said_start(stretches: Stretches, zone: str) -> str:
    """Say when the first stretch begins, such as "Sunday 2027-01-03 02:00"."""
    began = (_EPOCH + timedelta(minutes=stretches[0][0])).astimezone(ZoneInfo(zone))
    return f"{began:%A} {began.day} {began:%B %Y %H:%M}"
