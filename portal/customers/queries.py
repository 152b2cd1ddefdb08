"""Finding customers of one's own address book, a page at a time by name."""

from collections.abc import Iterator, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from portal.accounts.models import Organisation
from portal.accounts.queries import partners
from portal.accounts.rules import Actor
from portal.customers.models import Customer, CustomerContact
from portal.customers.rules import plain_name
from portal.kit.db import db
from portal.kit.errors import NotFound

PAGE = 50


def page_of(
    actor: Actor, *, begins: str = "", after: tuple[str, str] | None = None, size: int = PAGE
) -> tuple[Sequence[Customer], tuple[str, str] | None]:
    """Return customers in the order of their names, and after which place the next page begins."""
    query = select(Customer).where(Customer.organisation_id == actor.organisation_id)
    if begins:
        first = plain_name(begins)
        query = query.where(Customer.sort_name >= first, Customer.sort_name < first + "\U0010ffff")
    if after is not None:
        name, last = after
        query = query.where(
            Customer.sort_name >= name, or_(Customer.sort_name > name, Customer.id > last)
        )
    query = query.options(selectinload(Customer.contacts))
    found = db.session.scalars(query.order_by(Customer.sort_name, Customer.id).limit(size + 1))
    rows = found.all()
    end = rows[size - 1] if len(rows) > size else None
    return rows[:size], (end.sort_name, end.id) if end else None


def every(actor: Actor) -> Iterator[Customer]:
    """Yield the whole address book, a page at a time."""
    after: tuple[str, str] | None = None
    while True:
        rows, after = page_of(actor, after=after, size=500)
        yield from rows
        if after is None:
            return


def known_ids(actor: Actor) -> set[str]:
    """Return the ids elsewhere of the customers that are known."""
    rows = db.session.scalars(
        select(Customer.external_id).where(
            Customer.organisation_id == actor.organisation_id, Customer.external_id.is_not(None)
        )
    )
    return {one for one in rows if one}


def by_external_id(actor: Actor, external_id: str) -> Customer:
    """Return the customer with this id elsewhere, or raise `NotFound`."""
    row = db.session.scalar(
        select(Customer).where(
            Customer.organisation_id == actor.organisation_id, Customer.external_id == external_id
        )
    )
    if row is None:
        raise NotFound
    return row


def find_customer(actor: Actor, customer_id: str) -> Customer:
    """Return a customer of one's own address book, or raise `NotFound`."""
    row = db.session.get(Customer, customer_id)
    if row is None or row.organisation_id != actor.organisation_id:
        raise NotFound
    return row


def find_contact(customer: Customer, contact_id: str) -> CustomerContact:
    """Return a contact of a customer, or raise `NotFound`."""
    found = next((one for one in customer.contacts if one.id == contact_id), None)
    if found is None:
        raise NotFound
    return found


def here_already(actor: Actor, customer: Customer) -> Organisation | None:
    """Return an organisation of this portal by the very name of a customer, if there is one."""
    found = (one for one in partners(actor) if plain_name(one.name) == customer.sort_name)
    return next((one for one in found if one.id != customer.partner_id), None)
