"""What an administrator, a member and an invited person read."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal.accounts import actions, queries
from portal.accounts.models import Invitation
from portal.accounts.rules import Role
from portal.kit.db import db
from portal.notices.models import DirectoryMail
from tests import cast

AT = datetime(2026, 11, 23, 9, 0, 13, tzinfo=UTC)
BEN = "MEM" + "2".zfill(23)
ZOE = {"email": "zoe@northwind.example", "name": "Zoe Lind", "roles": ["legal", "signatory"]}


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def invited(app, client_as, key="ada", **more) -> str:
    assert client_as(key).post("/organisation/invitations", data={**ZOE, **more}).status_code == 303
    with app.app_context():
        text = db.session.scalar(select(DirectoryMail.text).order_by(DirectoryMail.id.desc()))
    return re.search(r"/invitations/\S+", text).group()


def test_members_stand_with_their_roles_in_words_and_codes(client_as):
    page = client_as("ada").get("/organisation/members")
    assert "Support lead, Support engineer" in page.text and "Codes set up" in page.text
    assert "Invite a person" in page.text and "Cleo Marsh" not in page.text


def test_a_member_who_is_no_administrator_sees_no_buttons(client_as):
    ben = client_as("ben")
    page = ben.get("/organisation/members")
    assert page.status_code == 200 and "Invite a person" not in page.text
    assert f"members/{BEN}" not in page.text
    for path in (
        "/organisation/mfa",
        "/organisation/invitations/new",
        f"/organisation/members/{BEN}",
    ):
        assert ben.get(path).status_code == 403
    for path in (
        "/organisation/mfa",
        "/organisation/invitations",
        f"/organisation/members/{BEN}/end",
    ):
        assert ben.post(path, data=ZOE).status_code == 403


def test_a_stranger_finds_no_member(client_as):
    for path in (f"/organisation/members/{BEN}", f"/organisation/members/{BEN}/end"):
        assert client_as("mal").get(path).status_code == 404
        assert client_as("mal").post(path).status_code in (404, 405)


@pytest.mark.slow
def test_an_invited_person_chooses_a_password_and_signs_in(app, client_as):
    link = invited(app, client_as)
    client = app.test_client()
    for _ in range(2):  # looking uses nothing up
        page = client.get(link)
        assert "Join Northwind Systems Ltd" in page.text and "Legal, Signatory" in page.text
    weak = client.post(link, data={"name": "Zoe", "password": "northwind2026!"})
    assert weak.status_code == 422 and "easy to guess" in weak.text
    done = client.post(link, data={"name": "Zoe Lind", "password": "gravel otter lamp"})
    assert done.location == "/sign-in"
    assert "Your account is ready" in client.get("/sign-in").text
    answer = client.post("/sign-in", data={"email": ZOE["email"], "password": "gravel otter lamp"})
    assert answer.location == "/"
    assert client.get("/organisation/members").status_code == 200
    used = app.test_client().get(link)
    assert used.status_code == 404 and "no longer works" in used.text
    assert app.test_client().post(link, data={}).status_code == 404


def test_an_invitation_is_over_after_a_day_or_when_withdrawn(app, client_as, frozen):
    link = invited(app, client_as)
    with app.app_context():
        row = db.session.scalar(select(Invitation.id))
    assert "Zoe Lind" in client_as("ada").get("/organisation/members").text
    client_as("ada").post(f"/organisation/invitations/{row}/withdrawal")
    assert app.test_client().get(link).status_code == 404
    again = invited(app, client_as)
    frozen.shift(timedelta(hours=24))
    assert app.test_client().get(again).status_code == 404


def test_someone_with_an_account_signs_in_and_joins(app, client_as):
    link = invited(app, client_as, key="dov", email="ben@northwind.example")
    assert "Sign in as ben@northwind.example" in app.test_client().get(link).text
    assert app.test_client().post(link, data={"password": "gravel otter lamp"}).status_code == 404
    assert client_as("mal").post(link).status_code == 404
    ben = client_as("ben")
    assert "Joining adds Harbour Retail Inc" in ben.get(link).text
    assert ben.post(link).location == "/acting-for"
    assert "Harbour Retail Inc" in ben.get("/acting-for").text


def test_a_bad_address_comes_back_with_its_words(client_as):
    answer = client_as("ada").post("/organisation/invitations", data={**ZOE, "email": "zoe"})
    assert answer.status_code == 422 and "Type an e-mail address such as" in answer.text
    assert 'value="Zoe Lind"' in answer.text and "Error:" in answer.text


def test_changed_roles_hold_on_the_next_request(client_as):
    ada, ben = client_as("ada"), client_as("ben")
    assert ben.get("/organisation/invitations/new").status_code == 403
    answer = ada.post(f"/organisation/members/{BEN}/roles", data={"roles": ["org_admin"]})
    assert answer.location == "/organisation/members"
    assert ben.get("/organisation/invitations/new").status_code == 200


def test_an_ended_member_is_out_at_once(client_as):
    ada, ben = client_as("ada"), client_as("ben")
    assert "What happens" in ada.get(f"/organisation/members/{BEN}/end").text
    assert ada.post(f"/organisation/members/{BEN}/end").status_code == 303
    assert ben.get("/organisation/members").location.startswith("/sign-in")
    assert "Ben Osei" not in ada.get("/organisation/members").text


@pytest.mark.slow
def test_the_only_administrator_reads_why_the_role_stays(client_as):
    mine = "MEM" + "1".zfill(23)
    ada = client_as("ada")
    answer = ada.post(f"/organisation/members/{mine}/roles", data={"roles": ["legal"]})
    assert answer.status_code == 422 and "only organisation administrator" in answer.text
    answer = ada.post(f"/organisation/members/{mine}/end")
    assert answer.status_code == 409 and "only organisation administrator" in answer.text


def test_the_rule_is_raised_and_says_who_does_not_meet_it(app, client_as):
    with app.app_context():
        eve = actions.create_person("eve@northwind.example", "Eve Stone", cast.PASSWORD, AT)
        northwind = queries.organisation_by_id("ORG" + "1".zfill(23))
        actions.add_member(eve, northwind, ["legal"], AT)
    ada = client_as("ada")
    rules = dict.fromkeys([role.value for role in Role], "optional")
    saved = ada.post("/organisation/mfa", data={**rules, "everyone": "required"})
    assert saved.location == "/organisation/mfa"
    page = ada.get("/organisation/mfa")
    assert "Eve Stone" in page.text and "Kept out until set up" in page.text
    assert ada.post("/organisation/mfa", data={**rules, "everyone": "none"}).status_code == 422


def test_the_rule_page_asks_for_a_recent_code(client_as, frozen):
    ada = client_as("ada")
    frozen.shift(timedelta(minutes=11))
    assert ada.get("/organisation/mfa").location == "/sign-in/code?next=/organisation/mfa"
    assert ada.post("/organisation/mfa").location == "/sign-in/code"


def second_administrator(client_as):
    """Make Ben an administrator of Northwind beside Ada, and sign both in."""
    ada = client_as("ada")
    assert ada.post(f"/organisation/members/{BEN}/roles", data={"roles": ["org_admin"]}).location
    return ada, client_as("ben")


@pytest.mark.slow
def test_a_lower_rule_waits_on_the_page_for_the_second_administrator(client_as):
    ada, ben = second_administrator(client_as)
    rules = dict.fromkeys([role.value for role in Role], "optional")
    ada.post("/organisation/mfa", data={**rules, "everyone": "required"})
    asked = ada.post("/organisation/mfa", data={**rules, "everyone": "optional"})
    assert asked.location == "/organisation/mfa"
    mine, theirs = (one.get("/organisation/mfa").text for one in (ada, ben))
    assert "another administrator must confirm it" in mine and "Confirm the change" not in mine
    assert "Confirm the change" in theirs and "would hold 24 hours after your yes" in theirs
    change = re.search(r"policy-changes/(\w+)/confirmation", theirs).group(1)
    assert ada.post(f"/organisation/policy-changes/{change}/confirmation").status_code == 409
    assert ben.post(f"/organisation/policy-changes/{change}/confirmation").status_code == 303
    assert "It holds from" in ada.get("/organisation/mfa").text
    again = ada.post("/organisation/mfa", data={**rules, "everyone": "optional"})
    assert again.status_code == 422 and "waits already" in again.text
    assert ada.post(f"/organisation/policy-changes/{change}/withdrawal").status_code == 303
    assert "waits for" not in ada.get("/organisation/mfa").text


def test_a_later_rule_says_what_happens_on_the_day(app, client_as):
    with app.app_context():
        eve = actions.create_person("eve@northwind.example", "Eve Stone", cast.PASSWORD, AT)
        northwind = queries.organisation_by_id("ORG" + "1".zfill(23))
        actions.add_member(eve, northwind, ["legal"], AT)
    ada = client_as("ada")
    rules = dict.fromkeys([role.value for role in Role], "optional")
    ada.post("/organisation/mfa", data={**rules, "everyone": "required", "begins": "7"})
    page = ada.get("/organisation/mfa").text
    assert "On the day" in page and "Nothing else opens before" in page and "Eve Stone" in page


def test_a_region_more_waits_and_a_region_less_holds(client_as):
    ada, ben = second_administrator(client_as)
    ada.post("/organisation/regions", data={"regions": ["eu"]})
    ada.post("/organisation/regions", data={"regions": ["eu", "us"]})
    page = ben.get("/organisation/regions").text
    assert "It allows: EU (Frankfurt), US (Virginia)" in page and "Confirm the change" in page
    assert ben.post("/organisation/regions", data={}).status_code == 422


@pytest.mark.slow
def test_a_lost_phone_is_reset_by_two_and_the_member_is_signed_out(client_as):
    ada, ben = second_administrator(client_as)
    nia = "MEM" + "3".zfill(23)
    hers = client_as("nia")
    assert ada.post(f"/organisation/members/{nia}/factor-reset").status_code == 303
    page = ben.get(f"/organisation/members/{nia}").text
    assert "Reset the codes of" in page and "Ada Keane asked for it" in page
    reset = re.search(r"factor-resets/(\w+)/confirmation", page).group(1)
    assert ben.post(f"/organisation/factor-resets/{reset}/confirmation").status_code == 303
    assert hers.get("/security").location.startswith("/sign-in")
    fresh = client_as("nia")
    assert "You cannot sign before 24 Nov 2026, 09:00 UTC" in fresh.get("/security").text


def test_an_administrator_sees_and_ends_a_members_sessions(client_as):
    ada, ben = client_as("ada"), client_as("ben")
    assert "End all sessions" in ada.get(f"/organisation/members/{BEN}").text
    assert ada.post(f"/organisation/members/{BEN}/sign-ins/end").status_code == 303
    assert ben.get("/organisation/members").location.startswith("/sign-in")
