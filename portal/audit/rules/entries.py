"""The form of an entry, its hash, and the check of a chain."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

ZERO = "0" * 64
EVENT = re.compile(r"^[a-z_]+(:[a-z_]+){1,2}$")


@dataclass(frozen=True)
class Actor:
    """Who acted: a person for an organisation, or the portal itself (`person` is "portal")."""

    person: str
    name: str
    organisation: str
    organisation_name: str


PORTAL = Actor("portal", "The portal", "", "")


@dataclass(frozen=True)
class ChainFinding:
    """One thing wrong with a chain."""

    chain: str
    seq: int
    message: str


def commitment(actor: Actor, salt: str) -> str:
    """Bind an entry to a person without naming them: SHA-256 over salt and identity.

    Deleting salt and name later (erasure) leaves every proof valid.
    """
    identity = [salt, actor.person, actor.name, actor.organisation, actor.organisation_name]
    return hashlib.sha256(rfc8785.dumps(identity)).hexdigest()


def body(
    *, chain: str, seq: int, prev: str, at: str, event: str, actor: str, facts: Mapping[str, Any]
) -> bytes:
    """Return the canonical bytes (RFC 8785) of an entry."""
    if not EVENT.match(event):
        raise ValueError(f"event {event!r}: subject:part:happened")
    entry: dict[str, Any] = {
        "v": 1,
        "chain": chain,
        "seq": seq,
        "prev": prev,
        "at": at,
        "event": event,
        "actor": actor,
        "facts": dict(facts),
    }
    return rfc8785.dumps(entry)


def digest(entry: bytes) -> str:
    """Return the hash of an entry's canonical bytes, which the next entry names as `prev`."""
    return hashlib.sha256(entry).hexdigest()


def check_chain(chain: str, rows: Iterable[tuple[int, str, str]]) -> list[ChainFinding]:
    """Check rows of (seq, stored hash, body) in stored order; an empty list means it holds."""
    findings = []
    prev, expected = ZERO, 1
    for seq, stored, text in rows:
        for message in _wrong(chain, (seq, stored, text), prev=prev, expected=expected):
            findings.append(ChainFinding(chain, seq, message))
        prev, expected = digest(text.encode()), seq + 1
    return findings


def _wrong(chain: str, row: tuple[int, str, str], *, prev: str, expected: int) -> Iterable[str]:
    seq, stored, text = row
    if seq != expected:
        yield f"entry {seq} stands where entry {expected} should"
    if digest(text.encode()) != stored:
        yield f"entry {seq} was changed after it was written"
    try:
        entry = json.loads(text)
    except ValueError:
        yield f"entry {seq} cannot be read"
        return
    if entry.get("seq") != seq or entry.get("chain") != chain:
        yield f"entry {seq} belongs elsewhere"
    if entry.get("prev") != prev:
        yield f"entry {seq} does not follow the entry before it"
