"""A pause may be contested until the dispute window of its month has ended (clauses 4.13, 14.4)."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import settled_until
from portal.incidents import actions as incidents
from portal.incidents.queries import find_incident
from portal.kit.errors import Refused
from portal.statements import actions, jobs, queries
from portal.statements.models import Statement
from portal.statements.rules.month import Month
from tests import cast
from tests.incidents import desk

SEPTEMBER = Month(2026, 9)
BEGIN = datetime(2026, 9, 10, 14, tzinfo=UTC)
OVER = datetime(2026, 10, 1, 0, 5, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def paused(eu: Session, served: Contract) -> tuple[Contract, str]:
    """A severity 1 incident in September, late but for a pause the vendor claimed; and the claim.

    Its first response came after two hours, of which it was said to wait for the customer.
    """
    desk.reported(eu, served, severity="S1", at=BEGIN)

    def said(key: str, hours: float) -> incidents.Said:
        return desk.said(eu, served, key, 1, BEGIN + timedelta(hours=hours))

    claim = incidents.claim_pause(
        said("ben", 0.1), ground="waiting_on_customer", words="Which order?"
    )
    incidents.end_pause(said("ben", 1.9), pause=claim.id)
    incidents.acknowledge(said("ben", 2), words="On it.")
    incidents.resolve(said("ben", 3), means="permanent_fix", words="Done.")
    return served, claim.id


def issued(eu: Session, contract: Contract) -> Statement:
    row = actions.issue(eu, contract, SEPTEMBER, at=OVER)
    assert row is not None
    actions.confirm(eu, contract, cast.actor("ben"), row, revision=1, objection=None, at=OVER + DAY)
    return row


def contest(eu: Session, contract: Contract, claim: str, at: datetime) -> None:
    incidents.contest_pause(
        desk.said(eu, contract, "dov", 1, at), pause=claim, words="It was in the report."
    )


def response(row: Statement) -> dict[str, object]:
    (found,) = [
        one
        for one in queries.latest_revision(row).figures["attainment"]
        if one["aim"] == "response"
    ]
    return {key: found[key] for key in ("met", "missed", "open")}


@pytest.mark.slow
def test_a_pause_contested_within_the_window_opens_its_result_and_earns_nothing_yet(
    eu: Session, paused: tuple[Contract, str]
) -> None:
    contract, claim = paused
    row = issued(eu, contract)
    assert response(row) == {"met": 1, "missed": 0, "open": 0}
    assert row.act_at is not None
    contest(eu, contract, claim, row.act_at - HOUR)
    actions.compute_again(eu, contract, cast.actor("dov"), row, at=row.act_at)
    assert response(row) == {"met": 0, "missed": 0, "open": 1}
    lines = queries.latest_revision(row).figures["credits"]
    assert [line for line in lines if line["kind"] == "response"] == []
    # The vendor gives way: the time counts, the target was missed, the credit is due.
    at = OVER + 12 * DAY
    incidents.settle_pause(desk.said(eu, contract, "ben", 1, at), pause=claim)
    actions.compute_again(eu, contract, cast.actor("ben"), row, at=at + HOUR)
    assert response(row) == {"met": 0, "missed": 1, "open": 0}


@pytest.mark.parametrize("how", ["accepted", "by silence"])
@pytest.mark.slow
def test_after_the_window_it_can_no_longer_be_contested(
    eu: Session, paused: tuple[Contract, str], how: str
) -> None:
    contract, claim = paused
    row = issued(eu, contract)
    assert row.act_at is not None
    late = row.act_at + timedelta(seconds=1)
    if how == "accepted":
        actions.accept(eu, contract, cast.actor("cleo"), row, revision=1, at=OVER + 2 * DAY)
    else:
        assert jobs.settle_due(eu, at=late) == 1
    zone = queries.latest_revision(row).figures["zone"]
    assert settled_until(contract) == SEPTEMBER.bounds({"M4": zone})[1]
    entries = desk.events(eu, contract)
    with pytest.raises(Refused, match="The time to contest this pause is over"):
        contest(eu, contract, claim, late)
    eu.rollback()
    assert desk.events(eu, contract) == entries
    assert not [e for e in find_incident(eu, contract, 1).events if e.kind == "pause_contested"]


@pytest.mark.slow
def test_a_later_month_settled_first_closes_nothing_before_it(
    eu: Session, paused: tuple[Contract, str]
) -> None:
    contract, claim = paused
    actions.issue(eu, contract, SEPTEMBER, at=OVER)
    october = actions.issue(eu, contract, SEPTEMBER.plus(1), at=OVER + 32 * DAY)
    assert october is not None
    at = OVER + 33 * DAY
    actions.confirm(eu, contract, cast.actor("ben"), october, revision=1, objection=None, at=at)
    actions.accept(eu, contract, cast.actor("cleo"), october, revision=1, at=at)
    assert settled_until(contract) is None
    contest(eu, contract, claim, at + DAY)
