"""Finding endpoints and deliveries. Another organisation's are not found."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.accounts.models import Membership
from portal.accounts.rules import Actor, Role
from portal.audit.models import Leaf, RegionEntry
from portal.contracts.models import Contract
from portal.kit.db import directory_reader
from portal.kit.errors import NotFound
from portal.notices.rules import Recipient
from portal.residency.models import DataKey
from portal.webhooks.models import WebhookDelivery, WebhookEndpoint

SHOWN = 50
ARRIVED = "contract:move:arrived"
AT_A_LOOK = 500


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
    brought: bool


def entries_from(session: Session, place: int, *, limit: int = AT_A_LOOK) -> list[Told]:
    """Return the entries of contracts from a place of the region's order on.

    Only the contracts' own chains: what a side does for itself alone is told to nobody. `brought`
    are those from before the contract moved here: they were told of where they happened.
    """
    came = (
        select(RegionEntry.chain, func.max(RegionEntry.seq).label("seq"))
        .where(RegionEntry.event == ARRIVED)
        .group_by(RegionEntry.chain)
        .subquery()
    )
    rows = session.execute(
        select(
            Leaf.place, RegionEntry.chain, RegionEntry.seq, RegionEntry.event, RegionEntry.at,
            RegionEntry.hash, came.c.seq, Contract.vendor_id, Contract.customer_id,
        )
        .join(Leaf, (Leaf.chain == RegionEntry.chain) & (Leaf.seq == RegionEntry.seq))
        .outerjoin(Contract, Contract.id == RegionEntry.chain)
        .outerjoin(came, came.c.chain == RegionEntry.chain)
        .where(Leaf.place >= place)
        .order_by(Leaf.place)
        .limit(limit)
    )  # fmt: skip
    return [
        Told(place, chain, seq, event, at, entry_hash,
             parties=frozenset(one for one in parties if one),
             brought=came_at is not None and seq < came_at)
        for place, chain, seq, event, at, entry_hash, came_at, *parties in rows
    ]  # fmt: skip


def keepers_of(organisation_id: str) -> list[Recipient]:
    """Return an organisation's administrators, who are told when an address stops being told."""
    with directory_reader() as directory:
        rows = directory.scalars(
            select(Membership)
            .where(Membership.organisation_id == organisation_id, Membership.ended_at.is_(None))
            .options(joinedload(Membership.person))
        )
        found = [row for row in rows if Role.ORG_ADMIN in row.roles.split(",")]
        people = [row.person for row in found if row.person.deactivated_at is None]
        return [Recipient(one.id, one.name, one.email, organisation_id) for one in people]
