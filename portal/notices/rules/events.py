"""The one table of what is told: each event with its words, its weight and its usual channel.

An event is `subject:part:happened`, the same name as its entry in the log where there is one. Its
mail is `templates/mail/<room>_<event>.txt`, named in `letter`. Subjects are thin: they are
filled with the words of `tell` and the reference, and name nothing a contract says.
"""

from collections.abc import Iterable, Mapping

from portal.kit.words import Words, say
from portal.notices.rules import told_of_contracts, told_of_people, told_of_service, told_of_signing
from portal.notices.rules.event import Event

_LIST = (
    *told_of_contracts.TOLD,
    *told_of_signing.TOLD,
    *told_of_service.TOLD,
    *told_of_people.TOLD,
)

# A mail of its own that no page of preferences lists: to silence it silences all it gathers.
DIGEST = "notices:digest:sent"

EVENTS: Mapping[str, Event] = {event.name: event for event in _LIST}


def event_of(name: str) -> Event:
    """Return an event of the table; an unknown name is a mistake in the code."""
    return EVENTS[name]


def is_optional(name: str) -> bool:
    """Return whether a person may turn this event's mail off; an event of old code may not."""
    return name == DIGEST or (name in EVENTS and EVENTS[name].optional)


HEADINGS = {
    "contract": say("Contracts"),
    "negotiation": say("Negotiation"),
    "interim_change": say("Schedules"),
    "signing": say("Signing"),
    "incidents": say("Incidents"),
    "changes": say("Changes and outages"),
    "statements": say("Monthly statements"),
    "renewal": say("Renewals"),
}
OTHERS = say("Everything else")


def grouped(events: Iterable[Event]) -> list[tuple[Words, list[Event]]]:
    """Return events under the headings a person reads; what has none of its own comes last."""
    found: dict[Words, list[Event]] = {}
    for event in events:
        heading = HEADINGS.get(event.name.partition(":")[0], OTHERS)
        found.setdefault(heading, []).append(event)
    order = [*HEADINGS.values(), OTHERS]
    return [(heading, found[heading]) for heading in order if heading in found]
