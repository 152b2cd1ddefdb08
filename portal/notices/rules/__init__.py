"""What is told, to whom it may be silenced, when it is sent, and the form of a mail."""

from portal.notices.rules.events import EVENTS, Channel, Event, Weight, event_of
from portal.notices.rules.hours import ALWAYS, Reader, digest_after, sent_at
from portal.notices.rules.ladder import LADDER, Rung, due_rung, rungs
from portal.notices.rules.mail import Recipient, header, message, outcome

__all__ = [
    "ALWAYS",
    "EVENTS",
    "LADDER",
    "Channel",
    "Event",
    "Reader",
    "Recipient",
    "Rung",
    "Weight",
    "digest_after",
    "due_rung",
    "event_of",
    "header",
    "message",
    "outcome",
    "rungs",
    "sent_at",
]
