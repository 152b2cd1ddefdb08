"""The account of a cause: asked for, delivered, reviewed, and its actions followed up."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.incidents import actions
from portal.incidents.models import ExecutiveReview, RootCause
from portal.incidents.queries import find_incident
from portal.incidents.queries.reviews import agenda_of
from portal.incidents.queries.root_causes import find_root_cause, open_measures
from portal.incidents.rules.reviews import Critical, by_attainment, by_count, by_overdue
from portal.incidents.rules.root_cause import Kind
from portal.kit.errors import NotAllowed, Refused
from portal.notices.models import RegionMail
from tests import cast
from tests.incidents import desk
from tests.incidents.desk import MONDAY, after, said

CONTENT = {"timeline": "09:00 down", "cause": "A full disk.", "impact": "No sale for two hours."}


def resolved(session: Session, contract: Contract, *, severity: str = "S1") -> RootCause | None:
    """Report and resolve an incident; return the root cause that is asked for."""
    desk.reported(session, contract, severity=severity)
    actions.resolve(
        said(session, contract, "ben", 1, after(2)), means="permanent_fix", words="Fixed."
    )
    return find_root_cause(session, find_incident(session, contract, 1))


def measure(session: Session, contract: Contract, side: Side = Side.VENDOR) -> str:
    return actions.add_measure(
        session, contract, cast.actor("ben"), 1, words="Watch the disks", owner="Ben Osei",
        side=side, due=date(2026, 11, 20), at=after(20),
    ).id  # fmt: skip


def deliver(session: Session, contract: Contract, kind: Kind, hours: float = 24) -> None:
    actions.deliver_account(
        session, contract, cast.actor("ben"), 1, kind=kind, content=CONTENT, at=after(hours)
    )


def test_a_severity_that_needs_one_gets_its_dates_from_the_resolution(
    eu: Session, served_contract: Contract
) -> None:
    row = resolved(eu, served_contract)
    assert row is not None
    # Two and five business days after Monday 11:00 in New York.
    assert row.preliminary_due_at == after(2) + timedelta(days=2)
    assert row.final_due_at == after(2) + timedelta(days=7)


def test_a_severity_that_needs_none_gets_none(eu: Session, served_contract: Contract) -> None:
    assert resolved(eu, served_contract, severity="S3") is None


def test_a_full_account_needs_everything_the_contract_lists(
    eu: Session, served_contract: Contract
) -> None:
    resolved(eu, served_contract)
    with pytest.raises(Refused, match="at least one action"):
        deliver(eu, served_contract, Kind.FINAL)
    assert not [e for e in desk.events(eu, served_contract) if "root_cause" in e]
    measure(eu, served_contract)
    deliver(eu, served_contract, Kind.FINAL)
    assert desk.events(eu, served_contract)[-1] == "incident:root_cause:final"


@pytest.mark.slow
def test_the_customer_returns_and_then_accepts(eu: Session, served_contract: Contract) -> None:
    resolved(eu, served_contract)
    deliver(eu, served_contract, Kind.PRELIMINARY)
    measure(eu, served_contract)
    deliver(eu, served_contract, Kind.FINAL, 30)
    dov = cast.actor("dov")
    with pytest.raises(Refused, match="Say what it lacks"):
        actions.return_account(eu, served_contract, dov, 1, reason=" ", at=after(31))
    actions.return_account(eu, served_contract, dov, 1, reason="Why was it full?", at=after(31))
    with pytest.raises(Refused, match="no full account"):
        actions.accept_account(eu, served_contract, dov, 1, at=after(32))
    deliver(eu, served_contract, Kind.FINAL, 40)
    with pytest.raises(NotAllowed):
        actions.accept_account(eu, served_contract, cast.actor("ben"), 1, at=after(41))
    actions.accept_account(eu, served_contract, dov, 1, at=after(41))
    row = find_root_cause(eu, find_incident(eu, served_contract, 1))
    assert row is not None
    assert (row.final_at, row.accepted_at) == (after(30), after(41))
    kinds = [account.kind for account in row.accounts]
    assert kinds == ["preliminary", "final", "returned", "final", "accepted"]


def test_a_delivered_account_is_never_changed(eu: Session, served_contract: Contract) -> None:
    resolved(eu, served_contract)
    deliver(eu, served_contract, Kind.PRELIMINARY)
    desk.settle(eu)
    with pytest.raises(IntegrityError, match="never changed"):
        eu.execute(text("UPDATE root_cause_accounts SET kind = 'final'"))
    eu.rollback()


def test_an_action_is_finished_by_the_side_that_owns_it(
    eu: Session, served_contract: Contract
) -> None:
    resolved(eu, served_contract)
    mine = measure(eu, served_contract, Side.CUSTOMER)
    with pytest.raises(NotAllowed, match="side that owns"):
        actions.finish_measure(eu, served_contract, cast.actor("ben"), mine, at=after(30))
    assert len(open_measures(eu, served_contract)) == 1
    actions.finish_measure(eu, served_contract, cast.actor("dov"), mine, at=after(30))
    assert open_measures(eu, served_contract) == []


@pytest.mark.slow
def test_reminders_of_a_late_account_and_a_late_action_come_once(
    eu: Session, served_contract: Contract
) -> None:
    resolved(eu, served_contract)
    measure(eu, served_contract)
    late = MONDAY + timedelta(days=30)
    assert actions.due_for_causes(eu, at=late) == [served_contract.id]
    for later in range(3):
        actions.keep_root_causes(eu, served_contract, at=late + timedelta(minutes=later))
    assert actions.due_for_causes(eu, at=late) == []
    subjects = [mail.subject for mail in eu.query(RegionMail)]
    assert sum("Root cause overdue" in one for one in subjects) == 2
    assert sum("An action is overdue" in one for one in subjects) == 1
    assert not any("due within a day" in one for one in subjects)


def test_two_severity_1_incidents_call_one_review_with_its_agenda(
    eu: Session, served_contract: Contract
) -> None:
    desk.reported(eu, served_contract, severity="S1")
    assert actions.keep_reviews(eu, served_contract, at=after(1)) == 0
    desk.reported(eu, served_contract, severity="S1", at=after(48))
    assert actions.keep_reviews(eu, served_contract, at=after(49)) == 1
    assert actions.keep_reviews(eu, served_contract, at=after(50)) == 0
    review = eu.query(ExecutiveReview).one()
    assert review.due_at == after(49) + timedelta(days=7)
    assert [one.number for one in agenda_of(eu, served_contract, review).incidents] == [1, 2]
    actions.hold_review(
        eu, served_contract, cast.actor("cleo"), 1, outcome="Disks are watched.", at=after(60)
    )
    with pytest.raises(Refused, match="written down already"):
        actions.hold_review(eu, served_contract, cast.actor("ada"), 1, outcome="x", at=after(61))
    # Those that were reviewed do not call the next one.
    desk.reported(eu, served_contract, severity="S1", at=after(70))
    assert actions.keep_reviews(eu, served_contract, at=after(71)) == 0


def test_the_numbers_of_the_contract_decide() -> None:
    terms = {
        "G4": [
            {"trigger": "s1_count", "number": 2, "out_of": 30},
            {"trigger": "rca_overdue", "number": 5, "out_of": None},
            {"trigger": "attainment_pct", "number": 90, "out_of": None},
        ]
    }
    old = Critical("a", 1, MONDAY - timedelta(days=31))
    new = [Critical("b", 2, MONDAY - timedelta(days=2)), Critical("c", 3, MONDAY)]
    assert by_count(terms, [old, new[0]], since=None, now=MONDAY) is None
    called = by_count(terms, [old, *new], since=None, now=MONDAY)
    assert called is not None
    assert called.incidents == (2, 3)
    due = [("x", 1, MONDAY - timedelta(days=5)), ("y", 2, MONDAY - timedelta(days=6))]
    assert [one.cause for one in by_overdue(terms, due, now=MONDAY)] == ["y"]
    assert by_attainment(terms, met=9, due=10, month="2026-10") is None
    missed = by_attainment(terms, met=8, due=9, month="2026-10")
    assert missed is not None
    assert missed.sentence.startswith("88.9 % of 9 targets")
    assert by_attainment(terms, met=0, due=0, month="2026-10") is None
