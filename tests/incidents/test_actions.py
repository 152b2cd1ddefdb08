"""What people do to incidents: state, exactly one entry, and a refusal that leaves neither."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.incidents import actions
from portal.incidents.models import ClockRecord, Incident
from portal.incidents.queries import find_incident, tell, told_between
from portal.kit.errors import NotAllowed, Refused
from portal.notices.models import RegionMail
from tests import cast
from tests.incidents import desk
from tests.incidents.desk import MONDAY, after, said


def record(session: Session, incident: Incident, aim: str) -> ClockRecord:
    """The latest clock record of one aim."""
    found = find_incident(session, incident_contract(session, incident), incident.number)
    rows = [row for row in found.clocks if row.aim == aim]
    return max(rows, key=lambda row: row.number)


def incident_contract(session: Session, incident: Incident) -> Contract:
    return session.get_one(Contract, incident.contract_id)


def test_a_report_pins_the_version_and_starts_the_clocks(
    eu: Session, served_contract: Contract
) -> None:
    incident = desk.reported(eu, served_contract)
    assert incident.version_id == served_contract.versions[0].id
    assert (incident.number, incident.standing, incident.severity) == (1, "open", "S2")
    response = record(eu, incident, "response")
    assert response.due_at == after(2)
    assert response.result == "running"
    assert incident.next_due_at == after(2)
    assert desk.events(eu, served_contract) == ["incident:reported"]


def test_the_vendor_is_told_once_and_no_word_of_it_is_in_the_mail(
    eu: Session, served_contract: Contract
) -> None:
    desk.reported(eu, served_contract)
    mails = eu.query(RegionMail).all()
    assert [mail.recipient for mail in mails] == ["ada@northwind.example", "cleo@harbour.example"]
    assert all("Orders are not saved" not in mail.text + mail.subject for mail in mails)


def test_nobody_reports_before_the_contract_is_completed(eu: Session, contract: Contract) -> None:
    with pytest.raises(Refused, match="once the contract is completed"):
        desk.reported(eu, contract)
    assert desk.events(eu, contract) == []


def test_a_role_that_may_not_report_leaves_nothing(eu: Session, served_contract: Contract) -> None:
    with pytest.raises(NotAllowed):
        desk.reported(eu, served_contract, key="lena")
    assert eu.query(Incident).count() == 0
    assert desk.events(eu, served_contract) == []


@pytest.mark.slow
def test_once_contacts_are_named_others_report_severity_1_only(
    eu: Session, served_contract: Contract
) -> None:
    dov = cast.actor("dov").person_id
    actions.name_contacts(eu, served_contract, cast.actor("dov"), [dov], at=MONDAY)
    desk.settle(eu)
    with pytest.raises(NotAllowed, match="named contacts"):
        desk.reported(eu, served_contract, key="cleo")
    assert desk.reported(eu, served_contract, key="cleo", severity="S1").number == 1
    assert desk.reported(eu, served_contract, key="dov").number == 2


def test_a_module_that_is_not_supported_is_doubted_not_refused(
    eu: Session, served_contract: Contract
) -> None:
    incident = desk.reported(eu, served_contract, module="Payroll")
    assert incident.entitlement == "doubtful"
    assert incident.facts["doubts"] == ["Payroll is not among the supported modules."]


def test_the_vendor_may_say_that_the_customer_called_earlier(
    eu: Session, served_contract: Contract
) -> None:
    early = MONDAY - timedelta(minutes=20)
    by_phone = desk.reported(eu, served_contract, key="ben", channel="phone", called_at=early)
    assert by_phone.reported_at == early
    assert record(eu, by_phone, "response").due_at == after(2) - timedelta(minutes=20)
    by_portal = desk.reported(eu, served_contract, key="dov", called_at=early)
    assert by_portal.reported_at == MONDAY


@pytest.mark.slow
def test_an_acknowledgement_stops_the_first_clock_and_starts_the_next(
    eu: Session, served_contract: Contract
) -> None:
    incident = desk.reported(eu, served_contract)
    actions.acknowledge(said(eu, served_contract, "ben", 1, after(1.5)))
    response = record(eu, incident, "response")
    assert (response.result, response.met_at) == ("met", after(1.5))
    assert response.tzdata
    assert response.counted_seconds == 5400
    assert record(eu, incident, "update").due_at == after(5.5)
    assert desk.events(eu, served_contract) == ["incident:reported", "incident:acknowledged"]


def test_a_late_answer_is_a_breach_that_stays(eu: Session, served_contract: Contract) -> None:
    incident = desk.reported(eu, served_contract)
    actions.acknowledge(said(eu, served_contract, "ben", 1, after(3)))
    assert record(eu, incident, "response").result == "breached"
    assert find_incident(eu, served_contract, 1).breaches == 1


def test_the_customer_cannot_answer_for_the_vendor(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract)
    with pytest.raises(NotAllowed):
        actions.acknowledge(said(eu, served_contract, "dov", 1, after(1)))
    with pytest.raises(NotAllowed, match="Only the customer"):
        actions.confirm(said(eu, served_contract, "ben", 1, after(1)))
    assert desk.events(eu, served_contract) == ["incident:reported"]


def test_a_contested_pause_is_counted_both_ways(eu: Session, served_contract: Contract) -> None:
    incident = desk.reported(eu, served_contract)
    pause = actions.claim_pause(
        said(eu, served_contract, "ben", 1, after(1)), ground="waiting_on_customer",
        words="Which order number?",
    )  # fmt: skip
    actions.contest_pause(
        said(eu, served_contract, "dov", 1, after(1.5)), pause=pause.id, words="We said."
    )
    actions.end_pause(said(eu, served_contract, "ben", 1, after(2)), pause=pause.id)
    actions.acknowledge(said(eu, served_contract, "ben", 1, after(2.5)))
    response = record(eu, incident, "response")
    assert (response.due_at, response.strict_due_at) == (after(3), after(2))
    assert response.result == "disputed"
    actions.settle_pause(said(eu, served_contract, "ben", 1, after(3)), pause=pause.id)
    assert record(eu, incident, "response").result == "breached"


@pytest.mark.slow
def test_a_pause_needs_a_ground_of_the_contract(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract)
    with pytest.raises(Refused, match="on this ground"):
        actions.claim_pause(
            said(eu, served_contract, "ben", 1, after(1)), ground="force_majeure", words="Storm."
        )
    assert desk.events(eu, served_contract) == ["incident:reported"]


def test_a_graver_severity_holds_at_once_and_a_milder_one_when_agreed(
    eu: Session, served_contract: Contract
) -> None:
    incident = desk.reported(eu, served_contract)
    raised = actions.propose_severity(
        said(eu, served_contract, "dov", 1, after(1)), severity="S1", words="All stores now."
    )
    assert find_incident(eu, served_contract, 1).severity == "S1"
    # Thirty minutes from the proposal, and never later than the two hours it had.
    assert record(eu, incident, "response").due_at == after(1.5)
    actions.agree_severity(
        said(eu, served_contract, "ben", 1, after(1.25)), proposal=raised.id, from_report=False
    )
    lowered = actions.propose_severity(
        said(eu, served_contract, "ben", 1, after(1.4)), severity="S3", words="One store."
    )
    assert find_incident(eu, served_contract, 1).severity == "S1"
    actions.agree_severity(
        said(eu, served_contract, "dov", 1, after(1.45)), proposal=lowered.id, from_report=True
    )
    assert find_incident(eu, served_contract, 1).severity == "S3"


def test_a_side_does_not_agree_to_its_own_proposal(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract)
    raised = actions.propose_severity(
        said(eu, served_contract, "dov", 1, after(1)), severity="S1", words="All stores now."
    )
    with pytest.raises(Refused, match="other side answers"):
        actions.agree_severity(
            said(eu, served_contract, "cleo", 1, after(1.1)), proposal=raised.id, from_report=False
        )


def test_a_fix_that_does_not_work_stopped_no_clock(eu: Session, served_contract: Contract) -> None:
    incident = desk.reported(eu, served_contract)
    actions.acknowledge(said(eu, served_contract, "ben", 1, after(1)))
    fix = actions.resolve(
        said(eu, served_contract, "ben", 1, after(4)), means="permanent_fix", words="Patched."
    )
    assert record(eu, incident, "resolution").result == "met"
    actions.refuse(
        said(eu, served_contract, "dov", 1, after(5)), delivery=fix.id, words="Still broken."
    )
    assert record(eu, incident, "resolution").result == "running"
    assert find_incident(eu, served_contract, 1).standing == "open"


def test_silence_closes_after_its_days_and_once(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract)
    actions.resolve(
        said(eu, served_contract, "ben", 1, after(1)), means="permanent_fix", words="Patched."
    )
    ends = find_incident(eu, served_contract, 1).silence_at
    assert ends == after(1) + timedelta(days=7)
    late = after(1) + timedelta(days=9)
    assert actions.keep_incidents(eu, served_contract, at=after(2)) == 0
    assert actions.keep_incidents(eu, served_contract, at=late) == 1
    assert actions.keep_incidents(eu, served_contract, at=late) == 0
    closed = find_incident(eu, served_contract, 1)
    assert (closed.standing, closed.closed_at) == ("closed", ends)


def test_reopening_carries_the_clocks_on_without_the_resolved_time(
    eu: Session, served_contract: Contract
) -> None:
    incident = desk.reported(eu, served_contract, severity="S1")
    actions.acknowledge(said(eu, served_contract, "ben", 1, after(0.25)))
    actions.resolve(
        said(eu, served_contract, "ben", 1, after(3)), means="permanent_fix", words="Restarted."
    )
    actions.confirm(said(eu, served_contract, "dov", 1, after(4)))
    actions.reopen(said(eu, served_contract, "dov", 1, after(13)), words="It is back.")
    resolution = record(eu, incident, "resolution")
    assert (resolution.number, resolution.due_at) == (2, after(18))
    assert record(eu, incident, "response").due_at == after(13.5)


@pytest.mark.slow
def test_events_are_never_changed(eu: Session, served_contract: Contract) -> None:
    desk.reported(eu, served_contract)
    with pytest.raises(IntegrityError, match="never changed"):
        eu.execute(text("UPDATE incident_events SET severity = 'S4'"))
    eu.rollback()
    with pytest.raises(IntegrityError, match="a report is never changed"):
        eu.execute(text("UPDATE incidents SET reported_at = '2026-01-01T00:00:00.000000Z'"))
    eu.rollback()


@pytest.mark.slow
def test_a_period_tells_the_incidents_that_were_open_in_it(
    eu: Session, served_contract: Contract
) -> None:
    desk.reported(eu, served_contract)
    desk.reported(eu, served_contract, at=after(100))
    actions.confirm(said(eu, served_contract, "dov", 1, after(5)))
    served_contract = eu.get_one(Contract, served_contract.id)
    numbers = [
        [one.incident.number for one in told_between(eu, served_contract, begin=b, end=e, now=e)]
        for b, e in ((after(-9), after(0)), (after(0), after(9)), (after(9), after(200)))
    ]
    assert numbers == [[], [1], [2]]


def test_the_records_say_what_the_pure_clocks_say(eu: Session, served_contract: Contract) -> None:
    incident = desk.reported(eu, served_contract)
    actions.acknowledge(said(eu, served_contract, "ben", 1, after(1)))
    told = tell(eu, served_contract, find_incident(eu, served_contract, 1), now=after(1))
    stored = {(row.aim, row.number): row.due_at for row in told.incident.clocks}
    assert stored == {(o.aim.value, o.number): o.due for o in told.outcomes}
    assert incident.number == 1
