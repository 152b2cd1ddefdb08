"""The risk of all contracts: complete, the worst first, and as cheap for many as for few."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit import clock
from portal.residency.databases import Regions
from portal.statements import actions, queries
from portal.statements.rules import risk as rules
from portal.statements.rules.month import Month
from tests import cast
from tests.changes import works
from tests.conftest import make_contract
from tests.incidents import desk

TERMS = works.terms_with({"K16": "no"})


def running(eu: Session, regions: Regions, title: str) -> Contract:
    """A contract two months in force, with something of everything that a risk rests on."""
    contract, now = make_contract(eu, regions, title=title), clock.now()
    month = Month.of(now, TERMS)
    begin = month.plus(-2).bounds(TERMS)[0]
    terms = works.terms_with({"K16": "no", "A5": begin.date().isoformat()})
    desk.put_in_force(eu, contract, terms, at=begin - timedelta(days=3))
    actions.issue(eu, contract, month.plus(-2), at=month.plus(-1).bounds(TERMS)[0])
    desk.reported(eu, contract, at=now - timedelta(days=1), severity="S1", is_security=True)
    works.outage(eu, contract, begin=now - timedelta(hours=9), minutes=30, at=now)
    works.announced(eu, contract, works.plan(now + timedelta(days=20)), at=now - timedelta(days=2))
    desk.settle(eu)
    return contract


def cost(app: Flask, client: FlaskClient, address: str) -> int:
    """How many rows are asked for; how often a connection opens a transaction is its own affair."""
    seen: list[str] = []
    engines = [one.engine for one in app.extensions["regions"].databases.values()]
    count = lambda *a: seen.append(a[2])  # noqa: E731
    for engine in engines:
        event.listen(engine, "before_cursor_execute", count)
    assert client.get(address).status_code == 200
    for engine in engines:
        event.remove(engine, "before_cursor_execute", count)
    return sum(said.startswith("SELECT") for said in seen)


@pytest.mark.slow
def test_the_risk_of_many_contracts_costs_as_many_queries_as_that_of_one(
    app: Flask, eu: Session, regions: Regions, client_as: Callable[[str], FlaskClient]
) -> None:
    client = client_as("ada")
    running(eu, regions, "Contract 0")
    one = cost(app, client, "/risk")
    for number in range(1, 4):
        running(eu, regions, f"Contract {number}")
    assert cost(app, client, "/risk") == one
    page = unescape(client.get("/risk").text)
    assert all(f"Contract {number}" in page for number in range(4))


@pytest.mark.slow
def test_all_contracts_are_shown_the_worst_first_and_can_be_narrowed(
    eu: Session, regions: Regions, client_as: Callable[[str], FlaskClient]
) -> None:
    now = clock.now()
    for number in range(8):
        contract = make_contract(eu, regions, title=f"Quiet {number}")
        desk.put_in_force(eu, contract, TERMS, at=now - timedelta(days=5))
    bad = make_contract(eu, regions, title="Loud")
    desk.put_in_force(eu, bad, TERMS, at=now - timedelta(days=5))
    works.outage(eu, bad, begin=now - timedelta(hours=3), minutes=None, at=now)
    desk.settle(eu)
    client = client_as("cleo")
    page = unescape(client.get("/risk").text)
    assert page.count("Quiet ") == 8 and page.index("Loud") < page.index("Quiet ")
    assert "All 9" in page and "Act 1" in page and "Clear 8" in page
    only = unescape(client.get("/risk?state=bad").text)
    assert "Loud" in only and "Quiet " not in only
    assert "No contract stands so" in client.get("/risk?state=watch").text
    assert "Quiet" not in client_as("mal").get("/risk").text


@pytest.mark.slow
def test_one_contract_and_all_of_them_say_the_same(
    eu: Session, regions: Regions, client_as: Callable[[str], FlaskClient]
) -> None:
    contract, now = running(eu, regions, "CRM"), clock.now()
    other = running(eu, regions, "Other")
    both = queries.risks_among(eu, cast.actor("ada"), [contract.id, other.id], now=now)
    alone = queries.risks_among(eu, cast.actor("ada"), [contract.id], now=now)
    assert both[contract.id] == alone[contract.id]
    assert [one.key for one in alone[contract.id]] == list(rules.NAMES)
    assert queries.risks_among(eu, cast.actor("mal"), [contract.id], now=now) == {}
    month = queries.compute(eu, contract, Month.of(now, TERMS), known_at=now)
    shown = next(one for one in alone[contract.id] if one.key == "interruption")
    assert shown.note.startswith(month.figures["uptime"][0]["shown"])
    desk.settle(eu)
