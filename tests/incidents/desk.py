"""A contract of the cast in force, and the people at its service desk."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.actions import add_fact, add_version
from portal.contracts.models import Contract
from portal.contracts.rules.document import contract_document, slot_field
from portal.contracts.rules.life import Side
from portal.incidents import actions
from portal.incidents.actions import Report, Said
from portal.incidents.models import Incident
from portal.kit.db import db, transaction
from portal.terms.rules import load_schema, parse
from tests import cast

# A Monday morning in New York, where the support hours of the default terms are.
MONDAY = datetime(2026, 11, 9, 14, 0, tzinfo=UTC)
SCHEMA = load_schema("1")


def terms_with(typed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the schema's default terms with some typed anew."""
    typed = {"B5": "", **(typed or {})}
    return SCHEMA.defaults() | {
        id: parse(SCHEMA.terms[id], text) if text else None for id, text in typed.items()
    }


def put_in_force(
    session: Session, contract: Contract, terms: Mapping[str, Any], *, at: datetime
) -> None:
    """Freeze these terms and complete the contract, as the signatures and the seal would."""
    ada = cast.actor("ada").person_id
    document = contract_document(
        ref=contract.ref, title=contract.title, region=contract.region,
        version=len(contract.versions) + 1,
        parties={
            "vendor": {"name": contract.vendor_name, "details": ""},
            "customer": {"name": contract.customer_name, "details": ""},
        },
        pins={
            "template": {"name": contract.template, "sha256": "0" * 64},
            "schema": {"name": "1", "sha256": SCHEMA.sha256},
            "standard": {"name": "1.0", "sha256": "0" * 64},
            "tier": None,
        },
        terms=terms,
        signers=[
            {"side": slot.side, "position": slot.position, "name": slot.name, "title": slot.title,
             "field": slot_field(slot.side, slot.position)}
            for slot in contract.slots
        ],
        frozen_at=at.isoformat(timespec="seconds"),
    )  # fmt: skip
    with transaction(session):
        add_version(session, contract, document=document, at=at)
        for kind in ("frozen", "deed_prepared", "all_signed", "completed"):
            add_fact(session, contract, kind, person_id=ada, side=Side.VENDOR, at=at)


def settle(session: Session) -> None:
    """Let go of the databases: a page asks for them in a connection of its own."""
    session.commit()
    db.session.commit()


def said(session: Session, contract: Contract, key: str, number: int, at: datetime) -> Said:
    """One of the cast, about to say something."""
    return Said(session, contract, cast.actor(key), number, at)


def reported(
    session: Session, contract: Contract, *, at: datetime = MONDAY, key: str = "dov",
    severity: str = "S2", **more: Any,
) -> Incident:  # fmt: skip
    """An incident reported by one of the cast."""
    more.setdefault("module", "Order entry")
    report = Report(title="Orders are not saved", severity=severity, **more)
    incident = actions.report(session, contract, cast.actor(key), report, at=at)
    settle(session)
    return incident


def after(hours: float) -> datetime:
    """So many hours after the Monday morning."""
    return MONDAY + timedelta(hours=hours)


def events(session: Session, contract: Contract) -> list[str]:
    """The events on the contract's chain."""
    found = [line.event for line in lines(session, contract.id)]
    settle(session)
    return found


def each_apart(
    client_as: Callable[[str], FlaskClient], context: Flask, eu: Session
) -> Callable[[str], FlaskClient]:
    """Make clients whose every request has a context of its own."""

    def make(key: str) -> FlaskClient:
        client = client_as(key)
        plain_open = client.open

        def open_apart(*args: Any, **kwargs: Any) -> Any:
            settle(eu)
            with context.app_context():
                return plain_open(*args, **kwargs)

        client.open = open_apart  # type: ignore[method-assign]
        return client

    return make
