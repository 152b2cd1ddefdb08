"""Addresses and secrets, signatures, the schedule of tries, and what is told."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from portal.kit.errors import Refused
from portal.kit.words import say

# Standard Webhooks 1.0.0: at once, then ever more slowly over three days.
SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
TIMEOUT = timedelta(seconds=15)
LEASE = timedelta(seconds=60)
OVERLAP = timedelta(hours=24)
MOST_ENDPOINTS = 10
PORTS = frozenset({443, 8443})
SECRET_PREFIX = "whsec_"  # noqa: S105  a prefix, and no secret
GONE = 410

SUBJECTS = {
    "contract": say("A contract starts, is completed, withdrawn or changed"),
    "negotiation": say("Rounds and comments"),
    "agreement": say("Approvals before signing"),
    "signing": say("Invitations, signatures and seals"),
    "incidents": say("Incidents and everything said about them"),
    "changes": say("Planned changes and outages"),
    "statements": say("Monthly statements and credits"),
    "renewal": say("Renewals, decisions and notices"),
    "review": say("Reviews and their actions"),
}


@dataclass(frozen=True)
class Secret:
    """One secret of an endpoint, and until when it signs; the newest has no end."""

    text: str
    until: datetime | None = None


def new_secret() -> str:
    """Return 256 random bits as the specification writes a secret."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def active(known: Iterable[Secret], *, at: datetime) -> list[Secret]:
    """Return the secrets that sign at a moment, the newest first; two at most."""
    return [one for one in known if one.until is None or at < one.until][:2]


def rotated(known: Iterable[Secret], new: str, *, at: datetime) -> list[Secret]:
    """Return the secrets after a rotation: the one before goes on signing for a day."""
    before = [Secret(one.text, one.until or at + OVERLAP) for one in active(known, at=at)][:1]
    return [Secret(new), *before]


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return `v1,` and the base64 HMAC-SHA256 over id, timestamp and body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(
    known: Iterable[Secret], *, message_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """Return the headers of one try, signed by every secret that is active."""
    timestamp = int(at.timestamp())
    signed = [
        signature(one.text, message_id=message_id, timestamp=timestamp, body=body)
        for one in active(known, at=at)
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Counterpart-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signed),
    }


def payload(*, event: str, at: str, contract: str, seq: int, head: str) -> bytes:
    """Return what is told of an entry: where to read it, and nothing of what it says."""
    told = {
        "type": event.replace(":", "."),
        "timestamp": at,
        "data": {"contract": contract, "entry": seq, "hash": head},
    }
    return json.dumps(told, separators=(",", ":")).encode()


def trial_payload(at: str) -> bytes:
    """Return what a trial delivery says."""
    told: dict[str, Any] = {"type": "webhook.tried", "timestamp": at, "data": {}}
    return json.dumps(told, separators=(",", ":")).encode()


def wants(subjects: Collection[str], event: str) -> bool:
    """Return whether an endpoint asked to be told of an event; one that named none is told all."""
    return not subjects or event.partition(":")[0] in subjects


def next_try(tries: int, *, at: datetime) -> datetime | None:
    """Return when a delivery that failed so many times is tried again; None: never."""
    return at + SCHEDULE[tries] if tries < len(SCHEDULE) else None


@dataclass(frozen=True)
class Address:
    """Where a webhook is sent, taken apart; `inside` was named by the operator."""

    host: str
    port: int
    path: str
    tls: bool
    inside: bool

    @property
    def authority(self) -> str:
        """The Host header."""
        usual = 443 if self.tls else 80
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == usual else f"{host}:{self.port}"


def read_address(text: str, *, inside: Collection[str] = ()) -> Address:
    """Return an address that may be sent to; `Refused` says why another may not.

    `inside` are hosts of the operator's own network, with their port, that are allowed by name.
    """
    text = text.strip()
    if len(text) > 500 or not re.fullmatch(r"[!-~]+", text):
        raise Refused(say("Write a plain https address of at most 500 characters."))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Refused(say("This is not an address.")) from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("https", "http") or not host or "\\" in text:
        raise Refused(say("Write an address that begins with https://"))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused(say("Leave out names, passwords and what follows #."))
    tls = parts.scheme == "https"
    port = (443 if tls else 80) if port is None else port
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if f"{host}:{port}" in inside:
        return Address(host, port, path, tls, inside=True)
    if not tls:
        raise Refused(say("Use https: what is sent must not be read on its way."))
    if port not in PORTS:
        raise Refused(say("Use port 443 or 8443."))
    return Address(host, port, path, tls, inside=False)
