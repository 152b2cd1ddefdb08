"""Amendments and schedule changes: the state, one entry, refusals that leave neither, the pages."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pdfminer.high_level import extract_text
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.models import RegionEntry
from portal.contracts import actions, queries
from portal.contracts.actions import add_fact, add_version, note_amendment
from portal.contracts.models import Contract, InterimChange
from portal.contracts.rules.amending import FROM, Wish
from portal.contracts.rules.life import Side, State
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.negotiation import actions as negotiation
from portal.negotiation.queries import negotiation_of
from portal.notices.models import RegionMail
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.signing.queries import document_of, latest_deed
from portal.terms.rules import load_schema, parse, value_sha256
from portal.terms.rules.standard import load_standard_terms
from tests import cast
from tests.contracts.test_pages import freeze
from tests.contracts.test_pages import text_of as words
from tests.negotiation.table import at_table, send, settle
from tests.signing import stage

SCHEMA = load_schema("1")
PEAKS = parse(SCHEMA.terms["B5"], "Quarter end | quarter-end -4bd..-1bd America/New_York | 4 times")
WINDOW = parse(SCHEMA.terms["E1"], "Su 03:00-05:00 America/New_York")
SHORTER = parse(SCHEMA.terms["P6"], "45 d")
TODAY = clock.now().date()
TOMORROW = TODAY + timedelta(days=1)
ClientAs = Callable[[str], FlaskClient]


@pytest.fixture
def signed(eu: Session, contract: Contract) -> Contract:
    """The contract of the cast, signed and in force with the schema's default terms."""
    freeze(eu, contract, "deed_prepared", "all_signed", "completed")
    settle(eu)
    return contract


def entries(session: Session, chain: str) -> list[str]:
    query = select(RegionEntry.event).where(RegionEntry.chain == chain)
    return list(session.scalars(query.order_by(RegionEntry.seq)))


def amended(eu: Session, regions: Regions, signed: Contract, *terms: str) -> Contract:
    child = actions.start_amendment(
        eu, regions["eu"], cast.actor("ada"), signed, terms=terms, at=clock.now()
    )
    standing = queries.standing_terms(eu, child, on=TODAY)
    values = {term: standing.get(term) for term in child.named_terms or ()}
    negotiation.set_offers(eu, child, cast.actor("ada"), {**values, FROM: None}, at=clock.now())
    settle(eu)
    return child


def complete(eu: Session, child: Contract, *, at: datetime) -> None:
    """Let the child be signed and sealed, as the signing room does at the end."""
    with transaction(eu):
        for kind in ("deed_prepared", "all_signed", "completed"):
            add_fact(eu, child, kind, person_id="x", side=Side.VENDOR, at=at)
        note_amendment(eu, child, at=at)


def test_an_amendment_is_negotiated_over_its_terms_alone_and_then_holds(
    eu: Session, regions: Regions, signed: Contract
) -> None:
    child = amended(eu, regions, signed, "D1", "P6")
    assert entries(eu, child.id)[0] == "contract:started"
    assert entries(eu, signed.id).count("amendment:started") == 1
    table = at_table(eu, child, "ada")
    assert set(table.standings) == {FROM, "D1", "P6"}
    start = (TODAY + timedelta(days=40)).isoformat()
    negotiation.set_offers(
        eu, child, cast.actor("ada"), {"P6": SHORTER, FROM: start}, at=clock.now()
    )
    send(eu, child, "ada")
    negotiation.accept_rest(eu, child, cast.actor("cleo"), at=clock.now())
    send(eu, child, "cleo")
    version = negotiation.freeze(eu, child, cast.actor("cleo"), at=clock.now())
    assert set(version.canonical["terms"]) == {FROM, "D1", "P6"}
    amends = version.canonical["amends"]
    assert amends["ref"] == signed.id and amends["terms"] == ["D1", "P6"]
    assert amends["sha256"] == queries.version_in_force(signed).sha256  # type: ignore[union-attr]
    complete(eu, child, at=clock.now())
    assert queries.state(child, today=TODAY) is State.AMENDS
    assert entries(eu, signed.id)[-1] == "amendment:completed"
    before = queries.terms_in_force(eu, signed, on=TODAY + timedelta(days=39))
    after = queries.terms_in_force(eu, signed, on=TODAY + timedelta(days=40))
    assert before["P6"] == SCHEMA.defaults()["P6"]
    assert {t: v for t, v in after.items() if before[t] != v} == {"P6": SHORTER}


def test_an_amendment_without_a_day_holds_from_the_day_after_it_is_sealed(
    eu: Session, regions: Regions, signed: Contract
) -> None:
    child = amended(eu, regions, signed, "P6")
    negotiation.set_offers(eu, child, cast.actor("ada"), {"P6": SHORTER}, at=clock.now())
    send(eu, child, "ada")
    negotiation.accept_rest(eu, child, cast.actor("cleo"), at=clock.now())
    send(eu, child, "cleo")
    negotiation.freeze(eu, child, cast.actor("ada"), at=clock.now())
    at = clock.now()
    complete(eu, child, at=at)
    assert queries.terms_in_force(eu, signed, on=at.date())["P6"] == SCHEMA.defaults()["P6"]
    assert queries.terms_in_force(eu, signed, on=at.date() + timedelta(days=1))["P6"] == SHORTER


def test_a_renewal_brings_its_price_and_undoes_no_amendment(
    eu: Session, regions: Regions, signed: Contract
) -> None:
    child = amended(eu, regions, signed, "P6")
    negotiation.set_offers(eu, child, cast.actor("ada"), {"P6": SHORTER}, at=clock.now())
    send(eu, child, "ada")
    negotiation.accept_rest(eu, child, cast.actor("cleo"), at=clock.now())
    send(eu, child, "cleo")
    negotiation.freeze(eu, child, cast.actor("ada"), at=clock.now())
    complete(eu, child, at=clock.now())
    version, begins = queries.current_version(signed), TODAY + timedelta(days=400)
    assert version is not None
    price = {"amount": "2000.00", "currency": "USD"}
    document = {**version.canonical, "version": 2}
    document["terms"] = {**document["terms"], "O1": price}
    with transaction(eu):
        at = clock.now() + timedelta(days=400)
        add_version(eu, signed, document=document, at=at, renews=version, begins=begins)
    over_time = queries.terms_over_time(eu, signed)
    assert over_time.on(begins)["O1"] == price
    assert over_time.on(begins - timedelta(days=1))["O1"] == SCHEMA.defaults()["O1"]
    assert over_time.on(begins)["P6"] == SHORTER


@pytest.mark.slow
def test_an_amendment_runs_nothing_by_itself(
    eu: Session, regions: Regions, signed: Contract
) -> None:
    child = amended(eu, regions, signed, "D1")
    with pytest.raises(NotFound):
        queries.terms_in_force(eu, child, on=TODAY)
    assert queries.version_in_force(child) is None


@pytest.mark.slow
def test_what_an_amendment_would_contradict_in_the_rest_blocks_its_freeze(
    eu: Session, regions: Regions, signed: Contract
) -> None:
    child = amended(eu, regions, signed, "D1")
    negotiation.set_offers(eu, child, cast.actor("ada"), {"D1": "99.99"}, at=clock.now())
    found = negotiation_of(eu, child, cast.actor("ada"), at=clock.now())
    assert any("D1" in finding.terms for finding in found.findings(with_draft=True)), (
        "the credit ladder of the contract does not start at the new target"
    )
    settle(eu)


def test_only_a_signed_contract_is_amended_and_only_by_a_party(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    with pytest.raises(Refused, match="signed"):
        amended(eu, regions, contract, "D1")
    freeze(eu, contract, "completed")
    with pytest.raises(Refused, match="cannot be amended"):
        amended(eu, regions, contract, "A1")
    with pytest.raises(NotAllowed):
        actions.start_amendment(
            eu, regions["eu"], cast.actor("ben"), contract, terms=["D1"], at=clock.now()
        )
    with pytest.raises(NotFound):
        actions.start_amendment(
            eu, regions["eu"], cast.actor("mal"), contract, terms=["D1"], at=clock.now()
        )
    eu.rollback()
    assert eu.scalar(select(func.count()).select_from(Contract)) == 1
    assert "amendment:started" not in entries(eu, contract.id)


def propose(eu: Session, contract: Contract, key: str = "cleo", **changes: Any) -> InterimChange:
    wish = Wish(**{"values": {"B5": PEAKS}, "starts": TOMORROW, "ends": None, **changes})
    return actions.propose_interim_change(
        eu, contract, cast.actor(key), wish, reason="Store openings", at=clock.now()
    )


def agree(
    eu: Session, contract: Contract, key: str = "ada", number: int = 1, sha256: str | None = None
) -> None:
    actions.agree_interim_change(
        eu, contract, cast.actor(key), number, seen_sha256=sha256 or value_sha256(PEAKS),
        at=clock.now(),
    )  # fmt: skip


def test_a_schedule_changes_when_a_named_role_of_each_side_agrees(
    eu: Session, signed: Contract
) -> None:
    row = propose(eu, signed, ends=TOMORROW + timedelta(days=10))
    assert queries.terms_in_force(eu, signed, on=TOMORROW)["B5"] == SCHEMA.defaults()["B5"]
    agree(eu, signed)
    holds = [TOMORROW, TOMORROW + timedelta(days=9)]
    assert all(queries.terms_in_force(eu, signed, on=day)["B5"] == PEAKS for day in holds)
    for day in (TODAY, TOMORROW + timedelta(days=10)):
        assert queries.terms_in_force(eu, signed, on=day)["B5"] == SCHEMA.defaults()["B5"]
    assert entries(eu, signed.id)[-2:] == ["interim_change:proposed", "interim_change:agreed"]
    mails = eu.scalars(select(RegionMail).where(RegionMail.dedupe.like("%interim_change%"))).all()
    assert {mail.recipient for mail in mails} == {
        "ada@northwind.example", "cleo@harbour.example", "dov@harbour.example",
    }  # fmt: skip
    assert all("quarter" not in mail.text.lower() for mail in mails)
    assert row.decided_by == cast.actor("ada").person_id


def test_a_proposal_is_answered_once_by_the_other_side_as_it_was_seen(
    eu: Session, signed: Contract
) -> None:
    propose(eu, signed)
    count = len(entries(eu, signed.id))
    with pytest.raises(Refused, match="own side"):
        agree(eu, signed, "dov")
    with pytest.raises(Refused, match="other roles"):
        agree(eu, signed, "nia")
    with pytest.raises(NotFound):
        agree(eu, signed, "mal")
    with pytest.raises(Refused, match="not the change you saw"):
        actions.agree_interim_change(
            eu, signed, cast.actor("ada"), 1, seen_sha256="0" * 64, at=clock.now()
        )
    assert len(entries(eu, signed.id)) == count
    actions.decline_interim_change(
        eu, signed, cast.actor("ada"), 1, reason="No staff that week", at=clock.now()
    )
    with pytest.raises(Refused, match="already"):
        agree(eu, signed)
    assert queries.terms_in_force(eu, signed, on=TOMORROW)["B5"] == SCHEMA.defaults()["B5"]


@pytest.mark.slow
def test_several_schedules_change_in_one_agreement_or_none_of_them(
    eu: Session, signed: Contract
) -> None:
    both = {"E1": WINDOW, "B5": PEAKS}
    row = propose(eu, signed, values=both, ends=TOMORROW + timedelta(days=10))
    assert row.terms == ["B5", "E1"] and row.values == both
    agree(eu, signed, sha256=row.value_sha256)
    during = queries.terms_in_force(eu, signed, on=TOMORROW)
    assert {t: v for t, v in during.items() if v != SCHEMA.defaults()[t]} == both
    after = queries.terms_in_force(eu, signed, on=TOMORROW + timedelta(days=10))
    assert {t: after[t] for t in both} == {t: SCHEMA.defaults()[t] for t in both}
    # One of two moved meanwhile: nothing of the older proposal can be agreed any more.
    old = propose(eu, signed, values={"B5": SCHEMA.defaults()["B5"], "E1": SCHEMA.defaults()["E1"]})
    newer = propose(eu, signed, values={"E1": parse(SCHEMA.terms["E1"], "Sa 03:00-05:00 Etc/UTC")})
    agree(eu, signed, number=newer.number, sha256=newer.value_sha256)
    with pytest.raises(Refused, match="changed since"):
        agree(eu, signed, number=old.number, sha256=old.value_sha256)
    with pytest.raises(Refused, match="by an amendment only"):
        propose(eu, signed, values={"B5": SCHEMA.defaults()["B5"], "D1": "99.5"})
    told = entries(eu, signed.id)[-2:]
    assert told == ["interim_change:proposed", "interim_change:agreed"]


def test_a_proposal_over_terms_that_moved_is_stale(eu: Session, signed: Contract) -> None:
    propose(eu, signed)
    propose(eu, signed)
    agree(eu, signed, number=1)
    with pytest.raises(Refused, match="changed since"):
        agree(eu, signed, number=2)
    actions.withdraw_interim_change(eu, signed, cast.actor("cleo"), 2, at=clock.now())
    assert [row.decision for row in signed.interim_changes] == ["agreed", "withdrawn"]


def test_the_database_keeps_an_answered_proposal_as_it_was(eu: Session, signed: Contract) -> None:
    propose(eu, signed)
    agree(eu, signed)
    for change in ("decision = 'declined'", "starts = '2020-01-01'", "term = 'D1'"):
        with pytest.raises(IntegrityError, match="as it was"):
            eu.execute(text(f"UPDATE interim_changes SET {change}"))
        eu.rollback()
    with pytest.raises(IntegrityError, match="kept"):
        eu.execute(text("DELETE FROM interim_changes"))
    eu.rollback()


@pytest.mark.slow
def test_the_queries_of_the_terms_in_force_do_not_grow_with_the_changes(
    eu: Session, regions: Regions, signed: Contract
) -> None:
    def count() -> int:
        eu.expire_all()
        found = queries.find_contract(eu, cast.actor("ada"), signed.id)
        seen: list[str] = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(eu.get_bind(), "before_cursor_execute", listen)
        queries.terms_in_force(eu, found, on=TODAY)
        event.remove(eu.get_bind(), "before_cursor_execute", listen)
        settle(eu)
        return len(seen)

    counts = []
    for _ in range(3):
        child = amended(eu, regions, signed, "D1")
        send(eu, child, "ada")
        negotiation.accept_rest(eu, child, cast.actor("cleo"), at=clock.now())
        send(eu, child, "cleo")
        negotiation.freeze(eu, child, cast.actor("ada"), at=clock.now())
        complete(eu, child, at=clock.now())
        counts.append(count())
    assert counts[0] == counts[-1] <= 8


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


@pytest.mark.slow
def test_the_pages_lead_from_a_signed_contract_to_the_table_of_its_amendment(
    clients: ClientAs, eu: Session, signed: Contract
) -> None:
    ada, here = clients("ada"), f"/contracts/{signed.id}"
    assert "Nothing has changed since signing" in ada.get(f"{here}/amendments").text
    wrong = ada.post(f"{here}/amendments", data={})
    assert wrong.status_code == 422 and "Choose at least one term" in wrong.text
    answer = ada.post(f"{here}/amendments", data={"terms": ["D1", "P6"]})
    assert answer.status_code == 303
    table = ada.get(answer.location)
    assert "The amended terms hold from" in words(table.text) and "D1" in table.text
    assert "Amendment 1 of CRM support 2027" in words(ada.get(f"{here}/amendments").text)
    assert "It amends" in ada.get(answer.location.removesuffix("/terms")).text
    settle(eu)


@pytest.mark.slow
def test_the_pages_propose_show_and_agree_a_schedule(
    clients: ClientAs, eu: Session, signed: Contract
) -> None:
    cleo, here = clients("cleo"), f"/contracts/{signed.id}"
    form = {
        "terms": "B5",
        "B5": "Quarter end | quarter-end -4bd..-1bd America/New_York | 4 times",
        "starts": TODAY.isoformat(), "reason": "Store openings",
    }  # fmt: skip
    late = cleo.post(f"{here}/interim-changes", data=form)
    assert late.status_code == 422 and "never reaches back" in late.text
    assert "Store openings" in late.text, "what was typed is kept"
    answer = cleo.post(f"{here}/interim-changes", data={**form, "starts": TOMORROW.isoformat()})
    assert answer.status_code == 303
    page = clients("ada").get(answer.location).text
    assert "Agree the change" in page and "Decline" in page and "Yours to answer" in page
    assert "Agree the change" not in clients("nia").get(answer.location).text
    seen = {"seen_sha256": value_sha256(PEAKS)}
    assert clients("ada").post(f"{answer.location}/declination", data=seen).status_code == 422
    agreed = clients("ada").post(f"{answer.location}/agreement", data=seen)
    assert agreed.status_code == 303
    choice = words(cleo.get(f"{here}/interim-changes/new").text)
    assert "Which schedules?" in choice and "B5 Peak periods" in choice
    none = cleo.post(f"{here}/interim-changes", data={"starts": TOMORROW.isoformat()})
    assert none.status_code == 422 and "Choose at least one schedule" in none.text
    two = cleo.get(f"{here}/interim-changes/new?terms=B5&terms=E1").text
    assert 'name="B5"' in two and 'name="E1"' in two
    window = {"terms": ["B5", "E1"], "B5": form["B5"], "E1": "Su 03:00-05:00 America/New_York"}
    third = TOMORROW + timedelta(days=1)
    both = cleo.post(f"{here}/interim-changes", data={**window, "starts": third.isoformat()})
    assert "E1 Maintenance windows" in words(cleo.get(both.location).text)
    told = words(cleo.get(f"{here}/amendments").text)
    assert "Schedule change 1" in told and "Agreed, not yet" in told
    on = words(cleo.get(f"{here}/terms-in-force?show=changed&on={TOMORROW}").text)
    assert "1 term differs" in on and "Signed as:" in on
    before = words(cleo.get(f"{here}/terms-in-force?on={TODAY}").text)
    assert "Every term holds as it was signed" in before
    assert cleo.get(f"{here}/terms-in-force?on=tomorrow").status_code == 422
    assert cleo.get(f"{here}/interim-changes/new?terms=D1").status_code == 409
    assert cleo.get(f"{here}/interim-changes/new?terms=ZZ").status_code == 404
    assert clients("mal").get(f"{here}/amendments").status_code == 404


@pytest.mark.slow
def test_an_amendment_is_signed_by_all_and_sealed_as_a_deed_of_its_terms_alone(
    eu: Session, regions: Regions, signed: Contract
) -> None:
    with transaction(eu):
        signed.schema_sha256 = SCHEMA.sha256
        signed.standard_sha256 = load_standard_terms("1.0").sha256
    child = amended(eu, regions, signed, "P6")
    negotiation.set_offers(eu, child, cast.actor("ada"), {"P6": SHORTER}, at=clock.now())
    send(eu, child, "ada")
    negotiation.accept_rest(eu, child, cast.actor("cleo"), at=clock.now())
    send(eu, child, "cleo")
    at = clock.now()
    negotiation.freeze(eu, child, cast.actor("ada"), at=at)
    stage.work(eu, regions, child, at=at)
    for number, key in enumerate(stage.SIGNERS):
        later = at + timedelta(minutes=number + 1)
        stage.consent(eu, child, key, at=later)
        stage.sign(eu, child, key, at=later)
        stage.work(eu, regions, child, at=later)
    assert queries.state(child, today=at.date()) is State.AMENDS
    deed = latest_deed(eu, queries.current_version(child))  # type: ignore[arg-type]
    assert deed is not None and deed.kind == "sealed"
    content = read_document(eu, regions["eu"], document_of(eu, deed))
    printed = " ".join(extract_text(BytesIO(content)).split())
    assert "Amendment of a software support contract" in printed and signed.id in printed
    assert "45 days" in printed and "P6" in printed
    assert "D1 " not in printed and "Support hours" not in printed
    assert queries.terms_in_force(eu, signed, on=later.date() + timedelta(days=1))["P6"] == SHORTER
