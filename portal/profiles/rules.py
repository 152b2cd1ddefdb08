"""What a profile is, when a contract is under one, and what may be asked. Time is an argument."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785

from portal.contracts.rules.life import State
from portal.kit.errors import Refused
from portal.kit.words import say

DELAY = timedelta(hours=24)  # between the second "yes" and the day a contract leaves a profile
BUSY = frozenset({State.SIGNING, State.SEALING})
LONGEST_REFERENCE = 200
VIEWS = "views"


class Profile(StrEnum):
    """What a law or a trade asks of a contract, as one switch."""

    HIPAA = "hipaa"
    REGULATED = "regulated"


PROFILE_WORDS = {
    Profile.HIPAA: say("HIPAA"),
    Profile.REGULATED: say("Regulated signatures (21 CFR Part 11)"),
}
PROMISES = {
    Profile.HIPAA: (
        say(
            "Both organisations are under the HIPAA profile: a code for everybody, sessions that "
            "end after 15 minutes of silence, nothing of content in mail, https webhooks."
        ),
        say("A signed business associate agreement is named here."),
        say(
            "Every look at the contract, its incidents, files and deeds is entered in a log before "
            "anything is shown, and both parties read who viewed what."
        ),
        say("Its records are kept for six years after its end, or longer where anybody asks it."),
    ),
    Profile.REGULATED: (
        say(
            "Each signature, approval, notice and act of agreement takes the password and a fresh "
            "code."
        ),
        say(
            "Each signature says what it means: review, approval, responsibility or authorship. "
            "The meaning stands on the page and in the deed."
        ),
        say(
            "An attempt to sign that fails is entered in the log and told to the administrators of "
            "the signer’s organisation at once."
        ),
    ),
}


TOTP, BOTH_FACTORS = "totp", "password+totp"


class Meaning(StrEnum):
    """What a signature means (21 CFR 11.50)."""

    AUTHORSHIP = "authorship"
    REVIEW = "review"
    APPROVAL = "approval"
    RESPONSIBILITY = "responsibility"


MEANING_WORDS = {
    Meaning.APPROVAL: say("Approval: I agree to it for my organisation"),
    Meaning.RESPONSIBILITY: say("Responsibility: I answer for carrying it out"),
    Meaning.REVIEW: say("Review: I have read and checked it"),
    Meaning.AUTHORSHIP: say("Authorship: I wrote it"),
}


@dataclass(frozen=True)
class Turn:
    """A contract put under a profile or out of it, and from when; none: not agreed to yet."""

    profile: Profile
    on: bool
    holds_from: datetime | None


def holding(turns: Iterable[Turn], *, at: datetime) -> frozenset[Profile]:
    """Return the profiles a contract is under at a moment: the last turn that holds decides."""
    last: dict[Profile, Turn] = {}
    for turn in turns:
        if turn.holds_from is None or turn.holds_from > at:
            continue
        before = last.get(turn.profile)
        if before is None or before.holds_from is None or turn.holds_from >= before.holds_from:
            last[turn.profile] = turn
    return frozenset(profile for profile, turn in last.items() if turn.on)


def begins(*, on: bool, at: datetime) -> datetime:
    """Return from when an agreed turn holds: more protection at once, less a day later."""
    return at if on else at + DELAY


@dataclass(frozen=True)
class Agreement:
    """The signed business associate agreement (45 CFR 164.504(e)) a contract rests on."""

    reference: str
    signed_on: date


def read_agreement(reference: str, signed_on: date | None, *, today: date) -> Agreement:
    """Return the agreement as it is named; `Refused` where it is not named or not signed yet."""
    named = " ".join(reference.split())
    if not named or len(named) > LONGEST_REFERENCE or signed_on is None:
        raise Refused(
            say("Name the signed business associate agreement and the day of its last signature.")
        )
    if signed_on > today:
        raise Refused(say("The business associate agreement must be signed already."))
    return Agreement(named, signed_on)


def demand_turn(
    *, on: bool, stands: bool, where: State, hindrances: Collection[str], amendment: bool
) -> None:
    """Refuse a turn that would change nothing, come between signatures, or hold only half."""
    if amendment:
        raise Refused(
            say("An amendment is under the profiles of the contract it amends. Ask there.")
        )
    if on == stands:
        raise Refused(
            say("That is how it stands already.") if on else say("It is not under this profile.")
        )
    if where in BUSY:
        raise Refused(
            say("The contract is being signed. Wait until the deed is sealed, or void it.")
        )
    if hindrances:
        raise Refused(" ".join(hindrances))


def meaning_problem(meaning: str, *, regulated: bool) -> str | None:
    """Say what is wrong with the meaning of a signature, or None."""
    if regulated and meaning not in set(Meaning):
        return say("Choose what your signature means.")
    return None


# What is entered for a person only with a signature where the contract is regulated: the acts by
# which a side agrees, accepts, refuses or contests, and those that end what was agreed. Signatures,
# approvals and notices have forms of their own that take both factors. What is only reported, asked
# or written down binds nobody; the clocks of an incident are settled by the signed statement.
SIGNED = frozenset({
    "changes:change:approved", "changes:change:excepted", "changes:change:postponed",
    "changes:outage:cause_accepted", "changes:outage:cause_refused", "changes:outage:confirmed",
    "changes:outage:corrected", "changes:outage:disputed",
    "contract:move:agreed", "contract:move:asked",
    "incident:review:held", "incident:root_cause:accepted",
    "interim_change:agreed", "interim_change:declined",
    "profile:turn:agreed", "profile:turn:asked",
    "renewal:notice:received",
    "retention:deletion:agreed", "retention:deletion:asked",
    "review:held",
    "signing:reopening:proposed", "signing:reopening:refused", "signing:signature:declined",
    "signing:version:reopened", "signing:version:voided",
    "statements:statement:accepted", "statements:statement:claimed",
    "statements:statement:confirmed", "statements:statement:disputed",
    "statements:statement:objected",
})  # fmt: skip
# Facts that the act itself makes: they are others each time it is shown.
MADE = {"profile:turn:asked": {"turn"}, "retention:deletion:asked": {"deletion"}}


def act_sha256(chain: str, event: str, facts: Mapping[str, Any]) -> str:
    """Return the hash of an act as the log will tell it, without what it makes itself.

    The page that asks for the signature carries it: a signature fits what was shown, or nothing.
    """
    known = {name: one for name, one in facts.items() if name not in MADE.get(event, ())}
    return hashlib.sha256(rfc8785.dumps([chain, event, known])).hexdigest()


def content_sha256(values: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 of what was typed with an act, so that its signature fits no other."""
    ordered = json.dumps(sorted(values), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(ordered.encode()).hexdigest()


@cache
def agreement_text() -> str:
    """Return the template of a business associate agreement, with places for the parties' names."""
    path = Path(__file__).parent / "data" / "business-associate-1.0.txt"
    return path.read_text(encoding="utf-8")


def filled_agreement(*, vendor: str, customer: str, ref: str) -> str:
    """Return the template with its three places filled by look-up, never by a template engine."""
    places = {"{{vendor}}": vendor, "{{customer}}": customer, "{{contract}}": ref}
    text = agreement_text()
    for place, words in places.items():
        text = text.replace(place, words.replace("{", "").replace("}", ""))
    return text


def record_of(path: str, ref: str) -> str:
    """Return the record an address shows: what follows the contract in it; "" is the contract."""
    _, _, rest = path.partition(f"/contracts/{ref}")
    return rest.strip("/")
