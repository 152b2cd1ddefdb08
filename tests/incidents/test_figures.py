"""Lists, figures and files over many incidents."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.incidents import actions
from portal.incidents.queries import charts
from portal.incidents.queries.listing import Wanted, list_incidents, read_key
from portal.incidents.rules.bars import LABEL, bars
from portal.incidents.rules.exports import csv_line, neutral
from portal.residency.databases import Regions
from tests.incidents import desk
from tests.incidents.desk import MONDAY, after, said
from tests.incidents.test_pages import read


def some(session: Session, contract: Contract) -> None:
    """Four incidents: answered in time, late, excluded, and open."""
    for number, hours in ((1, 1.0), (2, 3.0), (3, 3.0)):
        desk.reported(session, contract, severity="S2")
        actions.acknowledge(said(session, contract, "ben", number, after(hours)))
    actions.exclude(said(session, contract, "ben", 3, after(4)), ground="misuse", words="Misused.")
    desk.reported(session, contract, severity="S4", at=after(5))
    desk.settle(session)


@pytest.mark.slow
def test_attainment_counts_what_fell_due_and_leaves_the_excluded_out(
    eu: Session, served_contract: Contract
) -> None:
    some(eu, served_contract)
    found = charts.attained(eu, served_contract, begin=MONDAY, end=MONDAY + timedelta(days=1))
    response = [one for one in found if one.aim == "response" and one.severity == "S2"]
    assert [(one.met, one.missed, one.due) for one in response] == [(1, 1, 2)]
    # What was answered late fell due when its time ran out.
    early = charts.attained(eu, served_contract, begin=MONDAY, end=after(2.5))
    assert [(one.met, one.missed) for one in early if one.aim == "response"] == [(1, 1)]


@pytest.mark.slow
def test_times_are_counted_time(eu: Session, served_contract: Contract) -> None:
    some(eu, served_contract)
    found = charts.speeds(eu, served_contract, begin=MONDAY, end=MONDAY + timedelta(days=9))
    response = next(one for one in found if one.aim == "response")
    assert response.count == 2
    assert (response.mean, response.slowest) == (timedelta(hours=2), timedelta(hours=3))


@pytest.mark.slow
def test_open_incidents_stand_by_their_age(eu: Session, served_contract: Contract) -> None:
    some(eu, served_contract)
    ages = dict(charts.open_by_age(eu, served_contract, now=MONDAY + timedelta(days=5)))
    assert ages["3 to 7 days"] == 4
    assert sum(ages.values()) == 4


def test_pages_by_key_show_every_incident_once(eu: Session, served_contract: Contract) -> None:
    for number in range(7):
        desk.reported(eu, served_contract, at=after(number // 2))
    seen, before = [], ""
    while True:
        found = list_incidents(eu, served_contract, Wanted(), before=before, size=3)
        seen += [row.number for row in found.rows]
        if found.older is None:
            break
        before = found.older
    assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7]
    assert len(seen) == 7
    assert read_key("nonsense") is None


@pytest.mark.slow
def test_a_list_asks_the_database_as_often_for_many_as_for_few(
    eu: Session,
    served_contract: Contract,
    regions: Regions,
    client_as: Callable[[str], FlaskClient],
) -> None:
    asked: list[str] = []
    engine = regions["eu"].engine
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    counts = []
    for more in (2, 12):
        for _ in range(more):
            desk.reported(eu, served_contract)
        client = client_as("dov")
        asked.clear()
        read(client, f"/contracts/{served_contract.id}/incidents")
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "  =cmd", "|x", "%x"])
def test_a_cell_is_never_a_formula(cell: str) -> None:
    assert str(neutral(cell)).startswith("'")


def test_other_cells_stay_as_they_are() -> None:
    assert csv_line(['Say "hi", please', 3, "a = b"]) == '"Say ""hi"", please",3,a = b\r\n'


def test_the_file_holds_the_filtered_list_and_no_formula(
    eu: Session, served_contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    report = actions.Report(title="=HYPERLINK(1)", severity="S2", module="Order entry")
    actions.report(eu, served_contract, desk.cast.actor("dov"), report, at=MONDAY)
    desk.reported(eu, served_contract, severity="S3")
    desk.settle(eu)
    answer = client_as("cleo").get(f"/contracts/{served_contract.id}/incidents.csv?severity=S2")
    lines = answer.text.splitlines()
    assert len(lines) == 2
    assert ",'=HYPERLINK(1),Order entry,S2," in lines[1]
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.slow
def test_figures_and_report_have_a_table_behind_every_picture(
    eu: Session, served_contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    some(eu, served_contract)
    home = f"/contracts/{served_contract.id}/incidents"
    period = "from=2026-11-01&to=2026-11-30"
    for path in (f"{home}/figures?{period}", f"{home}/report?{period}"):
        text = read(client_as("lena"), path)
        assert text.count("<svg") == 4
        assert text.count("<table>") >= 4
        assert "50.0 %" in text
    assert "Orders are not saved" in read(client_as("lena"), f"{home}/report?{period}")
    assert "No target fell due" in read(
        client_as("lena"), f"{home}/figures?from=2025-01-01&to=2025-01-31"
    )


def test_bars_share_the_width() -> None:
    laid, height = bars(
        [("a", "1 of 2", [(1, "is-good"), (1, "is-bad")]), ("b", "0", [])], full=True
    )
    assert [part.width for part in laid[0].parts] == [92.0, 92.0]
    assert laid[0].parts[0].x == LABEL
    assert laid[1].parts == ()
    assert height == 60
