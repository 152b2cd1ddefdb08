"""Recurring and dated windows: maintenance, freezes and peaks.

A value is a list of windows. Each has `freq`, a zone `tz` (None: the zone of the support hours) and
- weekly: `days`, `from`, `to`                          "Su 02:00-05:00 America/New_York"
- monthly: `nth` (1 to 4, or -1 for last), `day`, `from`, `to`   "last Su 02:00-05:00"
- yearly: `from`, `to` as MM-DD, whole days, both included       "20-30 Nov"
- quarter_end, month_end, year_end: `from`, `to`, `unit` bd or d  "quarter-end -5bd..+2bd"
  where -1 is the last (business) day of the period, 0 its end, +1 the first day after it
- once: `start`, `end` dates, both included, `from`, `to` times  "2026-11-20..2026-11-30"
"""

import re
from collections.abc import Callable
from datetime import date

from portal.kit.words import say
from portal.terms.rules.dates import MONTHS, month_number
from portal.terms.rules.schedules import (
    DAYS,
    cut_zone,
    read_clock,
    read_days,
    read_span,
    read_zone,
    write_days,
)
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.text import clean_line

_MESSAGE = say(
    'Write windows such as "Su 02:00-05:00 America/New_York", "quarter-end -5bd..+2bd" '
    'or "20-30 Nov".'
)
_MOST_WINDOWS = 40
_NTH = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": -1}
_NTH |= {"first": 1, "second": 2, "third": 3, "fourth": 4}
_NTH_WRITTEN = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", -1: "last"}
_FURTHEST = 60

Slot = dict[str, Value]


def _weekly(text: str) -> Slot | None:
    match = re.fullmatch(r"([A-Za-z][A-Za-z ,–-]*?) (\d[\d: ampAMPto–-]*)", text, re.ASCII)
    days = read_days(match[1]) if match else None
    span = read_span(match[2]) if match else None
    if days is None or span is None:
        return None
    return {"freq": "weekly", "days": days, "from": span[0], "to": span[1]}


def _monthly(text: str) -> Slot | None:
    match = re.fullmatch(r"([A-Za-z\d]+) ([A-Za-z]+) (\d[\d: ampAMPto–-]*)", text, re.ASCII)
    nth = _NTH.get(match[1].casefold()) if match else None
    days = read_days(match[2]) if match else None
    span = read_span(match[3]) if match else None
    if nth is None or days is None or len(days) != 1 or span is None:
        return None
    return {"freq": "monthly", "nth": nth, "day": days[0], "from": span[0], "to": span[1]}


_YEARLY = re.compile(r"(\d{1,2})(?: ([A-Za-z]+))? ?(?:-|–|\.\.| to ) ?(\d{1,2}) ([A-Za-z]+)", re.A)


def _yearly(text: str) -> Slot | None:
    match = _YEARLY.fullmatch(text)
    if match is None:
        one_day = re.fullmatch(r"(\d{1,2}) ([A-Za-z]+)", text, re.ASCII)
        return _yearly(f"{text}-{text}") if one_day else None
    first = _month_day(match[1], match[2] or match[4])
    last = _month_day(match[3], match[4])
    return {"freq": "yearly", "from": first, "to": last} if first and last else None


def _month_day(day: str, month_word: str) -> str | None:
    month = month_number(month_word)
    if month is None:
        return None
    try:
        # A leap year, so that 29 February can be named.
        return date(2000, month, int(day)).isoformat()[5:]
    except ValueError:
        raise Unreadable(say("There is no %(day)s %(month)s.", day=day, month=month_word)) from None


_PERIOD_END = re.compile(
    r"(quarter|month|year)[- ]end ([+-]?\d{1,2}) ?(bd|d) ?\.\. ?([+-]?\d{1,2}) ?(bd|d)", re.A | re.I
)


def _period_end(text: str) -> Slot | None:
    match = _PERIOD_END.fullmatch(text)
    if match is None or match[3].casefold() != match[5].casefold():
        return None
    first, last = int(match[2]), int(match[4])
    if first > last or max(-first, last) > _FURTHEST:
        raise Unreadable(say('Write the earlier day first, such as "quarter-end -5bd..+2bd".'))
    freq = f"{match[1].casefold()}_end"
    return {"freq": freq, "from": first, "to": last, "unit": match[3].casefold()}


_ONCE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?(?: ?(?:\.\.|–| to ) ?(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?)?",
    re.ASCII,
)


def _once(text: str) -> Slot | None:
    match = _ONCE.fullmatch(text)
    if match is None:
        return None
    start, end = match[1], match[3] or match[1]
    first, last = read_clock(match[2] or "00:00"), read_clock(match[4] or "24:00")
    if first is None or last is None or not (_is_day(start) and _is_day(end)):
        raise Unreadable(say("There is no such day or time. %(advice)s", advice=_MESSAGE))
    if (start, first) >= (end, last):
        raise Unreadable(say('Write the earlier day first, such as "2026-11-20..2026-11-30".'))
    return {"freq": "once", "start": start, "end": end, "from": first, "to": last}


def _is_day(text: str) -> bool:
    try:
        return 2000 <= date.fromisoformat(text).year <= 2100
    except ValueError:
        return False


_FORMS: tuple[Callable[[str], Slot | None], ...] = (_weekly, _monthly, _yearly, _period_end, _once)


def _read_slot(text: str) -> Slot | None:
    body, zone = cut_zone(text)
    for form in _FORMS:
        slot = form(body)
        if slot is not None:
            return {**slot, "tz": zone}
    return None


def _read(_shape: Shape, text: str) -> Value:
    slots: list[Slot] = []
    for chunk in re.split(r"[;\n]", text):
        chunk = clean_line(chunk, 2000)
        if chunk:
            slots += _read_chunk(chunk)
    return _tidy(slots)


def _read_chunk(chunk: str) -> list[Slot]:
    whole = _read_slot(chunk)
    if whole is not None:
        return [whole]
    found = [_read_slot(part.strip()) for part in chunk.split(",")]
    slots = [slot for slot in found if slot is not None]
    if len(slots) != len(found):
        raise Unreadable(_MESSAGE)
    return slots


def _tidy(slots: list[Slot]) -> Value:
    if not slots:
        raise Unreadable(_MESSAGE)
    if len(slots) > _MOST_WINDOWS:
        raise Unreadable(say("Write at most %(most)s windows.", most=_MOST_WINDOWS))
    by_text = {_write_slot(slot): slot for slot in slots}
    return sorted(by_text.values(), key=_rank)


def _rank(slot: Slot) -> tuple[int, str]:
    order = ("weekly", "monthly", "month_end", "quarter_end", "year_end", "yearly", "once")
    days = "".join(str(DAYS.index(day)) for day in slot.get("days", ()))
    first = slot["start"] if slot["freq"] == "once" else slot["from"]
    return order.index(slot["freq"]), f"{days:0<7} {first} {_write_slot(slot)}"


def _write(_shape: Shape, value: Value) -> str:
    return "; ".join(_write_slot(slot) for slot in value)


def _write_slot(slot: Slot) -> str:
    zone = f" {slot['tz']}" if slot["tz"] else ""
    return f"{_WRITERS[slot['freq']](slot)}{zone}"


def _write_weekly(slot: Slot) -> str:
    return f"{write_days(slot['days'])} {slot['from']}-{slot['to']}"


def _write_monthly(slot: Slot) -> str:
    return f"{_NTH_WRITTEN[slot['nth']]} {slot['day'].title()} {slot['from']}-{slot['to']}"


def _write_yearly(slot: Slot) -> str:
    (month_1, day_1), (month_2, day_2) = (
        (MONTHS[int(end[:2]) - 1][:3], int(end[3:])) for end in (slot["from"], slot["to"])
    )
    if slot["from"] == slot["to"]:
        return f"{day_1} {month_1}"
    return f"{day_1}{'' if month_1 == month_2 else ' ' + month_1}-{day_2} {month_2}"


def _write_period_end(slot: Slot) -> str:
    period, unit = slot["freq"].removesuffix("_end"), slot["unit"]
    ends = (f"{n:+d}{unit}" if n else f"0{unit}" for n in (slot["from"], slot["to"]))
    return f"{period}-end {'..'.join(ends)}"


def _write_once(slot: Slot) -> str:
    start = slot["start"] + ("" if slot["from"] == "00:00" else f" {slot['from']}")
    end = slot["end"] + ("" if slot["to"] == "24:00" else f" {slot['to']}")
    return start if start == end else f"{start}..{end}"


_WRITERS: dict[str, Callable[[Slot], str]] = {
    "weekly": _write_weekly,
    "monthly": _write_monthly,
    "yearly": _write_yearly,
    "quarter_end": _write_period_end,
    "month_end": _write_period_end,
    "year_end": _write_period_end,
    "once": _write_once,
}


def _normal(_shape: Shape, value: Value) -> Value:
    if not isinstance(value, list) or len(value) > _MOST_WINDOWS:
        raise Unreadable(_MESSAGE)
    return _tidy([_normal_slot(slot) for slot in value])


def _normal_slot(slot: Value) -> Slot:
    """Write the structure and read it back: what cannot be written is not a window."""
    freq = slot.get("freq") if isinstance(slot, dict) else None
    if not isinstance(freq, str) or freq not in _WRITERS:
        raise Unreadable(_MESSAGE)
    full = {"tz": None, **slot}
    if full["tz"] is not None:
        if not isinstance(full["tz"], str):
            raise Unreadable(_MESSAGE)
        full["tz"] = read_zone(full["tz"])
    try:
        again = _read_slot(_write_slot(full))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise Unreadable(_MESSAGE) from None
    if again != full:
        raise Unreadable(_MESSAGE)
    return again


WINDOW = Kind(_read, _write, _normal)
