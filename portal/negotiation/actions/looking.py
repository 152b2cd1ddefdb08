"""Remembering what a person has seen. A page that is only read writes nothing, so it is said."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.kit.db import transaction
from portal.kit.refs import new_id
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.private import record_privately
from portal.negotiation.models import Look
from portal.negotiation.queries import negotiation_of


def look(
    session: Session, contract: Contract, actor: Actor, *, seen_round: int, at: datetime
) -> None:
    """Say that everything up to a round is seen; another last round than that raises `Stale`."""
    demand(actor, "contract:see")
    with transaction(session):
        found = negotiation_of(session, contract, actor, at=at)
        if seen_round != found.last_sent:
            raise rules.Stale(say("Another round has arrived since you looked."))
        mark_look(session, contract, actor, seen_round, at=at)
        record_privately(
            session, contract, found.side, "negotiation:changes:seen", actor=actor, at=at,
            facts={"round": seen_round},
        )  # fmt: skip


def mark_look(
    session: Session, contract: Contract, actor: Actor, number: int, *, at: datetime
) -> None:
    """Remember the last round a person has seen, in the caller's transaction."""
    row = session.scalar(
        select(Look).where(Look.contract_id == contract.id, Look.person_id == actor.person_id)
    )
    if row is None:
        row = Look(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            person_id=actor.person_id,
        )  # fmt: skip
        session.add(row)
    row.round, row.at = number, at
