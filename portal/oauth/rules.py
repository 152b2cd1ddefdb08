"""Scopes, the kinds of clients, addresses to return to, and how long things live."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from portal.kit.errors import Refused
from portal.kit.words import say

SCOPES: Mapping[str, str] = {
    "contracts:read": say(
        "Read contracts: terms, rounds, shared comments, people, signing, documents"
    ),
    "contracts:write": say("Start contracts, answer terms, send rounds and comment"),
    "incidents:read": say("Read incidents and their clocks"),
    "incidents:write": say("Report incidents and follow or answer them"),
    "changes:read": say("Read planned changes and outages"),
    "changes:write": say("Plan changes and record outages"),
    "statements:read": say("Read monthly statements and credits"),
    "statements:write": say("Confirm, accept and dispute monthly statements"),
    "renewals:read": say("Read terms, dates and notices of renewals"),
    "renewals:write": say("Keep your own side’s decision on a renewal"),
    "reviews:read": say("Read reviews and their actions"),
    "reviews:write": say("Call and move reviews, finish actions"),
    "catalogue:read": say("Read templates and plans"),
    "customers:read": say("Read the address book of customers"),
    "customers:write": say("Add customers and their contacts to the address book"),
    "organisation:read": say("Read the organisation and its members"),
    "log:read": say("Read the log of contracts"),
}

# What only a person does, at a page, with their own sign-in: no scope reaches it.
IN_PERSON = frozenset(
    {
        "signature:sign", "approval:give", "agreement:approve", "notice:give", "notice:confirm",
        "price:tell", "change:approve", "interim_change:decide", "signing:void", "signing:reopen",
        "signing:reassign", "policy:edit", "member:invite", "member:edit", "client:edit",
        "webhook:edit", "data:export",
    }
)  # fmt: skip


class Kind(StrEnum):
    """What sort of program a client is."""

    WEB = "web"
    APP = "app"
    MACHINE = "machine"


KIND_WORDS = {
    Kind.WEB: say("A web application: it runs on a server and can keep a secret"),
    Kind.APP: say("An app or a page: it runs on people’s devices and keeps no secret"),
    Kind.MACHINE: say("A machine: nobody sits at it; it acts for you, with your roles"),
}
SHORT_KINDS = {Kind.WEB: say("Web application"), Kind.APP: say("App"), Kind.MACHINE: say("Machine")}

CODE_LIFE = timedelta(seconds=60)
ACCESS_LIFE = timedelta(hours=1)
REFRESH_LIFE = timedelta(days=30)
MOST_ADDRESSES = 10
LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})

WHY_WORDS = {
    "revoked": say("Ended by the member"),
    "client_ended": say("The client was ended"),
    "by_client": say("Given back by the client"),
    "reuse": say("A code or token was used twice"),
    "expired": say("Not used for 30 days"),
}


def hashed(secret: str) -> str:
    """Return what is stored of a secret, code or token of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_scopes(names: Iterable[str]) -> list[str]:
    """Return known scopes in the order of the table; `Refused` for none or an unknown one."""
    chosen = set(names)
    if not chosen or chosen - set(SCOPES):
        raise Refused(say("Choose at least one scope of the list."))
    return [scope for scope in SCOPES if scope in chosen]


def allowed_scopes(allowed: Collection[str], asked: str | None) -> str | None:
    """Return what a request for scopes comes to: all of the client's when it names none.

    None when it asks for a scope the client does not have: nothing is narrowed in silence.
    """
    wanted = (asked or "").split()
    if not wanted:
        return " ".join(allowed)
    if set(wanted) - set(allowed):
        return None
    return " ".join(scope for scope in SCOPES if scope in wanted)


def read_addresses(text: str) -> list[str]:
    """Return the addresses a client may be returned to, one a line; `Refused` for a bad one."""
    found = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not found:
        raise Refused(say("Give at least one address to return to."))
    if len(found) > MOST_ADDRESSES:
        raise Refused(say("At most %(number)s addresses.", number=MOST_ADDRESSES))
    for address in found:
        problem = address_problem(address)
        if problem:
            raise Refused(say("%(address)s: %(problem)s", address=address[:80], problem=problem))
    return found


def address_problem(address: str) -> str | None:
    """Return why an address cannot be returned to, or None (RFC 6749 3.1.2, RFC 9700 4.1.3)."""
    if len(address) > 300 or not re.fullmatch(r"[!-~]+", address) or "*" in address:
        return say("use plain characters, without spaces or *.")
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    except ValueError:
        return say("this is not an address.")
    if parts.fragment or "#" in address:
        return say("leave out what follows #.")
    if "@" in parts.netloc or "\\" in address or not parts.hostname:
        return say("name a host, and no user.")
    if parts.scheme == "http" and host in LOOPBACK:
        return None
    return (
        None if parts.scheme == "https" else say("use https, or http on this machine (127.0.0.1).")
    )


def origin_of(address: str) -> str:
    """Return the origin of a checked address, as a content security policy names it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
