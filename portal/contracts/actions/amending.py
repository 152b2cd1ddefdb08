"""Opening an amendment: a child contract over named terms of a contract that is signed."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract, SignerSlot, Stakeholder
from portal.contracts.queries import (
    layers_of,
    own_side,
    schema_of,
    template_of,
    version_in_force,
)
from portal.contracts.rules import amending as rules
from portal.contracts.rules.waiting import ALL_STEPS_DONE
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.residency.actions import make_data_key
from portal.residency.databases import RegionDatabase
from portal.residency.rules import new_public_ref


def start_amendment(
    session: Session,
    database: RegionDatabase,
    actor: Actor,
    parent: Contract,
    *,
    terms: Collection[str],
    at: datetime,
) -> Contract:
    """Open a draft over named terms of a signed contract, with its people and signers.

    The other side sees nothing before round 1 of the amendment is sent.
    """
    demand(actor, "amendment:start")
    side = own_side(parent, actor)
    if version_in_force(parent) is None:
        raise Refused(say("Only a signed contract can be amended."))
    schema = schema_of(parent)
    problem = rules.naming_problem(schema, terms, locked=template_of(parent).locked)
    if problem:
        raise Refused(problem)
    with transaction(session):
        child = _child(session, database, parent, side, rules.named(schema, terms), at=at)
        record(
            session, child.id, "contract:started", actor=actor.log, at=at,
            facts={"side": side, "amends": parent.id, "terms": len(terms)},
        )  # fmt: skip
        record(
            session, parent.id, "amendment:started", actor=actor.log, at=at,
            facts={"amendment": child.id, "terms": len(terms)},
        )  # fmt: skip
    session.expire(parent, ["amendments"])
    return child


def _child(
    session: Session,
    database: RegionDatabase,
    parent: Contract,
    side: str,
    terms: Collection[str],
    *,
    at: datetime,
) -> Contract:
    ref = new_public_ref(parent.region)
    make_data_key(session, database, contract_id=ref, at=at)
    child = Contract(
        id=ref, region=parent.region, vendor_id=parent.vendor_id, customer_id=parent.customer_id,
        vendor_name=parent.vendor_name, customer_name=parent.customer_name, started_by_side=side,
        template=parent.template, template_sha256=parent.template_sha256,
        schema_version=parent.schema_version, schema_sha256=parent.schema_sha256,
        standard_version=parent.standard_version, standard_sha256=parent.standard_sha256,
        tier=None, tier_sha256=None, created_at=at, step=ALL_STEPS_DONE,
        amends_id=parent.id, amended=",".join(terms),
    )  # fmt: skip
    number = len(parent.amendments) + 1
    put(session, child, title=f"Amendment {number} of {parent.title}")
    session.flush()
    _copy_people(session, parent, child, at=at)
    return child


def _copy_people(session: Session, parent: Contract, child: Contract, *, at: datetime) -> None:
    """Whoever signed the contract signs its amendment, until a side names others."""
    for person in parent.stakeholders:
        row = Stakeholder(
            id=new_id(at), region=child.region, contract_id=child.id, side=person.side,
            person_id=person.person_id, function=person.function,
        )  # fmt: skip
        put(session, row, name=person.name, email=person.email)
    for slot in parent.slots:
        place = SignerSlot(
            id=new_id(at), region=child.region, contract_id=child.id, side=slot.side,
            position=slot.position, person_id=slot.person_id,
        )  # fmt: skip
        put(session, place, name=slot.name, email=slot.email, title=slot.title)


def note_amendment(session: Session, child: Contract, *, at: datetime) -> None:
    """Write on the amended contract's chain that an amendment is sealed, in the transaction of it.

    Nothing happens for a contract of its own.
    """
    if child.amends_id is None:
        return
    parent = session.get_one(Contract, child.amends_id)
    session.flush()
    layer = next(layer for layer in layers_of(session, parent) if layer.source == child.id)
    record(
        session, parent.id, "amendment:completed", actor=PORTAL, at=at,
        facts={
            "amendment": child.id, "terms": len(layer.terms), "starts": layer.starts.isoformat(),
        },
    )  # fmt: skip
