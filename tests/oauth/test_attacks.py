"""What is tried against the flows: each attempt is refused, and ends what it should."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.audit.models import DirectoryEntry
from portal.kit import clock
from portal.kit.db import db
from portal.notices.models import DirectoryNotice
from portal.oauth import queries, rules
from portal.oauth.actions import end_client, forget_tokens
from portal.oauth.models import OAuthGrant, OAuthToken
from portal.oauth.rules import Kind
from tests import cast
from tests.oauth.conftest import BACK, Flow, register


def tokens(app: Flask, flow: Flow) -> dict[str, Any]:
    """Complete a flow."""
    found: dict[str, Any] = flow.redeem(app, flow.allow()["code"]).json
    return found


def renew(app: Flask, flow: Flow, token: str, **changes: Any) -> Any:
    """Use a refresh token as the program would."""
    form = {
        "grant_type": "refresh_token", "refresh_token": token, "client_id": flow.program.id,
        "client_secret": flow.program.secret, **changes,
    }  # fmt: skip
    return app.test_client().post(
        "/oauth/token", data={name: value for name, value in form.items() if value}
    )


def opens(token: str) -> bool:
    """Return whether an access token still opens anything."""
    return queries.access_of(token, at=clock.now()) is not None


def ended_why() -> list[str | None]:
    """Return why each grant ended."""
    db.session.rollback()
    return list(db.session.scalars(select(OAuthGrant.ended_why).order_by(OAuthGrant.id)))


def test_a_code_used_twice_ends_what_it_gave(context: Flask, flow: Callable[..., Flow]) -> None:
    one = flow("cleo")
    code = one.allow()["code"]
    first = one.redeem(context, code).json
    assert opens(first["access_token"])
    again = one.redeem(context, code)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    assert not opens(first["access_token"])
    assert renew(context, one, first["refresh_token"]).json["error"] == "invalid_grant"
    assert ended_why() == ["reuse"]


@pytest.mark.slow
def test_a_code_of_another_client_is_refused_and_ends(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    one, thief = flow("cleo"), register("cleo")
    code = one.allow()["code"]
    stolen = one.redeem(context, code, client_id=thief.id, client_secret=thief.secret)
    assert stolen.json["error"] == "invalid_grant"
    assert one.redeem(context, code).json["error"] == "invalid_grant"
    assert ended_why() == ["reuse"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 64}, {"code_verifier": None}, {"code_verifier": "short"},
        {"redirect_uri": BACK + "/"}, {"redirect_uri": None}, {"client_secret": "cps_wrong"},
        {"client_secret": None}, {"code": "cpc_wrong"}, {"grant_type": "password"},
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_code_alone_is_not_enough(
    context: Flask, flow: Callable[..., Flow], changes: dict[str, Any]
) -> None:
    one = flow("cleo")
    form = {"code": one.allow()["code"], **changes}
    answer = one.redeem(context, **form)
    assert answer.status_code in {400, 401} and "access_token" not in answer.json


def test_a_code_lives_one_minute(context: Flask, flow: Callable[..., Flow]) -> None:
    one = flow("cleo")
    code = one.allow()["code"]
    with time_machine.travel(clock.now() + rules.CODE_LIFE, tick=False):
        assert one.redeem(context, code).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_method": "plain"}, {"code_challenge_method": None},
        {"code_challenge": None}, {"code_challenge": "short"}, {"scope": "contracts:sign"},
        {"response_type": "token"}, {"response_type": "code token"},
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_bad_request_leads_back_with_an_error(
    flow: Callable[..., Flow], changes: dict[str, Any]
) -> None:
    one = flow("cleo")
    answer = one.ask(**changes)
    assert answer.status_code == 303
    location = answer.headers["Location"]
    assert location.startswith(BACK + "?") and "error=" in location and "state=s1" in location
    assert "code=" not in location.replace("error_description", "")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/back", BACK + "/", BACK + "?x=1", BACK.upper(), BACK + "#x",
        "https://crm.example/back/../other", "https://crm.example:443/back", "http://crm.example/back",
        "https://crm.example.evil.example/back", "https://crm.example@evil.example/back",
        "//crm.example/back", "", "javascript:alert(1)",
    ],
)  # fmt: skip
@pytest.mark.slow
def test_nobody_is_led_to_another_address(flow: Callable[..., Flow], address: str) -> None:
    one = flow("cleo")
    answer = one.ask(redirect_uri=address)
    assert answer.status_code == 400 and "Location" not in answer.headers
    pressed = one.client.post(
        "/oauth/authorize", data={**one.query(redirect_uri=address), "decision": "allow"}
    )
    assert pressed.status_code == 400 and "Location" not in pressed.headers


def test_two_addresses_in_one_request_are_refused(flow: Callable[..., Flow]) -> None:
    one = flow("cleo")
    query = [*one.query().items(), ("redirect_uri", "https://evil.example/")]
    answer = one.client.get("/oauth/authorize", query_string=query)
    assert answer.status_code == 400 and "Location" not in answer.headers


def test_a_refresh_token_used_twice_ends_the_family_and_tells_the_person(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    one = flow("cleo")
    first = tokens(context, one)
    second = renew(context, one, first["refresh_token"]).json
    assert opens(second["access_token"])
    assert renew(context, one, first["refresh_token"]).json["error"] == "invalid_grant"
    assert not opens(first["access_token"]) and not opens(second["access_token"])
    assert renew(context, one, second["refresh_token"]).json["error"] == "invalid_grant"
    assert ended_why() == ["reuse"]
    told = db.session.scalars(select(DirectoryNotice.event)).all()
    assert told == ["organisation:grant:reused"]
    ends = select(DirectoryEntry).where(DirectoryEntry.event == "organisation:grant:ended")
    assert len(db.session.scalars(ends).all()) == 1


def test_a_refresh_token_of_another_client_is_refused_and_ends(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    one, thief = flow("cleo"), register("cleo")
    first = tokens(context, one)
    stolen = renew(
        context, one, first["refresh_token"], client_id=thief.id, client_secret=thief.secret
    )
    assert stolen.json["error"] == "invalid_grant"
    assert not opens(first["access_token"])


def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_open(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    one = flow("cleo")
    first = tokens(context, one)
    assert renew(context, one, first["access_token"]).json["error"] == "invalid_grant"
    assert not opens(first["refresh_token"])
    assert opens(first["access_token"])


@pytest.mark.slow
def test_a_refresh_never_widens(context: Flask, flow: Callable[..., Flow]) -> None:
    one = flow("cleo")
    first = tokens(context, one)
    wider = renew(context, one, first["refresh_token"], scope="contracts:read log:read")
    assert wider.json["error"] == "invalid_scope"


def test_sixteen_at_once_with_one_code_get_one_answer(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    one = flow("cleo")
    code = one.allow()["code"]
    db.session.rollback()

    def press(_: int) -> int:
        status: int = one.redeem(context, code).status_code
        return status

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(press, range(16)))
    assert answers.count(200) == 1 and answers.count(400) == 15
    assert ended_why() == ["reuse"]


def test_a_program_of_another_organisation_is_not_found(
    flow: Callable[..., Flow], client_as: Callable[[str], FlaskClient]
) -> None:
    one = flow("cleo")
    stranger = Flow(client_as("mal"), one.program, one.verifier)
    assert stranger.ask().status_code == 404
    pressed = stranger.client.post("/oauth/authorize", data={**one.query(), "decision": "allow"})
    assert pressed.status_code == 404 and ended_why() == []


def test_denying_grants_nothing(flow: Callable[..., Flow]) -> None:
    assert flow("cleo").allow("deny")["error"] == "access_denied"
    assert ended_why() == []


def test_a_machine_has_no_consent_page_and_an_app_no_secret(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    machine = flow("cleo", register("cleo", Kind.MACHINE))
    assert machine.ask().status_code == 400
    app = flow("cleo", register("cleo", Kind.APP))
    form = {"grant_type": "client_credentials", "client_id": app.program.id}
    assert context.test_client().post("/oauth/token", data=form).status_code == 401


def test_tokens_end_with_client_grant_membership_and_time(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    one = flow("cleo")
    first = tokens(context, one)["access_token"]
    with time_machine.travel(clock.now() + rules.ACCESS_LIFE, tick=False):
        assert not opens(first)
    row = queries.token_of(first)
    assert row is not None
    member = row.grant.membership
    member.ended_at = clock.now()
    db.session.commit()
    assert not opens(first)
    member.ended_at = None
    db.session.commit()
    assert opens(first)
    end_client(cast.as_admin("cleo"), one.program.id, at=clock.now())
    assert not opens(first) and ended_why() == ["client_ended"]


def test_nothing_secret_is_stored_readably(context: Flask, flow: Callable[..., Flow]) -> None:
    one = flow("cleo")
    code = one.allow()["code"]
    told = one.redeem(context, code).json
    db.session.rollback()
    with db.engine.connect() as connection:
        text = "\n".join(connection.connection.driver_connection.iterdump())
    for secret in (code, told["access_token"], told["refresh_token"], one.program.secret):
        assert secret and secret not in text


def test_old_tokens_are_forgotten_and_unused_grants_end(
    context: Flask, flow: Callable[..., Flow]
) -> None:
    tokens(context, flow("cleo"))
    register("dov", Kind.MACHINE)
    assert forget_tokens(at=clock.now()) == 0
    later = clock.now() + rules.REFRESH_LIFE + timedelta(days=1)
    assert forget_tokens(at=later) == 3
    assert ended_why() == ["expired", None]
    assert db.session.scalars(select(OAuthToken)).all() == []
