"""The first page: what waits, what comes, what went wrong, by role."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.accounts.models import MfaPolicy, Person
from portal.changes import actions as changes
from portal.changes.rules.plan import Effect
from portal.cli.working import Worker
from portal.contracts.actions import add_fact, withdraw
from portal.contracts.models import Contract
from portal.incidents.models import Incident
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.notices.actions import write_mail
from portal.notices.models import JobRun, ReaderRow, RegionMail
from portal.residency.databases import Regions
from portal.statements.models import Statement
from tests import cast
from tests.changes import works
from tests.conftest import make_contract
from tests.incidents import desk

ClientAs = Callable[[str], FlaskClient]
EMPTY = ("Nothing waits for you", "No date in the next 60 days", "Nothing that we know of")


def part(page: str, name: str) -> str:
    """Return one of the three parts of the page."""
    found = re.search(rf'<section aria-labelledby="{name}">.*?</section>', page, re.S)
    assert found is not None, name
    return found[0]


def test_a_new_member_reads_three_empty_parts_and_is_asked_for_their_zone(
    client_as: ClientAs, context: Flask
) -> None:
    lena = client_as("lena")
    page = lena.get("/").text
    assert all(words in page for words in EMPTY) and "Choose your time zone" in page
    assert page.count("<h2") == 3
    db.session.add(
        ReaderRow(person_id=cast.actor("lena").person_id, zone="Europe/Paris", language="en",
                  digest_at="08:00", weekly=0)
    )  # fmt: skip
    db.session.commit()
    assert "Choose your time zone" not in lena.get("/").text


@pytest.mark.slow
def test_a_draft_waits_for_those_who_negotiate_and_for_nobody_else(
    client_as: ClientAs, contract: Contract
) -> None:
    assert contract.title in part(client_as("ada").get("/").text, "waits")
    for other in ("ben", "cleo", "lena", "mal"):
        assert contract.title not in client_as(other).get("/").text, other


@pytest.mark.slow
def test_a_signature_waits_for_the_next_signer_alone(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    with transaction(eu):
        for kind in ("round_sent", "frozen", "deed_prepared"):
            add_fact(eu, contract, kind, person_id="x", side=None, at=clock.now())
    waits = part(client_as("ada").get("/").text, "waits")
    assert "Waiting for your signature" in waits and f"/contracts/{contract.id}/sign" in waits
    assert contract.title not in client_as("nia").get("/").text


def test_a_withdrawn_contract_went_wrong_for_both_sides(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    withdraw(eu, contract, cast.actor("ada"), reason="Retired", at=clock.now())
    for person in ("ada", "cleo", "dov"):
        wrong = part(client_as(person).get("/").text, "wrong")
        assert "Withdrawn" in wrong and contract.title in wrong and "Retired" not in wrong
    assert contract.title not in client_as("mal").get("/").text


def failed_mail(session: Session, chain: str) -> None:
    """Give up a mail that Ada caused."""
    with transaction(session):
        write_mail(
            session, chain=chain, dedupe="m", recipient="gone@harbour.example", name="Gone",
            subject="S", text="T", at=clock.now(), caused_by=cast.actor("ada").person_id,
        )  # fmt: skip
        session.query(RegionMail).update({"dead_at": clock.now(), "last_error": "550 gone"})


def test_mail_that_failed_is_shown_to_who_caused_it(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    failed_mail(eu, contract.id)
    wrong = part(client_as("ada").get("/").text, "wrong")
    assert "1 mail in your name could not be delivered" in wrong and "/notices/mail" in wrong
    assert "could not be delivered" not in client_as("nia").get("/").text


@pytest.mark.slow
def test_the_operator_reads_of_the_host_and_of_no_contract(
    client_as: ClientAs, app: Flask, eu: Session, contract: Contract
) -> None:
    failed_mail(eu, contract.id)
    op = client_as("op")
    page = op.get("/").text
    assert "No worker runs" in page and "1 mail given up" in page
    assert contract.title not in page and contract.id not in page and "gone@" not in page
    worker = Worker(app)
    worker.look()
    worker.beat()
    db.session.rollback()
    assert "No worker runs" not in op.get("/").text
    with transaction(db.session) as session:
        session.add(JobRun(name="breaks", ran_at=clock.now(), took_ms=1, error="ValueError"))
    db.session.rollback()
    assert "The job “breaks” failed" in op.get("/").text


def test_mail_that_is_late_is_told_to_the_operator(client_as: ClientAs, eu: Session) -> None:
    with transaction(eu):
        write_mail(
            eu, chain="x", dedupe="m", recipient="a@b.example", name="A", subject="S", text="T",
            at=clock.now() - timedelta(minutes=42),
        )  # fmt: skip
    assert "Mail is 42 min late" in client_as("op").get("/").text


@pytest.mark.slow
def test_an_administrator_is_told_of_members_without_codes(
    client_as: ClientAs, context: Flask
) -> None:
    dov = cast.actor("dov")
    db.session.get_one(Person, cast.actor("lena").person_id).totp_confirmed_at = None
    db.session.add(MfaPolicy(organisation_id=dov.organisation_id, role="*", rule="required"))
    db.session.commit()
    waits = part(client_as("dov").get("/").text, "waits")
    assert "1 without codes from a phone" in waits and "Kept out" in waits
    assert "without codes" not in client_as("cleo").get("/").text


@pytest.mark.parametrize("person", ["ada", "ben", "cleo"])
@pytest.mark.slow
def test_home_takes_the_same_queries_for_one_contract_and_for_ten(
    client_as: ClientAs, eu: Session, regions: Regions, contract: Contract, person: str
) -> None:
    asked: list[str] = []
    event.listen(regions["eu"].engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    client, counts = client_as(person), []
    for _ in range(2):
        asked.clear()
        assert client.get("/").status_code == 200
        counts.append(len(asked))
        for number in range(9):
            make_contract(eu, regions, title=f"Another {number}")
        eu.expunge_all()
    assert counts[0] == counts[1]


@pytest.mark.slow
def test_an_open_incident_waits_for_those_who_answer_and_for_no_one_else(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    at = clock.now()
    desk.put_in_force(eu, contract, desk.terms_with(), at=at - timedelta(days=30))
    desk.settle(eu)
    incident = desk.reported(eu, contract, at=at)
    title, where = incident.title, f"/contracts/{contract.id}/incidents/{incident.number}"
    desk.settle(eu)
    waits = part(client_as("ben").get("/").text, "waits")
    assert title in waits and where in waits and "Yours to answer" in waits
    for other in ("dov", "lena", "mal"):
        assert title not in part(client_as(other).get("/").text, "waits"), other
    assert title not in client_as("mal").get("/").text
    eu.query(Incident).update({"standing": "resolved", "breaches": 1})
    desk.settle(eu)
    page = client_as("dov").get("/").text
    assert "Confirm that it works" in part(page, "waits")
    assert "Target missed" in part(page, "wrong") and title in part(page, "wrong")
    assert title not in part(client_as("ben").get("/").text, "waits")


def test_a_statement_waits_for_the_side_whose_turn_it_is(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    at = clock.now()
    eu.add(
        Statement(id="S" * 26, region="eu", contract_id=contract.id, month="2026-10",
                  issued_at=at, stage="issued")
    )  # fmt: skip
    eu.commit()
    assert "Confirm the statement of October 2026" in client_as("ada").get("/").text
    assert "October 2026" not in client_as("cleo").get("/").text
    eu.query(Statement).update({"stage": "confirmed", "act_at": at + timedelta(days=9)})
    eu.commit()
    page = client_as("cleo").get("/").text
    assert "Accept or dispute the statement of October 2026" in part(page, "waits")
    assert "accepted by silence" in part(page, "coming")
    assert "Confirm the statement" not in client_as("ada").get("/").text
    assert "October 2026" not in client_as("mal").get("/").text


@pytest.mark.slow
def test_a_change_waits_for_the_side_whose_approval_the_contract_asks(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    desk.put_in_force(eu, contract, works.TERMS, at=works.FROM)
    row = works.announced(eu, contract)
    assert row.asks == "customer,vendor"
    desk.settle(eu)
    href = f"/contracts/{contract.id}/changes/{row.ref}"
    with time_machine.travel(works.NOW, tick=False):
        for person in ("ben", "dov"):
            assert href in part(client_as(person).get("/").text, "waits"), person
        for other in ("lena", "mal"):
            assert href not in client_as(other).get("/").text, other
        changes.approve(eu, contract, cast.actor("dov"), row, at=works.NOW)
        desk.settle(eu)
        assert href not in client_as("dov").get("/").text
        assert href in client_as("ben").get("/").text


@pytest.mark.slow
def test_an_outage_went_wrong_for_both_until_one_side_is_asked_to_confirm_it(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    at = clock.now()
    desk.put_in_force(eu, contract, works.TERMS, at=works.FROM)
    row = changes.report_outage(
        eu, contract, cast.actor("dov"), effect=Effect.DOWN, modules=[],
        begin=at - timedelta(hours=2), end=None, seen="Nobody can sign in.", at=at,
    )  # fmt: skip
    desk.settle(eu)
    href = f"/contracts/{contract.id}/outages/{row.ref}"
    for person in ("ben", "dov"):
        page = client_as(person).get("/").text
        assert href in part(page, "wrong") and "Going on" in page
    changes.end_outage(eu, contract, cast.actor("dov"), row, end=at, at=at)
    desk.settle(eu)
    assert href in part(client_as("ben").get("/").text, "waits")
    assert href not in client_as("dov").get("/").text, "it is the other side's to confirm"
    assert href not in client_as("mal").get("/").text
