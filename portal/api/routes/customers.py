"""Customers from a CRM: the address book, read and kept. Inviting somebody is done by a person."""

from typing import Any

from portal.accounts.rules import read_email, read_name
from portal.api.routes.door import Ask, Made, Page, operation, place_in
from portal.api.rules.problems import Problem
from portal.api.rules.shapes import Wrong, body, many, ref, text
from portal.customers import actions, queries
from portal.customers.models import Customer
from portal.customers.rules import Account, Contact
from portal.kit.errors import Refused
from portal.residency.actions import make_data_key
from portal.residency.databases import regions
from portal.residency.models import DataKey
from portal.terms.rules import Unreadable
from portal.terms.rules.text import clean_line

TAG = "Customers"
PERSON = body(
    {"external_id": text(60), "title": text(120, 0)}, name=text(120), email=text(254)
)  # fmt: skip


def _told(row: Customer) -> dict[str, Any]:
    return {
        "id": row.id, "external_id": row.external_id, "name": row.name, "address": row.address,
        "partner_id": row.partner_id, "changed_at": row.changed_at,
        "contacts": [
            {"id": one.id, "external_id": one.external_id, "name": one.name, "email": one.email,
             "title": one.title, "invited_at": one.invited_at}
            for one in row.contacts
        ],
    }  # fmt: skip


@operation(
    "GET", "/customers", scope="customers:read", needs="customer:keep", tag=TAG, paged=True,
    answers=ref("Customer"), summary="List your organisation’s own address book, by name",
)  # fmt: skip
def list_customers(ask: Ask) -> Page:
    """The customers with their contacts."""
    begin = place_in(ask, "list_customers")
    after = (str(begin[0]), str(begin[1])) if begin else None
    rows, following = queries.page_of(ask.actor, after=after, size=ask.query.get("limit", 50))
    return Page([_told(row) for row in rows], list(following) if following else None)


@operation(
    "GET", "/customers/{customer}", scope="customers:read", needs="customer:keep", tag=TAG,
    answers=ref("Customer"), summary="Read one customer with its contacts",
)  # fmt: skip
def read_customer(ask: Ask, customer: str) -> dict[str, Any]:
    """One customer of the address book."""
    return _told(queries.find_customer(ask.actor, customer))


@operation(
    "POST", "/customers", scope="customers:write", needs="customer:keep", tag=TAG,
    answers=ref("Customer"),
    summary="Add a customer, or change the one with this external_id; nobody is told",
    body=body(
        {"address": text(1000, 0), "contacts": many(PERSON, 100)},
        external_id=text(60), name=text(160),
        region={**text(12), "description": "Where the answer to the Idempotency-Key is kept."},
    ),
)  # fmt: skip
def keep_customer(ask: Ask) -> Made:
    """Keep a customer as a CRM says it is."""
    sent = ask.body
    account = _account(sent)
    _make_key(ask, sent["region"])
    actions.bring_customers(ask.actor, [account], at=ask.now)
    row = queries.by_external_id(ask.actor, account.external_id or "")
    return Made(_told(row), f"/customers/{row.id}", owner=ask.actor.organisation_id)


def _account(sent: dict[str, Any]) -> Account:
    wrong: list[Wrong] = []
    account = Account(sent["external_id"].strip(), " ".join(sent["name"].split()))
    account.address = " ".join(sent.get("address", "").split())
    for name in ("external_id", "name", "address"):
        try:
            if not clean_line(getattr(account, name)) and name != "address":
                wrong.append(Wrong(f"#/{name}", "Write something here."))
        except Unreadable as error:
            wrong.append(Wrong(f"#/{name}", error.message))
    for place, one in enumerate(sent.get("contacts", ())):
        try:
            named, email = read_name(one["name"]), read_email(one["email"])
            title = clean_line(one.get("title", ""))
            account.contacts.append(Contact(named, email, title, one.get("external_id")))
        except (Refused, Unreadable) as refusal:
            wrong.append(Wrong(f"#/contacts/{place}", str(refusal.message)))
    if wrong:
        raise Problem("invalid", errors=wrong[:20])
    return account


def _make_key(ask: Ask, region: str) -> None:
    """Make the key that seals answers about the organisation itself, if there is none yet."""
    session, owner = regions().session(region), ask.actor.organisation_id
    if session.get(DataKey, owner) is None:
        make_data_key(session, regions()[region], contract_id=owner, at=ask.now)
