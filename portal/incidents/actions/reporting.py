"""Reporting an incident, and naming who may."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import members_of, own_side, service_start, side_of, version_in_force
from portal.contracts.rules.life import Side
from portal.incidents.actions.beside import Files, attach, hashes_of, keep_files
from portal.incidents.actions.letters import tell_sides
from portal.incidents.actions.log import Line, append
from portal.incidents.models import Incident, NamedContact, Watcher
from portal.incidents.queries import contact_ids, module_key, promises_on
from portal.incidents.rules import entitlement_of
from portal.incidents.rules.entitlement import UNLIMITED
from portal.kit.db import transaction
from portal.kit.errors import NotAllowed, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import long_day, say
from portal.residency.databases import RegionDatabase
from portal.sla.rules.incident import TRIAL, Happened


@dataclass(frozen=True)
class Report:
    """What a person says when they report. `facts` answer what the contract asks for (H2).

    `called_at` is when the customer reached the vendor by another channel; only the vendor may
    name it, since its clocks then start earlier. A trial run tries the way and never counts.
    """

    title: str
    severity: str
    module: str
    environment: str = "production"
    channel: str = "portal"
    facts: dict[str, str] = field(default_factory=dict)
    is_security: bool = False
    called_at: datetime | None = None
    files: Files = ()
    is_trial: bool = False


def report(
    session: Session,
    contract: Contract,
    actor: Actor,
    said: Report,
    *,
    at: datetime,
    database: RegionDatabase | None = None,
) -> Incident:
    """Open an incident under the version in force; the vendor is told, the clocks start."""
    demand(actor, "incident:report")
    side = own_side(contract, actor)
    kept = keep_files(session, database, contract, said.files, at=at)
    with transaction(session):
        called = _called_at(said, side, at)
        version = version_in_force(contract, on=called.date())
        if version is None:
            raise Refused(say("Incidents are reported once the contract is completed."))
        start = service_start(contract)
        if start is not None and called.date() < start and not said.is_trial:
            raise Refused(
                say(
                    "Support starts on %(start)s. Until then only a trial run can be reported, "
                    "which never counts.",
                    start=long_day(start),
                )
            )
        promises = promises_on(session, contract, called.date())
        entitled = entitlement_of(
            promises.terms, module=said.module, environment=said.environment,
            severity=said.severity, reporter=actor.person_id,
            contacts=contact_ids(session, contract), is_vendor=side is Side.VENDOR,
            is_security=said.is_security,
        )  # fmt: skip
        if entitled.refused:
            raise NotAllowed(entitled.refused)
        incident = Incident(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            number=_next_number(session, contract), version_id=version.id, reported_at=called,
            reported_by=actor.person_id, side=side.value, channel=said.channel,
            module_key=module_key(contract.id, said.module), entitlement=entitled.word,
            security=int(said.is_security), severity=said.severity, standing="open",
            excluded="no", breaches=0, events=[], clocks=[], escalations=[],
        )  # fmt: skip
        facts = {
            "module": said.module,
            "environment": said.environment,
            "doubts": list(entitled.doubts),
            **said.facts,
        }
        put(session, incident, title=said.title.strip(), facts=facts)
        session.flush()
        line = Line(
            severity=said.severity, words=said.title.strip(), happened_at=called,
            ground=TRIAL if said.is_trial else None, files=hashes_of(kept),
        )  # fmt: skip
        event = append(
            session, contract, incident, Happened.REPORTED, line, person=actor.log,
            side=side.value, at=at,
        )  # fmt: skip
        attach(session, incident, event, kept, at=at)
        session.add(
            Watcher(
                id=new_id(at), region=contract.region, contract_id=contract.id,
                incident_id=incident.id, side=side.value, person_id=actor.person_id, since=at,
            )
        )  # fmt: skip
        tell_sides(session, contract, incident, event, at=at)
    return incident


def _called_at(said: Report, side: Side, at: datetime) -> datetime:
    if said.called_at is None or side is Side.CUSTOMER:
        return at
    if said.called_at > at:
        raise Refused(say("A call cannot lie in the future."))
    return said.called_at


def _next_number(session: Session, contract: Contract) -> int:
    last = session.scalar(
        select(func.max(Incident.number)).where(Incident.contract_id == contract.id)
    )
    return (last or 0) + 1


def name_contacts(
    session: Session, contract: Contract, actor: Actor, people: Sequence[str], *, at: datetime
) -> None:
    """Replace the list of who may open incidents; the customer keeps it, within B7."""
    demand(actor, "incident:contacts")
    if side_of(contract, actor) is not Side.CUSTOMER:
        raise NotAllowed(say("The customer chooses its named contacts."))
    chosen = list(dict.fromkeys(people))
    if not {*chosen} <= {member.person_id for member in members_of(actor.organisation_id)}:
        raise Refused(say("Choose members of your own organisation."))
    with transaction(session):
        if version_in_force(contract) is None:
            raise Refused(say("Named contacts are chosen once the contract is completed."))
        most = promises_on(session, contract, at.date()).terms.get("B7")
        if most not in (None, UNLIMITED) and len(chosen) > int(most):
            raise Refused(say("This contract allows %(most)s named contacts.", most=most))
        rows = session.scalars(
            select(NamedContact).where(NamedContact.contract_id == contract.id)
        ).all()
        for row in rows:
            if row.person_id not in chosen:
                session.delete(row)
        known = {row.person_id for row in rows}
        for person_id in chosen:
            if person_id not in known:
                session.add(
                    NamedContact(
                        id=new_id(at), region=contract.region, contract_id=contract.id,
                        person_id=person_id, since=at,
                    )
                )  # fmt: skip
        record(
            session, contract.id, "incident:contacts:named", actor=actor.log, at=at,
            facts={"count": len(chosen)},
        )  # fmt: skip
