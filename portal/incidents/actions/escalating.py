"""Carrying incidents to the next level, and telling of clocks that run out. Each is told once: the
row, its entry and its mail are one transaction, however often a worker stops and starts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.rules import Actor as LogActor
from portal.contracts.models import Contract
from portal.contracts.queries import own_side
from portal.incidents.actions.derived import derive, told_levels
from portal.incidents.actions.handling import close_in
from portal.incidents.actions.letters import path_of
from portal.incidents.models import ClockRecord, Escalation, Incident
from portal.incidents.queries import (
    PromisesOverTime,
    find_incident,
    history_of,
    people_of_incident,
    promises_for,
)
from portal.incidents.rules.escalation import (
    LEVELS,
    Contact,
    Step,
    answer_by,
    contacts_at,
    episode_of,
    next_step,
)
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say, say_n
from portal.notices.actions import tell, write_mail
from portal.notices.letters import letter
from portal.sla.rules.incident import History
from portal.sla.rules.promises import AIM_IN_TEXT, Aim, Promises


@dataclass(frozen=True)
class Call:
    """One person of the path called to one incident."""

    contact: Contact
    incident: Incident
    row: Escalation
    at: datetime


@dataclass
class Post:
    """What a run has to tell, gathered so that each person is called by one mail."""

    session: Session
    contract: Contract
    at: datetime
    calls: list[Call] = field(default_factory=list)

    def send(self) -> None:
        """Write one mail a person and moment, with every incident they are called to."""
        batches: dict[tuple[str, datetime], list[Call]] = {}
        for call in self.calls:
            if call.contact.email:
                batches.setdefault((call.contact.email, call.at), []).append(call)
        base = current_app.config["SETTINGS"].base_url
        for (email, due), calls in batches.items():
            first = calls[0]
            lines = [
                (call.incident.number, call.incident.severity, call.row.level,
                 bool(call.row.late), base + path_of(self.contract, call.incident))
                for call in calls
            ]  # fmt: skip
            text = letter(
                "incidents_called", name=first.contact.person or first.contact.role,
                ref=self.contract.id, lines=lines,
            )  # fmt: skip
            subject = say_n(
                "Called to %(num)s incident: %(ref)s",
                "Called to %(num)s incidents: %(ref)s",
                len(calls),
                ref=self.contract.id,
            )
            if len(calls) == 1:
                subject = say(
                    "Called to incident %(number)s (%(severity)s): %(ref)s",
                    number=first.incident.number,
                    severity=first.incident.severity,
                    ref=self.contract.id,
                )
            write_mail(
                self.session, chain=self.contract.id, dedupe=f"called:{first.row.id}:{email}",
                recipient=email, name=first.contact.person or first.contact.role,
                subject=str(subject), text=text, at=self.at,
                due_at=due,
            )  # fmt: skip


def due_contracts(session: Session, *, at: datetime) -> list[str]:
    """Return the contracts with an incident that waits for the portal now."""
    waits = or_(Incident.escalate_at <= at, Incident.warn_at <= at, Incident.silence_at <= at)
    rows = session.scalars(select(Incident.contract_id).where(waits).distinct())
    return list(rows)


def keep_incidents(session: Session, contract: Contract, *, at: datetime) -> int:
    """Do for a contract's incidents what is due now, in one transaction; return how many waited."""
    with transaction(session):
        waits = or_(Incident.escalate_at <= at, Incident.warn_at <= at, Incident.silence_at <= at)
        numbers = session.scalars(
            select(Incident.number)
            .where(Incident.contract_id == contract.id, waits)
            .order_by(Incident.number)
        ).all()
        if not numbers:
            return 0
        post = Post(session, contract, at)
        promises = PromisesOverTime(session, contract)
        for number in numbers:
            incident = find_incident(session, contract, number)
            _keep(post, incident, promises.on(incident.reported_at.date()))
        post.send()
        return len(numbers)


def _keep(post: Post, incident: Incident, promises: Promises) -> None:
    if incident.silence_at is not None and incident.silence_at <= post.at:
        close_in(post.session, post.contract, incident, at=post.at)
        return
    history = history_of(incident)
    derive(post.session, incident, history, promises, now=post.at)
    _tell_clocks(post, incident)
    _climb(post, incident, history, promises)
    derive(post.session, incident, history, promises, now=post.at)


def _tell_clocks(post: Post, incident: Incident) -> None:
    for row in incident.clocks:
        if row.superseded or row.due_at is None or row.met_at is not None:
            continue
        if row.result == "breached" and row.breach_told_at is None:
            row.breach_told_at = post.at
            _tell_clock(post, incident, row, say("Target missed"))
            record(
                post.session, post.contract.id, "incident:target:missed", actor=PORTAL, at=post.at,
                facts={"incident": incident.number, "severity": row.severity, "aim": row.aim,
                       "number": row.number},
            )  # fmt: skip
        elif row.result == "running" and row.warned_at is None and _is_soon(row, post.at):
            row.warned_at = post.at
            _tell_clock(post, incident, row, say("Soon due"))


def _is_soon(row: ClockRecord, at: datetime) -> bool:
    return row.soon_at is not None and row.soon_at <= at


def _tell_clock(post: Post, incident: Incident, row: ClockRecord, what: str) -> None:
    event = "incidents:critical:told" if incident.severity == "S1" else "incidents:target:told"
    for person in people_of_incident(post.session, post.contract, incident):
        tell(
            post.session,
            event=event,
            to=person,
            chain=post.contract.id,
            at=post.at,
            cause=f"{what}:{row.id}",
            link=path_of(post.contract, incident),
            what=say("%(what)s, %(aim)s", what=what, aim=AIM_IN_TEXT[Aim(row.aim)]),
            number=incident.number,
            severity=row.severity,
            sender=say("The portal"),
            due=row.due_at,
        )


def _climb(post: Post, incident: Incident, history: History, promises: Promises) -> None:
    """Tell every level whose instant has come, in order."""
    while True:
        found = derive(post.session, incident, history, promises, now=post.at)
        told = told_levels(incident, history)
        step = next_step(promises, history, found, told, now=post.at)
        if step is None or step.due_at > post.at:
            return
        _call(post, incident, history, promises, step, person=PORTAL, side=None)


def _call(
    post: Post,
    incident: Incident,
    history: History,
    promises: Promises,
    step: Step,
    *,
    person: LogActor,
    side: str | None,
    reason: str | None = None,
) -> Escalation:
    contacts = contacts_at(promises.terms, step.level)
    reached = [
        (one, one.reached_at(post.at, severity=incident.severity)) for one in _once(contacts)
    ]
    row = Escalation(
        id=new_id(post.at), region=incident.region, contract_id=incident.contract_id,
        incident_id=incident.id, episode=episode_of(history), level=step.level, cause=step.cause,
        side=side, due_at=step.due_at, told_at=post.at, late=int(step.is_late(post.at)),
        answer_by=answer_by(promises, [at for _, at in reached] or [post.at]),
    )  # fmt: skip
    put(post.session, row, reason=reason)
    incident.escalations.append(row)
    post.session.flush()
    post.calls += [Call(contact, incident, row, at) for contact, at in reached]
    record(
        post.session, post.contract.id, "incident:level:called", actor=person, at=post.at,
        facts={"incident": incident.number, "severity": incident.severity, "level": step.level,
               "cause": step.cause, "late": row.late},
    )  # fmt: skip
    return row


def _once(contacts: Iterable[Contact]) -> list[Contact]:
    return list({(c.email, c.role): c for c in contacts}.values())


def escalate(
    session: Session, contract: Contract, actor: Actor, number: int, *, reason: str, at: datetime
) -> Escalation:
    """Carry an incident to the next level because a side asks for it, with its reason (8.1)."""
    demand(actor, "incident:follow")
    side = own_side(contract, actor)
    if not reason.strip():
        raise Refused(say("Give the reason: the next level reads it."))
    with transaction(session):
        incident = find_incident(session, contract, number)
        promises, history = promises_for(session, contract, incident), history_of(incident)
        if incident.standing != "open":
            raise Refused(say("Only an open incident is escalated."))
        reached = {one.level for one in told_levels(incident, history)}
        level = next((one for one in LEVELS if one not in reached), None)
        if level is None:
            raise Refused(say("The last level is told already."))
        post = Post(session, contract, at)
        row = _call(
            post, incident, history, promises, Step(level, at, "asked"), person=actor.log,
            side=side.value, reason=reason.strip(),
        )  # fmt: skip
        derive(session, incident, history, promises, now=at)
        post.send()
        return row


def confirm_level(
    session: Session, contract: Contract, actor: Actor, number: int, level: str, *, at: datetime
) -> Escalation:
    """Say that somebody of a level has taken the matter up (8.3)."""
    demand(actor, "incident:follow")
    with transaction(session):
        incident = find_incident(session, contract, number)
        promises, history = promises_for(session, contract, incident), history_of(incident)
        episode = episode_of(history)
        rows = [r for r in incident.escalations if r.level == level and r.episode == episode]
        if not rows:
            raise Refused(say("This level was not called."))
        if rows[0].confirmed_at is not None:
            raise Refused(say("This level has confirmed already."))
        rows[0].confirmed_at, rows[0].confirmed_by = at, actor.person_id
        derive(session, incident, history, promises, now=at)
        record(
            session, contract.id, "incident:level:confirmed", actor=actor.log, at=at,
            facts={"incident": number, "severity": incident.severity, "level": level},
        )  # fmt: skip
        return rows[0]
