"""Everything that is said about an incident after its report.

Each verb takes what the person saw and wrote, asks the rules, appends one event with what follows
from it, writes one entry, and tells those who follow the incident.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, settled_until
from portal.incidents.actions.beside import Files, Kept, attach, hashes_of, keep_files
from portal.incidents.actions.letters import tell_sides
from portal.incidents.actions.log import Line, append
from portal.incidents.models import Incident, IncidentEvent
from portal.incidents.queries import find_incident, history_of, promises_for
from portal.incidents.rules.steps import Situation, why_not
from portal.kit.db import transaction
from portal.kit.errors import NotAllowed, Refused
from portal.kit.words import say
from portal.residency.databases import RegionDatabase
from portal.sla.rules.incident import CUSTOMER, Happened, pauses_of


@dataclass(frozen=True)
class Said:
    """Who says something about which incident, when, and with which files beside it."""

    session: Session
    contract: Contract
    actor: Actor
    number: int
    at: datetime
    files: Files = ()
    database: RegionDatabase | None = None
    kept: Kept = ()


def acknowledge(said: Said, *, words: str = "") -> IncidentEvent:
    """Say that a person has taken the incident up."""
    return _answer(said, Happened.ACKNOWLEDGED, Line(words=words or None))


def respond(said: Said, *, words: str) -> IncidentEvent:
    """Give a first diagnosis."""
    return _answer(said, Happened.RESPONSE, _worded(words))


def update(said: Said, *, words: str) -> IncidentEvent:
    """Say where the matter stands; without progress, say why."""
    return _answer(said, Happened.UPDATE, _worded(words))


def deliver_workaround(said: Said, *, words: str) -> IncidentEvent:
    """Deliver a workaround with enough instruction to use it."""
    return _answer(said, Happened.WORKAROUND, _worded(words))


def resolve(said: Said, *, means: str, words: str) -> IncidentEvent:
    """Deliver what the contract calls a resolution (C8)."""
    line = Line(ground=means, words=_worded(words).words)
    return _answer(said, Happened.RESOLVED, line)


def exclude(said: Said, *, ground: str, words: str) -> IncidentEvent:
    """Say that the incident does not count, with the reason the vendor has to show."""
    return _answer(said, Happened.EXCLUDED, Line(ground=ground, words=_worded(words).words))


def message(said: Said, *, words: str, ends_pause: str | None = None) -> IncidentEvent:
    """Write to the other side; `ends_pause` is the pause whose missing answer this is."""
    demand(said.actor, "incident:follow")
    line, said = _worded(words), _with_files(said)
    with transaction(said.session):
        event = _say(said, Happened.MESSAGE, line)
        if ends_pause:
            _say(replace(said, kept=()), Happened.PAUSE_ENDED, Line(answers=ends_pause))
        return event


def propose_severity(said: Said, *, severity: str, words: str) -> IncidentEvent:
    """Propose another severity with a reason; until agreed the graver one holds."""
    line = Line(severity=severity, words=_worded(words).words)
    return _follow(said, Happened.SEVERITY_PROPOSED, line)


def agree_severity(said: Said, *, proposal: str, from_report: bool) -> IncidentEvent:
    """Agree to the other side's proposal, from its instant or from the report (clause 3.3)."""
    demand(said.actor, "incident:follow")
    with transaction(said.session):
        incident = find_incident(said.session, said.contract, said.number)
        asked = next((e for e in incident.events if e.id == proposal), None)
        severity = asked.severity if asked else None
        line = Line(answers=proposal, severity=severity, from_report=from_report)
        return _say(said, Happened.SEVERITY_AGREED, line)


def set_severity(said: Said, *, severity: str, words: str) -> IncidentEvent:
    """Set the severity, where the contract leaves that to the vendor (C2)."""
    line = Line(severity=severity, words=_worded(words).words)
    return _answer(said, Happened.SEVERITY_AGREED, line)


def decline_severity(said: Said, *, proposal: str, words: str) -> IncidentEvent:
    """Disagree: the question goes to the level the contract names (C3)."""
    line = Line(answers=proposal, words=_worded(words).words)
    return _follow(said, Happened.SEVERITY_DECLINED, line)


def withdraw_severity(said: Said, *, proposal: str) -> IncidentEvent:
    """Take back one's own side's proposal."""
    return _follow(said, Happened.SEVERITY_WITHDRAWN, Line(answers=proposal))


def claim_pause(
    said: Said, *, ground: str, words: str, begins_at: datetime | None = None
) -> IncidentEvent:
    """Claim that the clocks stand still, on a ground of the contract, and what is awaited."""
    if begins_at is not None and begins_at > said.at:
        raise Refused(say("A pause cannot begin in the future."))
    line = Line(ground=ground, begins_at=begins_at, words=_worded(words).words)
    return _follow(said, Happened.PAUSE_CLAIMED, line)


def contest_pause(said: Said, *, pause: str, words: str) -> IncidentEvent:
    """Say that a pause does not count; its time is shown both ways until settled."""
    line = Line(answers=pause, words=_worded(words).words)
    return _follow(said, Happened.PAUSE_CONTESTED, line)


def settle_pause(said: Said, *, pause: str) -> IncidentEvent:
    """Give way on a contested pause: the claimant takes it back, or the contester accepts it."""
    demand(said.actor, "incident:follow")
    with transaction(said.session):
        incident = find_incident(said.session, said.contract, said.number)
        claim = next((e for e in incident.events if e.id == pause), None)
        counts = claim is not None and claim.side != _side(said)
        return _say(said, Happened.PAUSE_SETTLED, Line(answers=pause, counts=counts))


def end_pause(said: Said, *, pause: str) -> IncidentEvent:
    """Say that the clocks run again."""
    return _follow(said, Happened.PAUSE_ENDED, Line(answers=pause))


def refuse(said: Said, *, delivery: str, words: str) -> IncidentEvent:
    """Say that a workaround or a resolution does not work: it stopped no clock (clause 4.6)."""
    return _follow(said, Happened.REFUSED, Line(answers=delivery, words=_worded(words).words))


def confirm(said: Said, *, words: str = "") -> IncidentEvent:
    """Say that it is over."""
    return _follow(said, Happened.CONFIRMED, Line(words=words or None))


def reopen(said: Said, *, words: str) -> IncidentEvent:
    """Say that the same fault is back: the clocks go on from where they stood (clause 4.18)."""
    return _follow(said, Happened.REOPENED, _worded(words))


def contest_exclusion(said: Said, *, words: str) -> IncidentEvent:
    """Say that the incident does count."""
    return _follow(said, Happened.EXCLUSION_CONTESTED, _worded(words))


def settle_exclusion(said: Said) -> IncidentEvent:
    """Give way on a contested exclusion."""
    counts = _side(said) == CUSTOMER
    return _follow(said, Happened.EXCLUSION_SETTLED, Line(counts=counts))


def close_in(session: Session, contract: Contract, incident: Incident, *, at: datetime) -> None:
    """Close an incident whose silence has lasted (C9), in the caller's transaction."""
    line = Line(ground="silence", happened_at=incident.silence_at)
    append(
        session, contract, incident, Happened.CONFIRMED, line, person=PORTAL, side=CUSTOMER, at=at
    )


def _worded(words: str) -> Line:
    if not words.strip():
        raise Refused(say("Write a few words: the other side reads them."))
    return Line(words=words.strip())


def _answer(said: Said, kind: Happened, line: Line) -> IncidentEvent:
    demand(said.actor, "incident:answer")
    said = _with_files(said)
    with transaction(said.session):
        return _say(said, kind, line)


def _follow(said: Said, kind: Happened, line: Line) -> IncidentEvent:
    demand(said.actor, "incident:follow")
    with transaction(said.session):
        return _say(said, kind, line)


def _with_files(said: Said) -> Said:
    """Store what stands beside it, before anything is locked."""
    kept = keep_files(said.session, said.database, said.contract, said.files, at=said.at)
    return replace(said, files=(), kept=kept)


def _side(said: Said) -> str:
    side = own_side(said.contract, said.actor)
    return side.value


def _say(said: Said, kind: Happened, line: Line) -> IncidentEvent:
    incident = find_incident(said.session, said.contract, said.number)
    situation = _situation(said, incident)
    problem = why_not(
        kind, situation, answers=line.answers, severity=line.severity, ground=line.ground
    )
    if problem and problem.startswith("Only the "):
        raise NotAllowed(problem)
    if problem:
        raise Refused(problem)
    if kind is Happened.RESOLVED:
        _run_again(said, incident, situation)
    line = replace(line, files=hashes_of(said.kept))
    event = append(
        said.session, said.contract, incident, kind, line, person=said.actor.log,
        side=situation.side, at=said.at,
    )  # fmt: skip
    attach(said.session, incident, event, said.kept, at=said.at)
    tell_sides(said.session, said.contract, incident, event, at=said.at)
    return event


def _situation(said: Said, incident: Incident) -> Situation:
    promises = promises_for(said.session, said.contract, incident)
    return Situation(
        history_of(incident), promises, _side(said), said.at, settled_until(said.contract)
    )


def _run_again(said: Said, incident: Incident, situation: Situation) -> None:
    """End the pauses of a matter that is being resolved: nothing is awaited any more."""
    for claim in pauses_of(situation.history, situation.promises):
        if claim.end is None or claim.end > said.at:
            append(
                said.session, said.contract, incident, Happened.PAUSE_ENDED,
                Line(answers=claim.id), person=said.actor.log, side=situation.side, at=said.at,
            )  # fmt: skip
