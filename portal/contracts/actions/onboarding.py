"""Ticking the onboarding checklist, giving its items owners and dates, attaching files."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract, OnboardingFile, OnboardingItem
from portal.contracts.queries import (
    dated_facts,
    members_of,
    own_side,
    people_to_tell,
    service_start,
)
from portal.contracts.queries.onboarding import usual_owner
from portal.contracts.rules import onboarding as rules
from portal.contracts.rules.life import Side, completed_at
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.residency.actions import store_document
from portal.residency.databases import RegionDatabase


def tick_item(
    session: Session, contract: Contract, actor: Actor, key: str, *, at: datetime
) -> OnboardingItem:
    """Tick an item for one's own side, or take one's side's tick back; both ticks make it done."""
    demand(actor, "onboarding:tick")
    side = own_side(contract, actor)
    with transaction(session):
        row = _row(session, contract, key, at=at)
        ticked = (row.vendor_at if side is Side.VENDOR else row.customer_at) is None
        moment, person = (at, actor.person_id) if ticked else (None, None)
        if side is Side.VENDOR:
            row.vendor_at, row.vendor_by = moment, person
        else:
            row.customer_at, row.customer_by = moment, person
        event = "onboarding:item:ticked" if ticked else "onboarding:item:unticked"
        _record(session, contract, event, actor, key, at=at)
        return row


def plan_item(
    session: Session,
    contract: Contract,
    actor: Actor,
    key: str,
    *,
    owner_id: str,
    due: date,
    at: datetime,
) -> OnboardingItem:
    """Give an item an owner, of either side, and a date."""
    demand(actor, "onboarding:tick")
    own_side(contract, actor)
    organisations = (contract.vendor_id, contract.customer_id)
    if owner_id not in {m.person_id for one in organisations for m in members_of(one)}:
        raise Refused(say("Choose somebody of either side."))
    with transaction(session):
        row = _row(session, contract, key, at=at)
        row.owner_id, row.due, row.reminded = owner_id, due.isoformat(), 0
        _record(session, contract, "onboarding:item:planned", actor, key, at=at)
        return row


def attach_file(
    session: Session,
    database: RegionDatabase,
    contract: Contract,
    actor: Actor,
    key: str,
    *,
    name: str,
    content: bytes,
    at: datetime,
) -> OnboardingFile:
    """Attach a file to an item, such as a runbook."""
    demand(actor, "onboarding:tick")
    side = own_side(contract, actor)
    document = store_document(
        session, database, contract_id=contract.id, kind="onboarding_file", content=content, at=at
    )
    with transaction(session):
        item = _row(session, contract, key, at=at)
        session.add(document)
        session.flush()
        row = OnboardingFile(
            id=new_id(at), region=contract.region, contract_id=contract.id, item_id=item.id,
            document_id=document.id, side=side.value, person_id=actor.person_id, at=at,
            size=len(content),
        )  # fmt: skip
        put(session, row, name=name)
        _record(
            session, contract, "onboarding:file:attached", actor, key, at=at,
            files=[document.sha256],
        )  # fmt: skip
        return row


def remind_onboarding(session: Session, contract: Contract, *, at: datetime) -> int:
    """Remind of items that are soon due or due, each once; return how many were sent."""
    if contract.amends_id is not None:
        return 0
    sent, today = 0, at.date()
    start = service_start(contract)
    if start is not None and today > start + rules.USUAL_TIME:
        return 0
    with transaction(session):
        for key, item in rules.ITEMS.items():
            row = _row(session, contract, key, at=at)
            if row.vendor_at and row.customer_at:
                continue
            due = date.fromisoformat(row.due)
            step = rules.reminder_due(due, reminded=row.reminded, today=today)
            if step is None:
                continue
            row.reminded = step
            _remind(session, contract, row, item, due, at=at)
            sent += 1
    return sent


def _remind(
    session: Session,
    contract: Contract,
    row: OnboardingItem,
    item: rules.Item,
    due: date,
    *,
    at: datetime,
) -> None:
    open_sides = [s for s, tick in ((Side.VENDOR, row.vendor_at), (Side.CUSTOMER, row.customer_at))
                  if tick is None]  # fmt: skip
    told = [person for side in open_sides for person in people_to_tell(contract, side)]
    for person in told:
        tell(
            session, event="onboarding:item:due", to=person, chain=contract.id,
            cause=f"{row.id}:{row.due}:{row.reminded}", link=f"/contracts/{contract.id}/onboarding",
            at=at, item=item.label, due=due.isoformat(),
        )  # fmt: skip


def _row(session: Session, contract: Contract, key: str, *, at: datetime) -> OnboardingItem:
    item, done = rules.ITEMS.get(key), completed_at(dated_facts(contract))
    if item is None or done is None:
        raise NotFound
    row = session.scalar(
        select(OnboardingItem).where(
            OnboardingItem.contract_id == contract.id, OnboardingItem.item == key
        )
    )
    if row is None:
        due = rules.usual_due(item, completed=done.date(), start=service_start(contract))
        row = OnboardingItem(
            id=new_id(at), region=contract.region, contract_id=contract.id, item=key,
            owner_id=usual_owner(contract, item), due=due.isoformat(), reminded=0,
        )  # fmt: skip
        session.add(row)
        session.flush()
    return row


def _record(
    session: Session,
    contract: Contract,
    event: str,
    actor: Actor,
    key: str,
    *,
    at: datetime,
    **more: list[str],
) -> None:
    record(session, contract.id, event, actor=actor.log, at=at, facts={"item": key, **more})
