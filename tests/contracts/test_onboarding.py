"""Onboarding: both sides tick, each item has an owner and a date, and reminders come once."""

import io
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.contracts.actions import onboarding as actions
from portal.contracts.models import Contract
from portal.contracts.queries.onboarding import checklist
from portal.contracts.rules import onboarding as rules
from portal.contracts.rules.life import Side
from portal.incidents import actions as incidents
from portal.incidents.actions import Report
from portal.incidents.queries import find_incident
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import RegionMail
from tests import cast
from tests.incidents import desk
from tests.incidents.conftest import client_as as client_as

START = date(2026, 12, 1)
COMPLETED = desk.MONDAY


@pytest.fixture
def starting(eu: Session, contract: Contract) -> Contract:
    """A contract completed on the Monday whose support starts on the first of December."""
    terms = desk.terms_with({"A5": START.isoformat()})
    desk.put_in_force(eu, contract, terms, at=COMPLETED)
    desk.settle(eu)
    return contract


def states(session: Session, contract: Contract) -> dict[str, rules.State]:
    return {state.item.key: state for state in checklist(session, contract)}


def test_every_item_has_an_owner_and_a_date_before_the_start(
    eu: Session, starting: Contract
) -> None:
    found = states(eu, starting)
    assert list(found) == ["handoff", "access", "runbooks", "contacts", "test_incident"]
    assert found["handoff"].due == START - timedelta(days=10)
    assert found["handoff"].owner_id == cast.actor("ada").person_id
    assert found["access"].owner_id == cast.actor("cleo").person_id


def test_an_item_is_done_when_both_sides_have_ticked_it(eu: Session, starting: Contract) -> None:
    actions.tick_item(eu, starting, cast.actor("ben"), "access", at=desk.after(1))
    assert states(eu, starting)["access"].waits_for() == [Side.CUSTOMER]
    actions.tick_item(eu, starting, cast.actor("dov"), "access", at=desk.after(2))
    assert states(eu, starting)["access"].is_done
    actions.tick_item(eu, starting, cast.actor("dov"), "access", at=desk.after(3))
    assert not states(eu, starting)["access"].is_done
    assert desk.events(eu, starting) == [
        "onboarding:item:ticked", "onboarding:item:ticked", "onboarding:item:unticked",
    ]  # fmt: skip


def test_who_may_not_tick_leaves_nothing(eu: Session, starting: Contract) -> None:
    with pytest.raises(NotAllowed):
        actions.tick_item(eu, starting, cast.actor("lena"), "access", at=desk.after(1))
    with pytest.raises(NotFound):
        actions.tick_item(eu, starting, cast.actor("dov"), "nothing", at=desk.after(1))
    with pytest.raises(Refused, match="either side"):
        actions.plan_item(
            eu, starting, cast.actor("dov"), "access", owner_id=cast.actor("mal").person_id,
            due=START, at=desk.after(1),
        )  # fmt: skip
    assert desk.events(eu, starting) == []


@pytest.mark.slow
def test_reminders_come_before_the_date_and_on_it_once_to_those_who_wait(
    eu: Session, starting: Contract
) -> None:
    actions.tick_item(eu, starting, cast.actor("ben"), "handoff", at=desk.after(1))
    due = states(eu, starting)["handoff"].due
    noon = timedelta(hours=12)
    for day in (due - timedelta(days=4), due - timedelta(days=3), due - timedelta(days=2), due):
        for again in range(2):
            at = desk.MONDAY.replace(hour=0) + (day - desk.MONDAY.date()) + noon
            actions.remind_onboarding(eu, starting, at=at + timedelta(minutes=again))
    mails = [mail for mail in eu.query(RegionMail) if "Technical handoff" in mail.subject]
    assert [mail.recipient for mail in mails] == ["cleo@harbour.example"] * 2


def test_after_a_stop_one_reminder_comes_not_two() -> None:
    assert rules.reminder_due(START, reminded=0, today=START + timedelta(days=2)) == 2
    assert rules.reminder_due(START, reminded=2, today=START + timedelta(days=2)) is None


@pytest.mark.slow
def test_before_support_starts_only_a_trial_run_is_reported_and_never_counts(
    eu: Session, starting: Contract
) -> None:
    plain = Report(title="Nothing works", severity="S2", module="Order entry")
    with pytest.raises(Refused, match="only a trial run"):
        incidents.report(eu, starting, cast.actor("dov"), plain, at=desk.after(1))
    trial = Report(title="Trial", severity="S2", module="Order entry", is_trial=True)
    incidents.report(eu, starting, cast.actor("dov"), trial, at=desk.after(1))
    incident = find_incident(eu, starting, 1)
    assert incident.excluded == "claimed"
    assert incident.escalate_at is None


def test_the_page_says_what_is_missing_and_takes_a_runbook(
    eu: Session, starting: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    address = f"/contracts/{starting.id}/onboarding"
    text = client_as("dov").get(address).text
    assert "5 things are missing" in text
    assert "Tick for Harbour Retail Inc" in text
    client_as("ben").post(f"{address}/runbooks/tick")
    answer = client_as("ben").post(
        f"{address}/runbooks/files", data={"file": (io.BytesIO(b"%PDF-1.7 x"), "restart.pdf")},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert answer.status_code == 303
    text = client_as("dov").get(address).text
    assert "restart.pdf" in text
    assert "waits for Harbour Retail Inc" in " ".join(text.split())
    wrong = client_as("dov").post(f"{address}/access/plan", data={"owner": "", "due": "soon"})
    assert wrong.status_code == 422
