"""Failed sign-ins: entered the same for known and unknown people, shown to their own side only."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from portal.accounts import actions
from portal.accounts.models import Membership
from portal.accounts.pepper import Peppers
from portal.accounts.queries import failed_sign_ins
from portal.audit import queries as log
from portal.kit import clock
from portal.kit.db import db
from tests import cast

DOV, CLEO, NIA = cast.actor("dov"), cast.actor("cleo"), cast.as_admin("nia")
ADA = cast.actor("ada")
NOBODY = "nobody@nowhere.example"


def fail(email: str, at: datetime, times: int = 1) -> None:
    for _ in range(times):
        actions.check_password(email, "wrong", address="192.0.2.7", at=at)


pytestmark = pytest.mark.slow


@pytest.fixture
def tried(context: Flask) -> None:
    """Cleo's password was tried till none was left, her codes once each way; Ada's and nobody's."""
    at = clock.now()  # one instant for all: no window of tries ends in between
    wrong = str((int(cast.code("cleo", at)) + 1) % 10**6).zfill(6)
    fail(CLEO.email, at, 11)
    actions.check_password(ADA.email, "wrong", address="192.0.2.8", at=at)
    actions.check_password(NOBODY, "wrong", address="192.0.2.8", at=at)
    actions.spend_code(CLEO.person_id, wrong, at=at, purpose="sign_in")
    actions.spend_code(CLEO.person_id, wrong, at=at, purpose="sign")
    peppers = Peppers(b"p" * 32)
    actions.spend_recovery_code(CLEO.person_id, "AAAA-BBBB", peppers=peppers, at=at)


def test_an_administrator_sees_those_of_their_own_members_and_no_other(tried: None) -> None:
    since = clock.now() - timedelta(days=1)
    mine = failed_sign_ins(DOV, since=since)
    assert {row.person.id for row in mine} == {CLEO.person_id}
    assert [row.proof for row in mine] == ["recovery_code", "code", *["password"] * 10]
    # The tenth used up the tries; the eleventh was not compared with anything, and is no entry.
    assert [row.locked for row in mine] == [False, False, True, *[False] * 9]
    assert [row.proof for row in failed_sign_ins(NIA, since=since)] == ["password"]
    assert failed_sign_ins(DOV, since=clock.now() + timedelta(seconds=1)) == []


def test_a_member_who_left_is_no_longer_shown(tried: None) -> None:
    row = db.session.scalars(select(Membership).where(Membership.person_id == CLEO.person_id)).one()
    row.ended_at = clock.now()
    db.session.commit()
    assert failed_sign_ins(DOV, since=clock.now() - timedelta(days=1)) == []


def test_a_try_at_nobodys_address_does_the_same_and_keeps_no_address(context: Flask) -> None:
    """The same statements run, so neither the answer nor its time tells who has an account."""
    at = clock.now()
    for email in (CLEO.email, NOBODY):
        fail(email, at)
    told: list[list[str]] = []
    for email in (CLEO.email, NOBODY):
        ran: list[str] = []

        def heard(*args: object, ran: list[str] = ran) -> None:
            ran.append(str(args[2]))

        event.listen(db.engine, "before_cursor_execute", heard)
        fail(email, at)
        event.remove(db.engine, "before_cursor_execute", heard)
        told.append(ran)
    assert told[0] == told[1] and len(told[0]) > 5
    lines = log.last_lines(db.session(), "portal:sign-ins", most=5)
    assert len(lines) == 2 and all(NOBODY not in str(one) for one in lines)
    assert log.check(db.session())[1] == []


def test_the_page_and_the_table_say_who_and_what_and_are_for_administrators(
    tried: None, client_as: Callable[[str], FlaskClient]
) -> None:
    dov = client_as("dov")
    page = dov.get("/organisation/sign-ins").text
    assert CLEO.name in page and "No try left for a while" in page and NOBODY not in page
    assert ADA.name not in page
    answer = dov.get("/organisation/sign-ins.csv?days=7")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) == 13 and rows[3][1:] == [CLEO.name, CLEO.email, "password", "yes"]
    assert client_as("cleo").get("/organisation/sign-ins").status_code == 403


def test_their_own_history_says_it_in_words(
    tried: None, client_as: Callable[[str], FlaskClient]
) -> None:
    page = client_as("cleo").get("/security/history").text
    assert "refused a sign-in: the code was not right." in page
