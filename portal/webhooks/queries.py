"""Finding endpoints and deliveries. Another organisation's are not found."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.rules import Actor
from portal.audit.models import Leaf, RegionEntry
from portal.contracts.models import Contract
from portal.kit.errors import NotFound
from portal.residency.models import DataKey
from portal.webhooks.models import WebhookDelivery, WebhookEndpoint

SHOWN = 50


def endpoints_of(session: Session, actor: Actor) -> Sequence[WebhookEndpoint]:
    """Return an organisation's endpoints of a region, those in use first; two queries."""
    whose = WebhookEndpoint.organisation_id == actor.organisation_id
    keys = select(DataKey).join(WebhookEndpoint, WebhookEndpoint.id == DataKey.id).where(whose)
    held = session.scalars(keys).all()
    rows = session.scalars(
        select(WebhookEndpoint)
        .where(whose)
        .order_by(WebhookEndpoint.ended_at.is_not(None), WebhookEndpoint.id)
    ).all()
    for row in rows:
        assert row.address  # noqa: S101  opened while the keys are held: one query for all
    del held
    return rows


def find_endpoint(session: Session, actor: Actor, endpoint_id: str) -> WebhookEndpoint:
    """Return an endpoint of the actor's organisation, or raise `NotFound`."""
    row = session.get(WebhookEndpoint, endpoint_id)
    if row is None or row.organisation_id != actor.organisation_id:
        raise NotFound
    return row


def deliveries_of(session: Session, endpoint: WebhookEndpoint) -> Sequence[WebhookDelivery]:
    """Return the latest deliveries with their tries, newest first."""
    return session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint.id)
        .options(selectinload(WebhookDelivery.log))
        .order_by(WebhookDelivery.id.desc())
        .limit(SHOWN)
    ).all()


def find_delivery(session: Session, actor: Actor, delivery_id: str) -> WebhookDelivery:
    """Return a delivery of the actor's organisation, or raise `NotFound`."""
    row = session.get(WebhookDelivery, delivery_id)
    if row is None:
        raise NotFound
    find_endpoint(session, actor, row.endpoint_id)
    return row


@dataclass(frozen=True)
class Counts:
    """How many deliveries wait, were taken, and were given up."""

    waiting: int
    done: int
    failed: int


def counts_of(session: Session, endpoint: WebhookEndpoint) -> Counts:
    """Count an endpoint's deliveries."""
    total, done, failed = session.execute(
        select(
            func.count(), func.count(WebhookDelivery.done_at),
            func.count(WebhookDelivery.failed_at),
        ).where(WebhookDelivery.endpoint_id == endpoint.id)
    ).one()  # fmt: skip
    return Counts(total - done - failed, done, failed)


@dataclass(frozen=True)
class Told:
    """An entry of a contract, as an endpoint may be told of it."""

    place: int
    contract_id: str
    seq: int
    event: str
    at: str
    hash: str
    parties: frozenset[str]


def entries_from(session: Session, place: int, *, limit: int = 500) -> list[Told]:
    """Return the entries of contracts from a place of the region's order on.

    Only the contracts' own chains: what a side does for itself alone is told to nobody.
    """
    rows = session.execute(
        select(
            Leaf.place, RegionEntry.chain, RegionEntry.seq, RegionEntry.event, RegionEntry.at,
            RegionEntry.hash, Contract.vendor_id, Contract.customer_id,
        )
        .join(Leaf, (Leaf.chain == RegionEntry.chain) & (Leaf.seq == RegionEntry.seq))
        .outerjoin(Contract, Contract.id == RegionEntry.chain)
        .where(Leaf.place >= place)
        .order_by(Leaf.place)
        .limit(limit)
    )  # fmt: skip
    return [Told(*row[:6], frozenset(one for one in row[6:] if one)) for row in rows]
