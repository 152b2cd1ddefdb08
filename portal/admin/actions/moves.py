"""Moving a contract to another region: one side asks, the other agrees, the worker does it."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.queries import organisation_by_id
from portal.accounts.rules import Actor, demand
from portal.admin import queries
from portal.admin.actions.letters import keepers_of
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.rules.life import State
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.words import say
from portal.notices.actions import tell
from portal.notices.rules import Recipient
from portal.residency.actions import carry_out, note_move
from portal.residency.databases import RegionDatabase, Regions
from portal.residency.models import Move
from portal.residency.rules import Step, allowed_for
from portal.residency.stores import StoreAway

LOG = logging.getLogger("counterpart.moves")
BUSY = frozenset({State.SIGNING, State.SEALING})


def targets_of(regions: Regions, contract: Contract) -> list[str]:
    """Return the regions both organisations allow, but the one the contract lives in."""
    vendor = organisation_by_id(contract.vendor_id).allowed_regions
    customer = organisation_by_id(contract.customer_id).allowed_regions
    allowed = allowed_for(regions.databases, vendor, customer)
    return [name for name in allowed if name != contract.region]


def ask_to_move(
    session: Session, actor: Actor, contract: Contract, *, to: str, regions: Regions, at: datetime
) -> Move:
    """Ask that a contract and its amendments move to a region; the other side must agree."""
    demand(actor, "contract:move")
    if contract.amends_id is not None:
        raise Refused(
            say("An amendment moves with the contract it amends. Ask on that contract’s page.")
        )
    if to not in targets_of(regions, contract):
        raise Refused(say("Both organisations must allow that region first."))
    with transaction(session):
        family = [contract, *contract.amendments]
        _demand_calm(family, at)
        if queries.open_move(session, contract.id) is not None:
            raise Refused(say("A move of this contract waits already."))
        ids = [one.id for one in family]
        row = note_move(
            session, ids, to_region=to, asked_by=actor.organisation_id, at=at
        )[0]  # fmt: skip
        record(
            session, contract.id, "contract:move:asked", actor=actor.log, at=at,
            facts={"from": row.from_region, "to": to, "contracts": len(ids)},
        )  # fmt: skip
        _tell(session, contract, "contract:move:asked", row, by=actor, at=at)
    return row


def _demand_calm(family: list[Contract], at: datetime) -> None:
    for one in family:
        if state(one, today=at.date()) in BUSY:
            raise Refused(
                say(
                    "%(one)s is being signed. Move it before, or when the deed is sealed.",
                    one=one.id,
                )
            )


def agree_to_move(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> Move:
    """Agree to the other side's wish; from now on the worker carries it out."""
    demand(actor, "contract:move")
    with transaction(session):
        row = queries.open_move(session, contract.id)
        if row is None or row.agreed_at:
            raise Refused(say("No move of this contract waits for an answer."))
        if row.asked_by == actor.organisation_id:
            raise Refused(say("Your side asked for this. The other side must agree."))
        _demand_calm([contract, *contract.amendments], at)
        for one in session.scalars(select(Move).where(Move.group_id == row.group_id)):
            one.agreed_at = at
        record(
            session, contract.id, "contract:move:agreed", actor=actor.log, at=at,
            facts={"from": row.from_region, "to": row.to_region},
        )  # fmt: skip
        _tell(session, contract, "contract:move:agreed", row, by=actor, at=at)
    return row


def withdraw_move(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> None:
    """End a wish that was not yet agreed to; either side may."""
    demand(actor, "contract:move")
    with transaction(session):
        row = queries.open_move(session, contract.id)
        if row is None or row.agreed_at:
            raise Refused(say("No move of this contract waits for an answer."))
        for one in session.scalars(select(Move).where(Move.group_id == row.group_id)):
            one.withdrawn_at = at
        record(
            session, contract.id, "contract:move:withdrawn", actor=actor.log, at=at,
            facts={"to": row.to_region},
        )  # fmt: skip


Heard = Callable[[RegionDatabase, Step], None]


def carry_out_moves(
    regions: Regions, *, now: Callable[[], datetime], heard: Heard = lambda place, step: None
) -> list[Step]:
    """Carry every agreed move of this host as far as it goes; `heard` is told where and how far."""
    done = []
    for source in regions.databases.values():
        with source.open_session() as session:
            waiting = session.execute(
                select(Move.group_id, Move.to_region)
                .where(
                    Move.from_region == source.region.name,
                    Move.agreed_at.is_not(None),
                    Move.emptied_at.is_(None),
                )
                .distinct()
            ).all()
        for group_id, to_region in waiting:
            told = partial(heard, source)
            try:
                done.append(carry_out(source, regions[to_region], group_id, now=now, told=told))
            except StoreAway as away:  # it goes on at the next look; the others go on now
                LOG.warning("move %s: %s", group_id, away)
    return done


def move_now(
    regions: Regions, ref: str, *, now: Callable[[], datetime],
    heard: Heard = lambda place, step: None,
) -> Step:  # fmt: skip
    """Carry out the agreed move of one contract."""
    home = regions.home(ref)
    with home.open_session() as session:
        row = queries.open_move(session, ref)
        if row is None:
            raise NotFound
        group_id, to_region = row.group_id, row.to_region
    return carry_out(home, regions[to_region], group_id, now=now, told=partial(heard, home))


def _tell(
    session: Session, contract: Contract, event: str, row: Move, *, by: Actor, at: datetime
) -> None:
    both = {contract.vendor_id, contract.customer_id}
    for organisation_id in sorted(
        both - ({by.organisation_id} if event.endswith("asked") else set())
    ):
        for person in keepers_of(organisation_id):
            tell(
                session, event=event, chain=contract.id, cause=row.group_id,
                to=Recipient(person.id, person.name, person.email, organisation_id),
                link=f"/contracts/{contract.id}/data", by=by.person_id,
                organisation=by.organisation_name, asker=by.name, region=row.to_region, at=at,
            )  # fmt: skip
