"""Contracts from a sheet: each row read, nothing sent unconfirmed, each contract started once."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.batches import actions
from portal.batches.models import Batch, BatchRow
from portal.batches.queries import partners, waiting_rows
from portal.batches.rules import MOST_ROWS, Partner, SheetUnread, Start, read_sheet
from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.rules.life import State
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from portal.templates.rules import load_template
from portal.terms.rules import load_schema
from tests import cast
from tests.contracts.test_pages import text_of
from tests.negotiation.table import settle

ClientAs = Callable[[str], FlaskClient]
SCHEMA = load_schema("1")
VENDOR = Partner("V", "northwind", "Northwind Systems Ltd", "Bristol", ["eu", "us"])
HARBOUR = Partner("H", "harbour", "Harbour Retail Inc", "Baltimore", ["eu", "us"])
NARROW = Partner("N", "narrow", "Narrow AB", "Malmö", ["us"])
START = Start(
    SCHEMA,
    load_template("standard-support", 1),
    ("Standard Support Terms", "1.0"),
    {},
    VENDOR,
    "eu",
)
SHEET = (
    "customer,title,A5,D1\n"
    "harbour,Stores support,2027-01-01,99.9 %\n"
    "Harbour Retail Inc,Warehouse support,,\n"
    "nobody,Lost support,,\n"
    "harbour,Web shop support,soon,\n"
    "otherware,Partner support,2027-02-01,\n"
)


def faults(text: str) -> list[tuple[str, ...]]:
    return [row.faults for row in read_sheet(text, START, [VENDOR, HARBOUR, NARROW])]


def test_every_row_says_what_is_wrong_with_it() -> None:
    found = faults(
        "customer,title,D1,Q1\n"
        "harbour,Stores support,99.9 %,\n"
        "nobody,Stores,,\n"
        "northwind,Own,,\n"
        "narrow,Far away,,\n"
        "harbour,x,,\n"
        "harbour,Low promise,98 %,\n"
        "harbour,Other amendment,,both parties signing\n"
        "harbour,Stores SUPPORT,,\n"
        "harbour,A,B,C,D\n"
    )
    assert found[0] == ()
    words = ["no organisation", "your own", "in this region", "3 to 120", "99 % or more", "locks",
             "stand in the sheet before"]  # fmt: skip
    for row, word in zip(found[1:8], words, strict=True):
        assert len(row) == 1 and word in row[0]
    assert "more cells" in found[8][0]


@pytest.mark.parametrize(
    "sheet",
    ["", "customer,title", "customer\nharbour", "customer,title,ZZ9\nharbour,Stores,1",
     "customer,title,title\nharbour,A,B", "customer,title\n" + "harbour,Stores\n" * (MOST_ROWS + 1),
     "x" * 500_000],
    ids=range(7),
)  # fmt: skip
def test_a_sheet_that_cannot_be_read_is_told_as_a_whole(sheet: str) -> None:
    with pytest.raises(SheetUnread):
        read_sheet(sheet, START, [VENDOR, HARBOUR])


def test_terms_that_contradict_each_other_are_a_fault_of_the_row() -> None:
    found = faults("customer;title;C4.S1.resolution\nharbour;Stores;1 min\n")
    assert (found[0] and "C4.S1.resolution" in found[0][0]) or found[0]


@pytest.fixture
def clients(client_as: ClientAs, context: Flask, eu: Session) -> ClientAs:
    """Clients whose every request has a context of its own."""

    def make(key: str) -> FlaskClient:
        client = client_as(key)
        plain_open = client.open

        def open_and_let_go(*args: Any, **kwargs: Any) -> Any:
            settle(eu)
            with context.app_context():
                return plain_open(*args, **kwargs)

        client.open = open_and_let_go  # type: ignore[method-assign]
        return client

    return make


def form(**changes: Any) -> dict[str, Any]:
    ada = cast.actor("ada").person_id
    plain = {
        "once": "a" * 32, "template": "standard-support/1", "tier": "northwind/4/Business",
        "region": "eu", "owner": ada, "signer": ada, "signer_title": "Director", "sends": "send",
        "sheet": SHEET,
    }  # fmt: skip
    return {**plain, **changes}


def uploaded(clients: ClientAs, **changes: Any) -> str:
    answer = clients("ada").post("/batches", data=form(**changes))
    assert answer.status_code == 303, text_of(answer.text)[:600]
    return str(answer.location)


def run(regions: Regions, eu: Session) -> int:
    settle(eu)
    done = actions.run_batches(regions, at=clock.now())
    eu.expire_all()
    return done


def contracts(eu: Session) -> list[Contract]:
    eu.expire_all()
    return list(eu.scalars(select(Contract).order_by(Contract.created_at, Contract.id)))


@pytest.mark.slow
def test_nothing_is_started_before_it_is_confirmed_and_then_each_row_once(
    clients: ClientAs, regions: Regions, eu: Session
) -> None:
    here = uploaded(clients)
    ref = here.rpartition("/")[2]
    preview = text_of(clients("ada").get(here).text)
    assert "3 of 5 can start" in preview and "2 have errors" in preview
    assert "There is no organisation “nobody”" in preview and "A5" in preview
    assert run(regions, eu) == 0 and contracts(eu) == []
    assert uploaded(clients) == here, "the same form a second time is the same batch"
    for _ in range(2):
        assert clients("ada").post(f"{here}/confirmation").status_code == 303
    settle(eu)
    assert run(regions, eu) == 3 and run(regions, eu) == 0
    made = contracts(eu)
    assert {row.title for row in made} == {
        "Stores support", "Warehouse support", "Partner support",
    }  # fmt: skip
    assert {state(row, today=clock.now().date()) for row in made} == {State.NEGOTIATION}
    mails = eu.scalars(select(RegionMail.recipient)).all()
    assert "cleo@harbour.example" in mails and "mal@otherware.example" in mails
    events = [line.event for line in lines(eu, ref)]
    assert events == ["batch:uploaded", "batch:confirmed", *["batch:row:started"] * 3]
    followed = text_of(clients("ada").get(here).text)
    assert "3 of 3 sent" in followed and "Left out" in followed
    assert "3 of 3" in clients("ada").get(f"{here}/progress").text
    settle(eu)


@pytest.mark.slow
def test_drafts_are_started_and_no_customer_hears_of_them(
    clients: ClientAs, regions: Regions, eu: Session
) -> None:
    here = uploaded(clients, sends="draft")
    clients("ada").post(f"{here}/confirmation")
    run(regions, eu)
    assert {state(row, today=clock.now().date()) for row in contracts(eu)} == {State.DRAFT}
    assert eu.scalars(select(RegionMail.id)).all() == []


@pytest.mark.slow
def test_a_worker_that_died_in_the_middle_loses_and_doubles_nothing(
    clients: ClientAs, regions: Regions, eu: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = uploaded(clients)
    clients("ada").post(f"{here}/confirmation")
    settle(eu)
    for step in ("_prepare", "_send"):
        with monkeypatch.context() as patch:

            def die(*args: Any, **kwargs: Any) -> None:
                raise KeyboardInterrupt

            patch.setattr(actions, step, die)
            with pytest.raises(KeyboardInterrupt):
                actions.run_batches(regions, at=clock.now())
        settle(eu)
        with transaction(eu):
            eu.execute(text("UPDATE batch_rows SET leased_until = NULL"))
    assert len(contracts(eu)) == 1, "the row it died in has its contract, and only one"
    assert run(regions, eu) == 3
    assert len(contracts(eu)) == 3
    rounds = eu.scalar(text("SELECT count(*) FROM rounds WHERE sent_at IS NOT NULL"))
    assert rounds == 3


@pytest.mark.slow
def test_two_workers_share_a_batch_without_a_double(
    clients: ClientAs, regions: Regions, eu: Session
) -> None:
    here = uploaded(clients)
    clients("ada").post(f"{here}/confirmation")
    settle(eu)
    now = clock.now()
    first = waiting_rows(eu, at=now, limit=1)[0]
    with transaction(eu):
        row = eu.get_one(BatchRow, first)
        row.leased_until = now + timedelta(minutes=2)
    assert run(regions, eu) == 2, "a row under another worker's lease is left alone"
    with transaction(eu):
        eu.get_one(BatchRow, first).leased_until = now - timedelta(minutes=1)
    assert run(regions, eu) == 1 and len(contracts(eu)) == 3


@pytest.mark.slow
def test_a_row_that_cannot_start_says_why_and_stops_no_other(
    clients: ClientAs, regions: Regions, eu: Session
) -> None:
    here = uploaded(clients)
    clients("ada").post(f"{here}/confirmation")
    settle(eu)
    db.session.execute(text("UPDATE organisations SET regions = 'us' WHERE slug = 'otherware'"))
    db.session.commit()
    assert run(regions, eu) == 2
    told = text_of(clients("ada").get(here).text)
    assert "2 of 3 sent, 1 not" in told and "not allowed by both" in told
    assert len(contracts(eu)) == 2


@pytest.mark.slow
def test_a_batch_is_its_own_organisations_alone(clients: ClientAs, eu: Session) -> None:
    here = uploaded(clients)
    for key in ("mal",):
        assert clients(key).get(here).status_code == 404
        assert clients(key).post(f"{here}/confirmation").status_code == 404
    assert clients("cleo").get(here).status_code == 403
    ref = here.rpartition("/")[2]
    with pytest.raises(NotFound):
        actions.confirm_batch(eu, cast.actor("mal"), ref, at=clock.now())
    with pytest.raises(NotAllowed):
        actions.confirm_batch(eu, cast.actor("nia"), ref, at=clock.now())
    eu.rollback()
    assert eu.scalar(select(func.count()).where(Batch.confirmed_at.is_not(None))) == 0
    settle(eu)


def test_stopping_keeps_what_was_started(clients: ClientAs, regions: Regions, eu: Session) -> None:
    here = uploaded(clients)
    clients("ada").post(f"{here}/confirmation")
    assert clients("ada").post(f"{here}/stop").status_code == 303
    assert run(regions, eu) == 0 and contracts(eu) == []
    with pytest.raises(Refused):
        actions.stop_batch(eu, cast.actor("ada"), here.rpartition("/")[2], at=clock.now())
    eu.rollback()
    with pytest.raises(IntegrityError, match="confirmed once"):
        eu.execute(text("UPDATE batches SET confirmed_at = NULL"))
    eu.rollback()


@pytest.mark.slow
def test_a_sheet_comes_as_a_file_too_and_mistakes_keep_what_was_typed(clients: ClientAs) -> None:
    file = (io.BytesIO(("\ufeff" + SHEET).encode()), "customers.csv")
    assert uploaded(clients, sheet="", file=file, once="b" * 32)
    empty = clients("ada").post("/batches", data=form(sheet="", once="c" * 32))
    assert empty.status_code == 422 and "paste its rows" in empty.text
    wrong = clients("ada").post("/batches", data=form(sheet="a,b\n1,2", signer_title="Boss"))
    assert wrong.status_code == 422 and 'value="Boss"' in wrong.text and "no term" in wrong.text
    latin = (io.BytesIO("customer,title\nharbour,Entrep\xf4t\n".encode("latin-1")), "c.csv")
    told = clients("ada").post("/batches", data=form(sheet="", file=latin, once="d" * 32))
    assert told.status_code == 422 and "UTF-8" in told.text
    assert len(partners(cast.actor("ada"))) == 3
