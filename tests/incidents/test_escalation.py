"""Climbing: each level told once and in time, and after a stop once and marked late."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.rules.onboarding import ITEMS
from portal.incidents import actions
from portal.incidents.models import Escalation
from portal.incidents.queries import find_incident
from portal.incidents.rules.escalation import Contact, Step, contacts_at
from portal.kit import clock
from portal.kit.errors import Refused
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import make_contract
from tests.incidents import desk
from tests.incidents.desk import MONDAY, after, said

THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
KILLS = 50 if THOROUGH else 6


def called(session: Session) -> list[tuple[str, str, bool]]:
    """Every level that was called: (level, cause, late)."""
    rows = session.query(Escalation).order_by(Escalation.told_at, Escalation.level)
    return [(row.level, row.cause, bool(row.late)) for row in rows]


def mails(session: Session, word: str) -> list[RegionMail]:
    return [m for m in session.query(RegionMail) if word in m.subject]


def test_an_incident_climbs_by_its_times(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract, severity="S1")
    assert find_incident(eu, served_contract, 1).escalate_at == after(0.5)
    actions.keep_incidents(eu, served_contract, at=after(0.49))
    assert called(eu) == []
    actions.keep_incidents(eu, served_contract, at=after(0.5))
    assert called(eu) == [("L2", "time", False)]
    recipients = {mail.recipient for mail in mails(eu, "Called to")}
    assert recipients == {"support-lead@vendor.example", "it-admin@customer.example"}


def test_a_level_that_stays_silent_is_passed_over(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract, severity="S1")
    actions.keep_incidents(eu, served_contract, at=after(0.5))
    actions.keep_incidents(eu, served_contract, at=after(1))
    assert called(eu) == [("L2", "time", False), ("L3", "silence", False)]


def test_a_confirmed_level_waits_for_the_next_time(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract, severity="S1")
    actions.keep_incidents(eu, served_contract, at=after(0.5))
    actions.confirm_level(eu, served_contract, cast.actor("ben"), 1, "L2", at=after(0.6))
    with pytest.raises(Refused, match="confirmed already"):
        actions.confirm_level(eu, served_contract, cast.actor("dov"), 1, "L2", at=after(0.7))
    actions.keep_incidents(eu, served_contract, at=after(1.5))
    assert called(eu) == [("L2", "time", False)]
    actions.keep_incidents(eu, served_contract, at=after(2))
    assert called(eu)[1:] == [("L3", "time", False)]


def test_a_resolved_incident_climbs_no_more(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract, severity="S1")
    actions.resolve(
        said(eu, served_contract, "ben", 1, after(0.2)), means="permanent_fix", words="Done."
    )
    assert find_incident(eu, served_contract, 1).escalate_at is None
    actions.keep_incidents(eu, served_contract, at=after(9))
    assert called(eu) == []


def test_a_pause_both_accept_holds_the_climb_and_a_contested_one_does_not(
    eu: Session, served_contract: Contract
) -> None:
    for number in (1, 2):
        desk.reported(eu, served_contract, severity="S2")
        pause = actions.claim_pause(
            said(eu, served_contract, "ben", number, after(1)), ground="waiting_on_customer",
            words="Which order?",
        )  # fmt: skip
        if number == 2:
            actions.contest_pause(
                said(eu, served_contract, "dov", 2, after(1.5)), pause=pause.id, words="Told you."
            )
        actions.end_pause(said(eu, served_contract, "ben", number, after(3)), pause=pause.id)
    waits = [find_incident(eu, served_contract, number).escalate_at for number in (1, 2)]
    assert waits == [after(6), after(4)]


@pytest.mark.slow
def test_a_side_escalates_with_a_reason_at_any_time(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract, severity="S3")
    actions.escalate(eu, served_contract, cast.actor("cleo"), 1, reason="Quarter end.", at=after(1))
    assert called(eu) == [("L2", "asked", False)]
    assert desk.events(eu, served_contract)[-1] == "incident:level:called"
    with pytest.raises(Refused, match="Give the reason"):
        actions.escalate(eu, served_contract, cast.actor("cleo"), 1, reason=" ", at=after(1))


def test_people_are_not_called_at_night_but_for_severity_1() -> None:
    hours = {"tz": "America/New_York", "days": [
        {"days": ["mo", "tu", "we", "th", "fr"], "from": "09:00", "to": "17:00"}]}  # fmt: skip
    someone = Contact("vendor", "L4", "Sponsor", "s@vendor.example", "", "", hours)
    night = MONDAY + timedelta(hours=10)
    assert someone.reached_at(night, severity="S1") == night
    assert someone.reached_at(night, severity="S2") == MONDAY + timedelta(days=1)
    assert someone.reached_at(MONDAY, severity="S2") == MONDAY


def test_each_person_is_called_by_one_mail_for_many_incidents(
    eu: Session, served_contract: Contract
) -> None:
    for _ in range(3):
        desk.reported(eu, served_contract, severity="S1")
    actions.keep_incidents(eu, served_contract, at=after(0.5))
    assert len(called(eu)) == 3
    found = mails(eu, "Called to")
    assert Counter(mail.recipient for mail in found).most_common(1)[0][1] == 1
    assert "Called to 3 incidents" in found[0].subject


@pytest.mark.slow
def test_after_three_days_without_a_worker_each_level_is_called_once_and_late(
    eu: Session, served_contract: Contract
) -> None:
    desk.reported(eu, served_contract, severity="S1")
    desk.reported(eu, served_contract, severity="S2")
    back = MONDAY + timedelta(days=3)
    for later in range(4):
        actions.keep_incidents(eu, served_contract, at=back + timedelta(seconds=later))
    assert Counter(called(eu)) == Counter(
        [("L2", "time", True), ("L3", "time", True), ("L4", "time", True)] * 2
    )
    assert desk.events(eu, served_contract).count("incident:level:called") == 6
    missed = desk.events(eu, served_contract).count("incident:target:missed")
    told = Counter((mail.recipient, mail.subject) for mail in mails(eu, "Target missed"))
    assert missed == 6
    assert set(told.values()) == {1}


def test_a_clock_is_announced_when_a_quarter_is_left_and_once(
    eu: Session, served_contract: Contract
) -> None:
    desk.reported(eu, served_contract, severity="S2")
    assert find_incident(eu, served_contract, 1).warn_at == after(1.5)
    for hours in (1.4, 1.5, 1.6, 1.9):
        actions.keep_incidents(eu, served_contract, at=after(hours))
    told = Counter(mail.recipient for mail in mails(eu, "Soon due, first response"))
    assert dict(told) == dict.fromkeys(
        ("ada@northwind.example", "cleo@harbour.example", "dov@harbour.example"), 1
    )


def test_a_step_knows_whether_it_is_late() -> None:
    step = Step("L2", MONDAY, "time")
    assert not step.is_late(MONDAY + timedelta(minutes=4))
    assert step.is_late(MONDAY + timedelta(minutes=6))


def test_the_path_of_the_contract_names_both_sides() -> None:
    found = contacts_at(desk.terms_with(), "L3")
    assert {contact.side for contact in found} == {"vendor", "customer"}


@pytest.mark.slow
def test_a_worker_killed_at_random_calls_everybody_exactly_once(
    app: Flask, home: Path, eu: Session, regions: Regions, served_contract: Contract
) -> None:
    """The worker runs as a process and is killed at random; then it is left to finish.

    It had been stopped for three days; beside the climbs a second contract asks for reminders.
    """
    at = clock.now() - timedelta(days=3)
    starting = make_contract(eu, regions, title="About to start")
    terms = desk.terms_with({"A5": clock.now().date().isoformat()})
    desk.put_in_force(eu, starting, terms, at=at)
    # Their clock runs around it: three days may fall on a weekend.
    for number in range(12):
        desk.reported(eu, served_contract, severity="S1", at=at + timedelta(minutes=number))
    desk.settle(eu)
    command = [str(Path(sys.executable).with_name("counterpart")), "work"]
    environment = {**os.environ, "COUNTERPART_HOME": str(home)}
    dice = random.Random(7)
    for _ in range(KILLS):
        worker = subprocess.Popen([*command, "--every", "0.05"], env=environment)
        time.sleep(dice.uniform(0.8, 2.2))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    for _ in range(2):
        subprocess.run([*command, "--once"], env=environment, check=True, timeout=120)
    eu.rollback()
    told = eu.execute(text("SELECT incident_id, level FROM escalations")).all()
    assert len(told) == 36
    assert len(set(told)) == 36
    entries = desk.events(eu, served_contract)
    assert entries.count("incident:level:called") == 36
    again = Counter((m.recipient, m.subject, m.text) for m in mails(eu, "Called to"))
    assert set(again.values()) == {1}
    missed = Counter((m.recipient, m.subject) for m in mails(eu, "Target missed"))
    assert set(missed.values()) == {1}
    asked = Counter((m.recipient, m.subject) for m in mails(eu, starting.id))
    assert len(asked) >= len(ITEMS) and set(asked.values()) == {1}


def test_contested_time_leaves_the_worker_nothing_to_do_again_and_again(
    eu: Session, served_contract: Contract
) -> None:
    desk.reported(eu, served_contract, severity="S2")
    pause = actions.claim_pause(
        said(eu, served_contract, "ben", 1, after(1)), ground="waiting_on_customer", words="Which?"
    )
    actions.contest_pause(
        said(eu, served_contract, "dov", 1, after(1.5)), pause=pause.id, words="Told you."
    )
    for hours in (2.1, 3, 40, 50, 60, 90):
        actions.keep_incidents(eu, served_contract, at=after(hours))
        actions.keep_incidents(eu, served_contract, at=after(hours))
        incident = find_incident(eu, served_contract, 1)
        waits = [one for one in (incident.warn_at, incident.escalate_at) if one]
        assert all(one > after(hours) for one in waits), hours
    assert [level for level, _, _ in called(eu)] == ["L2", "L3", "L4"]
