"""Entries as an iCalendar file (RFC 5545), by the icalendar library."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from portal.renewals.rules.calendar import Entry

PRODUCT = "-//Counterpart//calendar//EN"
REFRESH = timedelta(hours=6)


def calendar_file(
    entries: Iterable[Entry], *, name: str, base_url: str, at: datetime, method: str | None = None
) -> bytes:
    """Return the file; `base_url` makes each entry's path an address that shows the way."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    if method:
        calendar.add("method", method)
    calendar.add("x-wr-calname", name)
    calendar.refresh_interval = REFRESH
    for entry in entries:
        calendar.add_component(_event(entry, base_url=base_url, at=at))
    found: bytes = calendar.to_ical()
    return found


def _event(entry: Entry, *, base_url: str, at: datetime) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", entry.changed_at or at)
    if entry.changed_at:
        event.add("last-modified", entry.changed_at)
    event.add("dtstart", entry.begins)
    event.add("dtend", entry.ends)
    event.add("summary", entry.summary)
    event.add("description", entry.text)
    event.add("url", base_url + entry.path)
    event.add("sequence", entry.sequence)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if not entry.cancelled:
        for ahead in entry.alarms:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", entry.summary)
            alarm.add("trigger", -ahead)
            event.add_component(alarm)
    return event
