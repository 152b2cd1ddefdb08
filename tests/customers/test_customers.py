"""The address book: sheets read whole, and prospects nobody else sees until they are claimed."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.accounts.models import Invitation, Organisation, Person
from portal.accounts.queries import partners
from portal.accounts.rules import Role
from portal.admin.actions import accept_as_new_person, token_hash
from portal.audit.queries import lines
from portal.contracts.queries import counterparties
from portal.customers import actions, queries, rules
from portal.customers.models import Customer, CustomerContact
from portal.customers.rules import Account, BadSheet, Contact, Shape, read_sheet
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound
from portal.notices.models import DirectoryMail
from tests import cast
from tests.api.conftest import Caller, token_for

ADA, MAL = cast.actor("ada"), cast.actor("mal")
LINK = "https://portal.example/invitations/TOKEN"
PLAIN = """Name,external_id,Address,contact_name,contact_email,contact_title,colour
Blue Fin,7,"1 Quay, Genoa",Gia,gia@bluefin.example,CFO,red
blue  fin,7,,Ugo,UGO@bluefin.example,,
Red Kite,,,,,,
"=HYPERLINK(1)",,,Eve,eve@x.example,"@SUM",
"""
ACCOUNTS = """Id,Name,BillingStreet,BillingCity,BillingCountry
001A,Blue Fin,1 Quay,Genoa,Italy
001B,Grey Seal,,,
"""
CONTACTS = """Id,AccountId,FirstName,LastName,Email,Title
003A,001A,Gia,Rossi,gia@bluefin.example,CFO
003B,001C,No,Account,no@x.example,
003C,001B,,Seal,not an address,
003D,001A,Gia,Again,gia@bluefin.example,
"""


def held() -> tuple[int, int]:
    """Return how many customers and contacts the directory holds."""
    counts = [db.session.scalar(select(func.count(t.id))) or 0 for t in (Customer, CustomerContact)]
    db.session.rollback()
    return counts[0], counts[1]


def events(chain: str, begins: str) -> list[str]:
    """Return the events of a chain that begin so."""
    found = [line.event for line in lines(db.session(), chain) if line.event.startswith(begins)]
    db.session.rollback()
    return found


def test_each_shape_is_known_by_its_columns_and_read_with_its_faults() -> None:
    sheet = read_sheet(PLAIN.encode(), known=())
    assert (sheet.shape, sheet.rows, sheet.faults) == (Shape.PLAIN, 4, [])
    assert [(a.name, len(a.contacts)) for a in sheet.accounts] == [
        ("Blue Fin", 2), ("Red Kite", 0), ("=HYPERLINK(1)", 1),
    ]  # fmt: skip
    accounts = read_sheet(b"\xef\xbb\xbf" + ACCOUNTS.encode(), known=())
    assert accounts.shape is Shape.ACCOUNTS
    assert accounts.accounts[0].address == "1 Quay, Genoa, Italy"
    contacts = read_sheet(CONTACTS.encode(), known={"001A", "001B"})
    assert contacts.shape is Shape.CONTACTS and contacts.bad == 3
    assert [(f.line, f.column) for f in contacts.faults] == [
        (3, "AccountId"), (4, "Email"), (5, ""),
    ]  # fmt: skip
    twice = read_sheet((ACCOUNTS + "001A,Blue Fin again,,,\n").encode(), known=())
    assert [(f.line, f.says) for f in twice.faults] == [(4, "This stands in line 2 already.")]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"colour\nred\n", b"name\n", b"name,Name\na,b\n", b'name\n"open',
        b"name\n" + b"a\n" * 10_001, b"name\n" + b"a" * 4_000_001,
    ],
)  # fmt: skip
def test_what_is_no_sheet_is_refused(content: bytes) -> None:
    with pytest.raises(BadSheet):
        read_sheet(content, known=())


@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=4), max_size=12))
def test_every_row_is_judged_whatever_it_says(table: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["name", "contact_email", "contact_name"], *table])
    try:
        sheet = read_sheet(out.getvalue().encode("utf-8", "replace"), known=())
    except BadSheet:
        return
    good = sum(max(1, len(account.contacts)) for account in sheet.accounts)
    assert good <= sheet.rows and sheet.rows - sheet.bad <= sheet.rows
    assert all(a.name and len(a.name) <= 160 for a in sheet.accounts)


def test_a_sheet_brought_twice_adds_nothing_twice(context: Flask) -> None:
    first = read_sheet(PLAIN.encode(), known=())
    counts = actions.bring_customers(ADA, first.accounts, at=clock.now())
    assert (counts.added, counts.contacts_added) == (3, 3) and held() == (3, 3)
    again = read_sheet(PLAIN.encode(), known=())
    counts = actions.bring_customers(ADA, again.accounts, at=clock.now())
    assert (counts.added, counts.changed, counts.same, counts.contacts_added) == (0, 0, 3, 0)
    renamed = [Account("7", "Blue Fin SpA", "", [Contact("Gia R.", "gia@bluefin.example")])]
    counts = actions.bring_customers(ADA, renamed, at=clock.now())
    assert (counts.changed, counts.contacts_changed) == (1, 1) and held() == (3, 3)
    assert len(events(ADA.organisation_id, "organisation:customers")) == 3
    assert queries.page_of(MAL)[0] == []
    with pytest.raises(NotAllowed):
        actions.bring_customers(cast.actor("nia"), renamed, at=clock.now())


def test_pages_of_the_book_hold_each_customer_once_in_order(context: Flask) -> None:
    names = [f"Customer {n % 7} {n}" for n in range(23)]
    actions.bring_customers(ADA, [Account(None, name) for name in names], at=clock.now())
    found, after = [], None
    while after or not found:
        rows, after = queries.page_of(ADA, after=after, size=5)
        found += [row.name for row in rows]
    assert found == sorted(names, key=rules.plain_name)
    assert [row.name for row in queries.page_of(ADA, begins="customer 3")[0]] == sorted(
        (n for n in names if n.startswith("Customer 3")), key=rules.plain_name
    )
    assert [row.name for row in queries.every(ADA)] == found


def test_a_prospect_is_its_keepers_alone_until_its_contact_claims_it(context: Flask) -> None:
    sheet = read_sheet(PLAIN.encode(), known=())
    actions.bring_customers(ADA, sheet.accounts, at=clock.now())
    customer = queries.page_of(ADA, begins="Blue")[0][0]
    key, gia = customer.id, customer.contacts[0].id
    for wrong in ((MAL, key, gia), (ADA, key, "0" * 26), (ADA, "0" * 26, gia)):
        with pytest.raises((NotFound, NotAllowed)):
            actions.invite_contact(*wrong, link=LINK, at=clock.now())
    prospect = actions.invite_contact(ADA, key, gia, link=LINK, at=clock.now())
    ref = prospect.id
    for actor, sees in ((ADA, True), (MAL, False), (cast.actor("cleo"), False)):
        assert (ref in {one.id for one in counterparties(actor)}) is sees
        assert (ref in {one.id for one in partners(actor)}) is sees
    # Asked again: one offer is open, and it is the newest.
    actions.invite_contact(ADA, key, gia, link=LINK, at=clock.now())
    offers = db.session.scalars(select(Invitation).where(Invitation.organisation_id == ref)).all()
    assert sorted(one.expires_at > clock.now() for one in offers) == [False, True]
    mails = db.session.scalars(
        select(DirectoryMail.text).where(DirectoryMail.recipient == "gia@bluefin.example")
    ).all()
    tokens = [m[1] for mail in mails if (m := re.search(r"/invitations/(\S+)", mail))]
    ended = {one.token_hash for one in offers if one.expires_at <= clock.now()}
    tokens.sort(key=lambda token: token_hash(token) not in ended)
    db.session.rollback()
    assert len(tokens) == 2
    with pytest.raises(NotFound):
        accept_as_new_person(tokens[0], name="Gia", password=cast.PASSWORD, at=clock.now())
    accept_as_new_person(tokens[1], name="Gia", password=cast.PASSWORD, at=clock.now())
    assert ref in {one.id for one in counterparties(cast.actor("cleo"))}
    gia_row = db.session.scalars(select(Person).where(Person.email == "gia@bluefin.example")).one()
    assert Role.ORG_ADMIN in gia_row.memberships[0].roles.split(",")
    before = len(db.session.scalars(select(Invitation)).all())
    again = actions.invite_contact(ADA, key, gia, link=LINK, at=clock.now())
    assert again.id == ref and again.kept_by is None
    assert len(db.session.scalars(select(Invitation)).all()) == before, "it invites by itself now"
    assert len(events(ADA.organisation_id, "organisation:contact")) == 2


@pytest.mark.slow
def test_a_keeper_brings_a_sheet_and_begins_a_contract_on_pages(
    client_as: Callable[[str], FlaskClient], context: Flask
) -> None:
    ada = client_as("ada")

    def post(text: str, **more: str) -> Any:
        return ada.post("/customers", data={"file": (io.BytesIO(text.encode()), "x.csv"), **more})

    assert "No customers yet" in ada.get("/customers").text
    answer = post(CONTACTS)
    assert (
        answer.status_code == 422 and "4 of 4 rows have faults" in answer.text and held() == (0, 0)
    )
    assert post(ACCOUNTS).status_code == 303
    answer = post(CONTACTS)
    assert answer.status_code == 422 and "Bring the account first" in answer.text
    assert held() == (2, 0)
    assert post(CONTACTS, leave="y").status_code == 303 and held() == (2, 1)
    assert post(PLAIN).status_code == 303
    sheet = ada.get("/customers.csv").text
    assert "'=HYPERLINK(1)" in sheet and "'@SUM" in sheet
    row = db.session.scalars(select(Customer).where(Customer.external_id == "001A")).one()
    key, contact = row.id, row.contacts[0].id
    db.session.rollback()
    page = ada.get(f"/customers/{key}").text
    assert "Invite and start a contract" in page
    answer = ada.post(f"/customers/{key}/contacts/{contact}/invitation")
    assert answer.status_code == 303 and "/contracts/new?counterparty=" in answer.location
    chosen = answer.location.rpartition("=")[2]
    assert re.search(rf'<option[^>]*selected[^>]*value="{chosen}"', ada.get(answer.location).text)
    form = {
        "title": "Support for Blue Fin", "counterparty": chosen, "side": "vendor",
        "template": "standard-support/1", "tier": "", "region": "eu",
    }  # fmt: skip
    assert ada.post("/contracts", data=form).status_code == 303
    assert "Blue Fin" not in client_as("mal").get("/contracts/new").text
    assert client_as("nia").get("/customers").status_code == 403
    assert db.session.get_one(Organisation, chosen).kept_by == ADA.organisation_id


@pytest.mark.slow
def test_a_crm_keeps_customers_by_the_api_once_for_its_key(app: Flask) -> None:
    with app.app_context():
        token = token_for("ada", ["customers:read", "customers:write"])
        ask = Caller(app.test_client(), token)
    sent = {
        "external_id": "001A", "name": "Blue Fin", "region": "eu", "address": "1 Quay, Genoa",
        "contacts": [{"name": "Gia Rossi", "email": "Gia@bluefin.example", "title": "CFO"}],
    }  # fmt: skip
    first = ask("POST", "/customers", sent, Idempotency_Key="one")
    assert first.status_code == 201, first.text
    again = ask("POST", "/customers", sent, Idempotency_Key="one")
    assert again.json == first.json and again.headers["Idempotency-Replayed"] == "true"
    assert (
        ask("POST", "/customers", {**sent, "name": "B"}, Idempotency_Key="one").status_code == 422
    )
    changed = ask("POST", "/customers", {**sent, "name": "Blue Fin SpA"})
    assert changed.json["id"] == first.json["id"] and changed.json["name"] == "Blue Fin SpA"
    assert [one["email"] for one in changed.json["contacts"]] == ["gia@bluefin.example"]
    assert ask("GET", "/customers").json["items"] == [changed.json]
    assert ask("GET", f"/customers/{first.json['id']}").json == changed.json
    wrong = {**sent, "contacts": [*sent["contacts"], {"name": "X", "email": "none"}]}
    answer = ask("POST", "/customers", wrong)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/contacts/1")
    with app.app_context():
        other = Caller(app.test_client(), token_for("mal", ["customers:read"]))
    assert other("GET", f"/customers/{first.json['id']}").status_code in (403, 404)
    assert other("GET", "/customers").json.get("items", []) == []
