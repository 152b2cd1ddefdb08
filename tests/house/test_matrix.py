"""Every route × every person × signed out, generated from the URL map, against the one table."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from portal.accounts.rules import PERMISSIONS, may
from portal.contracts.models import Contract
from tests import cast
from tests.conftest import THOROUGH

# Who asks, how, for which route, and what the table asks of them.
Asked = tuple[str, str, Rule, str]
MEMBERS = ("ada", "ben", "nia", "cleo", "dov", "lena")
SAMPLES = {
    "term": "D1",
    "catalogue_id": "0" * 26,
    "template_id": "0" * 26,
    "other_id": "0" * 26,
    "chapter": "D",
    "batch_ref": "eu-0000000000",
    "tier": "0",
    "number": "1",
    "customer_id": "0" * 26,
    "contact_id": "0" * 26,
    "file_id": "0" * 26,
    "item": "access",
    "measure_id": "0" * 26,
    "step": "metrics",
    "token": "x" * 43,
    "membership_id": "MEM" + "0" * 22 + "1",
    "sign_in_id": "0" * 64,
    "role": "legal",
    "kind": "notice_by",
    "review_id": "0" * 26,
    "action_id": "0" * 26,
    "feed_id": "0" * 26,
    "place": "eu",
    "notice_id": "0" * 26,
    "mail_id": "0" * 26,
    "change": "CHG-222222",
    "outage": "OUT-222222",
    "monitor": "0" * 26,
    "month": "2026-09",
    "kept": "0" * 26,
    "slot_id": "0" * 26,
    "request_id": "0" * 26,
    "client_id": "0" * 26,
    "grant_id": "0" * 26,
    "endpoint_id": "0" * 26,
    "delivery_id": "0" * 26,
    "intake_id": "0" * 26,
    "passkey_id": "0" * 26,
    "reset_id": "0" * 26,
    "change_id": "0" * 26,
    "turn_id": "0" * 26,
    "hold_id": "0" * 26,
}


# Public doors that lead back to sign-in when nobody is on their way in.
LEAD_BACK = {
    "accounts.challenge_passkey",
    "accounts.code",
    "accounts.give_code",
    "accounts.give_passkey",
    "accounts.give_recovery_code",
    "accounts.passkey",
    "accounts.recovery",
    "accounts.sign_out",
}


def routes(app: Flask) -> Iterator[tuple[str, Rule, str]]:
    """Yield (method, rule, needs) of every view."""
    for rule in app.url_map.iter_rules():
        # The API is asked by token: tests/api/test_matrix.py holds it to the table.
        operation = hasattr(app.view_functions[rule.endpoint], "operation")
        if rule.endpoint == "static" or operation:
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            view = app.view_functions[rule.endpoint]
            yield method, rule, view.needs  # type: ignore[attr-defined]


def address(app: Flask, rule: Rule, ref: str) -> str:
    """Return the address of a route for one contract."""
    values = {name: SAMPLES.get(name, ref) for name in rule.arguments}
    with app.test_request_context():
        return app.url_for(rule.endpoint, **values)


@pytest.fixture
def ref(contract: Contract) -> str:
    """The reference of a draft of Northwind and Harbour."""
    return contract.id


@pytest.mark.slow
@pytest.mark.both_engines
def test_signed_out_every_private_route_leads_to_sign_in(app: Flask, ref: str) -> None:
    wrong = []
    for method, rule, needs in routes(app):
        answer = app.test_client().open(address(app, rule, ref), method=method)
        to_sign_in = answer.status_code == 303 and "/sign-in" in answer.headers["Location"]
        if to_sign_in != (needs != "public" or rule.endpoint in LEAD_BACK):
            wrong.append((method, rule.rule, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("person", ["mal", "op"])
@pytest.mark.slow
@pytest.mark.both_engines
def test_a_stranger_finds_nothing_of_a_contract(
    app: Flask, ref: str, client_as: Callable[[str], FlaskClient], person: str
) -> None:
    client, found = client_as(person), []
    for method, rule, _ in routes(app):
        if "ref" in rule.arguments:
            answer = client.open(address(app, rule, ref), method=method)
            if answer.status_code != 404:
                found.append((method, rule.rule, answer.status_code))
    assert found == []


def answers_otherwise(
    app: Flask, ref: str, client_as: Callable[[str], FlaskClient], asked: Iterable[Asked]
) -> list[tuple[str, str, str, str, int]]:
    """Return the questions that were answered otherwise than the table says."""
    wrong = []
    for person, method, rule, needs in asked:
        client = client_as(person)
        answer = client.open(address(app, rule, ref), method=method, buffered=True)
        status = answer.status_code
        if status >= 500 or (status == 403) == may(cast.actor(person), needs):
            wrong.append((person, method, rule.rule, needs, status))
    return wrong


def asked_for(app: Flask, *people: str) -> Iterator[Asked]:
    """Yield every route that the table rules over, for each of these people."""
    for method, rule, needs in routes(app):
        if needs in PERMISSIONS:
            yield from ((person, method, rule, needs) for person in people)


@pytest.mark.parametrize("person", MEMBERS)
@pytest.mark.slow
@pytest.mark.both_engines(person=set(MEMBERS) if THOROUGH else set())
def test_a_party_may_do_what_the_table_says(
    app: Flask, ref: str, client_as: Callable[[str], FlaskClient], person: str
) -> None:
    assert answers_otherwise(app, ref, client_as, asked_for(app, person)) == []


@pytest.mark.slow
@pytest.mark.postgres_only
def test_on_postgresql_each_route_is_shown_to_one_who_may_and_one_who_may_not(
    app: Flask, ref: str, client_as: Callable[[str], FlaskClient]
) -> None:
    """Everybody has their turn; COUNTERPART_THOROUGH=1 asks every route for every one of them."""
    asked: list[Asked] = []
    for number, one in enumerate(asked_for(app, "")):
        turned = MEMBERS[number % len(MEMBERS) :] + MEMBERS[: number % len(MEMBERS)]
        for wanted in (True, False):
            chosen = [key for key in turned if may(cast.actor(key), one[3]) is wanted]
            asked += [(key, *one[1:]) for key in chosen[:1]]
    assert {one[0] for one in asked} == set(MEMBERS)
    assert answers_otherwise(app, ref, client_as, asked) == []
