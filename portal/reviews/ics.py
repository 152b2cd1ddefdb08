"""The invitation to a review as an iCalendar file with its people (RFC 5546)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from icalendar import Alarm, Calendar, Event, vCalAddress, vText

PRODUCT = "-//Counterpart//reviews//EN"


def invitation(
    *, uid: str, on: date, sequence: int, changed_at: datetime, summary: str, text: str,
    address: str, organiser: tuple[str, str], people: Iterable[tuple[str, str]],
) -> bytes:  # fmt: skip
    """Return the file; the same UID with a higher SEQUENCE moves the meeting everybody has."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST")
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("dtstart", on)
    event.add("dtend", on + timedelta(days=1))
    event.add("summary", summary)
    event.add("description", text)
    event.add("url", address)
    event.add("sequence", sequence)
    event.add("status", "CONFIRMED")
    event["organizer"] = _person(*organiser)
    for name, email in people:
        guest = _person(name, email)
        guest.params["RSVP"] = vText("TRUE")
        event.add("attendee", guest, encode=False)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", -timedelta(days=7))
    event.add_component(alarm)
    calendar.add_component(event)
    found: bytes = calendar.to_ical()
    return found


def _person(name: str, email: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    address.params["CN"] = vText(name)
    return address
