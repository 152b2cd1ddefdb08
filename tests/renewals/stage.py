"""Completed contracts of the cast with chosen terms and dates, and the worker that keeps them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.actions import add_fact, add_version
from portal.contracts.models import Contract
from portal.contracts.rules.document import contract_document
from portal.contracts.rules.life import Side
from portal.kit.db import db, transaction
from portal.notices.models import RegionMail
from portal.renewals import actions
from portal.renewals.models import PlannedDate, Renewal
from portal.renewals.queries.term import due_contracts
from portal.renewals.rules.conditions import Measured
from portal.residency.databases import Regions
from portal.terms.rules import load_schema
from tests import cast
from tests.conftest import make_contract

SCHEMA = load_schema("1")
SIGNED = datetime(2026, 1, 20, 15, 0, tzinfo=UTC)
NOTHING = Measured()


def length(n: int, unit: str) -> dict[str, Any]:
    """A duration as terms store it."""
    return {"n": n, "unit": unit, "clock": "24x7"}


def completed(
    session: Session, regions: Regions, *, at: datetime = SIGNED, title: str = "CRM support",
    **changes: Any,
) -> Contract:  # fmt: skip
    """Write a contract that both sides signed and that was sealed; changes name terms by id."""
    contract = make_contract(session, regions, title)
    terms = SCHEMA.defaults() | {"A5": "2026-02-01"}
    terms |= {name.replace("_", "."): value for name, value in changes.items()}
    document = contract_document(
        ref=contract.ref, title=title, region=contract.region, version=1,
        parties={
            "vendor": {"name": contract.vendor_name, "details": ""},
            "customer": {"name": contract.customer_name, "details": ""},
        },
        pins={
            "template": {"name": contract.template, "sha256": contract.template_sha256},
            "schema": {"name": "1", "sha256": SCHEMA.sha256},
            "standard": {"name": "1.0", "sha256": "0" * 64},
            "tier": None,
        },
        terms=terms, signers=[], frozen_at=at.isoformat(timespec="seconds"),
    )  # fmt: skip
    with transaction(session):
        add_version(session, contract, document=document, at=at)
        for minutes, kind in enumerate(("frozen", "all_signed", "completed")):
            add_fact(
                session, contract, kind, person_id=cast.actor("ada").person_id, side=Side.VENDOR,
                at=at + timedelta(minutes=minutes),
            )  # fmt: skip
    session.expire_all()
    return session.get_one(Contract, contract.id)


def work(session: Session, at: datetime, measured: Measured = NOTHING) -> int:
    """Do what the worker does at an instant; return how many dates it did."""
    actions.enrol(session, at=at)
    done = 0
    for contract_id in due_contracts(session, at=at):
        session.rollback()
        done += actions.keep_dates(
            session,
            contract_id,
            at=at,
            measure=lambda _session, _found: measured,
        )
    session.rollback()
    return done


def row_of(session: Session, contract: Contract) -> Renewal:
    """Return the stored term."""
    session.expire_all()
    return session.scalars(select(Renewal).where(Renewal.contract_id == contract.id)).one()


def dates(session: Session, contract: Contract) -> dict[tuple[int, str], PlannedDate]:
    """Return every planned date by term and kind."""
    session.expire_all()
    found = session.scalars(select(PlannedDate).where(PlannedDate.contract_id == contract.id))
    return {(one.number, one.kind): one for one in found}


def events(session: Session, contract: Contract) -> list[str]:
    """Return the events of the contract's log in order."""
    return [line.event for line in lines(session, contract.id)]


def mails(session: Session) -> list[tuple[str, str]]:
    """Return (recipient, subject) of every mail in the region's outbox."""
    rows = session.scalars(select(RegionMail).order_by(RegionMail.id))
    return [(row.recipient, row.subject) for row in rows]


def settle(session: Session) -> None:
    """Let go of the databases: a page asks for them in a connection of its own."""
    session.commit()
    db.session.commit()
