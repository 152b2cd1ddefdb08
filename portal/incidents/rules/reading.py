"""Clocks, events and times as a person reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.sla.rules import ClockState, Kind, State, Target, Unit
from portal.sla.rules.incident import Event, Happened
from portal.sla.rules.outcomes import Outcome, working
from portal.sla.rules.promises import AIM_WORDS, Promises

EVENT_WORDS: Mapping[Happened, str] = {
    Happened.REPORTED: "Reported",
    Happened.MESSAGE: "Message",
    Happened.ACKNOWLEDGED: "Acknowledged",
    Happened.RESPONSE: "First diagnosis",
    Happened.UPDATE: "Update",
    Happened.SEVERITY_PROPOSED: "Severity proposed",
    Happened.SEVERITY_AGREED: "Severity agreed",
    Happened.SEVERITY_DECLINED: "Severity disputed",
    Happened.SEVERITY_WITHDRAWN: "Severity proposal withdrawn",
    Happened.PAUSE_CLAIMED: "Pause claimed",
    Happened.PAUSE_CONTESTED: "Pause contested",
    Happened.PAUSE_SETTLED: "Pause settled",
    Happened.PAUSE_ENDED: "Pause ended",
    Happened.WORKAROUND: "Workaround delivered",
    Happened.RESOLVED: "Resolved",
    Happened.REFUSED: "Refused: it does not work",
    Happened.CONFIRMED: "Closed",
    Happened.REOPENED: "Reopened",
    Happened.EXCLUDED: "Said not to count",
    Happened.EXCLUSION_CONTESTED: "Said to count",
    Happened.EXCLUSION_SETTLED: "Settled whether it counts",
}
STATE_WORDS: Mapping[State, tuple[str, str]] = {
    State.RUNNING: ("Running", "open"),
    State.PAUSED: ("Paused", "theirs"),
    State.CLOSED: ("Out of hours", "theirs"),
    State.MET: ("Met", "good"),
    State.BREACHED: ("Missed", "bad"),
}
DISPUTED = ("Contested", "warn")
UNTIMED = ("No time promised", "")
STANDING_WORDS: Mapping[str, tuple[str, str]] = {
    "open": ("Open", "open"),
    "resolved": ("Resolved, to confirm", "yours"),
    "closed": ("Closed", ""),
}
SEVERITY_KINDS: Mapping[str, str] = {"S1": "critical", "S2": "high"}
KIND_WORDS: Mapping[Kind, str] = {
    Kind.OPEN: "Counted",
    Kind.PAUSED: "Paused",
    Kind.CLOSED: "Out of hours",
}
_UNITS: Mapping[Unit, tuple[str, str]] = {
    Unit.MINUTES: ("minute", "minutes"),
    Unit.HOURS: ("hour", "hours"),
    Unit.BUSINESS_HOURS: ("business hour", "business hours"),
    Unit.BUSINESS_DAYS: ("business day", "business days"),
    Unit.DAYS: ("day", "days"),
    Unit.MONTHS: ("month", "months"),
}


def span_words(span: timedelta) -> str:
    """Return a span as "2 days 3 h" or "25 min"; the two largest units are enough."""
    seconds = int(abs(span).total_seconds())
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3600, seconds % 3600 // 60
    parts = []
    if days:
        parts.append("1 day" if days == 1 else f"{days} days")
    if hours:
        parts.append(f"{hours} h")
    if minutes and not days:
        parts.append(f"{minutes} min")
    return " ".join(parts) or ("0 min" if seconds == 0 else "under 1 min")


def target_words(target: Target) -> str:
    """Return a target as the contract says it: "4 business hours"."""
    one, many = _UNITS[target.unit]
    said = f"{target.n} {one if target.n == 1 else many}"
    return said


@dataclass(frozen=True)
class ClockView:
    """One clock on the page: its state in words, both ways where time is contested."""

    outcome: Outcome
    label: str
    words: str
    kind: str
    state: ClockState | None
    strict: ClockState | None
    promised: str
    left: str
    left_strict: str | None

    @property
    def anchor(self) -> str:
        """The id of its working on the page."""
        return f"clock-{self.outcome.aim.value}-{self.outcome.number}"


def clock_view(promises: Promises, outcome: Outcome) -> ClockView:
    """Return a clock as the page shows it."""
    state = working(promises, outcome)
    differs = outcome.strict_pauses != outcome.pauses
    strict = working(promises, outcome, contested=False) if differs else None
    words, kind = _words(outcome, state)
    target = outcome.promise.target
    at_release = outcome.promise.at_next_release
    return ClockView(
        outcome=outcome,
        label=AIM_WORDS[outcome.aim],
        words=words,
        kind=kind,
        state=state,
        strict=strict,
        promised=target_words(target) if target else "next release" if at_release else "none",
        left=_left(outcome, state),
        left_strict=_left(outcome, strict) if strict else None,
    )


def _words(outcome: Outcome, state: ClockState | None) -> tuple[str, str]:
    if state is None:
        return UNTIMED
    if outcome.disputed:
        return DISPUTED
    if outcome.breached:
        return STATE_WORDS[State.BREACHED]
    return STATE_WORDS[state.state]


def _left(outcome: Outcome, state: ClockState | None) -> str:
    if state is None:
        return ""
    due = outcome.due if outcome.strict_due is None else state.due
    end = outcome.met_at or outcome.now
    late = due is not None and end > due
    if outcome.met_at is not None:
        return (
            f"{span_words(state.remaining)} late" if late else f"after {span_words(state.elapsed)}"
        )
    return f"{span_words(state.remaining)} over" if late else f"{span_words(state.remaining)} left"


def event_words(event: Event) -> str:
    """Return what happened in a few words, with the severity or ground it names."""
    words = EVENT_WORDS[event.kind]
    if event.kind is Happened.CONFIRMED and event.ground == "silence":
        return "Closed by silence"
    if event.kind is Happened.PAUSE_SETTLED:
        return "Pause stands" if event.counts else "Pause taken back"
    if event.kind is Happened.EXCLUSION_SETTLED:
        return "Agreed: it does not count" if event.counts else "Agreed: it counts"
    if event.kind is Happened.SEVERITY_AGREED and event.from_report:
        return f"Severity agreed: {event.severity}, from the report"
    return f"{words}: {event.severity}" if event.severity else words


def worst_first(views: Sequence[ClockView], *, now: datetime) -> ClockView | None:
    """The clock a person must look at: the open one that falls due first, else the last missed."""
    waiting = [v for v in views if v.outcome.due and not v.outcome.met_at]
    return min(waiting, key=lambda v: v.outcome.due or now, default=None)
