"""Finding batches: an organisation's own, and nobody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Membership, Organisation, Person
from portal.accounts.queries import is_seen_by
from portal.accounts.rules import Actor, Role
from portal.batches.models import Batch, BatchRow
from portal.batches.rules import MOST_TRIES, Partner, Start
from portal.kit.db import db
from portal.kit.errors import NotFound
from portal.plans.queries import pinned_catalogue
from portal.plans.rules import tier_terms
from portal.residency.models import DataKey
from portal.templates.queries import pinned_template
from portal.terms.rules import load_schema
from portal.terms.rules.standard import load_standard_terms


def find_batch(session: Session, actor: Actor, ref: str) -> Batch:
    """Return a batch of the actor's organisation with its rows, or raise `NotFound`."""
    batch = session.scalar(
        select(Batch)
        .where(Batch.id == ref, Batch.organisation_id == actor.organisation_id)
        .options(selectinload(Batch.rows))
    )
    if batch is None:
        raise NotFound
    return batch


def batch_of_form(session: Session, actor: Actor, once: str) -> Batch | None:
    """Return the batch an upload made before, where its form comes a second time."""
    return session.scalar(
        select(Batch).where(Batch.once == once, Batch.organisation_id == actor.organisation_id)
    )


@dataclass(frozen=True)
class Line:
    """A batch in the list."""

    ref: str
    created_at: datetime
    confirmed_at: datetime | None
    rows: int
    done: int
    faulty: int


def list_batches(sessions: Sequence[Session], actor: Actor) -> list[Line]:
    """Return the organisation's batches, newest first; one query a region."""
    lines = []
    for session in sessions:
        counted = (
            select(
                Batch.id, Batch.created_at, Batch.confirmed_at, func.count(BatchRow.id),
                func.count(BatchRow.done_at),
                func.sum((BatchRow.faults > 0).cast(BatchRow.faults.type)),
            )
            .join(BatchRow, BatchRow.batch_id == Batch.id)
            .where(Batch.organisation_id == actor.organisation_id)
            .group_by(Batch.id, Batch.created_at, Batch.confirmed_at)
        )  # fmt: skip
        lines += [
            Line(row[0], row[1], row[2], row[3], row[4], int(row[5] or 0))
            for row in session.execute(counted)
        ]
    return sorted(lines, key=lambda line: line.created_at, reverse=True)


def partner_of(row: Organisation) -> Partner:
    """Return an organisation as the rules of a sheet see it."""
    return Partner(row.id, row.slug, row.name, row.details, row.allowed_regions)


def partners(actor: Actor) -> list[Partner]:
    """Return every organisation of this portal that a member may know of, by name."""
    seen = select(Organisation).where(is_seen_by(actor.organisation_id))
    rows = db.session.scalars(seen.order_by(Organisation.name))
    return [partner_of(row) for row in rows]


def start_of(batch: Batch) -> Start:
    """Return what the rows of a stored batch start from."""
    template = pinned_template(batch.template, batch.template_sha256)
    schema = load_schema(template.schema)
    catalogue = pinned_catalogue(batch.tier_sha256) if batch.tier_sha256 else None
    name = (batch.tier or "").split("/", 2)[-1]
    preset = tier_terms(schema, catalogue, name) if catalogue and batch.tier else {}
    standard = load_standard_terms(template.standard_terms)
    vendor = db.session.get_one(Organisation, batch.organisation_id)
    return Start(
        schema, template, (standard.title, standard.version), preset, partner_of(vendor),
        batch.region,
    )  # fmt: skip


def member_actor(person_id: str, organisation_id: str) -> Actor | None:
    """Return the member who confirmed a batch as an actor; None once they have left."""
    found = db.session.execute(
        select(Person, Membership, Organisation)
        .join(Membership, Membership.person_id == Person.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Person.id == person_id,
            Organisation.id == organisation_id,
            Membership.ended_at.is_(None),
            Person.deactivated_at.is_(None),
        )
    ).first()
    if found is None:
        return None
    person, membership, organisation = found
    return Actor(
        person_id=person.id, name=person.name, email=person.email,
        organisation_id=organisation.id, organisation_name=organisation.name,
        roles=frozenset(Role(name) for name in membership.roles.split(",") if name),
    )  # fmt: skip


def waiting_rows(session: Session, *, at: datetime, limit: int) -> list[str]:
    """Return rows of confirmed batches that still wait for their contract, the oldest first."""
    query: Any = (
        select(BatchRow.id)
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(
            Batch.confirmed_at.is_not(None),
            Batch.stopped_at.is_(None),
            BatchRow.faults == 0,
            BatchRow.done_at.is_(None),
            BatchRow.tries < MOST_TRIES,
            (BatchRow.leased_until.is_(None)) | (BatchRow.leased_until <= at),
        )
        .order_by(Batch.confirmed_at, BatchRow.number)
        .limit(limit)
    )
    return list(session.scalars(query))


def keys_of_batch(session: Session, batch: Batch) -> Sequence[DataKey]:
    """Return the batch's own key, held while its rows are opened."""
    return session.scalars(select(DataKey).where(DataKey.id == batch.id)).all()
