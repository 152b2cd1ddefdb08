"""The account of why an incident happened: when it is due, what it must hold, who acts next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.kit.words import say
from portal.sla.rules import due_at, target_from_term
from portal.sla.rules.promises import Promises

SOON = timedelta(hours=24)

FIELDS: Mapping[str, tuple[str, str]] = {
    "timeline": (
        say("What happened, and when"),
        say("The incident’s own events are a good beginning."),
    ),
    "cause": (say("Why it happened"), say("The cause behind the cause, without blaming people.")),
    "impact": (
        say("What it did to the business"),
        say("Who could not work, for how long, what it cost."),
    ),
}
METHOD_HINTS: Mapping[str, str] = {
    "five_whys": say("The contract asks for five whys: ask why five times, one line each."),
    "eight_d": say(
        "The contract asks for 8D: problem, containment, cause, correction, prevention."
    ),
    "free": say("Use a method of your choice and name it."),
}


class Kind(StrEnum):
    """What is said about a root cause, in order."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    RETURNED = "returned"
    ACCEPTED = "accepted"


KIND_WORDS: Mapping[str, str] = {
    Kind.PRELIMINARY: say("First account"),
    Kind.FINAL: say("Full account"),
    Kind.RETURNED: say("Returned by the customer"),
    Kind.ACCEPTED: say("Accepted by the customer"),
}


@dataclass(frozen=True)
class Due:
    """When the first and the full account are due."""

    preliminary: datetime | None
    final: datetime


def is_required(terms: Mapping[str, Any], severity: str) -> bool:
    """Whether an incident of a severity ends with an account of its cause."""
    return bool(terms.get(f"C4.{severity}.rca"))


def due_after(promises: Promises, severity: str, resolved: datetime) -> Due | None:
    """When the accounts are due, counted from the resolution (N3); None where none is asked for."""
    if not is_required(promises.terms, severity):
        return None
    rows = promises.terms.get("N3") or ()
    row = next((row for row in rows if row["severity"] == severity), None)
    if row is None:
        return None
    found = {
        name: _after(promises, row[name], resolved)
        for name in ("preliminary", "final")
        if row.get(name)
    }
    return Due(found.get("preliminary"), found["final"])


def _after(promises: Promises, value: Mapping[str, Any], moment: datetime) -> datetime:
    target = target_from_term(value)
    return due_at(moment, target=target, calendar=promises.calendar_for(target))


def missing(
    terms: Mapping[str, Any], kind: Kind, content: Mapping[str, str], *, measures: int
) -> dict[str, str]:
    """What an account lacks, by field. A first account says what is known; a full one everything
    the contract lists (N3.content)."""
    needed = set(terms.get("N3.content") or ())
    found: dict[str, str] = {}
    for name in FIELDS:
        asked = name in needed if kind is Kind.FINAL else name == "timeline"
        if asked and not content.get(name, "").strip():
            found[name] = say("The contract asks for this: %(name)s.", name=FIELDS[name][0])
    if kind is Kind.FINAL and "actions" in needed and not measures:
        found["measures"] = say("Add at least one action with its owner and date first.")
    return found


@dataclass(frozen=True)
class Standing:
    """Where a root cause stands, in words, and whose turn it is."""

    words: str
    kind: str
    vendors_turn: bool
    customers_turn: bool


def standing(
    said: Sequence[str], *, preliminary_due: datetime | None, final_due: datetime, now: datetime
) -> Standing:
    """Where a root cause stands after what was said, given in order."""
    last = said[-1] if said else ""
    if last == Kind.ACCEPTED:
        return Standing(say("Accepted"), "good", False, False)
    if last == Kind.FINAL:
        return Standing(say("To be reviewed by the customer"), "yours", False, True)
    if now > final_due:
        return Standing(say("Overdue"), "bad", True, False)
    if last == Kind.RETURNED:
        return Standing(say("Returned, to be mended"), "warn", True, False)
    if last == Kind.PRELIMINARY:
        return Standing(say("First account given"), "open", True, False)
    if preliminary_due is not None and now > preliminary_due:
        return Standing(say("First account overdue"), "bad", True, False)
    return Standing(say("Waited for"), "open", True, False)
