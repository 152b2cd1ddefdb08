"""Rows of contracts that are a member's, and who stands on the other side."""

from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.residency.queries import open_keys

MOST = 50


def other_of(contract: Contract, actor: Actor) -> str:
    """Return the name of the other side."""
    vendor = contract.vendor_id == actor.organisation_id
    return contract.customer_name if vendor else contract.vendor_name


def led_by(table: Any, actor: Actor, *conditions: ColumnElement[bool], order: Any) -> Select[Any]:
    """Return the first rows of a table that are the actor's, each with its contract.

    The table's own index leads, so that it costs the same however many contracts there are.
    """
    mine = select(Contract.id).where(Contract.id == table.contract_id, _of_actor(actor)).exists()
    some = select(table.id).where(*conditions, mine).order_by(order).limit(MOST)
    found = select(table, Contract).join(Contract, Contract.id == table.contract_id)
    return found.where(table.id.in_(some)).order_by(order)


def pairs(session: Session, query: Select[Any]) -> list[tuple[Any, Contract]]:
    """Return rows with their contracts, whose keys are asked for once and not a line each."""
    found = [(row[0], row[1]) for row in session.execute(query)]
    open_keys(session, {contract.id for _, contract in found})
    return found


def _of_actor(actor: Actor) -> ColumnElement[bool]:
    mine = actor.organisation_id
    return or_(Contract.vendor_id == mine, Contract.customer_id == mine)


def side_of(contract: Contract, actor: Actor) -> Side:
    """Return on which side a member stands."""
    return Side.VENDOR if contract.vendor_id == actor.organisation_id else Side.CUSTOMER
