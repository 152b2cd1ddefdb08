"""The way back for who forgot the password: a link by mail that opens nothing by itself."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, select, update

from portal.accounts import actions
from portal.accounts.models import PasswordReset, Person
from portal.audit import queries as log
from portal.kit import clock
from portal.kit.db import db
from portal.notices.models import DirectoryMail
from tests import cast
from tests.conftest import sign_in

AT = datetime(2026, 11, 23, 9, 0, 13, tzinfo=UTC)
CLEO = cast.actor("cleo")
NEW = "seven quiet herons wade"


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def ask(app: Flask, email: str) -> Any:
    return app.test_client().post("/password-resets", data={"email": email})


def links(app: Flask) -> list[str]:
    """Let the worker look, and return the links of all mails so far."""
    with app.app_context():
        actions.mail_resets(base_url="http://x", at=clock.now())
        texts = db.session.scalars(select(DirectoryMail.text).order_by(DirectoryMail.id)).all()
        db.session.rollback()
    return [found.group() for text in texts if (found := re.search(r"/password-resets/\S+", text))]


def enter(app: Flask, password: str) -> str:
    answer = app.test_client().post("/sign-in", data={"email": CLEO.email, "password": password})
    return str(answer.headers.get("Location", ""))


def test_a_forgotten_password_is_set_anew_and_a_code_is_asked_as_ever(app: Flask) -> None:
    session = app.test_client()
    session.set_cookie("sid", sign_in(app, "cleo"))
    assert session.get("/").status_code == 200
    door = app.test_client().get("/sign-in")
    assert 'href="/password-resets/new"' in door.text
    assert app.test_client().get("/password-resets/new").status_code == 200
    assert ask(app, f"  {CLEO.email.upper()} ").headers["Location"] == "/password-resets/asked"
    (link,) = links(app)
    assert links(app) == [link]  # asked for once, mailed once
    client = app.test_client()
    for _ in range(3):  # a scanner looks, and looks again
        page = client.get(link)
        assert page.status_code == 200 and CLEO.email in page.text
    assert page.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    done = client.post(link, data={"password": NEW})
    assert done.headers["Location"] == "/sign-in"
    assert "/sign-in" in session.get("/").headers["Location"]
    assert enter(app, cast.PASSWORD) == ""
    assert "/sign-in/code" in enter(app, NEW)
    assert client.get(link).status_code == 404
    assert client.post(link, data={"password": "eight loud herons wade"}).status_code == 404
    with app.app_context():
        lines = log.lines(db.session(), CLEO.person_id)
        events = [line.event for line in lines]
        (fact,) = [line.facts for line in lines if line.event == "person:password:reset"]
        told = db.session.scalars(select(DirectoryMail.text)).all()
    assert events.count("person:password:asked") == events.count("person:password:reset") == 1
    assert fact["sign_ins_ended"] == 1 and link.rpartition("/")[2] not in str(fact)
    assert any("Your password was changed" in text for text in told)


def test_who_is_known_and_who_is_not_get_the_same_answer_for_the_same_work(app: Flask) -> None:
    seen: list[str] = []
    with app.app_context():
        event.listen(
            db.engine, "before_cursor_execute", lambda *said: seen.append(said[2].split("(")[0])
        )
    ask(app, "first@x.example")
    answers = []
    for email in (CLEO.email, "nobody@x.example"):
        seen.clear()
        answer = ask(app, email)
        shown = app.test_client().get(answer.headers["Location"])
        answers.append((answer.status_code, answer.headers["Location"], shown.text, list(seen)))
    assert answers[0] == answers[1]
    assert len(links(app)) == 1
    with app.app_context():
        # Whom nobody knows is forgotten; of the known one the address is not kept twice.
        assert db.session.scalars(select(PasswordReset.email)).all() == [None]


def test_nobody_is_mailed_without_end_and_no_stranger_ends_a_link(app: Flask) -> None:
    for email in (CLEO.email, "nobody@x.example"):
        answers = [ask(app, email).status_code for _ in range(4)]
        assert answers == [303, 303, 303, 429]
    found = links(app)
    assert len(set(found)) == 3
    # The first link works though more were asked for; using it ends all of them.
    assert app.test_client().post(found[0], data={"password": NEW}).status_code == 303
    assert [app.test_client().get(link).status_code for link in found] == [404, 404, 404]


def test_a_link_ends_after_half_an_hour_and_leaves_nothing_after_a_day(
    app: Flask, frozen: Any
) -> None:
    ask(app, CLEO.email)
    (link,) = links(app)
    frozen.shift(timedelta(minutes=29, seconds=59))
    assert app.test_client().get(link).status_code == 200
    frozen.shift(timedelta(seconds=1))
    assert app.test_client().get(link).status_code == 404
    assert app.test_client().post(link, data={"password": NEW}).status_code == 404
    assert "/sign-in/code" in enter(app, cast.PASSWORD)
    frozen.shift(timedelta(days=1))
    with app.app_context():
        assert actions.forget_resets(at=clock.now()) == 1
        assert db.session.scalars(select(PasswordReset)).all() == []


@pytest.mark.parametrize("typed", ["", "short", "counterpart1234", CLEO.email])
def test_a_weak_password_is_named_beside_the_field_and_the_link_goes_on(
    app: Flask, typed: str
) -> None:
    ask(app, CLEO.email)
    (link,) = links(app)
    answer = app.test_client().post(link, data={"password": typed})
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert app.test_client().post(link, data={"password": NEW}).status_code == 303


def test_who_was_deactivated_gets_no_link_and_uses_none(app: Flask) -> None:
    ask(app, CLEO.email)
    (link,) = links(app)
    with app.app_context():
        row = Person.id == CLEO.person_id
        db.session.execute(update(Person).where(row).values(deactivated_at=clock.now()))
        db.session.commit()
    assert app.test_client().get(link).status_code == 404
    ask(app, CLEO.email)
    assert links(app) == [link]


def test_an_address_that_is_none_is_said_beside_the_field(app: Flask) -> None:
    for typed in ("", " ", "cleo", "cleo@harbour.example\n"):
        answer = ask(app, typed)
        assert answer.status_code == (303 if typed.strip() == CLEO.email else 422)
        assert ('aria-invalid="true"' in answer.text) == (answer.status_code == 422)
