"""The ways in: names and addresses that can be read, limits on tries, and other providers."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from portal.kit.errors import Refused
from portal.kit.words import say


@dataclass(frozen=True)
class Limit:
    """At most `most` tries in `window`."""

    most: int
    window: timedelta


FIVE_MINUTES = timedelta(minutes=5)
LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "password:account": (Limit(10, FIVE_MINUTES),),
    "password:address": (Limit(10, FIVE_MINUTES),),
    "password:all": (Limit(1000, FIVE_MINUTES),),
    "code:account": (
        Limit(5, FIVE_MINUTES),
        Limit(20, timedelta(hours=1)),
        Limit(50, timedelta(days=1)),
    ),
    "code:address": (Limit(10, FIVE_MINUTES), Limit(50, timedelta(hours=1))),
    "reset:account": (Limit(3, timedelta(hours=1)),),
    "reset:address": (Limit(10, timedelta(hours=1)),),
    "verify:address": (Limit(30, FIVE_MINUTES),),
    "verify:all": (Limit(600, FIVE_MINUTES),),
    "api:read": (Limit(600, timedelta(minutes=1)),),
    "api:write": (Limit(120, timedelta(minutes=1)),),
}


INVITATION_LIFE = timedelta(hours=24)
RESET_LIFE = timedelta(minutes=30)
HALF_WAY_LIFE = timedelta(minutes=10)


MOST_SIGN_INS = 10


# What the mail system and the outbox can carry: ASCII, one @, a dotted domain.
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
)


def read_email(text: str) -> str:
    """Return the address in lower case; `Refused` when it is not one a mail can be sent to."""
    email = text.strip().lower()
    local = email.partition("@")[0]
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if len(email) > 254 or dots or not _EMAIL.fullmatch(email):
        raise Refused(say("Type an e-mail address such as name@company.com."))
    return email


def read_name(text: str, *, most: int = 120) -> str:
    """Return a name with single spaces; `Refused` when empty, long, or with hidden characters."""
    if any(unicodedata.category(c).startswith("C") for c in text.strip()):
        raise Refused(say("A name holds letters, spaces and signs only."))
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or len(name) > most:
        raise Refused(say("Type a name of at most %(most)s characters.", most=most))
    return name


def browser_words(agent: str) -> str:
    """Return a browser's own description in three words or so: "Chrome on Android"."""
    browsers = {"Edg": "Edge", "Firefox": "Firefox", "CriOS": "Chrome", "Chrom": "Chrome",
                "Safari": "Safari"}  # fmt: skip
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
               "Mac OS": "Mac", "Linux": "Linux"}  # fmt: skip
    browser = next(
        (name for mark, name in browsers.items() if mark in agent), say("Another browser")
    )
    system = next((name for mark, name in systems.items() if mark in agent), "")
    return say("%(browser)s on %(system)s", browser=browser, system=system) if system else browser


def link_problem(
    *, label: str, email: str, verified: bool, domains: Collection[str], known: bool, invited: bool
) -> str | None:
    """Return why a provider's word about an address lets nobody in; None where it may."""
    if not email or not verified:
        return say(
            "%(label)s does not say that your e-mail address is verified. Use your password.",
            label=label,
        )
    if domains and email.rpartition("@")[2] not in domains:
        return say(
            "Addresses like yours do not sign in with %(label)s here. Use your password.",
            label=label,
        )
    if known:
        return None
    if invited:
        return say("Open the invitation in your mail first. After that this works.")
    return say(
        "Nobody here has the address %(label)s gave. Ask your administrator for an invitation.",
        label=label,
    )
