"""What may happen next to an incident, and which side may say so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.kit.words import say
from portal.sla.rules.incident import (
    CUSTOMER,
    VENDOR,
    Event,
    Happened,
    History,
    Standing,
    is_excluded,
    pauses_of,
    proposals_of,
    severity_now,
    standing,
)
from portal.sla.rules.promises import Promises

# The event of the contract's log for each thing that happens.
EVENTS: Mapping[Happened, str] = {
    Happened.REPORTED: "incident:reported",
    Happened.MESSAGE: "incident:message:written",
    Happened.ACKNOWLEDGED: "incident:acknowledged",
    Happened.RESPONSE: "incident:response:given",
    Happened.UPDATE: "incident:update:given",
    Happened.SEVERITY_PROPOSED: "incident:severity:proposed",
    Happened.SEVERITY_AGREED: "incident:severity:agreed",
    Happened.SEVERITY_DECLINED: "incident:severity:declined",
    Happened.SEVERITY_WITHDRAWN: "incident:severity:withdrawn",
    Happened.PAUSE_CLAIMED: "incident:pause:claimed",
    Happened.PAUSE_CONTESTED: "incident:pause:contested",
    Happened.PAUSE_SETTLED: "incident:pause:settled",
    Happened.PAUSE_ENDED: "incident:pause:ended",
    Happened.WORKAROUND: "incident:workaround:delivered",
    Happened.RESOLVED: "incident:resolved",
    Happened.REFUSED: "incident:delivery:refused",
    Happened.CONFIRMED: "incident:confirmed",
    Happened.REOPENED: "incident:reopened",
    Happened.EXCLUDED: "incident:exclusion:claimed",
    Happened.EXCLUSION_CONTESTED: "incident:exclusion:contested",
    Happened.EXCLUSION_SETTLED: "incident:exclusion:settled",
}

GROUND_WORDS: Mapping[str, str] = {
    "waiting_on_customer": say("Waiting on the customer"),
    "agreed_hold": say("An agreed hold"),
    "workaround_refused": say("A workaround the customer refuses"),
    "force_majeure": say("Force majeure"),
    "customer_part": say("The customer has not done its part"),
}


def grounds_of(terms: Mapping[str, Any]) -> list[str]:
    """The grounds on which this contract lets the clocks stand still (C7, H3)."""
    grounds = list(terms.get("C7") or ())
    if terms.get("H3") in ("pauses", "extended"):
        grounds.append("customer_part")
    return grounds


@dataclass(frozen=True)
class Situation:
    """All that decides whether something may happen now.

    `settled_until`: the statements of everything before it are settled.
    """

    history: History
    promises: Promises
    side: str
    now: datetime
    settled_until: datetime | None = None

    @property
    def standing(self) -> Standing:
        """Open, resolved or closed."""
        return standing(self.history)

    def target(self, event_id: str | None) -> Event | None:
        """The event another one speaks to."""
        return next((event for event in self.history.events if event.id == event_id), None)


def why_not(
    kind: Happened,
    situation: Situation,
    *,
    answers: str | None = None,
    severity: str | None = None,
    ground: str | None = None,
) -> str | None:
    """Say why this may not happen now, or None."""
    if kind in _VENDORS and situation.side != VENDOR:
        return say("Only the vendor can do this.")
    if kind in _CUSTOMERS and situation.side != CUSTOMER:
        return say("Only the customer can do this.")
    check = _CHECKS.get(kind, _while_not_closed)
    return check(situation, answers, severity or ground)


_VENDORS = frozenset(
    {
        Happened.ACKNOWLEDGED, Happened.RESPONSE, Happened.UPDATE, Happened.WORKAROUND,
        Happened.RESOLVED, Happened.EXCLUDED,
    }
)  # fmt: skip
_CUSTOMERS = frozenset(
    {Happened.REFUSED, Happened.CONFIRMED, Happened.REOPENED, Happened.EXCLUSION_CONTESTED}
)

Check = Callable[[Situation, str | None, str | None], str | None]


def _while_not_closed(now: Situation, answers: str | None, word: str | None) -> str | None:
    return say("This incident is closed.") if now.standing is Standing.CLOSED else None


def _while_open(now: Situation, answers: str | None, word: str | None) -> str | None:
    match now.standing:
        case Standing.CLOSED:
            return say("This incident is closed.")
        case Standing.RESOLVED:
            return say("This incident is resolved and waits for the customer.")
        case _:
            return None


def _acknowledged(now: Situation, answers: str | None, word: str | None) -> str | None:
    last = now.history.all_of(Happened.REOPENED)
    since = last[-1].at if last else now.history.reported
    taken = [event for event in now.history.all_of(Happened.ACKNOWLEDGED) if event.at >= since]
    if taken:
        return say("This incident is acknowledged already.")
    return _while_open(now, answers, word)


def _severity_proposed(now: Situation, answers: str | None, word: str | None) -> str | None:
    if word == severity_now(now.history) and not any(p.is_open for p in proposals_of(now.history)):
        return say("The severity is %(word)s already.", word=word)
    return _while_not_closed(now, answers, word)


def _open_proposal(now: Situation, answers: str | None, *, own: bool) -> str | None:
    for proposal in proposals_of(now.history):
        if proposal.id == answers and proposal.is_open:
            if (proposal.side == now.side) is own:
                return None
            return (
                say("The other side answers its own question only by withdrawing it.")
                if own
                else say("Your side proposed this. The other side answers.")
            )
    return say("This proposal is no longer open.")


def _severity_answered(now: Situation, answers: str | None, word: str | None) -> str | None:
    if answers is None:
        mine = now.promises.terms.get("C2") == "vendor" and now.side == VENDOR
        return None if mine else say("Under this contract a severity is proposed and agreed.")
    return _open_proposal(now, answers, own=False)


def _severity_declined(now: Situation, answers: str | None, word: str | None) -> str | None:
    found = [p for p in proposals_of(now.history) if p.id == answers]
    if found and found[0].declined_at:
        return say("This proposal was declined already.")
    return _open_proposal(now, answers, own=False)


def _severity_withdrawn(now: Situation, answers: str | None, word: str | None) -> str | None:
    return _open_proposal(now, answers, own=True)


def _pause_claimed(now: Situation, answers: str | None, word: str | None) -> str | None:
    if word not in grounds_of(now.promises.terms):
        return say("The contract does not let the clocks stand still on this ground.")
    claims = pauses_of(now.history, now.promises)
    if any(c.ground == word and _runs(c.end, now.now) and c.counts for c in claims):
        return say("The clocks already stand still on this ground.")
    return _while_open(now, answers, word)


def _runs(end: datetime | None, now: datetime) -> bool:
    return end is None or end > now


def _pause_contested(now: Situation, answers: str | None, word: str | None) -> str | None:
    claim = now.target(answers)
    if claim is None or claim.kind is not Happened.PAUSE_CLAIMED:
        return say("There is no such pause.")
    if claim.side == now.side:
        return say("Your side claimed this pause. End it instead.")
    if now.history.answer_to(claim, Happened.PAUSE_CONTESTED):
        return say("This pause is contested already.")
    claimed = next(c for c in pauses_of(now.history, now.promises) if c.id == claim.id)
    if now.settled_until is not None and claimed.end and claimed.end <= now.settled_until:
        return say(
            "The time to contest this pause is over: the statement that counts it is settled."
        )
    return None


def _pause_settled(now: Situation, answers: str | None, word: str | None) -> str | None:
    claim = now.target(answers)
    if claim is None or claim.kind is not Happened.PAUSE_CLAIMED:
        return say("There is no such pause.")
    if not now.history.answer_to(claim, Happened.PAUSE_CONTESTED):
        return say("Nobody contests this pause.")
    if now.history.answer_to(claim, Happened.PAUSE_SETTLED):
        return say("This pause is settled already.")
    return None


def _pause_ended(now: Situation, answers: str | None, word: str | None) -> str | None:
    for claim in pauses_of(now.history, now.promises):
        if claim.id == answers:
            return None if _runs(claim.end, now.now) else say("This pause has ended.")
    return say("There is no such pause.")


def _resolved(now: Situation, answers: str | None, word: str | None) -> str | None:
    means = now.promises.terms.get("C8") or ()
    if word not in means:
        return say("The contract does not call this a resolution.")
    return _while_open(now, answers, word)


def _refused(now: Situation, answers: str | None, word: str | None) -> str | None:
    delivery = now.target(answers)
    if delivery is None or delivery.kind not in (Happened.WORKAROUND, Happened.RESOLVED):
        return say("There is nothing delivered to refuse.")
    if now.history.answer_to(delivery, Happened.REFUSED):
        return say("This was refused already.")
    return _while_not_closed(now, answers, word)


def _reopened(now: Situation, answers: str | None, word: str | None) -> str | None:
    if now.standing is Standing.OPEN:
        return say("This incident is open.")
    window = now.promises.reopen_until(_ended(now.history))
    if window is None or now.now > window:
        return say("The time to reopen has passed. Report a new incident and name this one.")
    return None


def _ended(history: History) -> datetime:
    return history.all_of(Happened.RESOLVED, Happened.CONFIRMED)[-1].at


def _excluded(now: Situation, answers: str | None, word: str | None) -> str | None:
    if is_excluded(now.history) is not False:
        return say("The vendor says so already.")
    return None


def _exclusion_contested(now: Situation, answers: str | None, word: str | None) -> str | None:
    return None if is_excluded(now.history) else say("There is no exclusion to contest.")


def _exclusion_settled(now: Situation, answers: str | None, word: str | None) -> str | None:
    return None if is_excluded(now.history) is None else say("No exclusion is contested.")


_CHECKS: Mapping[Happened, Check] = {
    Happened.ACKNOWLEDGED: _acknowledged,
    Happened.RESPONSE: _while_open,
    Happened.UPDATE: _while_open,
    Happened.WORKAROUND: _while_open,
    Happened.SEVERITY_PROPOSED: _severity_proposed,
    Happened.SEVERITY_AGREED: _severity_answered,
    Happened.SEVERITY_DECLINED: _severity_declined,
    Happened.SEVERITY_WITHDRAWN: _severity_withdrawn,
    Happened.PAUSE_CLAIMED: _pause_claimed,
    Happened.PAUSE_CONTESTED: _pause_contested,
    Happened.PAUSE_SETTLED: _pause_settled,
    Happened.PAUSE_ENDED: _pause_ended,
    Happened.RESOLVED: _resolved,
    Happened.REFUSED: _refused,
    Happened.REOPENED: _reopened,
    Happened.EXCLUDED: _excluded,
    Happened.EXCLUSION_CONTESTED: _exclusion_contested,
    Happened.EXCLUSION_SETTLED: _exclusion_settled,
}
