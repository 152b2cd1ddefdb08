"""What people read and post about changes, outages and monitors."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy.orm import Session

from portal.changes import actions, queries
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from tests import cast
from tests.changes.works import FROM, NEW_YORK, NOTES, TESTS, announced, outage, plan, terms_with
from tests.incidents import desk

Clients = Callable[[str], FlaskClient]


@pytest.fixture
def now() -> datetime:
    return clock.now().replace(second=0, microsecond=0)


def ahead(now: datetime, days: int = 20) -> datetime:
    """A Sunday at 02:00 in New York, so many days ahead or a little more."""
    local = (now + timedelta(days=days)).astimezone(NEW_YORK)
    sunday = local + timedelta(days=(6 - local.weekday()) % 7)
    return sunday.replace(hour=2, minute=0, second=0, microsecond=0).astimezone(UTC)


@pytest.fixture
def open_contract(eu: Session, contract: Contract, now: datetime) -> Contract:
    """In force, with no freeze and no peak, so that the day of the test does not matter."""
    desk.put_in_force(eu, contract, terms_with({"B5": "", "E7": ""}), at=min(FROM, now))
    desk.settle(eu)
    return contract


def typed(begin: datetime, **more: object) -> dict[str, object]:
    wall = begin.astimezone(NEW_YORK)
    return {
        "title": "Database upgrade", "kind": "maintenance", "sort": "normal", "effect": "down",
        "begin": f"{wall:%Y-%m-%dT%H:%M}", "end": f"{wall + timedelta(hours=3):%Y-%m-%dT%H:%M}",
        "tests": sorted(TESTS), "backup": "y", "rollback": "Restore the backup.",
        **{f"note_{name}": text for name, text in NOTES.items()}, **more,
    }  # fmt: skip


def text(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.get_data(as_text=True)


def test_there_is_nothing_of_this_before_the_contract_is_signed(
    visitors: Clients, contract: Contract
) -> None:
    for page in ("changes", "outages", "monitors", "calendar", "changes.ics"):
        text(visitors("ben"), f"/contracts/{contract.id}/{page}", 404)


@pytest.mark.slow
def test_a_plan_is_judged_before_it_is_announced(
    visitors: Clients, open_contract: Contract, now: datetime
) -> None:
    ben, dov = visitors("ben"), visitors("dov")
    base = f"/contracts/{open_contract.id}/changes"
    done = ben.post(base, data=typed(ahead(now) + timedelta(days=1)))
    assert done.status_code == 303
    draft = done.headers["Location"]
    page = text(ben, draft)
    assert "does not lie in a maintenance window" in page
    assert "Counts as downtime" in page and "sees this draft" in page
    text(dov, draft, 404)
    assert ben.post(f"{draft}/announcement").status_code == 303
    assert "Your approval is asked" in text(dov, draft)
    assert "Database upgrade" in text(dov, base)
    assert dov.post(f"{draft}/approval").status_code == 303
    assert dov.post(f"{draft}/approval").status_code == 409


def test_the_verdict_follows_what_is_typed(
    visitors: Clients, open_contract: Contract, now: datetime
) -> None:
    base = f"/contracts/{open_contract.id}/changes/verdict"
    answer = visitors("ben").post(base, data=typed(ahead(now), rollback=""))
    page = answer.get_data(as_text=True)
    assert 'id="verdict"' in page and "<html" not in page
    assert "A rollback plan is required for normal changes." in page
    empty = visitors("ben").post(base).get_data(as_text=True)
    assert "Fill in what is done" in empty


def test_a_bad_plan_keeps_what_was_typed(
    visitors: Clients, open_contract: Contract, now: datetime
) -> None:
    wrong = typed(ahead(now), end=typed(ahead(now) - timedelta(days=1))["begin"], title="Keep me")
    answer = visitors("ben").post(f"/contracts/{open_contract.id}/changes", data=wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "The work ends after it begins." in page and "Keep me" in page


def test_the_customer_does_not_plan_and_a_lawyer_may_not(
    visitors: Clients, open_contract: Contract, now: datetime
) -> None:
    address = f"/contracts/{open_contract.id}/changes"
    assert visitors("dov").post(address, data=typed(ahead(now))).status_code == 403
    assert "Plan a change" not in text(visitors("dov"), address)


@pytest.mark.slow
def test_a_change_is_run_from_its_page(
    visitors: Clients, eu: Session, open_contract: Contract, now: datetime
) -> None:
    begin = now - timedelta(hours=4)
    row = announced(eu, open_contract, plan(begin, minutes=60), at=now - timedelta(days=20))
    for key in ("ada", "dov"):
        actions.approve(eu, open_contract, cast.actor(key), row, at=now - timedelta(days=9))
    desk.settle(eu)
    ben, page = visitors("ben"), f"/contracts/{open_contract.id}/changes/{row.ref}"
    wall = lambda at: f"{at.astimezone(NEW_YORK):%Y-%m-%dT%H:%M}"  # noqa: E731
    assert ben.post(f"{page}/start", data={}).status_code == 422
    assert ben.post(f"{page}/start", data={"happened": wall(begin)}).status_code == 303
    over = {
        "outcome": "rolled_back",
        "happened": wall(begin + timedelta(minutes=90)),
        "note": "No.",
    }
    assert ben.post(f"{page}/completion", data=over).status_code == 303
    shown = text(visitors("cleo"), page)
    assert "Rolled back" in shown and "30 minutes past its end" in shown and "“No.”" in shown


@pytest.mark.slow
def test_the_calendar_and_its_file_hold_the_same_changes(
    visitors: Clients, eu: Session, contract: Contract, now: datetime
) -> None:
    desk.put_in_force(eu, contract, terms_with(), at=now - timedelta(days=60))
    begin = ahead(now)
    terms = terms_with({"B5": "", "E7": ""})
    assert terms["E1"]
    row = actions.plan_change(eu, contract, cast.actor("ben"), plan(begin), at=now)
    desk.settle(eu)
    client, base = visitors("cleo"), f"/contracts/{contract.id}"
    page = text(client, f"{base}/calendar")
    assert "Maintenance window" in page and "Freeze" in page and "Peak" in page
    file = client.get(f"{base}/changes.ics")
    assert file.mimetype == "text/calendar"
    names = {str(e["summary"]) for e in Calendar.from_ical(file.data).walk("VEVENT")}
    assert "Maintenance window" in names
    assert not any("Database upgrade" in name for name in names), "a draft is the vendor's own"
    assert row.ref not in file.get_data(as_text=True)


@pytest.mark.slow
def test_an_outage_goes_from_record_to_dispute_to_settlement(
    visitors: Clients, open_contract: Contract, now: datetime
) -> None:
    dov, ben = visitors("dov"), visitors("ben")
    base = f"/contracts/{open_contract.id}/outages"
    wall = lambda hours: f"{(now - timedelta(hours=hours)).astimezone(NEW_YORK):%Y-%m-%dT%H:%M}"  # noqa: E731
    late = {"effect": "down", "begin": wall(-2), "seen": "x"}
    wrong = dov.post(base, data=late)
    assert wrong.status_code == 422 and "lies in the future" in wrong.get_data(as_text=True)
    data = {"effect": "down", "begin": wall(3), "end": wall(2), "seen": "Nobody can sign in."}
    page = dov.post(base, data=data).headers["Location"]
    assert "Was it so?" in text(ben, page) and "Was it so?" not in text(dov, page)
    assert ben.post(f"{page}/dispute", data={"reason": ""}).status_code == 422
    said = {"begin": wall(2.5), "end": wall(2), "reason": "It began later."}
    assert ben.post(f"{page}/dispute", data=said).status_code == 303
    assert "The other side saw" in text(dov, page)
    assert dov.post(f"{page}/correction").status_code == 303
    assert "Confirmed by both" in text(ben, page) and "30 minutes" in text(ben, page)
    claim = {"cause": "force_majeure", "evidence": "Flood at the exchange."}
    assert ben.post(f"{page}/cause", data=claim).status_code == 303
    assert "A cause is claimed" in text(dov, page)
    assert dov.post(f"{page}/cause/answer", data={"accepted": "no"}).status_code == 422
    assert dov.post(f"{page}/cause/answer", data={"accepted": "yes"}).status_code == 303
    assert "Excluded" in text(ben, base)


def test_a_monitor_reports_by_its_token_and_by_no_other(
    app: Flask, visitors: Clients, eu: Session, open_contract: Contract
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    with app.app_context():
        _, token = actions.add_monitor(
            eu, open_contract, cast.actor("ben"), name="Probe", at=clock.now()
        )
        desk.settle(eu)
    machine, address = app.test_client(), f"/contracts/{open_contract.id}/monitor"

    def say(body: object, key: str = token) -> tuple[int, str]:
        raw = body if isinstance(body, str) else json.dumps(body)
        with app.app_context():
            answer = machine.post(address, data=raw, headers={"Authorization": f"Bearer {key}"})
        return answer.status_code, answer.get_data(as_text=True)

    assert say({"state": "down"}, "cpm_wrong")[0] == 404
    assert machine.post(address, data="{}").status_code == 404
    elsewhere = {"state": "down", "module": "Elsewhere"}
    long_ago = {"state": "down", "at": "2020-01-01"}
    wrong = [{"state": "on fire"}, {"state": "up", "at": "yesterday"}, elsewhere, long_ago]
    for bad in ("no json", *wrong):
        assert say(bad)[0] == 422
    status, body = say({"state": "down", "module": "Reporting"})
    assert status == 200
    assert say({"state": "down", "module": "Reporting"}) == (status, body)
    assert json.loads(body)["outage"] in text(
        visitors("dov"), f"/contracts/{open_contract.id}/outages"
    )


def test_a_monitors_token_is_shown_once(visitors: Clients, open_contract: Contract) -> None:
    client, address = visitors("dov"), f"/contracts/{open_contract.id}/monitors"
    made = client.post(address, data={"name": "Probe <1>"})
    page = made.get_data(as_text=True)
    assert "cpm_" in page and "Probe &lt;1&gt;" in page
    again = text(client, address)
    assert "cpm_" not in again
    assert "Probe" not in text(visitors("ben"), address), "each side sees its own monitors"


@pytest.mark.slow
def test_a_list_of_many_costs_as_many_queries_as_a_list_of_few(
    app: Flask, visitors: Clients, eu: Session, open_contract: Contract, now: datetime
) -> None:
    from sqlalchemy import event

    engine = app.extensions["regions"]["eu"].engine
    client, address = visitors("cleo"), f"/contracts/{open_contract.id}/outages"

    def cost() -> int:
        seen: list[str] = []
        count = lambda *a: seen.append(a[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", count)
        text(client, address)
        event.remove(engine, "before_cursor_execute", count)
        return len(seen)

    outage(eu, open_contract, at=now)
    desk.settle(eu)
    few = cost()
    for hours in range(6, 30):
        outage(eu, open_contract, begin=now - timedelta(hours=hours), minutes=5, at=now)
    desk.settle(eu)
    assert cost() == few
    assert len(queries.outages_of(eu, open_contract)) == 25
    db.session.rollback()
