"""Who may sign now, what a signature lacks, and how it says who made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.contracts.rules.order import Seat, seat_of
from portal.kit.words import listed, say, say_n
from portal.plans.rules import Catalogue, CatalogueBroken, departures, tier_terms
from portal.profiles.rules import BOTH_FACTORS, MEANING_WORDS, Meaning
from portal.terms.rules import Schema, show

LONGEST_TITLE = 64  # X.520, upper bound of a title in a certificate
LEAST_REASON = 5
RETRY_AFTER = [timedelta(minutes=m) for m in (1, 5, 15, 60)]


def turn_problem(seats: Sequence[Seat], open_now: Sequence[Seat], person_id: str) -> str | None:
    """Say why a person cannot sign now, or None when it is their turn."""
    mine = seat_of(seats, person_id)
    if mine is None:
        return say("You are not named as a signer of this contract.")
    if mine.is_signed:
        return say("You have already signed this agreement.")
    if mine in open_now:
        return None
    if not open_now:
        return say(
            "It is not your turn yet: the approvals come first. You get a mail when it is you."
        )
    return say_n(
        "It is not your turn yet. %(names)s signs next, and you get a mail when it is you.",
        "It is not your turn yet. %(names)s sign next, and you get a mail when it is you.",
        len(open_now),
        names=listed([seat.name for seat in open_now]),
    )


def signature_problem(
    *,
    shown_sha256: str,
    stored_sha256: str,
    title: str,
    authority_confirmed: str,
    intent: str,
) -> str | None:
    """Say what a signature lacks, or None. The two statements are "yes" or anything else."""
    if shown_sha256 != stored_sha256:
        return say(
            "The agreement changed after this page was opened. Review it again before signing."
        )
    if not title.strip() or len(title.strip()) > LONGEST_TITLE:
        return say("Give your title in at most %(most)s characters.", most=LONGEST_TITLE)
    if authority_confirmed != "yes":
        return say("Confirm that you have the authority to sign.")
    if intent != "yes":
        return say("Confirm that you intend to sign.")
    return None


def retry_at(failures: Sequence[datetime]) -> datetime | None:
    """Return when to try again after these failures, oldest first; None: at once."""
    if not failures:
        return None
    return failures[-1] + RETRY_AFTER[min(len(failures), len(RETRY_AFTER)) - 1]


def approval_statement(organisation: str) -> str:
    """Return the sentence of approval, as it stands on the page and in the log's record."""
    return f"I approve this agreement for signature on behalf of {organisation}."


def authority_statement(organisation: str) -> str:
    """Return the statement a signer confirms, as it stands on the page and in the signature."""
    return f"I have the authority to bind {organisation} to this agreement."


def intent_statement(organisation: str) -> str:
    """Return the sentence of intent, as it stands on the page and in the signature."""
    return f"I intend to sign this agreement on behalf of {organisation}."


FACTOR_WORDS = {
    "totp": say("One-time code from an authenticator (TOTP), typed at this act"),
    BOTH_FACTORS: say(
        "Password and one-time code from an authenticator (TOTP), both typed at this act"
    ),
}


def identified_words(identification: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Answer "How was this person identified?" as (label, text) pairs, for the page and print."""
    known = identification
    labels = (
        (say("Signed as"), f"{known['name']}, {known['title']}"),
        (say("For"), known["organisation"]),
        (
            say("Account"),
            say("%(email)s (one verified address is one person)", email=known["email"]),
        ),
        (say("Role at that time"), known["roles"]),
        (say("Second factor"), FACTOR_WORDS.get(known["factor"], known["factor"])),
        (
            say("Step of the code"),
            say("%(step)s (each step signs at most once)", step=known["step"]),
        ),
        (say("Factor set up"), say("%(day)s, by the person", day=known["factor_enrolled_at"])),
        (say("Signed in since"), known["session_started_at"]),
        (say("Signed at"), known["signed_at"]),
        (say("Network address"), known["address"]),
        (say("Browser"), known["agent"]),
        (
            say("Consent"),
            say(
                "disclosure %(disclosure)s, SHA-256 %(sha)s",
                disclosure=known["disclosure"],
                sha=known["disclosure_sha256"],
            ),
        ),
        (say("Agreement"), f"SHA-256 {known['version_sha256']}"),
        (say("Authority"), known["authority"]),
        (say("Intent"), known["intent"]),
        *_meaning_words(known),
        *_drawn_words(known),
    )
    return [(label, text or say("not known")) for label, text in labels]


def meaning_words(known: Mapping[str, Any]) -> str:
    """Return what a signature means, in words; empty where nobody asked."""
    meaning = known.get("meaning")
    return MEANING_WORDS[Meaning(meaning)] if meaning else ""


def _meaning_words(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    words = meaning_words(known)
    return [(say("Meaning"), words)] if words else []


def _drawn_words(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "drawn_sha256" not in known:
        return []
    return [
        (
            say("Drawn signature"),
            say("beside the typed name, SHA-256 %(sha)s", sha=known["drawn_sha256"]),
        )
    ]


@dataclass(frozen=True)
class Departure:
    """A term in which the agreement left its plan tier, in words."""

    label: str
    agreed: str
    tier: str


def tier_departures(
    document: Mapping[str, Any], schema: Schema, catalogue: Catalogue | None
) -> list[Departure] | None:
    """List where the agreement left its tier; None where it has none, or this host lacks it."""
    pin = document["pins"]["tier"]
    if pin is None:
        return None
    if catalogue is None or catalogue.sha256 != pin["sha256"]:
        return None
    try:
        preset = tier_terms(schema, catalogue, pin["name"].split("/", 2)[2])
    except CatalogueBroken:
        return None
    return [
        Departure(
            label=schema.terms[term].label,
            agreed=show(schema.terms[term], document["terms"].get(term)),
            tier=show(schema.terms[term], preset[term]),
        )
        for term in departures(document["terms"], preset)
    ]


@dataclass(frozen=True)
class Change:
    """A term that differs between two versions, in words."""

    label: str
    before: str
    after: str


def term_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], schema: Schema
) -> list[Change]:
    """List the terms that differ between two frozen documents of one schema."""
    old, new = before["terms"], after["terms"]
    return [
        Change(term.label, show(term, old.get(term.id)), show(term, new.get(term.id)))
        for term in schema.terms.values()
        if old.get(term.id) != new.get(term.id)
    ]
