"""The door, one's own security, and the way home, as people meet them."""

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts import actions, queries
from portal.accounts.gate import key_of, safe_next
from portal.accounts.models import MfaPolicy, Person, SignIn
from portal.kit.db import db
from tests import cast

AT = datetime(2026, 11, 23, 9, 0, 13, tzinfo=UTC)
NORTHWIND = "ORG" + "1".zfill(23)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def eve(app: Flask) -> str:
    """A member of Northwind who has not set up codes."""
    with app.app_context():
        eve = actions.create_person("eve@northwind.example", "Eve", cast.PASSWORD, AT)
        actions.add_member(eve, queries.organisation_by_id(NORTHWIND), ["support_engineer"], AT)
        return eve.id


def sign_in(client: FlaskClient, email: str, password: str = cast.PASSWORD, **more: str):
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def give_code(client: FlaskClient, key: str = "ada", **more: str):
    code = cast.code(key, datetime.now(UTC))
    return client.post("/sign-in/code", data={"code": code, **more})


def text_of(response) -> str:
    text = re.sub(r"<[^>]+>", " ", response.text).replace("&#39;", "'")
    return re.sub(r"\s+", " ", text)


def cookie_of(client: FlaskClient) -> str | None:
    found = client.get_cookie("sid")
    return found.value if found else None


# the door


@pytest.mark.slow
def test_a_person_without_codes_is_in_after_the_password(app, eve):
    client = app.test_client()
    answer = sign_in(client, "eve@northwind.example")
    assert (answer.status_code, answer.location) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert "What waits for you" in client.get("/").text
    with app.app_context():
        assert not db.session.get(SignIn, cookie_of(client))
        assert db.session.get(SignIn, key_of(cookie_of(client)))


@pytest.mark.slow
def test_the_password_alone_opens_nothing_to_someone_with_codes(app):
    client = app.test_client()
    answer = sign_in(client, "ada@northwind.example", next="/organisation/members")
    assert answer.location == "/sign-in/code?next=/organisation/members"
    for path in ("/", "/contracts", "/security", "/organisation/members", "/security/totp"):
        assert client.get(path).location.startswith("/sign-in/code"), path
    assert client.post("/security/totp").location.startswith("/sign-in/code")
    assert "One more step to sign in as Ada Keane" in text_of(client.get("/sign-in/code"))
    before = cookie_of(client)
    assert give_code(client, next="/organisation/members").location == "/organisation/members"
    assert cookie_of(client) != before
    assert client.get("/organisation/members").status_code == 200


@pytest.mark.slow
def test_the_half_way_state_ends_after_ten_minutes(app, frozen):
    client = app.test_client()
    sign_in(client, "ada@northwind.example")
    frozen.shift(timedelta(minutes=10, seconds=1))
    assert client.get("/sign-in/code").location.startswith("/sign-in")
    assert give_code(client).location.startswith("/sign-in")


@pytest.mark.slow
def test_known_and_unknown_people_read_the_same_answer(app):
    answers = []
    for email in ("ada@northwind.example", "nobody@nowhere.example"):
        answer = sign_in(app.test_client(), email, "wrong")
        body = re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text.replace(email, ""))
        answers.append((answer.status_code, body))
    assert answers[0] == answers[1] and answers[0][0] == 422
    assert "The e-mail address or the password is not right." in answers[0][1]
    assert "Error:" in answers[0][1]


@pytest.mark.slow
def test_the_eleventh_wrong_password_is_told_to_wait(app):
    client = app.test_client()
    for _ in range(10):
        assert sign_in(client, "ada@northwind.example", "wrong").status_code == 422
    answer = sign_in(client, "ada@northwind.example")
    assert answer.status_code == 429
    assert "Too many tries. Wait until 09:05 UTC, then try again." in text_of(answer)


def test_signing_out_ends_the_session_on_the_server(app, client_as):
    client = client_as("ada")
    cookie = cookie_of(client)
    answer = client.post("/sign-out")
    assert answer.location == "/sign-in" and cookie_of(client) is None
    assert answer.headers["Clear-Site-Data"] == '"cache","storage"'
    client.set_cookie("sid", cookie)
    assert client.get("/security").location.startswith("/sign-in")


@pytest.mark.slow
def test_codes_answer_used_wrong_clock_and_wrong_in_words(app, frozen):
    first, second = app.test_client(), app.test_client()
    for client in (first, second):
        sign_in(client, "ada@northwind.example")
    assert give_code(first).status_code == 303
    used = give_code(second)
    assert used.status_code == 422
    assert "already used to sign in. The next one comes in 17 seconds." in text_of(used)
    off = second.post("/sign-in/code", data={"code": cast.code("ada", AT - timedelta(minutes=2))})
    assert "Your phone's clock is about 2 minutes off" in text_of(off)
    for _ in range(4):
        wrong = second.post("/sign-in/code", data={"code": "000 000"})
        assert wrong.status_code == 422 and "That code is not right" in text_of(wrong)
    locked = second.post("/sign-in/code", data={"code": "000000"})
    assert locked.status_code == 429 and "Wait until 09:05 UTC" in text_of(locked)
    frozen.shift(timedelta(minutes=5))
    assert give_code(second).status_code == 303


@pytest.mark.slow
def test_a_recovery_code_opens_the_door_once(app, client_as):
    page = client_as("ada").post("/security/recovery-codes")
    codes = re.findall(r"<li>([A-Z2-9-]{19})</li>", page.text)
    assert len(codes) == 10 and page.headers["Cache-Control"] == "no-store"
    for status in (303, 422):
        client = app.test_client()
        sign_in(client, "ada@northwind.example")
        answer = client.post("/sign-in/recovery", data={"code": codes[0]})
        assert answer.status_code == status
    assert "not right, or used" in text_of(answer)


HOSTILE = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
    "http:evil.example", "javascript:alert(1)", "/%2f%2fevil.example", "/%2F/evil.example",
    "/%5cevil.example", "/%255cevil.example", "%2f%2fevil.example", "/\tevil.example",
    "/\t/evil.example", "/%09/evil.example", "\t//evil.example", " //evil.example",
    "/security\r\nSet-Cookie: a=b", "/security%0d%0aX: y", "/security%250d%250aX",
    "//a:b@evil.example", "/@evil.example", "/nowhere",
    "/security/../..//evil.example", "/./evil", "evil.example",
    "?next=x",
    "/static/portal.css", "/sign-in", "/sign-out", "/sign-in/code", "/security/password", "#x",
    "/security\x00", "/ѕecurity", "///security", "/security//", "https:///security",
    "data:text/html,x",
]  # fmt: skip


@pytest.mark.parametrize("target", HOSTILE)
@pytest.mark.slow
def test_a_hostile_target_leads_home(app, eve, target):
    with app.test_request_context():
        assert safe_next(target) == "/"


@pytest.mark.slow
def test_a_hostile_target_leads_home_through_the_door(app, eve):
    answer = sign_in(app.test_client(), "eve@northwind.example", next="//evil.example")
    assert answer.location == "/"
    answer = sign_in(app.test_client(), "eve@northwind.example", next="/security?a=b")
    assert answer.location == "/security?a=b"


def test_a_stranger_is_led_to_the_door_and_back(app, eve):
    client = app.test_client()
    assert client.get("/security").location == "/sign-in?next=/security"
    assert 'value="/security"' in client.get("/sign-in?next=/security").text


# setting up codes


def seed_on(page) -> str:
    return re.search(r"secret=([A-Z2-7]{32})", page.text).group(1)


@pytest.mark.slow
def test_setting_up_shows_link_then_key_then_picture_and_survives_leaving(app, eve):
    client = app.test_client()
    sign_in(client, "eve@northwind.example")
    assert "Set up codes" in text_of(client.get("/security/totp"))
    assert client.post("/security/totp").location == "/security/totp"
    page = client.get("/security/totp")
    seed = seed_on(page)
    order = [page.text.index(part) for part in ('href="otpauth:', "enrol__secret", "qr.svg")]
    assert order == sorted(order)
    assert seed_on(client.get("/security/totp")) == seed
    picture = client.get("/security/totp/qr.svg")
    assert picture.mimetype == "image/svg+xml" and picture.headers["Cache-Control"] == "no-store"
    wrong = client.post("/security/totp/confirmation", data={"code": "000000"})
    assert wrong.status_code == 422 and seed_on(wrong) == seed
    done = client.post("/security/totp/confirmation", data={"code": pyotp.TOTP(seed).at(AT)})
    assert done.location == "/security/recovery-codes"
    assert seed not in client.get("/security/totp").text
    assert client.get("/security/totp/qr.svg").status_code == 404


def test_looking_at_the_set_up_page_changes_nothing(app, eve):
    client = app.test_client()
    sign_in(client, "eve@northwind.example")
    client.get("/security/totp")
    with app.app_context():
        assert db.session.get(Person, eve).totp_secret_enc is None


def test_recovery_codes_come_as_text_and_only_ones_own(app, client_as):
    ada = client_as("ada")
    codes = re.findall(r"<li>([A-Z2-9-]{19})</li>", ada.post("/security/recovery-codes").text)
    file = ada.post("/security/recovery-codes/file", data={"code": [*codes, "EVIL-TEXT"]})
    assert file.mimetype == "text/plain" and "attachment" in file.headers["Content-Disposition"]
    assert all(code in file.text for code in codes) and "EVIL" not in file.text
    stolen = client_as("ben").post("/security/recovery-codes/file", data={"code": codes})
    assert stolen.status_code == 404


def test_a_stale_code_must_be_given_again_before_the_phone_is_moved(app, client_as, frozen):
    client = client_as("ada")
    assert client.get("/security/totp").status_code == 200
    frozen.shift(timedelta(minutes=11))
    for path in ("/security/totp", "/security/recovery-codes"):
        assert client.get(path).location == f"/sign-in/code?next={path}"
    assert client.post("/security/totp").location == "/sign-in/code"
    assert give_code(client, next="/security/totp").location == "/security/totp"
    assert client.get("/security/totp").status_code == 200


@pytest.mark.slow
def test_the_required_rule_leads_to_the_set_up_from_everywhere_but_the_exit(app, eve):
    with app.app_context():
        db.session.add(MfaPolicy(organisation_id=NORTHWIND, role="*", rule="required"))
        db.session.commit()
    client = app.test_client()
    sign_in(client, "eve@northwind.example")
    for path in ("/", "/contracts", "/security", "/organisation/members"):
        assert client.get(path).location.startswith("/security/totp?next="), path
    assert client.post("/security/password").location == "/security/totp"
    assert "Your organisation asks for codes" in text_of(client.get("/security/totp"))
    client.post("/security/totp", data={"next": "/organisation/members"})
    seed = seed_on(client.get("/security/totp"))
    done = client.post(
        "/security/totp/confirmation",
        data={"code": pyotp.TOTP(seed).at(AT), "next": "/organisation/members"},
    )
    assert done.location == "/security/recovery-codes?next=/organisation/members"
    assert client.get("/organisation/members").status_code == 200
    assert client.post("/sign-out").location == "/sign-in"


def test_required_to_sign_lets_everyone_in(app, eve):
    with app.app_context():
        db.session.add(MfaPolicy(organisation_id=NORTHWIND, role="*", rule="required_to_sign"))
        db.session.commit()
    client = app.test_client()
    sign_in(client, "eve@northwind.example")
    assert client.get("/security").status_code == 200


# one's own security


@pytest.mark.slow
def test_the_security_page_lists_sessions_with_a_button_for_all_but_this(app, client_as):
    here, there = client_as("ada"), client_as("ada")
    page = here.get("/security")
    assert "This one" in page.text and page.text.count("/end") == 1
    other = key_of(cookie_of(there))
    assert here.post(f"/security/sign-ins/{other}/end").status_code == 303
    assert there.get("/security").location.startswith("/sign-in")
    assert (
        client_as("ben").post(f"/security/sign-ins/{key_of(cookie_of(here))}/end").status_code
        == 404
    )


@pytest.mark.slow
def test_changing_the_password_takes_the_old_one_and_a_code(app, client_as):
    client = client_as("ada")
    new = "gravel otter lamp"

    def change(**more):
        data = {"current": cast.PASSWORD, "password": new, "code": "", **more}
        return client.post("/security/password", data=data)

    assert "easy to guess" in text_of(change(password="password123456"))
    assert "That code is not right" in text_of(change())
    wrong = change(current="no", code=cast.code("ada", AT))
    assert wrong.status_code == 422 and "current password is not right" in text_of(wrong)
    later = cast.code("ada", AT + timedelta(seconds=30))
    assert change(code=later).location == "/security"
    assert sign_in(app.test_client(), "ada@northwind.example").status_code == 422
    assert sign_in(app.test_client(), "ada@northwind.example", new).status_code == 303


@pytest.mark.slow
def test_a_member_of_two_organisations_chooses_first(app, eve):
    with app.app_context():
        person, harbour = (
            db.session.get(Person, eve),
            queries.organisation_by_id("ORG" + "2".zfill(23)),
        )
        actions.add_member(person, harbour, ["auditor"], AT)
        homes = {row.organisation.name: row.id for row in queries.memberships_of(eve)}
    client = app.test_client()
    sign_in(client, "eve@northwind.example")
    assert client.get("/organisation/members").location.startswith("/acting-for?next=")
    assert "Harbour Retail Inc" in client.get("/acting-for").text
    chosen = {"membership": homes["Harbour Retail Inc"], "next": "/organisation/members"}
    assert client.post("/acting-for", data=chosen).location == "/organisation/members"
    assert "Dov Amsel" in client.get("/organisation/members").text
    client.post("/acting-for", data={"membership": homes["Northwind Systems Ltd"]})
    assert "Ben Osei" in client.get("/organisation/members").text
    assert client.post("/acting-for", data={"membership": "MEM" + "7".zfill(23)}).status_code == 404


def test_the_operator_reads_that_the_role_opens_no_contract(client_as):
    page = client_as("op").get("/")
    assert page.status_code == 200 and "opens no contract" in page.text


def test_a_session_used_again_after_a_minute_is_remembered_also_on_a_post(app, client_as, frozen):
    client = client_as("ada")
    frozen.shift(timedelta(minutes=2))
    assert client.post("/acting-for", data={"membership": "MEM" + "1".zfill(23)}).status_code == 303
    with app.app_context():
        row = db.session.get(SignIn, key_of(cookie_of(client)))
        assert row.seen_at == AT + timedelta(minutes=2)
    frozen.shift(timedelta(minutes=31))
    assert client.get("/security").location.startswith("/sign-in")
