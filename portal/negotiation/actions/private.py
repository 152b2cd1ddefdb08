"""One side's own log. What is internal leaves no trace on the chain both sides read; it is
entered, in the same transaction, on a chain of that side, sealed with a key of its own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.residency.actions import make_data_key
from portal.residency.databases import regions
from portal.residency.models import DataKey


def private_chain(contract: Contract, side: Side) -> str:
    """Return the name of a side's own chain for a contract."""
    return f"{contract.id}/{side.value}"


def record_privately(
    session: Session,
    contract: Contract,
    side: Side,
    event: str,
    *,
    actor: Actor,
    at: datetime,
    facts: Mapping[str, Any],
) -> None:
    """Append one entry to the side's own chain, in the caller's transaction."""
    chain = private_chain(contract, side)
    if session.get(DataKey, chain) is None:
        make_data_key(session, regions()[contract.region], contract_id=chain, at=at)
    record(session, chain, event, actor=actor.log, at=at, facts=facts)
