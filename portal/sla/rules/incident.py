"""The history of an incident as a value: what happened, when, and what follows for its clocks.

An incident is a log of events; everything else is derived from them and from the promises of the
version it was reported under. Nothing here knows a database, so a statement, a replay of proposed
terms and the incident's own page all ask the same functions.

Clauses named are those of the Standard Support Terms 1.0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from portal.sla.rules.instants import Pause
from portal.sla.rules.promises import SEVERITIES, Promises, more_severe

VENDOR, CUSTOMER = "vendor", "customer"
LEAST = SEVERITIES[-1]
TRIAL = "trial"


class Happened(StrEnum):
    """What may happen to an incident."""

    REPORTED = "reported"
    MESSAGE = "message"
    ACKNOWLEDGED = "acknowledged"
    RESPONSE = "response"
    UPDATE = "update"
    SEVERITY_PROPOSED = "severity_proposed"
    SEVERITY_AGREED = "severity_agreed"
    SEVERITY_DECLINED = "severity_declined"
    SEVERITY_WITHDRAWN = "severity_withdrawn"
    PAUSE_CLAIMED = "pause_claimed"
    PAUSE_CONTESTED = "pause_contested"
    PAUSE_SETTLED = "pause_settled"
    PAUSE_ENDED = "pause_ended"
    WORKAROUND = "workaround"
    RESOLVED = "resolved"
    REFUSED = "refused"
    CONFIRMED = "confirmed"
    REOPENED = "reopened"
    EXCLUDED = "excluded"
    EXCLUSION_CONTESTED = "exclusion_contested"
    EXCLUSION_SETTLED = "exclusion_settled"


@dataclass(frozen=True)
class Event:
    """One thing that happened. `at` is when, `written_at` when it was told to the portal.

    `severity`: of a report, proposal or agreement. `ground`, `begins`: of a pause claimed, from
    when. `answers`: the id of the event this one speaks to (a proposal, a pause, a delivery).
    `from_report`: an agreed severity corrects the beginning. `counts`: how a contest was settled.
    """

    id: str
    kind: Happened
    at: datetime
    side: str
    severity: str | None = None
    ground: str | None = None
    begins: datetime | None = None
    answers: str | None = None
    from_report: bool = False
    counts: bool = True
    written_at: datetime | None = None


class Standing(StrEnum):
    """How far an incident is."""

    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"


@dataclass(frozen=True)
class PauseClaim:
    """A pause as claimed: from when, until when (None: still), and whether the sides differ.

    `contested`: the other side says it does not count, and this is not settled. `counts`: what was
    settled, or that nobody contested it.
    """

    id: str
    ground: str
    side: str
    claimed_at: datetime
    begin: datetime
    end: datetime | None
    contested: bool
    counts: bool


@dataclass(frozen=True)
class Proposal:
    """A severity one side proposed; open until agreed or withdrawn."""

    id: str
    severity: str
    side: str
    at: datetime
    declined_at: datetime | None = None
    ended_at: datetime | None = None
    agreed: bool = False
    from_report: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer or a decision."""
        return self.ended_at is None


@dataclass(frozen=True)
class History:
    """One incident: its number, where it struck, and its events in the order they happened."""

    number: int
    events: tuple[Event, ...]
    module: str = ""
    id: str = ""

    @staticmethod
    def of(number: int, events: Iterable[Event], *, module: str = "", id: str = "") -> "History":
        """A history with its events in order; the first is the report."""
        ordered = tuple(sorted(events, key=lambda event: (event.at, event.written_at or event.at)))
        return History(number, ordered, module, id)

    @property
    def reported(self) -> datetime:
        """When it was reported."""
        return self.events[0].at

    def until(self, moment: datetime) -> "History":
        """The history as it stood at a moment."""
        kept = tuple(event for event in self.events if event.at <= moment)
        return History(self.number, kept, self.module, self.id)

    def all_of(self, *kinds: Happened) -> list[Event]:
        """The events of some kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    def answer_to(self, event: Event, *kinds: Happened) -> Event | None:
        """The first event of some kinds that speaks to this one."""
        return next((e for e in self._answers.get(event.id, ()) if e.kind in kinds), None)

    @cached_property
    def refused(self) -> frozenset[str]:
        """The ids of deliveries the customer refused."""
        return frozenset(e.answers for e in self.events if e.kind is Happened.REFUSED and e.answers)

    @cached_property
    def _answers(self) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        for event in self.events:
            if event.answers:
                found.setdefault(event.answers, []).append(event)
        return found


def standing(history: History, *, silence_closes: datetime | None = None) -> Standing:
    """Where an incident stands: open, resolved and waiting for the customer, or closed.

    `silence_closes` is when silence counts as yes, if that moment has come.
    """
    found = Standing.OPEN
    for event in history.events:
        match event.kind:
            case Happened.RESOLVED:
                found = Standing.RESOLVED
            case Happened.CONFIRMED:
                found = Standing.CLOSED
            case Happened.REOPENED:
                found = Standing.OPEN
            case Happened.REFUSED if _speaks_to(history, event, Happened.RESOLVED):
                found = Standing.OPEN
    if found is Standing.RESOLVED and silence_closes is not None:
        return Standing.CLOSED
    return found


def _speaks_to(history: History, event: Event, kind: Happened) -> bool:
    return any(one.id == event.answers and one.kind is kind for one in history.events)


def standing_resolution(history: History) -> Event | None:
    """The resolution that stands: delivered, not refused, not reopened since."""
    found: Event | None = None
    for event in history.events:
        if event.kind is Happened.RESOLVED and event.id not in history.refused:
            found = event
        elif event.kind is Happened.REOPENED:
            found = None
    return found


def is_excluded(history: History) -> bool | None:
    """Whether the incident is taken out of the count; None while the sides differ about it.

    A trial run, reported to try the way before support starts, never counts.
    """
    if history.events[0].ground == TRIAL:
        return True
    claims = history.all_of(Happened.EXCLUDED)
    if not claims:
        return False
    settled = history.all_of(Happened.EXCLUSION_SETTLED)
    if settled:
        return settled[-1].counts
    return None if history.all_of(Happened.EXCLUSION_CONTESTED) else True


# ---- pauses --------------------------------------------------------------------------------------


def pauses_of(history: History, promises: Promises) -> list[PauseClaim]:
    """Every pause claimed, each ended at the latest by the contract's longest pause (C7)."""
    return [_claim(event, history, promises) for event in history.all_of(Happened.PAUSE_CLAIMED)]


def _claim(event: Event, history: History, promises: Promises) -> PauseClaim:
    begin = event.begins or event.at
    ended = history.answer_to(event, Happened.PAUSE_ENDED)
    limit = promises.pause_limit(begin)
    ends = [moment for moment in (ended.at if ended else None, limit) if moment is not None]
    settled = history.answer_to(event, Happened.PAUSE_SETTLED)
    contested = history.answer_to(event, Happened.PAUSE_CONTESTED) is not None
    return PauseClaim(
        id=event.id,
        ground=event.ground or "",
        side=event.side,
        claimed_at=event.written_at or event.at,
        begin=begin,
        end=min(ends, default=None),
        contested=contested and settled is None,
        counts=settled.counts if settled else True,
    )


def spans_of(
    claims: Iterable[PauseClaim], *, until: datetime, contested: bool
) -> tuple[Pause, ...]:
    """The pauses that count, as intervals; `contested` says whether disputed ones are among them.

    One that runs on, or would end later by its limit, is still open at `until`.
    """
    return tuple(
        (claim.begin, claim.end if claim.end is not None and claim.end <= until else None)
        for claim in claims
        if claim.counts and (contested or not claim.contested) and claim.begin <= until
    )


def endings(history: History) -> list[Event]:
    """The events that ended the work: each resolution that stood, and a closing without one."""
    found: list[Event] = []
    resolved = False
    for event in history.events:
        delivered = event.kind is Happened.RESOLVED and event.id not in history.refused
        closed = event.kind is Happened.CONFIRMED and not resolved
        if event.kind is Happened.REOPENED:
            resolved = False
        elif delivered or closed:
            resolved = True
            found.append(event)
    return found


def resolved_spans(history: History) -> list[tuple[datetime, datetime]]:
    """The time an incident was resolved before it was reopened: it does not count (clause 4.18)."""
    ends = endings(history)
    spans: list[tuple[datetime, datetime]] = []
    for event in history.all_of(Happened.REOPENED):
        before = [one.at for one in ends if one.at <= event.at]
        if before and (not spans or before[-1] >= spans[-1][1]):
            spans.append((before[-1], event.at))
    return spans


# ---- severity ------------------------------------------------------------------------------------


def proposals_of(history: History) -> list[Proposal]:
    """Every severity that was proposed or set, with what became of it."""
    said = [
        event
        for event in history.all_of(Happened.SEVERITY_PROPOSED, Happened.SEVERITY_AGREED)
        if event.kind is Happened.SEVERITY_PROPOSED or event.answers is None
    ]
    return [_proposal(event, history, later) for event, later in pairwise([*said, None]) if event]


def _proposal(event: Event, history: History, later: Event | None) -> Proposal:
    """Read one; a later proposal takes the place of one that is still open."""
    was_set = event if event.kind is Happened.SEVERITY_AGREED else None
    agreed = was_set or history.answer_to(event, Happened.SEVERITY_AGREED)
    ended = agreed or history.answer_to(event, Happened.SEVERITY_WITHDRAWN) or later
    declined = history.answer_to(event, Happened.SEVERITY_DECLINED)
    return Proposal(
        id=event.id,
        severity=event.severity or "",
        side=event.side,
        at=event.at,
        declined_at=declined.at if declined else None,
        ended_at=ended.at if ended else None,
        agreed=agreed is not None,
        from_report=agreed.from_report if agreed else False,
    )


def severity_line(history: History) -> list[tuple[datetime, str]]:
    """From when which severity counts, oldest first; the first holds from the report.

    An agreed severity counts from its proposal, or from the report where the sides say it was
    wrong from the beginning. While a proposal is open the higher of the two holds (clause 3.3).
    """
    line = [(history.reported, history.events[0].severity or LEAST)]
    marks: list[tuple[datetime, str]] = []
    for proposal in proposals_of(history):
        before = _severity_at([*line, *marks], proposal.at)
        if proposal.agreed and proposal.from_report:
            line, marks = [(history.reported, proposal.severity)], []
        elif proposal.agreed:
            marks.append((proposal.at, proposal.severity))
        elif more_severe(proposal.severity, before):
            marks.append((proposal.at, proposal.severity))
            if proposal.ended_at is not None:
                marks.append((proposal.ended_at, before))
    return _without_repeats([*line, *marks])


def _severity_at(line: Sequence[tuple[datetime, str]], moment: datetime) -> str:
    return [severity for since, severity in line if since <= moment][-1]


def _without_repeats(line: Sequence[tuple[datetime, str]]) -> list[tuple[datetime, str]]:
    kept = [line[0]]
    for since, severity in line[1:]:
        if severity != kept[-1][1]:
            kept.append((since, severity))
    return kept


def severity_now(history: History) -> str:
    """The severity that work continues at."""
    return severity_line(history)[-1][1]
