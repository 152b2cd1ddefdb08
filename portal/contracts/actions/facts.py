"""Dated facts and frozen versions, and the place in the lists that facts put a contract in."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.contracts.models import Contract, Fact, Version
from portal.contracts.queries import archive_dates, dated_facts, turn
from portal.contracts.rules import document as documents
from portal.contracts.rules.life import Side
from portal.contracts.rules.listing import ENDED, stage_of
from portal.kit.db import transaction
from portal.kit.refs import new_id
from portal.kit.vault import put


def add_fact(
    session: Session,
    contract: Contract,
    kind: str,
    *,
    person_id: str,
    side: Side | None,
    at: datetime,
    reason: str | None = None,
    effective_on: str | None = None,
) -> Fact:
    """Add a dated fact in the caller's transaction; `effective_on` names its day (ISO date) where
    that is not the day it was seen."""
    fact = Fact(
        id=new_id(at),
        region=contract.region,
        contract_id=contract.id,
        kind=kind,
        at=at,
        person_id=person_id,
        side=side,
        effective_on=effective_on,
    )
    put(session, fact, reason=reason)
    contract.facts.append(fact)
    keep_place(contract, today=at.date())
    return fact


def keep_place(contract: Contract, *, today: date) -> None:
    """Keep beside a contract where its facts put it, so that a list finds it there."""
    contract.stage = stage_of(dated_facts(contract), of=contract.amends_id)
    contract.turn = turn(contract)
    if contract.stage != ENDED:
        return
    # A signed amendment goes to the archive with the contract it amends.
    group = [contract, *contract.amendments]
    dates = archive_dates(group, today=today)
    for one in group:
        day = dates.get(one.id)
        one.archived_on = day.isoformat() if day else None


def place_all(session: Session, *, today: date) -> int:
    """Keep the places of contracts from before places were kept; return of how many."""
    count = 0
    while rows := session.scalars(
        select(Contract)
        .where(Contract.stage.is_(None))
        .options(selectinload(Contract.facts), selectinload(Contract.versions))
        .limit(200)
    ).all():
        with transaction(session):
            for row in rows:
                keep_place(row, today=today)
        count += len(rows)
        session.expunge_all()
    return count


def add_version(
    session: Session,
    contract: Contract,
    *,
    document: dict[str, Any],
    at: datetime,
    renews: Version | None = None,
    begins: date | None = None,
) -> Version:
    """Freeze a document as the contract's next version, in the caller's transaction.

    A renewal names the signed version it goes on under, and the day from which it holds.
    """
    canonical = documents.canonical_bytes(document)
    version = Version(
        id=new_id(at),
        region=contract.region,
        contract_id=contract.id,
        number=document["version"],
        sha256=documents.sha256_of(canonical),
        frozen_at=at,
        renews=renews.id if renews else None,
        begins=begins.isoformat() if begins else None,
    )
    put(session, version, canonical=document)
    contract.versions.append(version)
    session.flush()
    return version
