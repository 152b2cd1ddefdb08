"""How a statement is settled: issued, confirmed, accepted or disputed, frozen, sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from portal.contracts.rules.life import Side
from portal.kit.words import percent, say
from portal.statements.rules.month import due_after

Terms = Mapping[str, Any]


class Stage(StrEnum):
    """Where a statement stands."""

    ISSUED = "issued"
    OBJECTED = "objected"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"
    SEALED = "sealed"


STAGE_WORDS = {
    Stage.ISSUED: say("Waits for the vendor"),
    Stage.OBJECTED: say("The vendor objects"),
    Stage.CONFIRMED: say("Waits for the customer"),
    Stage.DISPUTED: say("Disputed"),
    Stage.ACCEPTED: say("Accepted, being sealed"),
    Stage.SEALED: say("Frozen and sealed"),
}
STAGE_KINDS = {
    Stage.ISSUED: "open",
    Stage.OBJECTED: "warn",
    Stage.CONFIRMED: "open",
    Stage.DISPUTED: "bad",
    Stage.ACCEPTED: "agreed",
    Stage.SEALED: "good",
}
FROZEN = frozenset({Stage.ACCEPTED, Stage.SEALED})
EVENT_WORDS = {
    "issued": say("Issued"),
    "recomputed": say("Computed again"),
    "presumed": say("No report came in time"),
    "confirmed": say("Confirmed"),
    "objected": say("Objected"),
    "disputed": say("Disputed"),
    "answered": say("Answered"),
    "accepted": say("Accepted"),
    "lapsed": say("Accepted by silence"),
    "claimed": say("Credit claimed"),
    "sealed": say("Sealed"),
}


@dataclass(frozen=True)
class Event:
    """One dated word about a statement, on one of its revisions."""

    kind: str
    at: datetime
    revision: int
    side: Side | None = None


@dataclass(frozen=True)
class Standing:
    """What the events add up to."""

    stage: Stage
    revision: int
    issued_at: datetime
    confirmed_at: datetime | None
    accepted_at: datetime | None
    claimed_at: datetime | None

    @property
    def frozen(self) -> bool:
        """Whether its figures can no longer change."""
        return self.stage in FROZEN


def standing(events: Sequence[Event]) -> Standing:
    """Fold the events of a statement, in the order they were recorded; the first issues it."""
    found = Standing(Stage.ISSUED, events[0].revision, events[0].at, None, None, None)
    for event in events[1:]:
        found = _after(found, event)
    return found


def _after(found: Standing, event: Event) -> Standing:
    stage, confirmed, accepted, claimed = (
        found.stage, found.confirmed_at, found.accepted_at, found.claimed_at,
    )  # fmt: skip
    match event.kind:
        case "recomputed" | "presumed":
            # New figures are confirmed anew, and the time to dispute them begins anew.
            stage, confirmed = Stage.ISSUED, None
        case "confirmed":
            stage, confirmed = Stage.CONFIRMED, event.at
        case "objected":
            stage = Stage.OBJECTED
        case "disputed":
            stage = Stage.DISPUTED
        case "accepted" | "lapsed":
            stage, accepted = Stage.ACCEPTED, event.at
        case "claimed":
            claimed = event.at
        case "sealed":
            stage = Stage.SEALED
    return Standing(stage, event.revision, found.issued_at, confirmed, accepted, claimed)


def figure_names(figures: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures a party may dispute, by code."""
    names: dict[str, str] = {}
    for number, row in enumerate(figures["uptime"]):
        names[f"uptime-{number}"] = say(
            "Uptime of %(name)s: %(share)s", name=row["name"], share=percent(row["shown"])
        )
    for row in figures["attainment"]:
        code = f"{row['severity']}-{row['aim']}"
        names[code] = say(
            "%(severity)s, %(aim)s: %(met)s met, %(missed)s missed",
            severity=row["severity"],
            aim=row["aim"],
            met=row["met"],
            missed=row["missed"],
        )
    for number, row in enumerate(figures["credits"]):
        names[f"credit-{number}"] = say(
            "Credit for %(kind)s: %(name)s", kind=row["kind"], name=row["name"]
        )
    return names | {"other": say("Something that is missing")}


def dispute_until(confirmed: datetime, terms: Terms) -> datetime | None:
    """Return the last moment to dispute a confirmed statement (M3)."""
    return due_after(confirmed, terms.get("M3"), terms)


def claim_until(issued: datetime, terms: Terms) -> datetime | None:
    """Return the last moment to claim a credit (K8); None where a claim is never too late."""
    return due_after(issued, terms.get("K8"), terms)


def claim_needed(terms: Terms) -> bool:
    """Return whether a credit is only given when claimed (K7)."""
    return terms.get("K7") == "on_claim"


def earns(totals: Mapping[str, Any]) -> bool:
    """Return whether a statement gives anything: a share of the fee, or time."""
    return bool(Fraction(totals["due"]) or Fraction(totals["extension"]))
