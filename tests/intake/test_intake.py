"""Files of past records: progress, exact faults, and nothing by halves."""

import csv
import io
import os
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.accounts.models import Membership
from portal.audit.queries import lines
from portal.changes.models import OutageRow
from portal.contracts.models import Contract
from portal.intake import actions, rules
from portal.intake.models import Intake, IntakeFault
from portal.intake.rules import Kind
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.residency.databases import Regions
from portal.statements.models import Import
from tests import cast
from tests.changes import works
from tests.incidents import desk

THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
ROWS = 100_000 if THOROUGH else 12_000


@pytest.fixture
def served(eu: Session, contract: Contract) -> Contract:
    """A contract in force for a month."""
    begun = clock.now() - timedelta(days=30)
    terms = works.terms_with({"A5": begun.date().isoformat(), "B5": ""})
    desk.put_in_force(eu, contract, terms, at=begun)
    desk.settle(eu)
    return contract


def settle(session: Session) -> None:
    """Let go of the databases."""
    session.rollback()
    db.session.rollback()
    session.expire_all()


def brought(
    regions: Regions, eu: Session, served: Contract, content: bytes, *,
    kind: Kind = Kind.INCIDENTS, key: str = "cleo",
) -> str:  # fmt: skip
    """Bring a file as one of the cast; return its id."""
    row = actions.bring(
        eu, regions["eu"], served, cast.actor(key), kind=kind, name="old.csv", content=content,
        at=clock.now(),
    )  # fmt: skip
    found = row.id
    settle(eu)
    return found


def row_of(eu: Session, key: str) -> Intake:
    """Return a file as it stands."""
    settle(eu)
    return eu.get_one(Intake, key)


def many(count: int, *, every: int) -> tuple[bytes, list[tuple[int, str]]]:
    """Write a file in which one of so many rows is bad; return it with the faults to be found."""
    out, wrong = io.StringIO(), []
    writer = csv.writer(out)
    writer.writerow(["Reported", "severity", "responded", "resolved", "ticket"])
    line = 2
    for number in range(count):
        cells = ["2026-03-02T09:00:00Z", "S2", "2026-03-02T09:30:00Z", "2026-03-02T11:00Z", "a"]
        bad = number % every == every - 1
        if bad and number % 2:
            cells[1] = "=cmd()"
            wrong.append((line, "severity"))
        elif bad:
            cells[2] = "2026-03-01T09:00:00Z"
            wrong.append((line, "responded"))
        if number % 7 == 0:
            cells[4] = "two\nlines"
        writer.writerow(cells)
        line += 2 if number % 7 == 0 else 1
    return out.getvalue().encode(), wrong


@pytest.mark.slow
def test_a_large_file_is_read_with_progress_exact_faults_and_bounded_memory(
    regions: Regions, eu: Session, served: Contract
) -> None:
    ref = served.id
    content, wrong = many(ROWS, every=100)
    key = brought(regions, eu, served, content)
    shares = []
    tracemalloc.start()
    while (row := row_of(eu, key)).state == "reading":
        shares.append(rules.share(row.place, row.total))
        settle(eu)
        actions._step(regions, regions["eu"], key, clock.now())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shares == sorted(set(shares)) and len(shares) >= ROWS // rules.AT_A_LOOK
    assert peak < 4 * len(content) + 60_000_000
    row = row_of(eu, key)
    assert (row.state, row.good, row.bad) == ("read", ROWS - len(wrong), len(wrong))
    found = eu.execute(select(IntakeFault.line, IntakeFault.column).order_by(IntakeFault.line))
    assert [tuple(one) for one in found] == wrong[: rules.MOST_FAULTS]
    assert eu.scalar(select(func.count(Import.id))) == 0
    settle(eu)
    contract = eu.get_one(Contract, ref)
    actions.confirm(eu, contract, cast.actor("cleo"), key, at=clock.now())
    settle(eu)
    assert actions.work_on(regions, at=clock.now()) == 1
    eu = regions.session("eu")
    kept = eu.scalars(select(Import)).all()
    assert sum(one.count for one in kept) == ROWS - len(wrong)
    assert {len(one.rows) == one.count for one in kept} == {True}
    assert row_of(eu, key).state == "taken"
    entries = [line for line in lines(eu, ref) if line.event == "intake:file:taken"]
    assert [line.facts["rows"] for line in entries] == [ROWS - len(wrong)]
    settle(eu)
    assert actions.work_on(regions, at=clock.now()) == 0


OUTAGES = """begin,end,effect,module,seen
2026-08-01T10:00:00Z,2026-08-01T11:00:00Z,down,,Nobody could sign in.
2026-08-02T10:00:00+02:00,2026-08-02T11:00:00+02:00,Degraded,Order entry,Slow.
2026-08-03T10:00:00Z,2026-08-03T09:00:00Z,broken,Nothing,
"""


def test_outages_are_recorded_for_the_other_side_to_confirm(
    regions: Regions, eu: Session, served: Contract
) -> None:
    ref = served.id
    key = brought(regions, eu, served, OUTAGES.encode(), kind=Kind.OUTAGES, key="ben")
    actions.work_on(regions, at=clock.now())
    row = row_of(regions.session("eu"), key)
    assert (row.state, row.good, row.bad) == ("read", 2, 1)
    eu = regions.session("eu")
    told = eu.execute(select(IntakeFault.line, IntakeFault.column)).all()
    assert {tuple(one) for one in told} == {(4, "seen"), (4, "end"), (4, "effect"), (4, "module")}
    settle(eu)
    actions.confirm(eu, eu.get_one(Contract, ref), cast.actor("ben"), key, at=clock.now())
    settle(eu)
    actions.work_on(regions, at=clock.now())
    eu = regions.session("eu")
    assert row_of(eu, key).state == "taken"
    assert {one.effect for one in eu.query(OutageRow)} == {"down", "degraded"}
    events = [line.event for line in lines(eu, ref)]
    assert events.count("changes:outage:reported") == 2 and events.count("intake:file:taken") == 1


def test_a_file_whose_member_has_left_leaves_nothing(
    regions: Regions, eu: Session, served: Contract
) -> None:
    ref = served.id
    key = brought(regions, eu, served, OUTAGES.encode(), kind=Kind.OUTAGES, key="ben")
    actions.work_on(regions, at=clock.now())
    eu = regions.session("eu")
    actions.confirm(eu, eu.get_one(Contract, ref), cast.actor("ben"), key, at=clock.now())
    settle(eu)
    person = Membership.person_id == cast.actor("ben").person_id
    db.session.execute(update(Membership).where(person).values(ended_at=clock.now()))
    db.session.commit()
    actions.work_on(regions, at=clock.now())
    eu = regions.session("eu")
    row = row_of(eu, key)
    assert row.state == "broken" and "left" in (row.problem or "")
    assert eu.query(OutageRow).count() == 0
    assert "intake:file:taken" not in [line.event for line in lines(eu, ref)]


@pytest.mark.slow
def test_nothing_is_taken_that_was_not_confirmed_and_strangers_find_nothing(
    regions: Regions, eu: Session, served: Contract
) -> None:
    ref = served.id
    key = brought(regions, eu, served, OUTAGES.encode(), kind=Kind.OUTAGES, key="ben")
    actions.work_on(regions, at=clock.now())
    eu = regions.session("eu")
    contract = eu.get_one(Contract, ref)
    for person, kind in (("cleo", NotFound), ("mal", NotFound), ("nia", NotAllowed)):
        with pytest.raises(kind):
            actions.confirm(eu, contract, cast.actor(person), key, at=clock.now())
        settle(eu)
    actions.drop(eu, contract, cast.actor("ben"), key, at=clock.now())
    settle(eu)
    with pytest.raises(Refused):
        actions.confirm(eu, contract, cast.actor("ben"), key, at=clock.now())
    settle(eu)
    actions.work_on(regions, at=clock.now())
    assert regions.session("eu").query(OutageRow).count() == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"), (b"a,b\n1,2\n", "lacks the column"), (b"\xff\xfe", "UTF-8"),
        (b"reported,reported,severity\n", "same name"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_file_that_is_none_is_refused_at_once(
    regions: Regions, eu: Session, served: Contract, content: bytes, says: str
) -> None:
    with pytest.raises(rules.BadFile, match=says):
        brought(regions, eu, served, content)
    settle(eu)
    assert eu.query(Intake).count() == 0


def test_a_file_that_breaks_off_is_named_and_left(
    regions: Regions, eu: Session, served: Contract
) -> None:
    content = b"reported,severity\n2026-01-01T09:00:00Z,S1\n\xff\n"
    key = brought(regions, eu, served, content)
    actions.work_on(regions, at=clock.now())
    row = row_of(regions.session("eu"), key)
    assert row.state == "broken" and row.problem == "Line 3 is not in UTF-8."


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@given(st.lists(st.lists(CELL, min_size=2, max_size=3), max_size=8), st.integers(1, 3))
def test_rows_read_in_steps_are_those_read_at_once(table: list[list[str]], step: int) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["reported", "severity"])
    writer.writerows(table)
    content = out.getvalue().encode()
    names, begins = rules.read_header(content, Kind.INCIDENTS)
    whole = [row for row, _, _ in rules.rows_from(content, begins, 2, names, most=99)]
    place, line, parts = begins, 2, []
    while found := list(rules.rows_from(content, place, line, names, most=step)):
        parts += [row for row, _, _ in found]
        _, place, line = found[-1]
    assert parts == whole


@given(st.dictionaries(st.sampled_from(["reported", "severity", "resolved"]), CELL))
def test_a_row_is_judged_whatever_it_says(cells: dict[str, str]) -> None:
    now = datetime.fromisoformat("2026-11-25T12:00:00+00:00")
    row = rules.Row(2, cells)
    if not rules.faults_of(row, Kind.INCIDENTS, modules=frozenset(), now=now):
        assert set(rules.incident_of(row)) >= {"reported", "severity"}


@pytest.mark.slow
def test_a_person_brings_a_file_on_pages(
    app: Flask,
    context: Flask,
    eu: Session,
    served: Contract,
    client_as: Callable[[str], FlaskClient],
) -> None:
    ref, ben = served.id, client_as("ben")
    settle(eu)
    empty = ben.post(f"/contracts/{ref}/files", data={"kind": "outages"})
    assert empty.status_code == 422 and "Choose a file." in empty.get_data(as_text=True)
    form: dict[str, Any] = {"kind": "outages", "file": (io.BytesIO(OUTAGES.encode()), "old.csv")}
    made = ben.post(f"/contracts/{ref}/files", data=form)
    assert made.status_code == 303
    here = made.headers["Location"]
    assert "Being read: " in ben.get(here).get_data(as_text=True)
    context.extensions["regions"].close()
    actions.work_on(context.extensions["regions"], at=clock.now())
    context.extensions["regions"].close()
    text = ben.get(here).get_data(as_text=True)
    assert "Take 2 rows" in text and "The contract has no module of this name." in text
    table = ben.get(f"{here}/faults.csv").get_data(as_text=True)
    assert table.splitlines()[0] == "line,column,fault" and "4,effect," in table
    assert client_as("cleo").get(here).status_code == 404
    assert ben.post(f"{here}/confirmation").status_code == 303
    assert ben.post(f"{here}/leaving").status_code == 409
