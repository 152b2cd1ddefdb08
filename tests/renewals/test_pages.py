"""What a person reads about renewals, and what they can do there."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from portal.accounts.models import Person
from portal.contracts.models import Contract
from portal.kit.db import db
from portal.profiles.models import ProfileTurn
from portal.renewals import actions
from portal.renewals.models import Notice
from portal.renewals.queries import listing
from portal.renewals.rules.listing import Filter
from portal.renewals.rules.notices import Choice
from portal.residency.databases import Regions
from tests import cast
from tests.renewals import stage
from tests.renewals.stage import completed, length, work

NOW = datetime(2027, 11, 22, 15, 0, tzinfo=UTC)
# 60 days before 1 February 2028 is 3 December 2027.
LAST_DAY = datetime(2027, 12, 3, 22, 0, tzinfo=UTC)
As = Callable[[str], FlaskClient]


@pytest.fixture
def client_as(client_as: As, context: Flask, eu: Session) -> As:
    """Clients whose every request has a context of its own, as requests have outside of tests."""

    def make(key: str) -> FlaskClient:
        client = client_as(key)
        plain_open = client.open

        def open_apart(*args: Any, **kwargs: Any) -> Any:
            stage.settle(eu)
            with context.app_context():
                return plain_open(*args, **kwargs)

        client.open = open_apart  # type: ignore[method-assign]
        return client

    return make


@pytest.fixture
def signed(eu: Session, regions: Regions) -> Contract:
    """A contract of Northwind and Harbour that renews on 1 February 2028."""
    contract = completed(eu, regions)
    work(eu, NOW)
    stage.settle(eu)
    return contract


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text[:300]
    return " ".join(answer.text.split())


def at(moment: datetime) -> time_machine.travel:
    return time_machine.travel(moment, tick=False)


def give(client: FlaskClient, contract: Contract, key: str, moment: datetime, **changes: str):
    form = {
        "kind": "against_renewal", "seen_ends": "2028-02-01", "channel": "portal",
        "title": "Director", "intent": "y", "code": cast.code(key, moment),
    }  # fmt: skip
    return client.post(f"/contracts/{contract.id}/renewal/notices", data={**form, **changes})


def test_the_list_shows_the_nearest_notice_date_first(
    app: Flask, eu: Session, regions: Regions, client_as: As
) -> None:
    with at(NOW):
        for title, start in (("Later one", "2026-06-01"), ("Sooner one", "2026-02-01")):
            completed(eu, regions, title=title, A5=start)
        work(eu, NOW)
        stage.settle(eu)
        page = read(client_as("cleo"), "/renewals")
    overdue, _, listed = page.partition("By notice date")
    assert "Sooner one" in overdue and "Later one" not in overdue
    assert listed.index("Sooner one") < listed.index("Later one")
    assert "18,900.00 USD" in listed
    assert 'aria-label="Notice dates of the next twelve months' in listed


@pytest.mark.slow
def test_a_decision_is_seen_by_ones_own_side_only(
    eu: Session, signed: Contract, client_as: As
) -> None:
    with at(NOW):
        cleo, ada = client_as("cleo"), client_as("ada")
        path = f"/contracts/{signed.id}/renewal"
        answer = cleo.post(f"{path}/decision", data={"choice": "exit", "note": "Planted secret"})
        assert answer.status_code == 303
        assert "Planted secret" in read(cleo, path)
        assert "Let it end" in read(cleo, "/renewals")
        for page in (
            path,
            "/renewals",
            "/renewals.csv",
            f"/contracts/{signed.id}/log",
            "/contracts",
        ):
            text = read(ada, page)
            assert "Planted secret" not in text
            assert "Let it end" not in text or page == path  # the words of her own form
        assert "2028-02-01" in read(ada, "/renewals.csv")
        assert "Not decided" in read(ada, "/renewals.csv")


@pytest.mark.slow
def test_a_decision_without_a_choice_keeps_what_was_typed(signed: Contract, client_as: As) -> None:
    with at(NOW):
        answer = client_as("cleo").post(
            f"/contracts/{signed.id}/renewal/decision", data={"note": "Half a thought"}
        )
    assert answer.status_code == 422
    assert "Half a thought" in answer.text
    assert "Choose what you mean to do." in answer.text


@pytest.mark.slow
def test_the_page_shows_the_working_and_the_dearest_price(signed: Contract, client_as: As) -> None:
    with at(NOW):
        page = read(client_as("cleo"), f"/contracts/{signed.id}/renewal")
    assert "unless notice is given by 3 Dec 2027" in page
    assert "60 days before 1 Feb 2028 is 3 Dec 2027, a Friday." in page
    assert "at most 5 %, once at the renewal" in page


@pytest.mark.slow
def test_notice_on_the_last_day_ends_the_contract_and_both_see_its_receipt(
    eu: Session, signed: Contract, client_as: As
) -> None:
    with at(LAST_DAY):
        cleo = client_as("cleo")
        assert "Last day to be received" in read(cleo, f"/contracts/{signed.id}/renewal/notice")
        answer = give(cleo, signed, "cleo", LAST_DAY)
        assert answer.status_code == 303
        mine = read(cleo, answer.headers["Location"])
        theirs = read(client_as("ada"), answer.headers["Location"])
        listed = read(client_as("ada"), "/renewals")
    assert "In time" in mine and "waiting to be sent" in mine
    assert "In time" in theirs and "Proof of sending" not in theirs
    assert "ends, settled" in listed
    notice = eu.scalars(select(Notice).where(Notice.kind == "against_renewal")).one()
    assert notice.sha256[:4] in mine


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"intent": ""}, "Tick the box if you give this notice."),
        ({"title": ""}, "Give your title"),
        ({"code": "000000"}, "That code is not right"),
        ({"channel": "post"}, "takes no notice by post"),
        ({"channel": "email"}, "on which day the notice was sent"),
    ],
)
def test_a_form_that_is_not_right_gives_no_notice_and_spends_no_code(
    eu: Session, signed: Contract, client_as: As, changes: dict[str, str], told: str
) -> None:
    with at(LAST_DAY):
        answer = give(client_as("cleo"), signed, "cleo", LAST_DAY, text="Kept words", **changes)
    assert answer.status_code == 422
    assert told in answer.text
    assert "Kept words" in answer.text
    assert not eu.scalars(select(Notice).where(Notice.kind == "against_renewal")).all()
    assert db.session.get_one(Person, cast.actor("cleo").person_id).totp_step == 0


@pytest.mark.slow
def test_a_code_gives_one_notice(eu: Session, regions: Regions, client_as: As) -> None:
    one, two = completed(eu, regions), completed(eu, regions)
    work(eu, NOW)
    stage.settle(eu)
    with at(LAST_DAY):
        cleo = client_as("cleo")
        assert give(cleo, one, "cleo", LAST_DAY).status_code == 303
        again = give(cleo, two, "cleo", LAST_DAY)
    assert again.status_code == 422
    assert "already used to give a notice" in again.text


def test_a_page_left_open_past_the_last_day_asks_again(signed: Contract, client_as: As) -> None:
    late = LAST_DAY + timedelta(hours=8)
    with at(late):
        cleo = client_as("cleo")
        page = read(cleo, f"/contracts/{signed.id}/renewal")
        form = read(cleo, f"/contracts/{signed.id}/renewal/notice")
        answer = give(cleo, signed, "cleo", late)
    assert "The notice date was 3 Dec 2027" in page
    assert "What can still be done" in page
    assert "Too late for this term" in form
    assert answer.status_code == 422
    assert "would now end on 1 Feb 2029" in answer.text


@pytest.mark.slow
def test_too_late_without_a_next_term_is_said_plainly(
    eu: Session, regions: Regions, client_as: As
) -> None:
    contract = completed(eu, regions, P5=1, P15=length(90, "d"))
    work(eu, NOW)
    stage.settle(eu)
    with at(datetime(2028, 12, 20, 12, 0, tzinfo=UTC)):
        work(eu, datetime(2028, 12, 20, 12, 0, tzinfo=UTC))
        stage.settle(eu)
        page = read(client_as("cleo"), f"/contracts/{contract.id}/renewal/notice", 409)
    assert "This notice cannot be given" in page
    assert "already ends on 1 Feb 2029" in page


@pytest.mark.slow
def test_the_vendor_tells_a_price_within_the_limit(signed: Contract, client_as: As) -> None:
    early = datetime(2027, 10, 20, 12, 0, tzinfo=UTC)
    path = f"/contracts/{signed.id}/renewal/price"
    with at(early):
        ada = client_as("ada")
        assert "1,575.00 USD" in read(ada, path)
        form = {"amount": "1600", "index_change": "4", "intent": "y"}
        wrong = ada.post(path, data={**form, "code": cast.code("ada", early)})
        assert wrong.status_code == 422
        assert "at most 1,560.00 USD" in wrong.text
        right = ada.post(path, data={**form, "amount": "1560", "code": cast.code("ada", early)})
        assert right.status_code == 303
        theirs = read(client_as("cleo"), f"/contracts/{signed.id}/renewal")
    assert "The price that was told" in theirs
    assert "18,720.00 USD" in theirs


def test_a_notice_of_a_regulated_contract_takes_both_factors_and_a_meaning(
    eu: Session, signed: Contract, client_as: As
) -> None:
    asked = NOW - timedelta(days=1)
    eu.add(
        ProfileTurn(
            id="0" * 26, region="eu", contract_id=signed.id, profile="regulated", turn="on",
            asked_by="PER", asked_side="vendor", asked_at=asked, agreed_at=asked, agreed_by="PER",
            holds_from=asked,
        )
    )  # fmt: skip
    eu.commit()
    more = {"meaning": "approval", "password": cast.PASSWORD}
    with at(LAST_DAY):
        cleo = client_as("cleo")
        form = cleo.get(f"/contracts/{signed.id}/renewal/notice").text
        assert 'name="meaning"' in form and 'name="password"' in form
        for changes, told in (
            ({}, "Choose what your signature means"),
            ({**more, "password": "not the password"}, "That is not your password."),
        ):
            answer = give(cleo, signed, "cleo", LAST_DAY, **changes)
            assert answer.status_code == 422 and told in answer.text
        assert eu.scalar(select(Notice.id).where(Notice.person_id != "portal")) is None
        eu.rollback()
        answer = give(cleo, signed, "cleo", LAST_DAY, **more)
        assert answer.status_code == 303
        assert "Approval: I agree to it" in read(cleo, answer.location)


def test_the_csv_runs_no_formula(eu: Session, regions: Regions, client_as: As) -> None:
    completed(eu, regions, title="=HYPERLINK(1)")
    work(eu, NOW)
    stage.settle(eu)
    with at(NOW):
        answer = client_as("cleo").get("/renewals.csv")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert answer.mimetype == "text/csv"
    assert rows[1][0] == "'=HYPERLINK(1)"
    assert rows[0][:3] == ["Contract", "Reference", "With"]


@pytest.mark.slow
def test_filters_are_in_the_address(signed: Contract, client_as: As) -> None:
    with at(NOW):
        cleo = client_as("cleo")
        assert "CRM support" in read(cleo, "/renewals?side=customer&month=2027-12")
        assert "Nothing matches" in read(cleo, "/renewals?side=vendor")
        assert "Nothing matches" in read(cleo, "/renewals?month=2028-01")
        assert "CRM support" in read(cleo, "/renewals?month=%01&mode=x&after=%F0&show=../")


@pytest.mark.slow
def test_a_page_asks_as_many_questions_of_seven_contracts_as_of_two(
    eu: Session, regions: Regions, client_as: As
) -> None:
    counts = []
    for more in (2, 5):
        for _ in range(more):
            completed(eu, regions)
        work(eu, NOW)
        stage.settle(eu)
        with at(NOW):
            counts.append(_queries(regions, client_as("cleo")))
    assert counts[0] == counts[1]


def _queries(regions: Regions, client: FlaskClient) -> int:
    asked: list[str] = []
    engine = regions["eu"].engine

    def note(conn, cursor, statement, *rest) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        page = read(client, "/renewals")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert "CRM support" in page
    return len(asked)


@pytest.mark.slow
def test_pages_follow_each_other_without_gap_or_double(
    eu: Session, regions: Regions, context: Flask
) -> None:
    refs = [completed(eu, regions, A5=f"2026-02-{1 + n % 3:02d}").id for n in range(7)]
    work(eu, NOW)
    found, after = [], None
    for _ in range(3):
        page = listing.page_of(
            [eu], cast.actor("cleo"), Filter(), today=NOW.date(), after=after, size=3
        )
        found += [row.ref for row in page.rows]
        after = page.following
    assert (sorted(found), after) == (sorted(refs), None)


def test_a_stranger_finds_nothing(signed: Contract, client_as: As) -> None:
    with at(NOW):
        mal = client_as("mal")
        assert "No renewals yet" in read(mal, "/renewals")
        read(mal, f"/contracts/{signed.id}/renewal", 404)


@pytest.mark.slow
def test_a_choice_is_kept_for_the_term_it_was_made_in(eu: Session, signed: Contract) -> None:
    actions.decide(eu, cast.actor("cleo"), signed, choice=Choice.RENEW, note="", at=NOW)
    work(eu, datetime(2028, 2, 1, 5, 0, tzinfo=UTC))
    row = stage.row_of(eu, signed)
    assert (row.number, row.customer_decided) == (1, 0)
    assert row.ends == date(2029, 2, 1).isoformat()
