"""A renewal as round 1: filled with the terms in force, beside what was measured."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, state
from portal.contracts.rules.life import State
from portal.incidents import actions as incidents
from portal.kit.errors import NotAllowed, Refused
from portal.negotiation.actions import set_offers
from portal.negotiation.queries import negotiation_of
from portal.renewals import actions
from portal.renewals.actions.round import start_round
from portal.renewals.queries.measured import measured_in
from portal.renewals.queries.term import running
from portal.renewals.rules.conditions import Measured, all_hold, conditions
from portal.renewals.rules.promised import Run, kept_by_term, promised_rows, share
from portal.residency.databases import Regions
from portal.terms.rules import load_schema, parse, show
from tests import cast
from tests.incidents import desk
from tests.renewals import stage
from tests.renewals.stage import completed, row_of, work

NOW = datetime(2027, 11, 22, 15, 0, tzinfo=UTC)
RESPONSE = "C4.S1.first_response"
HOUR = timedelta(hours=1)


def run(left: timedelta, *, met: bool = True, term: str = RESPONSE) -> Run:
    return Run(term, met, left, HOUR, HOUR - left)


@pytest.mark.slow
def test_a_round_opens_with_the_terms_in_force_from_the_end_date(
    eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions, D1="99.95")
    early = datetime(2027, 10, 1, 12, 0, tzinfo=UTC)
    work(eu, early)
    actions.give_price(
        eu, cast.actor("ada"), contract, amount=Decimal(1530), index_change=Decimal(2), step=7,
        at=early,
    )  # fmt: skip
    before = stage.events(eu, contract)
    new = start_round(eu, regions["eu"], cast.actor("ada"), contract, at=NOW)
    found = negotiation_of(eu, new, cast.actor("ada"), at=NOW)
    values = {term: word.value for term, word in found.words.items()}
    assert values["D1"] == "99.95"
    assert values["A5"] == values["A4.date"] == "2028-02-01"
    assert values["O1"] == {"amount": "1530.00", "currency": "USD"}
    assert set(values) == set(load_schema("1").terms)
    assert stage.events(eu, contract)[len(before) :] == ["renewal:round:started"]
    assert row_of(eu, contract).successor == new.id
    assert [slot.person_id for slot in find_contract(eu, cast.actor("ada"), new.id).slots]
    with pytest.raises(Refused, match="already started"):
        start_round(eu, regions["eu"], cast.actor("ada"), contract, at=NOW)
    with pytest.raises(NotAllowed):
        start_round(eu, regions["eu"], cast.actor("ben"), contract, at=NOW)


@pytest.mark.slow
def test_a_signed_renewal_takes_over_on_the_end_date(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    work(eu, NOW)
    new = start_round(eu, regions["eu"], cast.actor("ada"), contract, at=NOW)
    add_fact(eu, new, "completed", person_id="portal", side=None, at=NOW)
    eu.commit()
    end = datetime(2028, 2, 1, 5, 0, tzinfo=UTC)
    actions.keep_dates(eu, contract.id, at=end)
    eu.expire_all()
    old = eu.get_one(Contract, contract.id)
    assert state(old, today=end.date()) is State.RENEWED
    assert row_of(eu, contract).state == "over"
    assert stage.events(eu, contract)[-1] == "renewal:term:renewed_by_successor"


def test_near_misses_and_room_are_told_apart() -> None:
    kept = kept_by_term(
        [run(timedelta(minutes=5)), *[run(timedelta(minutes=40))] * 5]
        + [run(timedelta(minutes=-9), met=False, term="C4.S2.first_response")]
        + [run(timedelta(minutes=30), term="C4.S1.resolution")] * 6
    )
    by_term = {one.term: one for one in kept}
    assert (by_term[RESPONSE].met, by_term[RESPONSE].near) == (6, 1)
    assert by_term["C4.S1.resolution"].most_took == timedelta(minutes=30)
    schema = load_schema("1")
    rows = promised_rows(schema, schema.defaults() | {"B8": 20}, kept, incidents=7, contacts=2)
    told = {row.term: row for row in rows}
    assert told[RESPONSE].measured == "6 of 6 in time, 1 in the last tenth of the time"
    assert told["C4.S2.first_response"].tone == "bad"
    assert "95 % took at most 30 minutes" in told["C4.S1.resolution"].suggestion
    assert told["B8"].suggestion.startswith("Less than half")


@pytest.mark.parametrize(("kept", "missed", "told"), [(9, 1, "90.0"), (2999, 1, "99.9")])
def test_a_share_is_rounded_down(kept: int, missed: int, told: str) -> None:
    assert share(kept, missed) == Decimal(told)


def test_what_was_not_measured_does_not_stand_against_a_renewal(
    eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions)
    work(eu, NOW)
    found = running(eu, contract, on=NOW.date())
    assert measured_in(eu, found) == Measured(reviews_held=measured_in(eu, found).reviews_held)
    terms = found.terms | {"P13": ["no_chronic", "credits_settled", "attainment"]}
    assert all_hold(conditions(terms, measured_in(eu, found)))
    assert not all_hold(conditions(terms, Measured(open_credits=1)))
    assert not all_hold(conditions(terms, Measured(chronic_failures=2)))


@pytest.mark.slow
def test_the_page_leads_to_the_round(
    eu: Session, regions: Regions, client_as: Callable[[str], FlaskClient]
) -> None:
    contract = completed(eu, regions)
    work(eu, NOW)
    stage.settle(eu)
    with time_machine.travel(NOW, tick=False):
        client = client_as("ada")
        assert (
            "Promised against measured"
            in client.get(f"/contracts/{contract.id}/renewal/round").text
        )
        stage.settle(eu)
        answer = client.post(f"/contracts/{contract.id}/renewal/rounds")
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("/terms")
        assert client.get(answer.headers["Location"]).status_code == 200


@pytest.mark.slow
def test_the_incidents_of_the_term_run_under_all_that_the_renewal_offers(
    eu: Session, regions: Regions, client_as: Callable[[str], FlaskClient]
) -> None:
    """One was answered after two and a half hours: late as signed, in time under the offer."""
    contract = completed(eu, regions, B5=None, P1=stage.length(12, "mo"), P4=stage.length(12, "mo"))
    monday = datetime(2027, 11, 8, 15, 0, tzinfo=UTC)
    for days, hours in ((-400, 2.5), (0, 2.5), (1, 0.1)):
        at = monday + timedelta(days=days)
        incident = desk.reported(eu, contract, at=at)
        incidents.acknowledge(
            desk.said(eu, contract, "ben", incident.number, at + timedelta(hours=hours))
        )
    work(eu, NOW)
    stage.settle(eu)
    path = f"/contracts/{contract.id}/renewal"
    with time_machine.travel(NOW, tick=False):
        client = client_as("ada")
        assert f"{path}/replay" not in client.get(f"{path}/round").text
        assert client.get(f"{path}/replay").status_code == 404, "nothing is offered yet"
        stage.settle(eu)
        client.post(f"{path}/rounds")
        eu.expire_all()
        new = find_contract(eu, cast.actor("ada"), row_of(eu, contract).successor or "")
        nothing = client.get(f"{path}/replay").text
        assert "No target, calendar, uptime or credit rule is offered otherwise" in nothing
        stage.settle(eu)
        schema = load_schema("1")
        target = schema.terms["C4.S2.first_response"]
        fee = schema.terms["O1"]
        offer = {target.id: parse(target, "3 business hours"), "O1": parse(fee, "1,777.00 USD")}
        set_offers(eu, new, cast.actor("ada"), offer, at=NOW)
        stage.settle(eu)
        assert f"{path}/replay" in client.get(f"{path}/round").text
        told = client.get(f"{path}/replay").text
        assert "2 incidents" in told, "those of the term before are not in it"
        assert "1 incident is judged differently" in told
        assert "3 business hours" in told
        assert show(fee, offer["O1"]) in told, "credits are shares of the fee: a new one is named"
        stage.settle(eu)
        other = client_as("cleo").get(f"{path}/replay").text
        assert "3 business hours" not in other, "a draft is its side's own"
        assert "is offered otherwise" in other
