"""What people read of months, credits, risk and replays."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.statements import actions, queries
from portal.statements.rules.month import Month
from tests import cast
from tests.changes import works
from tests.incidents import desk
from tests.negotiation.table import offer_all
from tests.profiles.test_signed_acts import regulate, signed, signing

Visitors = Callable[[str], FlaskClient]
SEPTEMBER = Month(2026, 9)
OVER = datetime(2026, 10, 1, 0, 5, tzinfo=UTC)


def read(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, f"{address}: {answer.status_code}"
    return unescape(answer.get_data(as_text=True))


@pytest.fixture
def issued(eu: Session, served: Contract) -> str:
    """September with nine hours down, issued; its address."""
    begin = datetime(2026, 9, 15, 14, tzinfo=UTC)
    works.outage(eu, served, begin=begin, minutes=540, at=begin + timedelta(days=1))
    assert actions.issue(eu, served, SEPTEMBER, at=OVER)
    desk.settle(eu)
    return f"/contracts/{served.id}/statements/2026-09"


def test_nothing_is_there_before_the_contract_is_signed(
    visitors: Visitors, contract: Contract
) -> None:
    for part in ("statements", "statements/2026-09", "credits", "risk"):
        read(visitors("cleo"), f"/contracts/{contract.id}/{part}", 404)


@pytest.mark.slow
def test_every_figure_names_its_clause_and_its_outage(visitors: Visitors, issued: str) -> None:
    page = read(visitors("cleo"), issued)
    assert "98.970 %" in page and "Clause 5.1, D1" in page and "Clause 12.1, K1" in page
    assert "25 %" in page and "375.00 USD" in page and "/outages/OUT-" in page
    assert "Waits for the vendor" in page


@pytest.mark.slow
def test_the_sides_settle_it_on_its_page(visitors: Visitors, issued: str) -> None:
    ben, dov = visitors("ben"), visitors("dov")
    assert "Are these figures right?" in read(ben, issued)
    assert "Accept the statement" not in read(dov, issued)
    assert ben.post(f"{issued}/confirmation", data={"revision": "1"}).status_code == 422
    objects = {"revision": "1", "word": "object", "objection": ""}
    assert "Say what is wrong" in unescape(ben.post(f"{issued}/confirmation", data=objects).text)
    assert ben.post(
        f"{issued}/confirmation", data={"revision": "1", "word": "confirm"}
    ).status_code == 303  # fmt: skip
    assert "Accept it, or dispute a figure" in read(dov, issued)
    assert (
        dov.post(f"{issued}/dispute", data={"revision": "1", "figure": "uptime-0"}).status_code
        == 422
    )
    said = {"revision": "1", "figure": "uptime-0", "reason": "It was longer."}
    assert dov.post(f"{issued}/dispute", data=said).status_code in (303, 409)
    if "Disputed" in read(ben, issued):
        assert ben.post(f"{issued}/answer", data={"reply": "We checked."}).status_code == 303
        assert "“We checked.”" in read(dov, issued)
    assert dov.post(f"{issued}/acceptance", data={"revision": "2"}).status_code == 409
    assert dov.post(f"{issued}/acceptance", data={"revision": "1"}).status_code == 303
    assert "Accepted and frozen" in read(ben, issued)
    ledger = read(ben, issued.replace("statements/2026-09", "credits"))
    assert "Granted" in ledger and "375.00 USD" in ledger
    assert ben.post(f"{issued}/payment", data={"how": "=Invoice 7"}).status_code == 303
    table = ben.get(issued.replace("statements/2026-09", "credits.csv")).text
    assert "'=Invoice 7" in table


@pytest.mark.slow
def test_under_regulated_signatures_the_page_names_the_statement_that_is_signed(
    visitors: Visitors, eu: Session, served: Contract, issued: str
) -> None:
    regulate(eu, served)
    word = {"revision": "1", "word": "object", "objection": "The outage was shorter."}
    asked = visitors("ben").post(f"{issued}/confirmation", data=word)
    page = unescape(asked.text)
    assert asked.status_code == 422 and "objected to the statement of 2026-09." in page
    assert "<dt>Revision</dt><dd>1</dd>" in page and "Fingerprint of what you sign" in page
    signs = signing("ben", asked.text)
    # The act is refused after all: its figures are not those of revision 2.
    ben = visitors("ben")
    refused = ben.post(f"{issued}/confirmation", data=word | {"revision": "2"} | signs)
    assert refused.status_code == 409 and signed(eu, served) == []
    signs["signed_code"] = cast.code("ben", clock.now() + timedelta(seconds=30))
    assert ben.post(f"{issued}/confirmation", data=word | signs).status_code == 303
    assert [one["act"] for one in signed(eu, served)] == ["statements:statement:objected"]
    assert "The outage was shorter." in read(ben, issued)


@pytest.mark.slow
def test_changed_facts_offer_to_compute_again(
    visitors: Visitors, eu: Session, served: Contract, issued: str
) -> None:
    assert "The facts changed since" not in read(visitors("ben"), issued)
    works.outage(eu, served, begin=OVER - timedelta(days=9), minutes=30, at=OVER)
    works.outage(
        eu, served, begin=OVER - timedelta(days=8), minutes=30, at=OVER + timedelta(hours=1)
    )
    desk.settle(eu)
    assert "The facts changed since" in read(visitors("dov"), issued)
    assert visitors("dov").post(f"{issued}/revision").status_code == 303
    assert "revision 2" in read(visitors("dov"), issued)


def test_the_files_of_a_month(
    visitors: Visitors, eu: Session, served: Contract, issued: str
) -> None:
    client = visitors("cleo")
    rows = client.get(f"{issued}/figures.csv").text.splitlines()
    assert rows[0].startswith("part,name,clause")
    assert any(row.startswith("credit,The software,12.1") for row in rows)
    row = queries.find_statement(eu, served, "2026-09")
    from portal.contracts.rules.document import sha256_of

    assert sha256_of(client.get(f"{issued}/figures.json").data) == row.revisions[0].sha256
    read(client, f"{issued}/statement.pdf", 404)


def test_the_running_month_is_shown_as_it_stands(visitors: Visitors, served: Contract) -> None:
    month = Month.of(clock.now(), works.TERMS)
    page = read(visitors("dov"), f"/contracts/{served.id}/statements/{month}")
    assert "so far" in page and "Not a statement yet" in page
    read(visitors("dov"), f"/contracts/{served.id}/statements/2031-01", 404)
    read(visitors("dov"), f"/contracts/{served.id}/statements/nonsense", 404)


def test_the_list_shows_a_strip_with_its_table(visitors: Visitors, issued: str) -> None:
    page = read(visitors("cleo"), issued.removesuffix("/2026-09"))
    assert "<svg" in page and "promised 99.9 %" in page and "September 2026" in page


def test_a_cell_never_runs_as_a_formula() -> None:
    assert csv_bytes(("a",), [("=1+1",), ("-5",), ("@x",)]) == b"a\r\n'=1+1\r\n-5\r\n'@x\r\n"


@pytest.mark.slow
def test_risk_says_what_is_wrong_and_where_it_ends(
    visitors: Visitors, eu: Session, served: Contract
) -> None:
    address = f"/contracts/{served.id}/risk"
    calm = read(visitors("cleo"), address)
    assert calm.count("Clear") >= 5
    now = clock.now()
    row = works.outage(eu, served, begin=now - timedelta(hours=3), minutes=None, at=now)
    desk.settle(eu)
    page = read(visitors("cleo"), address)
    assert f"{row.ref} lasts: record its end" in page and "Act" in page
    assert f"/contracts/{served.id}/outages/{row.ref}" in page
    assert "Risk of all contracts" in read(visitors("cleo"), "/risk")
    assert served.title in read(visitors("ben"), "/risk")
    assert served.title not in read(visitors("mal"), "/risk")


@pytest.mark.slow
def test_a_disputed_outage_stands_at_a_step_of_the_contract(
    visitors: Visitors, eu: Session, served: Contract
) -> None:
    from portal.changes import actions as changes

    now = clock.now()
    row = works.outage(eu, served, begin=now - timedelta(days=2), minutes=60, at=now)
    changes.dispute_outage(
        eu, served, cast.actor("ben"), row, begin=None, end=None, reason="No.", at=now
    )
    desk.settle(eu)
    page = read(visitors("cleo"), f"/contracts/{served.id}/risk")
    assert "The oldest stands at: managers" in page


@pytest.fixture
def answered_late(eu: Session, served: Contract) -> Contract:
    """A severity 1 incident answered after an hour."""
    from portal.incidents import actions as incidents

    incident = desk.reported(eu, served, at=desk.MONDAY, severity="S1")
    incidents.acknowledge(desk.said(eu, served, "ben", incident.number, desk.after(1)))
    desk.settle(eu)
    return served


@pytest.mark.slow
def test_a_replay_shows_both_offers_and_the_incident_that_differs(
    visitors: Visitors, answered_late: Contract
) -> None:
    base = f"/contracts/{answered_late.id}/replay"
    assert "Type a value" in read(visitors("cleo"), base)
    asked = "?term=C4.S1.first_response&value=2+hours,+round+the+clock"
    page = read(visitors("cleo"), f"{base}/result{asked}")
    assert "<html" not in page and 'id="replay"' in page
    assert "1 incident is judged differently" in page and "not a prediction" in page
    assert "First response" in page
    assert "Write a time such as" in read(visitors("cleo"), f"{base}{asked[:30]}&value=soon")
    nothing = read(visitors("cleo"), f"{base}?term=K2&value=7+%25")
    assert "No incident is judged differently" in nothing


@pytest.mark.slow
def test_a_replay_in_negotiation_runs_the_past_of_the_same_parties(
    visitors: Visitors, eu: Session, regions: object, answered_late: Contract
) -> None:
    from tests.conftest import make_contract

    second = make_contract(eu, regions, title="CRM support 2028")  # type: ignore[arg-type]
    offer_all(eu, second)
    page = read(
        visitors("cleo"),
        f"/contracts/{second.id}/replay?term=C4.S1.first_response&value=2+hours",
    )
    assert "On the table" in page and "1 incident is judged differently" in page
    assert f"Incidents of {answered_late.title}" in page


@pytest.mark.slow
def test_an_import_is_seen_by_ones_own_side_only(visitors: Visitors, served: Contract) -> None:
    base = f"/contracts/{served.id}/replay"
    cleo, ben = visitors("cleo"), visitors("ben")
    text = b"reported,severity,responded,resolved\n2026-03-02T10:00:00Z,S1,2026-03-02T12:00:00Z,\n"
    bad = {"name": "Old desk", "file": (io.BytesIO(b"nothing"), "past.csv")}
    answer = cleo.post(f"{base}/imports", data=bad)
    assert answer.status_code == 422 and "lacks the column reported" in answer.text
    good = {"name": "Old desk", "file": (io.BytesIO(text), "past.csv")}
    kept = cleo.post(f"{base}/imports", data=good)
    assert kept.status_code == 303
    page = read(cleo, kept.headers["Location"] + "&term=C4.S1.first_response&value=3+hours")
    assert "Old desk: 1 imported incident<" in page and "judged differently" in page
    assert "Old desk" not in read(ben, base)
    source = kept.headers["Location"].split("import%3A")[-1].split("import:")[-1]
    assert ben.post(f"{base}/imports/{source}/removal").status_code == 404
    assert cleo.post(f"{base}/imports/{source}/removal").status_code == 303
    assert "Old desk" not in read(cleo, base)


@pytest.mark.slow
def test_a_statement_of_many_costs_as_many_queries_as_one_of_few(
    app: Flask, visitors: Visitors, eu: Session, served: Contract, issued: str
) -> None:
    engine, client = app.extensions["regions"]["eu"].engine, visitors("cleo")

    def cost() -> int:
        seen: list[str] = []
        count = lambda *a: seen.append(a[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", count)
        read(client, issued)
        event.remove(engine, "before_cursor_execute", count)
        return len(seen)

    desk.reported(eu, served, at=datetime(2026, 9, 2, 3, tzinfo=UTC))
    few = cost()
    for day in range(3, 15):
        begin = datetime(2026, 9, day, 3, tzinfo=UTC)
        works.outage(eu, served, begin=begin, minutes=5, at=begin + timedelta(hours=1))
        desk.reported(eu, served, at=begin)
    desk.settle(eu)
    assert cost() == few
