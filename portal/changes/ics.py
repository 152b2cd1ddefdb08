"""The changes, windows, freezes and peaks of a contract as an iCalendar file (RFC 5545)."""

from collections.abc import Iterable
from datetime import datetime

from icalendar import Calendar, Event

from portal.changes.rules.agenda import Stretch
from portal.changes.rules.plan import KIND_WORDS, STAGE_WORDS, Change, Stage

PRODUCT = "-//Counterpart//changes//EN"


def calendar_file(
    ref: str, title: str, *, changes: Iterable[Change], stretches: Iterable[Stretch], address: str,
    at: datetime,
) -> bytes:  # fmt: skip
    """Return the file; each entry keeps its UID, and a moved change raises its SEQUENCE."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Changes: {title}")
    for change in changes:
        calendar.add_component(_change(ref, change, address=address, at=at))
    for stretch in stretches:
        calendar.add_component(_stretch(ref, stretch, at=at))
    found: bytes = calendar.to_ical()
    return found


def _change(ref: str, change: Change, *, address: str, at: datetime) -> Event:
    plan, gone = change.plan, change.stage is Stage.WITHDRAWN
    event = Event()
    event.add("uid", f"{change.ref}.{ref}@counterpart")
    event.add("dtstamp", at)
    event.add("dtstart", change.begun_at or plan.begin)
    event.add("dtend", change.over_at or plan.end)
    event.add("summary", f"{KIND_WORDS[plan.kind]}: {plan.title}")
    event.add("description", f"{STAGE_WORDS[change.stage]}. {', '.join(plan.modules)}".strip())
    event.add("url", f"{address}/{change.ref}")
    event.add("sequence", len(change.events))
    event.add("status", "CANCELLED" if gone else "CONFIRMED")
    return event


def _stretch(ref: str, stretch: Stretch, *, at: datetime) -> Event:
    event = Event()
    begin = stretch.begin.strftime("%Y%m%dT%H%M%SZ")
    event.add("uid", f"{stretch.kind}-{begin}.{ref}@counterpart")
    event.add("dtstamp", at)
    event.add("dtstart", stretch.begin)
    event.add("dtend", stretch.end)
    event.add("summary", stretch.name)
    event.add("transp", "TRANSPARENT")
    return event
