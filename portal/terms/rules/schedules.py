"""Weekly opening hours in a time zone, such as "Mo-Fr 07:00-20:00 America/New_York"."""

import re
from functools import cache
from itertools import groupby
from zoneinfo import available_timezones

from portal.kit.words import say
from portal.terms.rules.durations import DAY, WEEK
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.text import clean_line

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
DAY_NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_FULL_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MESSAGE = say(
    'Write hours such as "Mo-Fr 09:00-17:00 America/New_York" or "24x7 America/New_York".'
)
_ROUND_THE_CLOCK = {"24x7": DAYS, "24x5": DAYS[:5]}
_MOST_ENTRIES = 28


@cache
def _zones() -> dict[str, str]:
    """Zones by city, and UTC: the old names without a place, such as EST, are ambiguous."""
    named = (name for name in available_timezones() if "/" in name)
    return {name.casefold(): name for name in (*named, "UTC")}


def read_zone(text: str) -> str:
    """Return the IANA time zone of this name."""
    name = _zones().get(text.casefold())
    if name is None:
        raise Unreadable(
            say(
                '"%(zone)s" is not a time zone: write one such as "America/New_York".',
                zone=text[:40],
            )
        )
    return name


def cut_zone(text: str) -> tuple[str, str | None]:
    """Part a text from the time zone at its end, if there is one."""
    head, _, last = text.rpartition(" ")
    if re.fullmatch(r"[A-Za-z]+(/[A-Za-z_+\-0-9]+)+|[Uu][Tt][Cc]", last, re.ASCII):
        return head.strip(), read_zone(last)
    return text, None


def _day_number(word: str) -> int | None:
    folded = word.strip().casefold()
    if len(folded) < 2:
        return None
    return next((n for n, name in enumerate(_FULL_NAMES) if name.startswith(folded)), None)


def read_days(text: str) -> list[str] | None:
    """Read "Mo-Fr", "Mo, We" or "daily" as day codes in week order; None if it is not days."""
    if text.strip().casefold() in ("daily", "every day"):
        return list(DAYS)
    chosen: set[int] = set()
    for part in text.split(","):
        ends = [_day_number(word) for word in re.split(r"-|–| to ", part)]
        if not ends or len(ends) > 2 or None in ends:
            return None
        first, last = ends[0] or 0, ends[-1] or 0
        chosen |= {(first + step) % 7 for step in range((last - first) % 7 + 1)}
    return [DAYS[n] for n in sorted(chosen)]


def write_days(codes: list[str]) -> str:
    """Write day codes as "Mo-Fr, Su"."""
    numbers = [DAYS.index(code) for code in codes]
    grouped = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    runs = [[n for _, n in run] for _, run in grouped]
    return ", ".join(
        DAY_NAMES[run[0]] if len(run) == 1 else f"{DAY_NAMES[run[0]]}-{DAY_NAMES[run[-1]]}"
        for run in runs
    )


_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))? ?(am|pm)?", re.ASCII | re.IGNORECASE)


def read_clock(text: str) -> str | None:
    """Read a time of day as "HH:MM", up to 24:00; None if it is something else."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[3].casefold() == "pm" else 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    return f"{hour:02}:{minute:02}"


def read_span(text: str) -> tuple[str, str] | None:
    """Read "09:00-17:00" as two times; None if it is something else."""
    ends = [read_clock(part) for part in re.split(r"-|–| to ", text)]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return None
    if ends[0] == ends[1] or ends[0] == "24:00":
        return None
    return ends[0], "24:00" if ends[1] == "00:00" else ends[1]


def minutes_of(clock: str) -> int:
    """Return the minutes since midnight of "HH:MM"."""
    return int(clock[:2]) * 60 + int(clock[3:])


_ENTRY = re.compile(r"([A-Za-z][A-Za-z ,–-]*?) ([\d:, ampAMP–-]+(?: to [\d: ampAMP]+)?)")


def _read_entries(text: str) -> list[dict[str, Value]]:
    if text.casefold() in _ROUND_THE_CLOCK:
        days = list(_ROUND_THE_CLOCK[text.casefold()])
        return [{"days": days, "from": "00:00", "to": "24:00"}]
    match = _ENTRY.fullmatch(text)
    days_read = read_days(match[1]) if match else None
    if match is None or days_read is None:
        raise Unreadable(_MESSAGE)
    spans = [read_span(part) for part in match[2].split(",")]
    found = [span for span in spans if span is not None]
    if len(found) != len(spans):
        raise Unreadable(_MESSAGE)
    return [{"days": days_read, "from": start, "to": end} for start, end in found]


def _read(_shape: Shape, text: str) -> Value:
    parts = [part.strip() for part in re.split(r"[;\n]", text.strip())]
    body, zone = cut_zone(clean_line("; ".join(part for part in parts if part), 2000))
    if zone is None:
        raise Unreadable(
            say(
                'Add a time zone at the end, such as "America/New_York". %(advice)s',
                advice=_MESSAGE,
            )
        )
    entries = [entry for part in body.split(";") for entry in _read_entries(part.strip())]
    return _tidy(zone, entries)


def _tidy(zone: str, entries: list[dict[str, Value]]) -> Value:
    """Give one week one form: entries with the same times are one entry, in order."""
    by_times: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        by_times.setdefault((entry["from"], entry["to"]), set()).update(entry["days"])
    tidy = [
        {"days": [day for day in DAYS if day in days], "from": start, "to": end}
        for (start, end), days in by_times.items()
    ]
    tidy.sort(key=lambda entry: (DAYS.index(entry["days"][0]), entry["from"], entry["to"]))
    return {"tz": zone, "days": tidy}


def _normal(_shape: Shape, value: Value) -> Value:
    if not isinstance(value, dict) or set(value) != {"tz", "days"}:
        raise Unreadable(_MESSAGE)
    entries = value["days"]
    if not isinstance(value["tz"], str) or not isinstance(entries, list) or not entries:
        raise Unreadable(_MESSAGE)
    if len(entries) > _MOST_ENTRIES or not all(_is_entry(entry) for entry in entries):
        raise Unreadable(_MESSAGE)
    return _tidy(read_zone(value["tz"]), entries)


def _is_entry(entry: Value) -> bool:
    if not isinstance(entry, dict) or set(entry) != {"days", "from", "to"}:
        return False
    days, start, end = entry["days"], entry["from"], entry["to"]
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        return False
    if not isinstance(start, str) or not isinstance(end, str):
        return False
    return read_span(f"{start}-{end}") == (start, end)


def _write(_shape: Shape, value: Value) -> str:
    return f"{'; '.join(_write_entry(entry) for entry in value['days'])} {value['tz']}"


def _write_entry(entry: Value) -> str:
    if (entry["from"], entry["to"]) == ("00:00", "24:00"):
        for name, days in _ROUND_THE_CLOCK.items():
            if tuple(entry["days"]) == days:
                return name
    return f"{write_days(entry['days'])} {entry['from']}-{entry['to']}"


def day_minutes(entry: Value) -> list[tuple[int, int]]:
    """Return the open stretches of an entry in minutes from Monday 00:00, overnight ones whole."""
    start, end = minutes_of(entry["from"]), minutes_of(entry["to"])
    length = (end - start) % DAY or DAY
    firsts = (DAYS.index(day) * DAY + start for day in entry["days"])
    return [(first, first + length) for first in firsts]


def open_week(value: Value) -> tuple[tuple[int, int], ...]:
    """Return the merged open stretches of the week in minutes from Monday 00:00 local time."""
    pieces: list[tuple[int, int]] = []
    for entry in value["days"]:
        for start, end in day_minutes(entry):
            pieces.append((start, min(end, WEEK)))
            if end > WEEK:
                pieces.append((0, end - WEEK))
    return merged(pieces)


def merged(pieces: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return stretches in order, with touching and overlapping ones joined."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        elif start < end:
            out.append((start, end))
    return tuple(out)


def _problems(_shape: Shape, value: Value) -> list[str]:
    total = sum(end - start for entry in value["days"] for start, end in day_minutes(entry))
    if total > sum(end - start for start, end in open_week(value)):
        return [say("Some hours overlap: write each hour of the week once.")]
    return []


SCHED = Kind(_read, _write, _normal, _problems)
