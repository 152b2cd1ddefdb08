"""What the people of a contract read about its incidents, and what they may type."""

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.incidents import actions
from portal.kit import clock
from tests.incidents import desk
from tests.incidents.desk import said
from tests.journeys.conftest import inspect_html

Client = Callable[[str], FlaskClient]


def read(client: FlaskClient, path: str) -> str:
    """Open a page, check its structure, return its text."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    inspect_html(answer.text, path, scripted=False)
    return answer.text


def form(**more: object) -> dict[str, object]:
    """What a report must hold."""
    return {
        "title": "Orders are not saved", "severity": "S2", "module": "Order entry",
        "environment": "production", "function": "Saving", "impact": "40 orders wait",
        "start": "This morning", **more,
    }  # fmt: skip


@pytest.fixture
def live(eu: Session, served_contract: Contract) -> str:
    """The address of the incidents of a contract in force."""
    desk.settle(eu)
    return f"/contracts/{served_contract.id}/incidents"


@pytest.mark.slow
def test_a_report_asks_what_the_contract_asks(live: str, client_as: Client) -> None:
    page = read(client_as("dov"), f"{live}/new")
    assert "The contract asks for: affected function, business impact, start time." in page
    assert "S1, Critical: A production system" in page
    answer = client_as("dov").post(live, data=form(impact=""))
    assert answer.status_code == 422
    assert "The contract asks for this: Business impact." in answer.text
    assert 'value="Orders are not saved"' in answer.text


@pytest.mark.slow
def test_a_report_leads_to_its_clocks(live: str, client_as: Client) -> None:
    answer = client_as("dov").post(live, data=form())
    assert answer.status_code == 303
    page = read(client_as("ben"), answer.headers["Location"])
    assert "First response:" in page
    assert "2 hours, S2" in page
    assert "clause 4.1" in page
    assert "Acknowledge" in page
    assert "Acknowledge" not in read(client_as("dov"), answer.headers["Location"])


def test_an_empty_list_says_what_to_do_next(live: str, client_as: Client) -> None:
    assert "No incident yet" in read(client_as("dov"), live)
    client_as("dov").post(live, data=form())
    assert "Orders are not saved" in read(client_as("lena"), live)
    assert "No incident fits these filters" in read(client_as("lena"), f"{live}?severity=S1")


@pytest.mark.slow
def test_lists_filter_by_what_stands_in_the_address(
    live: str, client_as: Client, eu: Session, served_contract: Contract
) -> None:
    now = clock.now()
    desk.reported(eu, served_contract, at=now - timedelta(days=40), severity="S1")
    desk.reported(eu, served_contract, at=now - timedelta(hours=1), severity="S3")
    actions.acknowledge(said(eu, served_contract, "ben", 1, now - timedelta(days=39)))
    desk.settle(eu)
    day = (now - timedelta(days=2)).date().isoformat()
    for query, shown in (
        ("severity=S1", {1}), ("breach=any", {1}), ("breach=none", {2}), ("breach=response", {1}),
        ("standing=open", {1, 2}), (f"from={day}", {2}), (f"to={day}", {1}),
        ("module=Reporting", set()), ("module=Order+entry", {1, 2}), ("severity=bad", {1, 2}),
    ):  # fmt: skip
        page = read(client_as("cleo"), f"{live}?{query}")
        assert {n for n in (1, 2) if f'/incidents/{n}"' in page} == shown, query


def test_saying_nothing_keeps_the_form_open_with_its_error(live: str, client_as: Client) -> None:
    client_as("dov").post(live, data=form())
    answer = client_as("ben").post(f"{live}/1/update", data={"words": " "})
    assert answer.status_code == 422
    assert "Write a few words: the other side reads them." in answer.text
    inspect_html(answer.text, "update", scripted=False)


@pytest.mark.slow
def test_contested_time_is_shown_both_ways(live: str, client_as: Client) -> None:
    client_as("dov").post(live, data=form())
    client_as("ben").post(
        f"{live}/1/pause", data={"choice": "waiting_on_customer", "words": "Which order?"}
    )
    page = read(client_as("dov"), f"{live}/1")
    about = page.partition('name="about" value="')[2].partition('"')[0]
    client_as("dov").post(f"{live}/1/pause-contest", data={"about": about, "words": "We said."})
    page = read(client_as("lena"), f"{live}/1")
    assert "A pause is contested." in page
    assert "without the contested pause:" in page


@pytest.mark.slow
def test_a_note_is_read_by_its_own_side_alone(live: str, client_as: Client) -> None:
    client_as("dov").post(live, data=form())
    client_as("ben").post(f"{live}/1/notes", data={"note": "canary-of-northwind"})
    assert "canary-of-northwind" in read(client_as("ada"), f"{live}/1")
    for path in (f"{live}/1", live, f"{live}/1/clock", live.replace("incidents", "log")):
        assert "canary-of-northwind" not in client_as("cleo").get(path).text


@pytest.mark.slow
def test_a_file_leaves_as_an_attachment_and_is_never_sniffed(
    live: str, client_as: Client, eu: Session
) -> None:
    log = (io.BytesIO(b"2026-11-25 <script>alert(1)</script>\n"), "app log.log")
    client_as("dov").post(live, data=form(files=log), content_type="multipart/form-data")
    page = read(client_as("ben"), f"{live}/1")
    assert "app log.log" in page
    href = page.partition("/files/")[2].partition('"')[0]
    answer = client_as("ben").get(f"{live}/1/files/{href}")
    assert answer.data == b"2026-11-25 <script>alert(1)</script>\n"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="app_log.log"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client_as("mal").get(f"{live}/1/files/{href}").status_code == 404
    # The entry names the file by its hash, so that the evidence holds it.
    named = [line.facts["files"] for line in lines(eu, live.split("/")[2]) if "files" in line.facts]
    assert named == [[hashlib.sha256(answer.data).hexdigest()]]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("run.exe", b"MZ", "is not taken"),
        ("page.svg", b"<svg/>", "is not taken"),
        ("deed.pdf", b"<html>", "is not a pdf file"),
        ("x.txt", b"a\x00b", "is not a text file"),
        ("empty.csv", b"", "is empty"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(
    live: str, client_as: Client, name: str, content: bytes, problem: str
) -> None:
    data = form(files=(io.BytesIO(content), name))
    answer = client_as("dov").post(live, data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert problem in answer.text


def test_the_clock_refreshes_as_a_fragment(live: str, client_as: Client) -> None:
    client_as("dov").post(live, data=form())
    text = client_as("cleo").get(f"{live}/1/clock").text
    assert text.lstrip().startswith('<section id="clock"')


@pytest.mark.slow
def test_contacts_are_chosen_by_the_customer(live: str, client_as: Client) -> None:
    address = live.replace("incidents", "contacts")
    assert "Nobody is named yet" in read(client_as("ben"), address)
    page = read(client_as("dov"), address)
    assert "The contract allows 10" in page
    people = "PER" + "0" * 22 + "5"
    assert client_as("dov").post(address, data={"people": people}).status_code == 303
    assert "Dov Amsel" in read(client_as("ben"), address)
    assert client_as("ben").post(address, data={"people": people}).status_code == 403
