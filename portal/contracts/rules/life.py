"""The life of a contract, derived from its dated facts. States are never set by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from portal.kit.words import say


class Side(StrEnum):
    """The two sides of a contract."""

    VENDOR = "vendor"
    CUSTOMER = "customer"

    @property
    def other(self) -> "Side":
        """The side across the table."""
        return Side.CUSTOMER if self is Side.VENDOR else Side.VENDOR


class State(StrEnum):
    """Where a contract stands."""

    DRAFT = "draft"
    NEGOTIATION = "negotiation"
    AGREED = "agreed"
    SIGNING = "signing"
    SEALING = "sealing"
    COMPLETED = "completed"
    IN_FORCE = "in_force"
    EXPIRING = "expiring"
    RENEWED = "renewed"
    ENDED = "ended"
    AMENDS = "amends"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"
    EXPIRED = "expired"


STATE_WORDS = {
    State.DRAFT: say("Draft"),
    State.NEGOTIATION: say("In negotiation"),
    State.AGREED: say("Agreed, deed in preparation"),
    State.SIGNING: say("Out for signature"),
    State.SEALING: say("Signed by all, being sealed"),
    State.COMPLETED: say("Completed"),
    State.IN_FORCE: say("In force"),
    State.EXPIRING: say("In force, ending"),
    State.RENEWED: say("Renewed by a new contract"),
    State.ENDED: say("Ended"),
    State.AMENDS: say("Signed amendment"),
    State.DECLINED: say("Declined"),
    State.WITHDRAWN: say("Withdrawn"),
    State.VOIDED: say("Voided before completion"),
    State.EXPIRED: say("Offer to sign expired"),
}

# Kinds of facts: round_sent(side), round_recalled(side), frozen, reopened, deed_prepared,
# signed(side), all_signed, completed, declined(side), withdrawn(side), voided(side), expired;
# approved(side), reopening(side), reopening_refused(side), delegated(side), reassigned(side);
# leaving (the term ends and nothing renews it), staying (it renews after all), term_renewed,
# renewed (by a new contract), ended; settled (at: the statements of all before it are settled).
ENDED_EARLY = {
    "withdrawn": State.WITHDRAWN,
    "declined": State.DECLINED,
    "voided": State.VOIDED,
    "expired": State.EXPIRED,
}
RUNNING = frozenset({State.IN_FORCE, State.EXPIRING})
"""The signed terms run the service."""
OVER = frozenset({State.RENEWED, State.ENDED})
"""The last term has ended."""
FINAL = frozenset({State.COMPLETED, State.AMENDS, *ENDED_EARLY.values()}) | RUNNING | OVER


@dataclass(frozen=True)
class DatedFact:
    """A fact as the rules see it."""

    kind: str
    at: datetime
    side: Side | None = None


def state_of(
    facts: Sequence[DatedFact], *, service_start: date | None, today: date, of: str | None = None
) -> State:
    """Return the state that the facts, in time order, add up to.

    `of` is the contract an amendment amends: signed, it never runs by itself but changes that one.
    """
    kinds = {fact.kind for fact in facts}
    for kind, state in ENDED_EARLY.items():
        if kind in kinds:
            return state
    if "completed" in kinds and of is not None:
        return State.AMENDS
    if "completed" in kinds:
        reached = _after_completion(facts)
        # What ended or was renewed before support began is over on every day.
        started = service_start is None or service_start <= today or reached in OVER
        return reached if started else State.COMPLETED
    return _open_state({fact.kind for fact in _since_reopened(facts)}, _standing_rounds(facts))


_ENDS = {"leaving": State.EXPIRING, "renewed": State.RENEWED, "ended": State.ENDED}


def _after_completion(facts: Sequence[DatedFact]) -> State:
    """The last word on the end of the term decides; without one the contract is in force."""
    told = [fact.kind for fact in facts if fact.kind in {*_ENDS, "staying", "term_renewed"}]
    return _ENDS.get(told[-1], State.IN_FORCE) if told else State.IN_FORCE


def _open_state(recent: set[str], rounds: Sequence[Side]) -> State:
    if "frozen" in recent:
        if "all_signed" in recent:
            return State.SEALING
        return State.SIGNING if "deed_prepared" in recent else State.AGREED
    return State.NEGOTIATION if rounds else State.DRAFT


def _since_reopened(facts: Sequence[DatedFact]) -> Sequence[DatedFact]:
    last = max((i for i, fact in enumerate(facts) if fact.kind == "reopened"), default=-1)
    return facts[last + 1 :]


def turn_of(facts: Iterable[DatedFact], *, started_by: Side) -> Side:
    """Return the side to move: the one that did not send the last round that stands."""
    sides = _standing_rounds(facts)
    return sides[-1].other if sides else started_by


def _standing_rounds(facts: Iterable[DatedFact]) -> list[Side]:
    """The sides of the rounds sent; a recall takes back the last one."""
    sides: list[Side] = []
    for fact in facts:
        if fact.kind == "round_sent" and fact.side:
            sides.append(fact.side)
        elif fact.kind == "round_recalled" and sides:
            sides.pop()
    return sides


def completed_at(facts: Iterable[DatedFact]) -> datetime | None:
    """Return when the contract was completed (sealed), if it was."""
    return next((fact.at for fact in facts if fact.kind == "completed"), None)
