"""Reviews planned once, moved, held; what the pages and calendars show."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.incidents.actions.reviews import call_review
from portal.incidents.actions.reviews import hold_review as hold_executive
from portal.incidents.queries import promises_on
from portal.incidents.rules.reviews import Called
from portal.kit.errors import NotAllowed, Refused
from portal.kit.kept_words import kept
from portal.renewals.actions.feeds import make_feed
from portal.renewals.queries.term import running
from portal.residency.databases import Regions
from portal.reviews import actions
from portal.reviews.actions import Agreed
from portal.reviews.models import Review
from portal.reviews.queries import (
    executive_entries,
    measured_with_reviews,
    open_actions,
    review_entries,
    reviews_of,
)
from portal.reviews.rules.schedule import Kind
from tests import cast
from tests.renewals import stage
from tests.renewals.stage import completed, events, length, work

NOW = datetime(2027, 4, 1, 12, 0, tzinfo=UTC)
HELD = datetime(2027, 4, 14, 17, 0, tzinfo=UTC)
ClientAs = Callable[[str], FlaskClient]


@pytest.fixture
def contract(eu: Session, regions: Regions) -> Contract:
    """A contract in force with its reviews planned."""
    found = completed(eu, regions)
    work(eu, NOW)
    actions.plan_reviews(eu, found.id, at=NOW)
    stage.settle(eu)
    return found


def service(session: Session, contract: Contract) -> Review:
    session.expire_all()
    return next(one for one in reviews_of(session, contract) if one.kind == "service")


def minutes(session: Session, contract: Contract, actor: Actor, *agreed: Agreed) -> Review:
    row = service(session, contract)
    return actions.hold_review(
        session, actor, contract, row.id, held_on=HELD.date(), minutes="We looked at all of it.",
        agreed=agreed, at=HELD,
    )  # fmt: skip


def test_a_review_is_planned_once_and_both_sides_are_told(eu: Session, contract: Contract) -> None:
    assert actions.plan_reviews(eu, contract.id, at=NOW + timedelta(hours=1)) == 0
    row = service(eu, contract)
    assert (row.due_on, row.sequence) == ("2027-04-14", 0)
    assert events(eu, contract).count("review:planned") == len(reviews_of(eu, contract))
    told = {who for who, subject in stage.mails(eu) if subject.startswith("A review is planned")}
    assert told == {"ada@northwind.example", "cleo@harbour.example"}


def test_a_moved_review_keeps_its_day_and_raises_its_sequence(
    eu: Session, contract: Contract
) -> None:
    row, ada = service(eu, contract), cast.actor("ada")
    before = len(events(eu, contract))
    with pytest.raises(Refused, match="not passed"):
        actions.move_review(eu, ada, contract, row.id, on=date(2027, 3, 1), at=NOW)
    actions.move_review(eu, ada, contract, row.id, on=date(2027, 4, 20), at=NOW)
    assert events(eu, contract)[before:] == ["review:moved"]
    actions.plan_reviews(eu, contract.id, at=NOW + timedelta(hours=2))
    moved = service(eu, contract)
    assert (moved.due_on, moved.sequence) == ("2027-04-20", 1)
    with pytest.raises(NotAllowed):
        actions.move_review(eu, cast.actor("lena"), contract, row.id, on=date(2027, 5, 1), at=NOW)


def test_minutes_keep_the_agenda_and_the_actions(eu: Session, contract: Contract) -> None:
    todo = Agreed("Add a second probe", "Ben Osei", Side.VENDOR, date(2027, 5, 1))
    before = len(events(eu, contract))
    row = minutes(eu, contract, cast.actor("ada"), todo)
    assert events(eu, contract)[before:] == ["review:held"]
    assert kept(row.minutes["agenda"])[0]["heading"] == "Targets"
    assert [one.said["owner"] for one in open_actions(eu, contract)] == ["Ben Osei"]
    with pytest.raises(Refused, match="kept already"):
        minutes(eu, contract, cast.actor("ada"))
    with pytest.raises(IntegrityError):
        eu.execute(text("UPDATE reviews SET held_on = '2027-01-01' WHERE held_on IS NOT NULL"))
    eu.rollback()
    found = running(eu, contract, on=HELD.date())
    assert measured_with_reviews(eu, found).reviews_held == 1


def test_only_its_side_finishes_an_action(eu: Session, contract: Contract) -> None:
    todo = Agreed("Name two more contacts", "Dov", Side.CUSTOMER, date(2027, 5, 1))
    minutes(eu, contract, cast.actor("ada"), todo)
    [action] = open_actions(eu, contract)
    with pytest.raises(Refused, match="whose action"):
        actions.finish_action(eu, cast.actor("ada"), contract, action.id, at=HELD)
    actions.finish_action(eu, cast.actor("cleo"), contract, action.id, at=HELD)
    assert open_actions(eu, contract) == []
    assert events(eu, contract)[-1] == "review:action:done"


def test_a_side_may_ask_for_a_review(eu: Session, contract: Contract) -> None:
    row = actions.call_review(
        eu, cast.actor("cleo"), contract, kind=Kind.SERVICE, on=date(2027, 4, 9),
        why="Orders were lost twice", at=NOW,
    )  # fmt: skip
    assert (row.kind, row.why) == ("service", "Orders were lost twice")


def test_the_invitation_names_the_people_and_follows_a_move(
    eu: Session, contract: Contract, client_as: ClientAs
) -> None:
    row = service(eu, contract)
    actions.move_review(eu, cast.actor("ada"), contract, row.id, on=date(2027, 4, 20), at=NOW)
    stage.settle(eu)
    answer = client_as("ada").get(f"/contracts/{contract.id}/reviews/{row.id}.ics")
    [event] = Calendar.from_ical(answer.data).walk("VEVENT")
    assert event["DTSTART"].dt == date(2027, 4, 20)
    assert int(event["SEQUENCE"]) == 1
    assert "mailto:cleo@harbour.example" in [str(guest) for guest in event["ATTENDEE"]]


def test_a_review_stands_in_the_calendar_feed(app: Flask, eu: Session, contract: Contract) -> None:
    token = make_feed(cast.actor("cleo"), at=NOW)
    stage.settle(eu)
    with time_machine.travel(NOW, tick=False), app.app_context():
        answer = app.test_client().get(f"/calendar/{token}.ics")
    found = [str(event["SUMMARY"]) for event in Calendar.from_ical(answer.data).walk("VEVENT")]
    assert any(summary.startswith("Service review") for summary in found)


@pytest.mark.slow
def test_minutes_are_kept_through_the_page(
    eu: Session, contract: Contract, client_as: ClientAs
) -> None:
    row = service(eu, contract)
    path = f"/contracts/{contract.id}/reviews/{row.id}"
    stage.settle(eu)
    with time_machine.travel(HELD, tick=False):
        client = client_as("ada")
        assert "Agenda, from the facts of today" in client.get(path).text
        form = {
            "held_on": "2027-04-14", "minutes": "Kept words", "actions-0-text": "Probe",
            "actions-0-side": "vendor",
        }  # fmt: skip
        stage.settle(eu)
        wrong = client.post(f"{path}/minutes", data=form)
        assert wrong.status_code == 422
        assert "Say who does it." in wrong.text and "Kept words" in wrong.text
        stage.settle(eu)
        more = {"actions-0-owner": "Ben", "actions-0-due": "2027-05-01"}
        assert client.post(f"{path}/minutes", data=form | more).status_code == 303
        stage.settle(eu)
        page = client.get(path).text
        listed = client.get(f"/contracts/{contract.id}/reviews").text
    assert "Agenda as it was" in page and "Probe" in page
    assert "Minutes kept" in listed and "Later, by the contract" in listed


def test_a_day_the_terms_move_moves_the_review(eu: Session, regions: Regions) -> None:
    found = completed(eu, regions, N5_offset=length(20, "bd"))
    work(eu, NOW)
    actions.plan_reviews(eu, found.id, at=NOW)
    row = service(eu, found)
    assert row.due_on == "2027-04-28"
    row.due_on = "2027-04-27"
    eu.commit()
    actions.plan_reviews(eu, found.id, at=NOW + timedelta(hours=1))
    assert (service(eu, found).due_on, service(eu, found).sequence) == ("2027-04-28", 1)


@pytest.mark.slow
def test_an_executive_review_stands_in_the_calendar_on_its_last_day(
    eu: Session, contract: Contract
) -> None:
    called = Called("repeated", "S1:2027-03", "Two S1 incidents in a quarter.", (1, 2))
    promises = promises_on(eu, contract, NOW.date())
    row = call_review(eu, contract, called, promises, at=NOW)
    assert row is not None
    cleo = cast.actor("cleo")
    (entry,) = executive_entries(eu, cleo, at=NOW)
    assert entry.begins == row.due_at.date() and entry.alarms
    assert entry.path.endswith(f"/executive-reviews/{row.number}")
    assert "Northwind" in entry.summary and "S1" not in entry.summary + entry.text
    hold_executive(eu, contract, cleo, row.number, outcome="More people.", at=HELD)
    (after,) = executive_entries(eu, cleo, at=HELD)
    assert (after.uid, after.sequence) == (entry.uid, entry.sequence + 1)
    assert after.begins == HELD.date() and not after.alarms
    assert list(executive_entries(eu, cast.actor("mal"), at=NOW)) == []
    assert entry.uid in [one.uid for one in review_entries(eu, cleo, at=NOW)]
