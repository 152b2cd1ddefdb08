"""What is told, to whom it may be silenced, when it is sent, and the form of a mail."""

from portal.notices.rules.event import Channel, Event, Weight
from portal.notices.rules.events import DIGEST, EVENTS, event_of, grouped, is_optional
from portal.notices.rules.hours import ALWAYS, Reader, digest_after, sent_at
from portal.notices.rules.ladder import LADDER, Rung, due_rung, rungs
from portal.notices.rules.mail import LATE, Failure, Recipient, bounced, header, message, outcome

__all__ = [
    "ALWAYS",
    "DIGEST",
    "EVENTS",
    "LADDER",
    "LATE",
    "Channel",
    "Event",
    "Failure",
    "Reader",
    "Recipient",
    "Rung",
    "Weight",
    "bounced",
    "digest_after",
    "due_rung",
    "event_of",
    "grouped",
    "header",
    "is_optional",
    "message",
    "outcome",
    "rungs",
    "sent_at",
]
