"""The form of a mail, and what becomes of it after a try."""

import email
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

# Seven tries over a day and a half; each wait is stretched by up to a fifth, so that mails which
# failed together do not come back together.
# Five days in all, as RFC 5321 (4.5.4.1) asks of who hands mail over.
BACKOFF = [timedelta(minutes=m) for m in (1, 5, 15, 60, 180, *[360] * 19)]
STRETCH = 0.2
# Handed over this much later than it was due, a mail is marked as late.
LATE = timedelta(hours=1)
# RFC 8058: the address in the header is one press, without a page in between.
ONE_CLICK = "List-Unsubscribe=One-Click"


@dataclass(frozen=True)
class Recipient:
    """Whom a notice is for: a person, where to write, and the organisation they read it for."""

    person_id: str
    name: str
    email: str
    organisation_id: str | None = None


def header(text: str) -> str:
    """Return text fit for a mail header; raise `ValueError` on control characters."""
    if any(ord(c) < 32 or ord(c) == 127 or c in "\x85\u2028\u2029" for c in text):
        raise ValueError("a mail header holds one line")
    return text


def message(
    *,
    key: str,
    sender: str,
    recipient: str,
    name: str,
    subject: str,
    text: str,
    at: datetime,
    unsubscribe: str | None = None,
) -> EmailMessage:
    """Return the mail; the same row always gives the same Message-ID, so a resend is recognised."""
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    from_name, from_address = parseaddr(sender)
    mail["From"] = Address(from_name, addr_spec=from_address)
    mail["To"] = Address(name, addr_spec=recipient)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{key}@{from_address.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = ONE_CLICK
    mail.set_content(text)
    return mail


@dataclass(frozen=True)
class Failure:
    """Why a mail was not taken; `final` where trying again is no use.

    `away`: nobody was there to take any mail, which says nothing about this one.
    """

    words: str
    final: bool
    away: bool = False


def outcome(
    end: Failure | str | None, *, attempts: int, at: datetime, stretch: float
) -> dict[str, Any]:
    """Return the column values after a try: sent, try again later, or given up.

    `end` is the failure, or what the mail server said when it took the mail. `attempts` counts this
    try; `stretch` in [0, 1) spreads the next one. When a mail was due is never changed, so that it
    shows how late it is: what waits for another try is kept from everybody by a lease of nobody.
    A server that is away uses up no try, however long.
    """
    free: dict[str, Any] = {"leased_until": None, "leased_by": None}
    if not isinstance(end, Failure):
        return {**free, "sent_at": at, "answer": end and end[:300], "last_error": None}
    if end.away:
        return {**free, "attempts": attempts - 1, "last_error": end.words}
    if end.final or attempts > len(BACKOFF):
        return {**free, "dead_at": at, "last_error": end.words}
    wait = BACKOFF[attempts - 1] * (1 + STRETCH * stretch)
    return {**free, "leased_until": at + wait, "last_error": end.words}


def bounced(report: bytes) -> tuple[str, str] | None:
    """Return (key of the mail, why) from a delivery report (RFC 3464) that says "failed".

    None for anything else: a delay, a receipt, an answer of a person.
    """
    mail = email.message_from_bytes(report)
    status = key = None
    for part in mail.walk():
        if part.get("Action", "").strip().lower() == "failed":
            status = part.get("Diagnostic-Code") or part.get("Status") or "no reason given"
        if part.get_content_type() == "text/rfc822-headers":
            key = email.message_from_string(str(part.get_payload()))["Message-ID"] or key
        elif part is not mail and part["Message-ID"]:
            key = part["Message-ID"]
    if status is None or key is None:
        return None
    return key.strip().strip("<>").partition("@")[0], " ".join(status.split())[:300]
