"""What a stranger learns and can do at the doors of machines, providers and files."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from portal.accounts import actions, gate, passwords
from portal.accounts.actions import reserve
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import CodeNeeded, NotAllowed, Refused
from portal.kit.headers import CSP
from portal.residency.stores import StoreAway
from tests import cast
from tests.house.test_hardening import ALWAYS, HTTPS, NEVER, safe
from tests.oauth.conftest import register

__all__ = ["safe"]

pytestmark = pytest.mark.slow
ADA = cast.actor("ada")
NOBODY = "nobody@x.example"
TOO_MANY = 10  # the limit of tries in five minutes


# Who exists: the same answer, and the same work.


class Work:
    """Counts what is asked of the database, and how often a password is hashed."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        self.hashed = 0
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", self._note)
        real = passwords.is_right

        def counted(stored: str | None, password: str) -> bool:
            self.hashed += 1
            return real(stored, password)

        monkeypatch.setattr(passwords, "is_right", counted)

    def _note(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self.statements.append(" ".join(statement.split()[:6]))

    def of(self, ask: Callable[[], Any]) -> tuple[int, list[str], int, dict[str, str], str]:
        """Return what an answer is, and what was done for it."""
        self.statements.clear()
        self.hashed = 0
        answer = ask()
        headers = {k: v for k, v in answer.headers.items() if k not in {"Set-Cookie", "Date"}}
        text = re.sub(r'name="csrf_token"[^>]*>', "", answer.text)
        return answer.status_code, [*self.statements], self.hashed, headers, text


def test_a_sign_in_tells_nobody_who_has_an_account(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(app, monkeypatch)

    def knock(email: str) -> Any:
        typed = {"email": email, "password": "not the password"}
        return work.of(lambda: app.test_client().post("/sign-in", data=typed))

    for email in (ADA.email, NOBODY):  # the first of each begins a count and a chain
        knock(email)
    known, unknown = knock(ADA.email), knock(NOBODY)
    assert known[0] == 422 and known[2] == unknown[2] == 1
    assert known[1] == unknown[1] and known[1]
    assert known[4].replace(ADA.email, "") == unknown[4].replace(NOBODY, "")
    lengths = [int(one[3].pop("Content-Length")) for one in (known, unknown)]
    assert lengths[0] - lengths[1] == len(ADA.email) - len(NOBODY) and known[3] == unknown[3]


def test_the_token_door_tells_nobody_which_programs_there_are(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, work = register("cleo").id, Work(context, monkeypatch)
    for door, form in (
        ("/oauth/token", {"grant_type": "authorization_code", "code": "cpc_x"}),
        ("/oauth/token", {"grant_type": "client_credentials"}),
        ("/oauth/revocation", {"token": "cpa_x"}), ("/oauth/introspection", {"token": "cpa_x"}),
    ):  # fmt: skip
        for way in ("post", "basic", "none"):
            answers = []
            for client_id in (known, "0" * 26):
                named = {"client_id": client_id} if way != "basic" else {}
                secret = {"client_secret": "cps_wrong"} if way == "post" else {}
                auth = (client_id, "cps_wrong") if way == "basic" else None
                answers.append(
                    work.of(
                        lambda d=door, f=form | named | secret, a=auth: context.test_client().post(
                            d, data=f, auth=a
                        )
                    )
                )
            assert answers[0] == answers[1], (door, way)
            assert answers[0][0] == 401, (door, way)


def test_the_consent_page_finds_no_program_of_others_and_none_that_is_not(
    context: Flask, client_as: Callable[[str], FlaskClient]
) -> None:
    mal, known = client_as("mal"), register("cleo").id
    for method in ("GET", "POST"):
        asked = [
            mal.open("/oauth/authorize", method=method, **{sent: {"client_id": one, "x": "y"}})
            for one in (known, "0" * 26)
            for sent in (("query_string",) if method == "GET" else ("data",))
        ]
        assert [one.status_code for one in asked] == [404, 404]
        assert asked[0].text == asked[1].text


# Whom a stranger can lock out: nobody where they were before.


def test_no_stranger_locks_out_a_signer_in_their_own_browser(context: Flask) -> None:
    own, now = context.test_client(), clock.now()
    right = {"email": ADA.email, "password": cast.PASSWORD}
    assert own.post("/sign-in", data=right).status_code == 303
    for _ in range(TOO_MANY):  # from everywhere, and from behind the address the signer is at now
        reserve({"password:account": ADA.email, "password:address": "198.51.100.7"}, at=now)
    there = {"REMOTE_ADDR": "198.51.100.7"}
    stranger = context.test_client().post("/sign-in", data=right, environ_overrides=there)
    assert stranger.status_code == 429
    assert own.post("/sign-in", data=right, environ_overrides=there).status_code == 303
    # Their own browser is counted too: whoever takes it has no more tries than others.
    kept = own.get_cookie("device")
    assert kept is not None
    for _ in range(TOO_MANY):
        reserve({"password:account": f"{ADA.email}|browser|{gate.key_of(kept.value)}"}, at=now)
    assert own.post("/sign-in", data=right).status_code == 429


def test_wrong_codes_of_others_behind_one_address_keep_nobody_from_signing(context: Flask) -> None:
    now, at_work = clock.now(), "198.51.100.8"
    for key in ("ben", "cleo", "dov"):
        for _ in range(5):
            actions.spend_code(
                cast.actor(key).person_id, "000000", at=now, purpose="sign_in", address=at_work
            )
    code = cast.code("ada", now)
    assert actions.spend_code(
        ADA.person_id, code, at=now, purpose="sign", address=at_work
    ).accepted  # fmt: skip


# What no text holds.


def test_a_zero_byte_is_refused_before_any_database_is_asked(
    client_as: Callable[[str], FlaskClient], app: Flask
) -> None:
    client, anyone = client_as("dov"), app.test_client()
    assert anyone.post("/oauth/token", data={"client_id": "a\0b"}).status_code == 400
    assert anyone.post("/sign-in", data={"email": "a\0@x.example"}).status_code == 400
    for address in ("/contracts?q=%00", "/sign-in?%00=1"):
        assert client.get(address).status_code == 400, address
    for address in ("/contracts/eu-%00", "/invitations/%00"):
        assert client.get(address).status_code == 404, address


def test_a_field_takes_what_it_is_for_and_no_json_is_a_form(
    client_as: Callable[[str], FlaskClient], app: Flask
) -> None:
    """A file where a text belongs, a text where a file belongs, JSON for a form: a form's error."""
    ada, anyone = client_as("ada"), app.test_client()
    assert anyone.post("/verify", data={"file": "a text"}).status_code == 422
    as_files = {
        name: (io.BytesIO(b"x"), "x.csv")
        for name in ("email", "password", "sheet", "title", "name", "sha256", "content", "address")
    }
    for client, address in (
        (anyone, "/sign-in"), (anyone, "/verify"), (ada, "/batches"), (ada, "/customers"),
        (ada, "/contracts/from-terms"), (ada, "/organisation/webhooks"),
    ):  # fmt: skip
        sent = {name: (io.BytesIO(one[0].getvalue()), one[1]) for name, one in as_files.items()}
        answer = client.post(address, data=sent, content_type="multipart/form-data")
        assert answer.status_code in {403, 422}, address
        listed = client.post(address, json={"email": [1], "password": {"a": 1}, "sha256": 3})
        assert listed.status_code in {403, 422}, address


def test_a_report_of_a_broken_policy_is_taken_in_any_shape_and_bounded(app: Flask) -> None:
    client = app.test_client()
    for body in (b" ", b"[" * 9_000, b"null", b'{"csp-report":7}', b"\xff", b'{"csp-report":{}}'):
        assert client.post("/policy-report", data=body).status_code == 204
    assert client.post("/policy-report", data=b"x" * 16_001).status_code == 413
    assert "report-uri /policy-report" in CSP


# What each refusal carries.


DOORS = (
    ("POST", "/oauth/token", None, 400), ("GET", "/oauth/token", None, 405),
    ("POST", "/oauth/introspection", None, 401), ("GET", "/oauth/authorize", "ada", 400),
    ("POST", "/oauth/authorize", "ada", 400), ("GET", "/sign-in/with/none", None, 404),
    ("GET", "/sign-in/with/none/return?code=x", None, 404), ("POST", "/verify", None, 422),
    ("GET", "/verify?x=%00", None, 400), ("POST", "/invitations/xxxx", None, 404),
    ("GET", "/unsubscribe/xxxx", None, 404), ("POST", "/customers", "ada", 422),
    ("POST", "/batches", "ada", 422), ("POST", "/contracts/from-terms", "ada", 422),
    ("POST", "/organisation/webhooks", "ben", 403), ("POST", "/api/v1/contracts", None, 401),
    ("DELETE", "/api/v1/contracts", None, 405), ("POST", "/contracts/eu-X/monitor", None, 404),
)  # fmt: skip


def test_every_refusal_at_these_doors_carries_every_header(
    safe: Flask, app: Flask, client_as: Callable[[str], FlaskClient]
) -> None:
    cookies = {key: client_as(key).get_cookie("sid") for key in ("ada", "ben")}
    for method, address, who, status in DOORS:
        client = safe.test_client()
        if kept := cookies.get(who or ""):
            client.set_cookie("__Host-sid", kept.value, domain="contracts.example", secure=True)
        answer = client.open(address, method=method, **HTTPS)
        assert answer.status_code == status, address
        demand_headers(answer)


def test_what_is_too_large_too_often_broken_or_away_carries_them_too(safe: Flask) -> None:
    client = safe.test_client()
    large = client.post("/verify", data={"sha256": "0" * 9_000_000}, **HTTPS)
    with safe.app_context():
        for _ in range(30):
            reserve({"verify:address": "127.0.0.1"}, at=clock.now())
    often = client.post("/verify", data={"sha256": "0" * 64}, **HTTPS)
    unread = client.post("/api/v1/contracts", data="x", content_type="text/xml", **HTTPS)
    safe.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=False)
    answers = [large, often, unread]
    for kind in (RuntimeError("x"), StoreAway("x"), CodeNeeded(), Refused("x"), NotAllowed("x")):

        def fails(kind: Exception = kind) -> None:
            raise kind

        fails.needs = "public"  # type: ignore[attr-defined]
        safe.view_functions["evidence.verify"] = fails
        answers.append(client.post("/verify", **HTTPS))
    found = [one.status_code for one in answers]
    assert found == [413, 429, 401, 500, 503, 303, 409, 403]
    for answer in answers:
        demand_headers(answer)


def demand_headers(answer: Any) -> None:
    assert answer.headers["Content-Security-Policy"].replace(" https://x", "") == CSP
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert [name for name in NEVER if name in answer.headers] == []
    assert "no-store" in answer.headers["Cache-Control"] and answer.content_type
    assert "camera=()" in answer.headers["Permissions-Policy"]
