"""Dates, written out so that no reader swaps day and month."""

import re
from datetime import date

from portal.kit.words import say
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.text import clean_line

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_MESSAGE = say('Write a date such as "1 January 2027" or "2027-01-01".')


def month_number(word: str) -> int | None:
    """Return 1 to 12 for a month's name or its first three letters."""
    folded = word.casefold().rstrip(".")
    if len(folded) < 3:
        return None
    found = (n for n, name in enumerate(MONTHS, 1) if name.casefold().startswith(folded))
    return next(found, None)


def read_date(text: str) -> str:
    """Read a date as people write it; the result is ISO 8601."""
    text = clean_line(text, 40)
    iso = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text, re.ASCII)
    if iso:
        return _real(int(iso[1]), int(iso[2]), int(iso[3]))
    worded = re.fullmatch(r"(\d{1,2}) ([A-Za-z.]{3,10}) (\d{4})", text, re.ASCII)
    month = month_number(worded[2]) if worded else None
    if worded is None or month is None:
        raise Unreadable(_MESSAGE)
    return _real(int(worded[3]), month, int(worded[1]))


def _real(year: int, month: int, day: int) -> str:
    if not 2000 <= year <= 2100:
        raise Unreadable(say("Use a year from 2000 to 2100."))
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise Unreadable(say("There is no such day. %(advice)s", advice=_MESSAGE)) from None


def write_date(value: Value) -> str:
    """Write an ISO date in words, such as "1 January 2027"."""
    day = date.fromisoformat(value)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def normal_date(value: Value) -> str:
    """Bring a date to ISO 8601, or refuse it."""
    if not isinstance(value, str):
        raise Unreadable(_MESSAGE)
    return read_date(value)


def _problems(shape: Shape, value: Value) -> list[str]:
    if shape.hard_min is not None and value < shape.hard_min:
        return [say("Use %(first)s or later.", first=write_date(shape.hard_min))]
    if shape.hard_max is not None and value > shape.hard_max:
        return [say("Use %(last)s or earlier.", last=write_date(shape.hard_max))]
    return []


DATE = Kind(
    lambda _shape, text: read_date(text),
    lambda _shape, value: write_date(value),
    lambda _shape, value: normal_date(value),
    _problems,
)
