"""Lengths of time as contracts write them, with the clock they run on.

Units: min, h; bh and bd (business hours and days, which run in support hours); d (calendar days)
and mo (calendar months). Clocks: 24x7, 24x5 (Monday to Friday round the clock) and support_hours.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from math import ceil, inf

from portal.kit.words import listed, say
from portal.terms.rules.numbers import label_of, word_of
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value, or_less, or_more
from portal.terms.rules.text import clean_line

_WORDS = {
    "min": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "bh": ("business hour", "business hours"),
    "bd": ("business day", "business days"),
    "d": ("day", "days"),
    "mo": ("month", "months"),
}
_UNIT_OF = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), ("min", 1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("h", 1)),
    **dict.fromkeys(("bh", "business hour", "business hours", "working hours"), ("bh", 1)),
    **dict.fromkeys(("bd", "business day", "business days", "working days"), ("bd", 1)),
    **dict.fromkeys(("working hour",), ("bh", 1)),
    **dict.fromkeys(("working day",), ("bd", 1)),
    **dict.fromkeys(("bmin", "business minute", "business minutes"), ("bmin", 1)),
    **dict.fromkeys(("d", "day", "days", "calendar day", "calendar days"), ("d", 1)),
    **dict.fromkeys(("week", "weeks"), ("d", 7)),
    **dict.fromkeys(("mo", "month", "months", "calendar months"), ("mo", 1)),
    **dict.fromkeys(("y", "year", "years"), ("mo", 12)),
}
_CLOCK_WRITTEN = {"24x7": "round the clock", "24x5": "round the clock Monday to Friday"}
_CLOCK_OF = {
    **dict.fromkeys(("24x7", "round the clock"), "24x7"),
    **dict.fromkeys(("24x5", "round the clock monday to friday"), "24x5"),
    **dict.fromkeys(("support hours", "in support hours", "support_hours"), "support_hours"),
}
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,2})?) ?([a-z]+(?: [a-z]+)?)(?:,? (.+))?", re.A)
_LARGEST = 600_000

DAY = 24 * 60
WEEK = 7 * DAY
OFFICE_WEEK = tuple((day * DAY + 9 * 60, day * DAY + 17 * 60) for day in range(5))
"""Monday to Friday, nine to five: assumed where the support hours are not known."""


def _message(shape: Shape) -> str:
    said = [f'"{text}"' for text in _examples(shape)[:2]]
    said += [f'"{option.label}"' for option in shape.options]
    return say("Write a time such as %(examples)s.", examples=listed(said, either=True))


def _examples(shape: Shape) -> list[str]:
    """Find lengths the term would take; where none of the usual ones is, an end of its range."""
    usual = {"bh": 4, "min": 30, "h": 4, "d": 30, "bd": 2, "mo": 12}
    offered = [u for u in usual if u in shape.unit_options] or ["bh", "min"]
    lengths = [_settled(shape, usual[unit], unit, None) for unit in offered]
    taken = [value for value in lengths if not _problems(shape, value)]
    end = shape.hard_max or shape.hard_min
    return [_in_words(value, many_clocks=False) for value in taken or [end or lengths[0]]]


def _read(shape: Shape, text: str) -> Value:
    folded = clean_line(text, 80).casefold()
    word = word_of(shape, folded)
    if word is not None:
        return word
    number, unit, clock = _split(shape, folded)
    if unit == "bmin":
        unit, clock = "min", "support_hours"
    if number != int(number) and unit == "h":
        number, unit = number * 60, "min"
    if number != int(number) or number > _LARGEST:
        raise Unreadable(_message(shape))
    return _settled(shape, int(number), unit, clock)


def _split(shape: Shape, text: str) -> tuple[Decimal, str, str | None]:
    match = _TIME.fullmatch(text)
    if match is None:
        raise Unreadable(_message(shape))
    unit_words, rest = match[2], match[3] or ""
    if unit_words not in _UNIT_OF and " " in unit_words:
        unit_words, _, more = unit_words.partition(" ")
        rest = f"{more} {rest}".strip()
    if unit_words not in _UNIT_OF or (rest and rest not in _CLOCK_OF):
        raise Unreadable(_message(shape))
    unit, times = _UNIT_OF[unit_words]
    return Decimal(match[1]) * times, unit, _CLOCK_OF[rest] if rest else None


def _settled(shape: Shape, n: int, unit: str, clock: str | None) -> Value:
    """Give each length its one form: hours in support hours are business hours."""
    if unit == "h" and clock == "support_hours":
        unit = "bh"
    own = "support_hours" if unit in ("bh", "bd") else "24x7"
    clock = clock or own
    if clock != own and unit not in ("min", "h"):
        raise Unreadable(_message(shape))
    return {"n": n, "unit": unit, "clock": clock}


def _normal(shape: Shape, value: Value) -> Value:
    if isinstance(value, str) and shape.option(value):
        return value
    if not isinstance(value, dict) or not {"n", "unit"} <= set(value) <= {"n", "unit", "clock"}:
        raise Unreadable(_message(shape))
    n, unit, clock = value["n"], value["unit"], value.get("clock")
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= _LARGEST:
        raise Unreadable(_message(shape))
    known = isinstance(unit, str) and unit in _WORDS
    if not known or clock not in (None, "24x7", "24x5", "support_hours"):
        raise Unreadable(_message(shape))
    return _settled(shape, n, unit, clock)


def _write(shape: Shape, value: Value) -> str:
    return label_of(shape, value) or _in_words(value, many_clocks=len(shape.clocks) > 1)


def _in_words(value: Value, *, many_clocks: bool) -> str:
    n, unit, clock = value["n"], value["unit"], value["clock"]
    if unit == "min" and clock == "support_hours":
        return f"{n} business {'minute' if n == 1 else 'minutes'}"
    words = f"{n} {_WORDS[unit][n != 1]}"
    if unit not in ("min", "h") or (clock == "24x7" and not many_clocks):
        return words
    return f"{words}, {_CLOCK_WRITTEN[clock]}"


def _problems(shape: Shape, value: Value) -> list[str]:
    if not is_length(value):
        return []
    if shape.unit_options and value["unit"] not in shape.unit_options:
        offered = ", ".join(_WORDS[unit][1] for unit in shape.unit_options)
        return [say("Use one of these units: %(units)s.", units=offered)]
    if value["clock"] not in shape.clocks and value["unit"] in ("min", "h"):
        return [say("This time is not counted on that clock: write it without.")]
    if shape.hard_min is not None and longest(value) < longest(shape.hard_min):
        return [or_more(_write(shape, shape.hard_min))]
    if shape.hard_max is not None and longest(value) > longest(shape.hard_max):
        return [or_less(_write(shape, shape.hard_max))]
    return []


def is_length(value: Value) -> bool:
    """Say whether this is a length of time, rather than none or a word."""
    return isinstance(value, dict) and "unit" in value


def length_of(value: Value) -> timedelta | None:
    """Return a length in minutes, hours or days, round the clock; None for anything else."""
    if not is_length(value) or value["unit"] not in _REAL:
        return None
    return int(value["n"]) * _REAL[value["unit"]]


_REAL = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def in_business_time(value: Value) -> bool:
    """Say whether this length needs support hours to mean anything."""
    return is_length(value) and value["clock"] == "support_hours"


def longest(value: Value, week: Sequence[tuple[int, int]] = OFFICE_WEEK) -> float:
    """Return the worst-case minutes of wall clock a length can take; holidays are not counted.

    `week` holds the open stretches of the support week in minutes from Monday 00:00.
    """
    n, unit, clock = int(value["n"]), value["unit"], value["clock"]
    if unit == "mo":
        return n * 365 * DAY / 12
    if unit == "bd":
        return _longest_days(n, week)
    minutes = n * {"min": 1, "h": 60, "bh": 60, "d": DAY}[unit]
    if clock == "24x5":
        return float(minutes + 2 * DAY * ceil(minutes / (5 * DAY)))
    return _longest_open(minutes, week) if clock == "support_hours" else float(minutes)


def _longest_open(minutes: int, week: Sequence[tuple[int, int]]) -> float:
    if not minutes or not week:
        return 0.0 if not minutes else inf
    weeks, rest = divmod(minutes - 1, sum(end - start for start, end in week))
    return weeks * WEEK + max(_walk(k, rest + 1, week) for k in range(len(week)))


def _walk(closed: int, minutes: int, week: Sequence[tuple[int, int]]) -> int:
    """Minutes from the closing of one stretch until so many open minutes have passed."""
    began = week[closed][1]
    for step in range(1, len(week) + 1):
        start, end = week[(closed + step) % len(week)]
        turn = WEEK * ((closed + step) // len(week))
        if minutes <= end - start:
            return start + turn + minutes - began
        minutes -= end - start
    return WEEK


def _longest_days(days: int, week: Sequence[tuple[int, int]]) -> float:
    closings = [
        max(min(end, midnight) for start, end in week if start < midnight and end > midnight - DAY)
        for midnight in range(DAY, WEEK + 1, DAY)
        if any(start < midnight and end > midnight - DAY for start, end in week)
    ]
    if not days or not closings:
        return 0.0 if not days else inf
    weeks, rest = divmod(days, len(closings))
    ends = closings + [end + WEEK for end in closings]
    return weeks * WEEK + max(ends[k + rest] - ends[k] for k in range(len(closings)))


DUR = Kind(_read, _write, _normal, _problems)
