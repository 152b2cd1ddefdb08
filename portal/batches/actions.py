"""Uploading, confirming and stopping a batch, and starting its contracts one by one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.batches.models import Batch, BatchRow
from portal.batches.queries import (
    batch_of_form,
    find_batch,
    member_actor,
    partner_of,
    start_of,
    waiting_rows,
)
from portal.batches.rules import MOST_TRIES, SheetRow, Start, content_of, values_of
from portal.contracts.actions import Pin, Pins, finish_step, name_people, start_contract
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, state
from portal.contracts.rules.life import State
from portal.contracts.rules.people import Signer
from portal.contracts.rules.waiting import ALL_STEPS_DONE, STEPS
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.kept_words import keep
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.negotiation import rules as negotiation_rules
from portal.negotiation.actions import send_round, set_offers
from portal.negotiation.queries import negotiation_of
from portal.residency.actions import make_data_key
from portal.residency.databases import RegionDatabase, Regions
from portal.residency.rules import new_public_ref
from portal.terms.rules import load_schema
from portal.terms.rules.standard import load_standard_terms

LEASE = timedelta(minutes=2)
AT_ONCE = 20


def upload_batch(
    session: Session,
    database: RegionDatabase,
    actor: Actor,
    rows: Sequence[SheetRow],
    *,
    once: str,
    template: Pin,
    tier: Pin | None,
    sends: str,
    people: Mapping[str, Any],
    at: datetime,
) -> Batch:
    """Keep a sheet with its faults for the preview; nothing is started, nobody is told.

    The same form a second time gives the same batch.
    """
    demand(actor, "batch:start")
    known = batch_of_form(session, actor, once)
    if known is not None:
        return known
    try:
        with transaction(session):
            ref = new_public_ref(database.region.name)
            make_data_key(session, database, contract_id=ref, at=at)
            batch = Batch(
                id=ref, region=database.region.name, organisation_id=actor.organisation_id,
                once=once, template=template.name, template_sha256=template.sha256,
                tier=tier.name if tier else None, tier_sha256=tier.sha256 if tier else None,
                sends=int(sends == "send"), created_at=at, created_by=actor.person_id,
            )  # fmt: skip
            put(session, batch, people=dict(people))
            session.flush()
            for row in rows:
                _keep(session, batch, row, at=at)
            record(
                session, batch.id, "batch:uploaded", actor=actor.log, at=at,
                facts={"rows": len(rows), "faulty": sum(bool(row.faults) for row in rows)},
            )  # fmt: skip
    except IntegrityError:
        known = batch_of_form(session, actor, once)
        if known is None:
            raise
        return known
    return batch


def _keep(session: Session, batch: Batch, row: SheetRow, *, at: datetime) -> None:
    kept = BatchRow(
        id=new_id(at), region=batch.region, batch_id=batch.id, number=row.number,
        faults=len(row.faults), customer_id=row.customer.id if row.customer else None, tries=0,
    )  # fmt: skip
    put(session, kept, content=content_of(row))


def confirm_batch(session: Session, actor: Actor, ref: str, *, at: datetime) -> bool:
    """Let the worker start every row without a fault; return whether this press did it."""
    demand(actor, "batch:start")
    with transaction(session):
        batch = find_batch(session, actor, ref)
        good = sum(row.faults == 0 for row in batch.rows)
        if not good:
            raise Refused(say("No row can be started. Mend the sheet and upload it again."))
        if batch.stopped_at is not None:
            raise Refused(say("This batch was stopped."))
        done: Any = session.execute(
            update(Batch)
            .where(Batch.id == batch.id, Batch.confirmed_at.is_(None))
            .values(confirmed_at=at, confirmed_by=actor.person_id)
            .execution_options(synchronize_session=False)
        )
        if done.rowcount != 1:
            return False
        record(
            session, batch.id, "batch:confirmed", actor=actor.log, at=at,
            facts={"rows": good, "sends": batch.sends},
        )  # fmt: skip
    session.expire_all()
    return True


def stop_batch(session: Session, actor: Actor, ref: str, *, at: datetime) -> None:
    """Start no further row; what was started stays as it is."""
    demand(actor, "batch:start")
    with transaction(session):
        batch = find_batch(session, actor, ref)
        if batch.stopped_at is not None:
            raise Refused(say("This batch is stopped already."))
        left = sum(row.faults == 0 and row.done_at is None for row in batch.rows)
        if batch.confirmed_at is not None and not left:
            raise Refused(say("Every row is done: there is nothing left to stop."))
        batch.stopped_at = at
        record(session, batch.id, "batch:stopped", actor=actor.log, at=at, facts={"left": left})


def run_batches(regions: Regions, *, at: datetime) -> int:
    """Start what waits in every region, a few rows at a time; return how many were done."""
    done = 0
    for database in regions.databases.values():
        with database.open_session() as session:
            waiting = waiting_rows(session, at=at, limit=AT_ONCE)
            session.commit()
            for row_id in waiting:
                done += _take(session, database, row_id, at=at)
    return done


def _take(session: Session, database: RegionDatabase, row_id: str, *, at: datetime) -> bool:
    """Start one row under a lease of its own; a refusal is kept beside the row."""
    with transaction(session):
        claimed: Any = session.execute(
            update(BatchRow)
            .where(
                BatchRow.id == row_id,
                BatchRow.done_at.is_(None),
                (BatchRow.leased_until.is_(None)) | (BatchRow.leased_until <= at),
            )
            .values(leased_until=at + LEASE, tries=BatchRow.tries + 1)
            .execution_options(synchronize_session=False)
        )
    if claimed.rowcount != 1:
        return False
    session.expire_all()
    row = session.get_one(BatchRow, row_id)
    try:
        _start(session, database, row, at=at)
    except (Refused, NotFound) as refusal:
        session.rollback()
        db.session.rollback()
        _keep_failure(session, row_id, getattr(refusal, "message", "Not found."), at=at)
        return False
    return True


def _keep_failure(session: Session, row_id: str, message: str, *, at: datetime) -> None:
    with transaction(session):
        row = session.get_one(BatchRow, row_id)
        row.failed_at, row.tries, row.leased_until = at, MOST_TRIES, None
        row.failure = keep(message)


def _start(session: Session, database: RegionDatabase, row: BatchRow, *, at: datetime) -> None:
    """Take a row as far as it goes. Each step looks first whether it was done before a crash."""
    batch = session.get_one(Batch, row.batch_id)
    actor = member_actor(batch.confirmed_by or "", batch.organisation_id)
    if actor is None:
        raise Refused(say("Whoever confirmed this batch has left the organisation."))
    start = start_of(batch)
    customer = db.session.get_one(Organisation, row.customer_id)
    content = row.content
    if row.contract_id is None:
        # Written with the contract in one transaction: a crash leaves both or neither.
        row.contract_id = new_public_ref(database.region.name)
        vendor = db.session.get_one(Organisation, batch.organisation_id)
        start_contract(
            session, database, actor, title=content["title"], vendor=vendor, customer=customer,
            pins=_pins(batch, start), at=at, ref=row.contract_id,
        )  # fmt: skip
    contract = find_contract(session, actor, row.contract_id)
    if state(contract, today=at.date()) is State.DRAFT:
        values = values_of(start, partner_of(customer), content["terms"])
        _prepare(session, contract, actor, values, batch.people, at=at)
        if batch.sends:
            _send(session, contract, actor, at=at)
    with transaction(session):
        kept = session.get_one(BatchRow, row.id)
        kept.done_at, kept.leased_until = at, None
        record(
            session, batch.id, "batch:row:started", actor=actor.log, at=at,
            facts={"row": kept.number, "contract": contract.id},
        )  # fmt: skip


def _pins(batch: Batch, start: Start) -> Pins:
    schema = load_schema(start.template.schema)
    standard = load_standard_terms(start.template.standard_terms)
    tier = Pin(batch.tier, batch.tier_sha256) if batch.tier and batch.tier_sha256 else None
    return Pins(
        template=Pin(batch.template, batch.template_sha256),
        schema=Pin(schema.version, schema.sha256),
        standard=Pin(standard.version, standard.sha256),
        tier=tier,
    )


def _prepare(
    session: Session,
    contract: Contract,
    actor: Actor,
    values: Mapping[str, Any],
    people: Mapping[str, Any],
    *,
    at: datetime,
) -> None:
    if not negotiation_of(session, contract, actor, at=at).words:
        set_offers(session, contract, actor, values, at=at)
    if not contract.slots:
        signers = [Signer(person, title) for person, title in people["signers"]]
        name_people(session, contract, actor, functions=people["functions"], signers=signers, at=at)
    if contract.step < ALL_STEPS_DONE:
        finish_step(session, contract, actor, step=STEPS[-1], at=at)


def _send(session: Session, contract: Contract, actor: Actor, *, at: datetime) -> None:
    words = negotiation_of(session, contract, actor, at=at).words
    send_round(
        session, contract, actor, seen_draft_sha256=negotiation_rules.words_sha256(words), at=at
    )
