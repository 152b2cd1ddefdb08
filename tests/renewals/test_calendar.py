"""A person's calendar, read back with the icalendar library."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar, Event
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership
from portal.accounts.rules import Role
from portal.kit.db import db
from portal.kit.errors import NotFound, Refused
from portal.renewals import actions
from portal.renewals.actions import Given
from portal.renewals.actions.feeds import make_feed, revoke_feed
from portal.renewals.models import CalendarFeed
from portal.renewals.queries.feed import feeds_of
from portal.renewals.rules.calendar import Subject, statement_entries, subjects_for
from portal.renewals.rules.notices import Kind
from portal.residency.databases import Regions
from portal.terms.rules import load_schema
from tests import cast
from tests.renewals import stage
from tests.renewals.stage import completed, length, work

NOW = datetime(2027, 11, 22, 15, 0, tzinfo=UTC)


def feed(app: Flask, token: str, status: int = 200) -> list[Event]:
    """Fetch a calendar as a calendar program does, and read it."""
    with app.app_context(), time_machine.travel(NOW, tick=False):
        answer = app.test_client().get(f"/calendar/{token}.ics")
    assert answer.status_code == status
    if status != 200:
        return []
    assert answer.mimetype == "text/calendar"
    calendar = Calendar.from_ical(answer.data)
    assert not calendar.errors
    events: list[Event] = list(calendar.walk("VEVENT"))
    assert len({event["UID"] for event in events}) == len(events)
    return events


def token_for(key: str) -> str:
    token = make_feed(cast.actor(key), at=NOW)
    db.session.commit()
    return token


def named(events: list[Event], words: str) -> list[Event]:
    return [event for event in events if str(event["SUMMARY"]).startswith(words)]


@pytest.fixture
def signed(eu: Session, regions: Regions) -> Any:
    contract = completed(eu, regions)
    work(eu, NOW)
    stage.settle(eu)
    return contract


def test_dates_are_whole_days_with_alarms(app: Flask, context: Flask, signed: Any) -> None:
    [notice] = named(feed(app, token_for("cleo")), "Last day for notice")
    assert notice["DTSTART"].dt == date(2027, 12, 3)
    assert notice["DTEND"].dt == date(2027, 12, 4)
    assert int(notice["SEQUENCE"]) == 0
    ahead = [alarm["TRIGGER"].dt for alarm in notice.walk("VALARM")]
    assert timedelta(days=-7) in ahead
    assert str(notice["URL"]).endswith(f"/contracts/{signed.id}/renewal")
    assert "CRM support" not in str(notice)


@pytest.mark.slow
def test_a_moved_date_keeps_its_identity_and_raises_its_sequence(
    app: Flask, context: Flask, eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions, P15=length(30, "d"))
    work(eu, NOW)
    stage.settle(eu)
    token = token_for("cleo")
    [before] = named(feed(app, token), "The term ends")
    given = Given(Kind.CONVENIENCE, date(2027, 12, 23), "Director", "")
    actions.give_notice(eu, cast.actor("cleo"), contract, given, step=3, at=NOW)
    stage.settle(eu)
    events = feed(app, token)
    [after] = named(events, "The term ends")
    assert after["UID"] == before["UID"]
    assert (before["DTSTART"].dt, after["DTSTART"].dt) == (date(2028, 2, 1), date(2027, 12, 23))
    assert int(after["SEQUENCE"]) == int(before["SEQUENCE"]) + 1
    [notice] = named(events, "Last day for notice")
    assert str(notice["STATUS"]) == "CANCELLED"


def test_each_role_gets_its_own_dates(app: Flask, context: Flask, signed: Any) -> None:
    dov, cleo = feed(app, token_for("dov")), feed(app, token_for("cleo"))
    assert named(dov, "Maintenance window") and named(dov, "Freeze")
    assert not named(dov, "Last day for notice")
    assert named(cleo, "Last day for notice") and not named(cleo, "Maintenance window")


def test_every_subject_has_its_readers() -> None:
    assert subjects_for([Role.AUDITOR]) == frozenset(Subject)
    for subject in Subject:
        assert any(subject in subjects_for([role]) for role in Role if role is not Role.AUDITOR)


@pytest.mark.slow
def test_a_stranger_sees_nothing_of_a_contract(app: Flask, context: Flask, signed: Any) -> None:
    assert feed(app, token_for("mal")) == []


@pytest.mark.slow
def test_a_revoked_address_leads_nowhere(app: Flask, context: Flask, signed: Any) -> None:
    token, actor = token_for("cleo"), cast.actor("cleo")
    assert feed(app, token)
    row = feeds_of(actor)[0]
    assert token not in (row.id, row.token_sha256)
    with pytest.raises(NotFound):
        revoke_feed(cast.actor("ada"), row.id, at=NOW)
    db.session.rollback()
    revoke_feed(actor, row.id, at=NOW)
    db.session.commit()
    assert feed(app, token, 404) == []
    assert feed(app, "x" * 43, 404) == []


def test_who_left_the_organisation_reads_nothing_more(
    app: Flask, context: Flask, signed: Any
) -> None:
    token = token_for("cleo")
    for row in db.session.scalars(
        select(Membership).where(Membership.person_id == cast.actor("cleo").person_id)
    ):
        row.ended_at = NOW
    db.session.commit()
    feed(app, token, 404)


def test_a_sixth_address_is_refused(context: Flask) -> None:
    for _ in range(5):
        token_for("cleo")
    with pytest.raises(Refused, match="Revoke one"):
        token_for("cleo")
    db.session.rollback()
    assert len(db.session.scalars(select(CalendarFeed)).all()) == 5


def test_the_address_is_shown_once(
    context: Flask, client_as: Callable[[str], FlaskClient], signed: Any
) -> None:
    client = client_as("cleo")
    made = client.post("/calendar").text
    assert "/calendar/" in made and ".ics" in made
    assert ".ics" not in client.get("/calendar").text


def test_one_date_downloads_by_itself(
    context: Flask, client_as: Callable[[str], FlaskClient], signed: Any
) -> None:
    client = client_as("cleo")
    answer = client.get(f"/contracts/{signed.id}/renewal/dates/notice_by.ics")
    [event] = Calendar.from_ical(answer.data).walk("VEVENT")
    assert event["DTSTART"].dt == date(2027, 12, 3)
    assert client.get(f"/contracts/{signed.id}/renewal/dates/remind_30.ics").status_code == 404


def test_statements_are_due_and_disputed_in_business_days() -> None:
    terms = load_schema("1").defaults()
    entries = list(statement_entries(terms, ref="eu-X", other="Y", today=date(2027, 2, 10)))
    first = {one.summary.split(":")[0]: one.begins for one in entries[:2]}
    # Ten business days after January, then fifteen more: no holiday falls between.
    assert first == {
        "Statement of January 2027 is due": date(2027, 2, 12),
        "Last day to dispute the statement of January 2027": date(2027, 3, 5),
    }
