"""Keeping a file of past incidents for one organisation's own replays."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.kit.db import transaction
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.statements.models import Import


def keep_import(
    session: Session, contract: Contract, actor: Actor, *, name: str,
    rows: Sequence[Mapping[str, str]], at: datetime,
) -> Import:  # fmt: skip
    """Keep rows that `read_import` read; they are the organisation's own business and no entry."""
    demand(actor, "replay:import")
    with transaction(session):
        row = Import(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            organisation_id=actor.organisation_id, created_at=at, count=len(rows),
        )  # fmt: skip
        put(session, row, name=name.strip(), rows=[dict(one) for one in rows])
    return row


def drop_import(session: Session, actor: Actor, row: Import) -> None:
    """Forget an import of one's own organisation."""
    demand(actor, "replay:import")
    with transaction(session):
        session.delete(row)
