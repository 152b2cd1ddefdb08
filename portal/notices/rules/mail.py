"""The form of a mail, and when to try again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

BACKOFF = [timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 720, 1440)]


@dataclass(frozen=True)
class Recipient:
    """Whom a notice is for: a person, where to write, and the organisation they read it for."""

    person_id: str
    name: str
    email: str
    organisation_id: str | None = None


def header(text: str) -> str:
    """Return text fit for a mail header; raise `ValueError` on control characters."""
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ValueError("a mail header holds one line")
    return text


def message(
    *, key: str, sender: str, recipient: str, name: str, subject: str, text: str, at: datetime
) -> EmailMessage:
    """Return the mail; the same row always gives the same Message-ID, so a resend is recognised."""
    mail = EmailMessage(policy=SMTP)
    from_name, from_address = parseaddr(sender)
    mail["From"] = Address(from_name, addr_spec=from_address)
    mail["To"] = Address(name, addr_spec=recipient)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{key}@{from_address.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


def outcome(error: str | None, *, attempts: int, at: datetime) -> dict[str, Any]:
    """Return the column values after a try: sent, try again later, or dead after seven tries."""
    if error is None:
        return {"sent_at": at, "leased_until": None, "last_error": None}
    if attempts >= len(BACKOFF):
        return {"dead_at": at, "leased_until": None, "last_error": error}
    return {"due_at": at + BACKOFF[attempts - 1], "leased_until": None, "last_error": error}
