"""Clocks, events and times as a person reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.kit.words import Words, say, say_n
from portal.sla.rules import ClockState, Kind, State, Target, Unit
from portal.sla.rules.incident import Event, Happened
from portal.sla.rules.outcomes import Outcome, working
from portal.sla.rules.promises import AIM_WORDS, Promises

EVENT_WORDS: Mapping[Happened, str] = {
    Happened.REPORTED: say("Reported"),
    Happened.MESSAGE: say("Message"),
    Happened.ACKNOWLEDGED: say("Acknowledged"),
    Happened.RESPONSE: say("First diagnosis"),
    Happened.UPDATE: say("Update"),
    Happened.SEVERITY_PROPOSED: say("Severity proposed"),
    Happened.SEVERITY_AGREED: say("Severity agreed"),
    Happened.SEVERITY_DECLINED: say("Severity disputed"),
    Happened.SEVERITY_WITHDRAWN: say("Severity proposal withdrawn"),
    Happened.PAUSE_CLAIMED: say("Pause claimed"),
    Happened.PAUSE_CONTESTED: say("Pause contested"),
    Happened.PAUSE_SETTLED: say("Pause settled"),
    Happened.PAUSE_ENDED: say("Pause ended"),
    Happened.WORKAROUND: say("Workaround delivered"),
    Happened.RESOLVED: say("Resolved"),
    Happened.REFUSED: say("Refused: it does not work"),
    Happened.CONFIRMED: say("Closed"),
    Happened.REOPENED: say("Reopened"),
    Happened.EXCLUDED: say("Said not to count"),
    Happened.EXCLUSION_CONTESTED: say("Said to count"),
    Happened.EXCLUSION_SETTLED: say("Settled whether it counts"),
}
STATE_WORDS: Mapping[State, tuple[str, str]] = {
    State.RUNNING: (say("Running"), "open"),
    State.PAUSED: (say("Paused"), "theirs"),
    State.CLOSED: (say("Out of hours"), "theirs"),
    State.MET: (say("Met"), "good"),
    State.BREACHED: (say("Missed"), "bad"),
}
DISPUTED = (say("Contested"), "warn")
UNTIMED = (say("No time promised"), "")
STANDING_WORDS: Mapping[str, tuple[str, str]] = {
    "open": (say("Open"), "open"),
    "resolved": (say("Resolved, to confirm"), "yours"),
    "closed": (say("Closed"), ""),
}
SEVERITY_KINDS: Mapping[str, str] = {"S1": "critical", "S2": "high"}
KIND_WORDS: Mapping[Kind, str] = {
    Kind.OPEN: say("Counted"),
    Kind.PAUSED: say("Paused"),
    Kind.CLOSED: say("Out of hours"),
}
_UNITS: Mapping[Unit, Callable[[int], Words]] = {
    Unit.MINUTES: lambda n: say_n("%(num)s minute", "%(num)s minutes", n),
    Unit.HOURS: lambda n: say_n("%(num)s hour", "%(num)s hours", n),
    Unit.BUSINESS_HOURS: lambda n: say_n("%(num)s business hour", "%(num)s business hours", n),
    Unit.BUSINESS_DAYS: lambda n: say_n("%(num)s business day", "%(num)s business days", n),
    Unit.DAYS: lambda n: say_n("%(num)s day", "%(num)s days", n),
    Unit.MONTHS: lambda n: say_n("%(num)s month", "%(num)s months", n),
}


def span_words(span: timedelta) -> str:
    """Return a span as "2 days 3 h" or "25 min"; the two largest units are enough."""
    seconds = int(abs(span).total_seconds())
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3600, seconds % 3600 // 60
    parts = []
    if days:
        parts.append(say_n("%(num)s day", "%(num)s days", days))
    if hours:
        parts.append(say("%(hours)s h", hours=hours))
    if minutes and not days:
        parts.append(say("%(minutes)s min", minutes=minutes))
    if len(parts) == 2:
        return say("%(larger)s %(smaller)s", larger=parts[0], smaller=parts[1])
    if parts:
        return parts[0]
    return say("%(minutes)s min", minutes=0) if seconds == 0 else say("under 1 min")


def target_words(target: Target) -> str:
    """Return a target as the contract says it: "4 business hours"."""
    # A language has its forms for whole numbers: 1.5 is many.
    return _UNITS[target.unit](1 if target.n == 1 else 2) % {"num": target.n}


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
        promised=target_words(target)
        if target
        else say("next release")
        if at_release
        else say("none"),
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
            say("%(remaining)s late", remaining=span_words(state.remaining))
            if late
            else say("after %(elapsed)s", elapsed=span_words(state.elapsed))
        )
    return (
        say("%(remaining)s over", remaining=span_words(state.remaining))
        if late
        else say("%(remaining)s left", remaining=span_words(state.remaining))
    )


def event_words(event: Event) -> str:
    """Return what happened in a few words, with the severity or ground it names."""
    words = EVENT_WORDS[event.kind]
    if event.kind is Happened.CONFIRMED and event.ground == "silence":
        return say("Closed by silence")
    if event.kind is Happened.PAUSE_SETTLED:
        return say("Pause stands") if event.counts else say("Pause taken back")
    if event.kind is Happened.EXCLUSION_SETTLED:
        return say("Agreed: it does not count") if event.counts else say("Agreed: it counts")
    if event.kind is Happened.SEVERITY_AGREED and event.from_report:
        return say("Severity agreed: %(severity)s, from the report", severity=event.severity)
    if not event.severity:
        return words
    return say("%(event)s: %(severity)s", event=words, severity=event.severity)


def worst_first(views: Sequence[ClockView], *, now: datetime) -> ClockView | None:
    """The clock a person must look at: the open one that falls due first, else the last missed."""
    waiting = [v for v in views if v.outcome.due and not v.outcome.met_at]
    return min(waiting, key=lambda v: v.outcome.due or now, default=None)
