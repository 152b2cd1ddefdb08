"""Signing in with a provider: who gets in, who does not, and what an attacker tries on the way."""

import base64
import hashlib
import inspect
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import actions
from portal.accounts.models import Invitation, Person, ProviderLink, SignIn
from portal.accounts.oidc import Pending, ProviderAway, Providers
from portal.accounts.rules import link_problem
from portal.app import create_app
from portal.audit.queries import lines
from portal.kit import clock
from portal.kit.db import db
from portal.kit.refs import new_id
from portal.notices.models import DirectoryMail
from portal.settings.rules import BadSetting, settings_from
from tests import cast
from tests.accounts import provider
from tests.conftest import Browser, close
from tests.door import Door
from tests.journeys.conftest import free_port

pytestmark = pytest.mark.slow
ADA, CLIENT = "PER" + "1".zfill(23), "counterpart"
EMAIL = "ada@northwind.example"


@pytest.fixture(scope="module")
def behind() -> Iterator[str]:
    """The provider."""
    with provider.serving(free_port()) as address:
        yield address


@pytest.fixture(scope="module")
def door(behind: str) -> Iterator[Door]:
    """A door before the provider: it is known by the address of this door."""
    one = Door(behind)
    yield one
    one.close()


@pytest.fixture
def app(home: Path, door: Door) -> Iterator[Flask]:
    """A portal that knows the provider under two names, and has never asked it."""
    rows = [
        {"name": name, "label": name.title(), "issuer": door.address, "client_id": CLIENT}
        for name in ("example", "other")
    ]
    secrets = {"COUNTERPART_OIDC_EXAMPLE_SECRET": "s", "COUNTERPART_OIDC_OTHER_SECRET": "s"}
    door.set("open")
    app = create_app(settings_from(home, {"oidc": rows}, secrets))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.test_client_class = Browser
    yield app
    close(app)


@pytest.fixture
def eve(app: Flask) -> str:
    """Somebody without codes."""
    with app.app_context():
        return actions.create_person("eve@x.example", "Eve", cast.PASSWORD, clock.now()).id


def account(door: Door, subject: str, email: str, **claims: object) -> str:
    """Make an account at the provider whose address is verified, unless it says otherwise."""
    provider.keep(door.address, subject, **{"email": email, "email_verified": True, **claims})
    return subject


def leave(client: FlaskClient, name: str = "example", target: str = "") -> str:
    answer = client.get(f"/sign-in/with/{name}" + (f"?next={target}" if target else ""))
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def through(client: FlaskClient, subject: str, name: str = "example", target: str = "") -> Any:
    """Go to the provider, say yes there, come back."""
    return client.get(provider.agree(leave(client, name, target), subject))


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def nobody_is_in(app: Flask, client: FlaskClient, answer: Any) -> None:
    """An attempt that fails leaves no session, no link, no entry, and the door with its reason."""
    assert answer.status_code == 403 and "Sign in" in answer.text
    assert client.get_cookie("sid") is None
    with app.app_context():
        assert db.session.scalars(select(SignIn)).all() == []
        assert db.session.scalars(select(ProviderLink)).all() == []


# the way in


def test_somebody_without_codes_is_in_and_their_account_is_linked_and_told(
    app: Flask, door: Door, eve: str
) -> None:
    client = app.test_client()
    subject = account(door, "eve-1", "Eve@X.example")
    page = client.get("/sign-in?next=/security").text
    assert 'href="/sign-in/with/example?next=/security"' in page and "Sign in with Other" in page
    answer = through(client, subject, target="/security")
    assert (answer.status_code, answer.location) == (303, "/security")
    assert client.get_cookie("provider") is None
    security = words(client.get("/security"))
    assert "Accounts that open this one" in security and "Remove the account at" in security
    assert "Example" in words(client.get("/security/history"))
    with app.app_context():
        events = [(line.event, line.facts) for line in lines(db.session(), eve)][-2:]
        assert [event for event, _ in events] == [
            "person:provider:linked",
            "person:sign_in:started",
        ]
        assert events[1][1]["means"] == "example"
        mail = db.session.scalars(select(DirectoryMail)).one()
        assert mail.recipient == "eve@x.example" and "An account elsewhere" in mail.subject
        assert "eve-1" not in mail.text
    assert through(app.test_client(), subject).location == "/"
    with app.app_context():
        assert len(db.session.scalars(select(ProviderLink)).all()) == 1


def test_a_provider_never_stands_in_for_a_code(app: Flask, door: Door) -> None:
    client = app.test_client()
    answer = through(client, account(door, "ada-1", EMAIL), target="/security")
    assert answer.location == "/sign-in/code?next=/security"
    for path in ("/", "/contracts", "/security"):
        assert client.get(path).location.startswith("/sign-in/code"), path
    with app.app_context():
        row = db.session.scalars(select(SignIn)).one()
        assert (row.mfa_at, row.means) == (None, "example")
    code = cast.code("ada", clock.now())
    answer = client.post("/sign-in/code", data={"code": code, "next": "/security"})
    assert answer.location == "/security"
    with app.app_context():
        full = db.session.scalars(select(SignIn).where(SignIn.ended_at.is_(None))).one()
        assert full.mfa_at is not None and full.means == "example"


def test_what_is_asked_holds_state_nonce_and_a_challenge_and_the_verifier_is_sent(
    app: Flask, door: Door, eve: str
) -> None:
    client = app.test_client()
    there = leave(client)
    asked, pending = provider.asked(there), unsealed(app, client)
    assert asked["state"] == pending.state and asked["nonce"] == pending.nonce
    assert len({pending.state, pending.nonce, pending.verifier}) == 3
    digest = hashlib.sha256(pending.verifier.encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert asked["scope"] == "openid email"
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/sign-in/with/example/return"
    door.heard.clear()
    assert client.get(provider.agree(there, account(door, "eve-1", "eve@x.example"))).location
    assert f"code_verifier={pending.verifier}".encode() in bytes(door.heard)


def unsealed(app: Flask, client: FlaskClient, name: str = "example") -> Pending:
    cookie = client.get_cookie("provider")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Lax"
    plain = app.extensions["directory_cipher_of"]("provider").open(
        base64.urlsafe_b64decode(cookie.value), context=f"provider|{name}"
    )
    return Pending(**json.loads(plain))


# whom it does not let in


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email_verified": False}, "is verified"),
        ({"email_verified": "false"}, "is verified"),
        ({"email_verified": None}, "is verified"),
        ({"email": ""}, "is verified"),
        ({"email": "nobody@x.example"}, "Nobody here has the address"),
        ({"email": "invited@x.example"}, "Open the invitation"),
        ({"email": "gone@x.example"}, "Nobody here has the address"),
        ({"iss": "https://elsewhere.example"}, "did not sign you in"),
        ({"aud": "another"}, "did not sign you in"),
        ({"aud": [CLIENT, "another"]}, "did not sign you in"),
        ({"nonce": "another"}, "did not sign you in"),
        ({"exp": 1}, "did not sign you in"),
        ({"iat": 4_102_444_800}, "did not sign you in"),
    ],
)
def test_what_a_provider_says_must_be_verified_and_meant_for_us(
    app: Flask, door: Door, claims: dict[str, object], said: str
) -> None:
    with app.app_context():
        now = clock.now()
        gone = actions.create_person("gone@x.example", "Gone", cast.PASSWORD, now)
        gone.deactivated_at = now
        db.session.add(
            Invitation(
                id=new_id(now), email="invited@x.example", name="I", roles="viewer",
                organisation_id="ORG" + "1".zfill(23), token_hash="0" * 64, invited_by=ADA,
                created_at=now, expires_at=now + timedelta(hours=1),
            )
        )  # fmt: skip
        db.session.commit()
    client = app.test_client()
    answer = through(client, account(door, "odd", **{"email": EMAIL, **claims}))
    nobody_is_in(app, client, answer)
    assert said in words(answer)


def test_another_account_with_the_same_address_does_not_get_in(
    app: Flask, door: Door, eve: str
) -> None:
    mine, client = app.test_client(), app.test_client()
    assert through(mine, account(door, "eve-1", "eve@x.example")).status_code == 303
    answer = through(client, account(door, "eve-2", "eve@x.example"))
    assert answer.status_code == 403 and "not the one that was used" in words(answer)
    assert client.get_cookie("sid") is None
    # Nor does the first account open somebody else's, once its address says so.
    answer = through(client, account(door, "eve-1", EMAIL))
    assert answer.status_code == 403 and client.get_cookie("sid") is None
    with app.app_context():
        (link,) = db.session.scalars(select(ProviderLink)).all()
        assert (link.person_id, link.subject) == (eve, "eve-1")
    assert mine.post(f"/security/providers/{link.id}/removal").location == "/security"
    assert through(client, account(door, "eve-2", "eve@x.example")).status_code == 303
    assert mine.post(f"/security/providers/{link.id}/removal").status_code == 404


# on the way


def test_a_state_that_is_not_this_browsers_opens_nothing(app: Flask, door: Door, eve: str) -> None:
    subject = account(door, "eve-1", "eve@x.example")
    attacker, victim = app.test_client(), app.test_client()
    back = provider.agree(leave(attacker), subject)
    nobody_is_in(app, victim, victim.get(back))
    leave(victim)
    nobody_is_in(app, victim, victim.get(back))
    leave(attacker)
    nobody_is_in(app, attacker, attacker.get(back.replace("state=", "state=x")))


def test_an_answer_of_one_provider_is_not_taken_as_anothers(
    app: Flask, door: Door, eve: str
) -> None:
    subject, client = account(door, "eve-1", "eve@x.example"), app.test_client()
    back = provider.agree(leave(client, "other"), subject)
    nobody_is_in(app, client, client.get(back.replace("/other/", "/example/")))
    back = provider.agree(leave(client), subject) + "&iss=https://elsewhere.example"
    nobody_is_in(app, client, client.get(back))


def test_an_answer_counts_once_and_for_ten_minutes(app: Flask, door: Door, eve: str) -> None:
    subject, client = account(door, "eve-1", "eve@x.example"), app.test_client()
    back = provider.agree(leave(client), subject)
    kept = client.get_cookie("provider")
    assert kept is not None and client.get(back).status_code == 303
    thief = app.test_client()
    assert thief.get(back).status_code == 403
    # Even with the browser's own cookie: the provider takes a code once.
    thief.set_cookie("provider", kept.value)
    assert thief.get(back).status_code == 403 and thief.get_cookie("sid") is None
    late = app.test_client()
    back = provider.agree(leave(late), subject)
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False):
        assert late.get(back).status_code == 403


@pytest.mark.parametrize("manner", ["denied", "nothing", "made up"])
def test_an_answer_without_a_good_code_opens_nothing(app: Flask, door: Door, manner: str) -> None:
    client = app.test_client()
    state = provider.asked(leave(client))["state"]
    more = {"denied": "&error=access_denied", "nothing": "", "made up": "&code=x"}[manner]
    nobody_is_in(app, client, client.get(f"/sign-in/with/example/return?state={state}{more}"))


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/%2f%2fevil.example", "/\\evil.example"]
)
def test_the_way_on_stays_in_the_portal(app: Flask, door: Door, eve: str, target: str) -> None:
    client = app.test_client()
    answer = through(client, account(door, "eve-1", "eve@x.example"), target=target)
    assert answer.location == "/"


def test_a_provider_that_is_away_leaves_the_password(app: Flask, door: Door, eve: str) -> None:
    client = app.test_client()
    back = provider.agree(leave(client), account(door, "eve-1", "eve@x.example"))
    door.set("shut")
    answer = client.get(back)
    assert answer.status_code == 503 and "Use your password" in words(answer)
    app.extensions["providers"]._said.clear()
    answer = client.get("/sign-in/with/example")
    assert answer.status_code == 503 and "Example does not answer now" in words(answer)
    assert door.address not in answer.text
    login = {"email": "eve@x.example", "password": cast.PASSWORD}
    assert client.post("/sign-in", data=login).status_code == 303


def test_a_provider_that_calls_itself_otherwise_is_not_asked_further(
    home: Path, behind: str, door: Door
) -> None:
    """The mock calls itself by the address it is asked at; here the settings name it otherwise."""
    door.set("open")
    named = door.address + "/"
    row = {"name": "example", "issuer": named, "client_id": CLIENT}
    settings = settings_from(home, {"oidc": [row]}, {})
    with pytest.raises(ProviderAway, match="another issuer"):
        Providers(settings.providers).begin(
            settings.providers["example"], back="http://x", target="/", at=clock.now()
        )


# a new browser


def test_a_browser_that_never_got_in_is_told_to_the_owner(app: Flask, door: Door) -> None:
    def come_in(client: FlaskClient, minutes: int) -> None:
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            client.post("/sign-in", data={"email": EMAIL, "password": cast.PASSWORD})
            code = cast.code("ada", clock.now())
            assert client.post("/sign-in/code", data={"code": code}).status_code == 303

    def told() -> int:
        with app.app_context():
            found = select(DirectoryMail).where(DirectoryMail.event == "person:device:new")
            return len(db.session.scalars(found).all())

    start = clock.now()
    home, away = app.test_client(), app.test_client()
    come_in(home, 1)
    assert told() == 0
    home.post("/sign-out")
    come_in(home, 2)
    assert told() == 0
    # Whoever has the password alone makes no browser known by it.
    with time_machine.travel(start + timedelta(minutes=3), tick=False):
        away.post("/sign-in", data={"email": EMAIL, "password": cast.PASSWORD})
    assert told() == 0
    come_in(away, 4)
    assert told() == 1
    away.post("/sign-out")
    come_in(away, 5)
    assert told() == 1


# the house


def test_every_view_that_opens_a_session_is_known(app: Flask) -> None:
    """ASVS 6.3.4: a new way in must be added here, and looked at."""
    calls = re.compile(r"\b(hand_over|proven|_open)\(")
    ways = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if view.__module__.startswith("portal.") and calls.search(inspect.getsource(view))
    }
    assert ways == {
        "accounts.start_sign_in", "accounts.give_code", "accounts.give_passkey",
        "accounts.give_recovery_code", "accounts.confirm_factor", "accounts.back_from_provider",
    }  # fmt: skip
    # Sessions are made by these two actions, which only the accounts' own views call.
    callers = {
        path.as_posix()
        for path in Path("portal").rglob("*.py")
        if re.search(r"\b(start_sign_in|mark_code_given)\(", path.read_text("utf-8"))
    }
    assert callers == {
        "portal/accounts/actions/sign_ins.py", "portal/accounts/routes/account.py",
        "portal/accounts/routes/providers.py", "portal/accounts/routes/security.py",
    }  # fmt: skip


def test_without_a_setting_there_is_no_provider(home: Path) -> None:
    app = create_app(settings_from(home, {}, {}))
    client = app.test_client()
    assert "without a password" not in client.get("/sign-in").text
    for path in ("/sign-in/with/google", "/sign-in/with/google/return"):
        assert client.get(path).status_code == 404
    close(app)


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"name": "Two Words", "issuer": "https://x.example", "client_id": "a"}, "name"),
        ({"name": "x", "issuer": "https://x.example"}, "client_id"),
        ({"name": "x", "issuer": "http://x.example", "client_id": "a"}, "https"),
        ({"name": "x", "issuer": "https://login.microsoftonline.com/common/v2.0",
          "client_id": "a"}, "tenant"),
    ],
)  # fmt: skip
def test_a_provider_in_the_settings_has_bounds(home: Path, row: dict[str, str], wrong: str) -> None:
    with pytest.raises(BadSetting, match=wrong):
        settings_from(home, {"oidc": [row]}, {})


def test_only_addresses_of_the_named_domains_pass() -> None:
    def problem(email: str, **more: Any) -> str | None:
        facts = {"verified": True, "domains": {"x.example"}, "known": True, "invited": False}
        return link_problem(label="G", email=email, **{**facts, **more})

    assert problem("a@x.example") is None
    assert problem("a@x.example", domains=()) is None
    for email in ("a@y.example", "a@sub.x.example", "a@x.example.evil"):
        assert "do not sign in with G here" in str(problem(email))


def test_a_person_who_is_erased_keeps_no_link(app: Flask, door: Door, eve: str) -> None:
    through(app.test_client(), account(door, "eve-1", "eve@x.example"))
    with app.app_context():
        session = db.session()
        actions.forget_person(session, eve, name="Erased", at=clock.now())
        session.commit()
        assert session.scalars(select(ProviderLink)).all() == []
        assert session.get_one(Person, eve).email.endswith("erased.invalid")
