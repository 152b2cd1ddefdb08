"""What the administrator and the person read and press."""

import re
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.gate import safe_next
from portal.audit.models import DirectoryEntry
from portal.kit import clock
from portal.kit.db import db
from portal.oauth import queries
from portal.oauth.models import OAuthClient
from tests.oauth.conftest import BACK, Flow, register


def events() -> list[str]:
    """Return the entries about programs and grants, oldest first."""
    db.session.rollback()
    found = db.session.scalars(select(DirectoryEntry.event).order_by(DirectoryEntry.at)).all()
    return [event for event in found if ":client:" in event or ":grant:" in event]


def test_an_administrator_registers_a_program_and_sees_its_secret_once(
    context: Flask, client_as: Callable[[str], FlaskClient]
) -> None:
    dov = client_as("dov")
    assert "No programs yet" in dov.get("/organisation/clients").get_data(as_text=True)
    form = {"name": "CRM link", "kind": "web", "addresses": BACK, "scopes": ["contracts:read"]}
    made = dov.post("/organisation/clients", data=form)
    secret = re.search(r"cps_[\w-]{43}", made.get_data(as_text=True))
    assert made.status_code == 200 and secret
    row = db.session.scalars(select(OAuthClient)).one()
    shown = dov.get(f"/organisation/clients/{row.id}").get_data(as_text=True)
    assert BACK in shown and secret[0] not in shown
    renewed = dov.post(f"/organisation/clients/{row.id}/secret").get_data(as_text=True)
    assert "cps_" in renewed and secret[0] not in renewed
    assert dov.post(f"/organisation/clients/{row.id}/end").status_code == 303
    assert dov.post(f"/organisation/clients/{row.id}/secret").status_code == 409
    assert events() == [
        "organisation:client:added", "organisation:client:secret_renewed",
        "organisation:client:ended",
    ]  # fmt: skip


def test_a_bad_address_is_named_beside_its_field_and_leaves_nothing(
    context: Flask, client_as: Callable[[str], FlaskClient]
) -> None:
    form = {
        "name": "CRM",
        "kind": "web",
        "addresses": "http://crm.example/",
        "scopes": ["log:read"],
    }
    answer = client_as("dov").post("/organisation/clients", data=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "use https" in text and "http://crm.example/" in text
    assert db.session.scalars(select(OAuthClient)).all() == [] and events() == []


def test_the_consent_page_says_who_and_what_and_lets_the_form_lead_there(
    flow: Callable[..., Flow],
) -> None:
    answer = flow("cleo").ask(scope="contracts:read incidents:write")
    text = answer.get_data(as_text=True)
    assert "CRM link" in text and "Report incidents" in text and "never sign" in text
    policy = answer.headers["Content-Security-Policy"]
    assert "form-action 'self' https://crm.example;" in policy


def test_signing_in_leads_back_to_the_consent_page(app: Flask) -> None:
    with app.test_request_context():
        asked = "/oauth/authorize?client_id=x&redirect_uri=https%3A%2F%2Fcrm.example%2Fback"
        assert safe_next(asked) == asked
        assert safe_next("/%2F%2Fevil.example/?x") == "/"


def test_a_person_sees_what_acts_for_them_and_takes_it_back(
    context: Flask, flow: Callable[..., Flow], client_as: Callable[[str], FlaskClient]
) -> None:
    one = flow("cleo")
    token = one.redeem(context, one.allow()["code"]).json["access_token"]
    page = one.client.get("/security/applications").get_data(as_text=True)
    assert "CRM link" in page and "Read contracts" in page
    row = queries.token_of(token)
    assert row is not None
    taken, grant_id = f"/security/applications/{row.grant_id}/end", row.grant_id
    db.session.rollback()
    assert client_as("mal").post(taken).status_code == 404
    assert client_as("lena").post(taken).status_code == 403
    assert one.client.post(taken).status_code == 303
    assert queries.access_of(token, at=clock.now()) is None
    assert "No program acts for you" in one.client.get("/security/applications").get_data(
        as_text=True
    )
    assert events().count("organisation:grant:ended") == 1
    assert one.client.post(taken).status_code == 303 and grant_id
    assert events().count("organisation:grant:ended") == 1


def test_an_administrator_ends_what_a_member_granted(
    context: Flask, flow: Callable[..., Flow], client_as: Callable[[str], FlaskClient]
) -> None:
    one = flow("cleo", register("dov"))
    token = one.redeem(context, one.allow()["code"]).json["access_token"]
    row = queries.token_of(token)
    assert row is not None
    address = f"/organisation/clients/{one.program.id}/grants/{row.grant_id}/end"
    db.session.rollback()
    assert client_as("dov").post(address).status_code == 303
    assert queries.access_of(token, at=clock.now()) is None
