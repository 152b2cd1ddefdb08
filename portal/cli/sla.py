"""`counterpart sla`: the SLA clock on the command line, one JSON object a line."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import click

from portal.kit.errors import Refused
from portal.sla.rules import (
    Calendar,
    Interval,
    Ledger,
    NeverOpens,
    Pause,
    Target,
    back_from,
    calendar_from_json,
    due_at,
    elapsed,
    ledger,
    tzdata_version,
)

Line = Mapping[str, Any]
Answer = dict[str, Any]


@click.group()
def sla() -> None:
    """Work out due moments and elapsed time."""


@sla.command()
def due() -> None:
    """Answer each JSON line of standard input with its due moment or elapsed seconds.

    A line holds id, calendar, start and pauses, and one of: end; target_minutes;
    target_business_days (with end_of_day). With "direction": "before" the target counts
    backwards. A line that cannot be read is named on standard error, and the exit code is 1.
    """
    unread = 0
    for number, text in enumerate(sys.stdin.buffer, start=1):
        if not text.strip():
            continue
        try:
            click.echo(json.dumps(answer(_read(text))))
        except Refused as refusal:
            unread += 1
            click.echo(f"line {number}: {refusal}", err=True)
    if unread:
        sys.exit(1)


def answer(line: Line) -> Answer:
    """What the clock says to one line; a calendar that never opens has no due moment."""
    try:
        return {"id": line["id"], **_worked_out(line), "tzdata": tzdata_version()}
    except NeverOpens as refusal:
        asked = "due" if line.get("end") is None else "elapsed_seconds"
        unanswered: Answer = {asked: None, "intervals": [], "refused": str(refusal)}
        return {"id": line["id"], **unanswered, "tzdata": tzdata_version()}


def _worked_out(line: Line) -> Answer:
    calendar = calendar_from_json(line["calendar"])
    start, pauses = _moment(line["start"]), list(_pauses(line.get("pauses") or []))
    if line.get("end") is not None:
        return _elapsed(start, end=_moment(line["end"]), calendar=calendar, pauses=pauses)
    return _due(start, line=line, calendar=calendar, pauses=pauses)


def _elapsed(start: datetime, *, end: datetime, calendar: Calendar, pauses: list[Pause]) -> Answer:
    counted = elapsed(start, end=end, calendar=calendar, pauses=pauses)
    working = ledger(start, end=end, calendar=calendar, pauses=pauses)
    return {"elapsed_seconds": _seconds(counted), "intervals": _intervals(working)}


def _due(start: datetime, *, line: Line, calendar: Calendar, pauses: list[Pause]) -> Answer:
    target = _target(line)
    if line.get("direction") == "before":
        moment = back_from(start, span=target, calendar=calendar, pauses=pauses)
    else:
        moment = due_at(start, target=target, calendar=calendar, pauses=pauses)
    first, last = sorted((start, moment))
    working = ledger(first, end=last, calendar=calendar, pauses=pauses)
    return {"due": _written(moment), "intervals": _intervals(working)}


def _target(line: Line) -> Target:
    if line.get("target_minutes") is not None:
        return Target.of(line["target_minutes"], "min")
    if line.get("target_business_days") is not None:
        late = bool(line.get("end_of_day"))
        return Target.of(line["target_business_days"], "bd", end_of_day=late)
    raise Refused("Give an end, target_minutes or target_business_days.")


def _read(text: bytes) -> Line:
    try:
        line = json.loads(text, parse_float=Decimal, parse_constant=_refuse_number)
    except (ValueError, RecursionError, InvalidOperation):
        raise Refused("This is not a JSON object.") from None
    if not isinstance(line, dict) or not {"id", "calendar", "start"} <= line.keys():
        raise Refused("A line is a JSON object with id, calendar and start.")
    if not isinstance(line["id"], str | int):
        raise Refused("An id is a text or a whole number.")
    return line


def _refuse_number(word: str) -> NoReturn:
    raise Refused(f"{word} is not a number.")


def _moment(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise Refused(f"“{text}” is not a time. Write it as 2026-03-02T10:00:00+00:00.") from None
    if moment.tzinfo is None:
        raise Refused(f"“{text}” has no offset from UTC. Write one, such as +00:00.")
    return moment


def _pauses(pairs: Any) -> Iterator[Pause]:
    if not isinstance(pairs, list):
        raise Refused("Pauses are a list of pairs of times.")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Refused("A pause is a pair of times: when it began and when it ended.")
        begin, end = pair
        yield _moment(begin), None if end is None else _moment(end)


def _intervals(working: Ledger) -> list[Answer]:
    return [_interval(interval) for interval in working.intervals]


def _interval(interval: Interval) -> Answer:
    return {
        "kind": interval.kind.value,
        "from": _written(interval.begin),
        "to": _written(interval.end),
        "seconds": _seconds(interval.counted),
    }


def _seconds(length: timedelta) -> int | float:
    """Whole seconds as an integer; a part of a second only where there is one."""
    whole, rest = divmod(length, timedelta(seconds=1))
    return whole if not rest else length.total_seconds()


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
