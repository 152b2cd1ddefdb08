"""What people read and do on the pages of a contract."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from portal.accounts.models import Organisation
from portal.audit.models import RegionEntry
from portal.contracts.actions import add_fact, add_version
from portal.contracts.models import Contract
from portal.contracts.rules.freezing import frozen_document
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.negotiation.models import Answer, Round
from portal.notices.models import RegionMail
from portal.terms.rules import load_schema
from tests import cast
from tests.tampering import walls_down

ClientAs = Callable[[str], FlaskClient]
NEW = {
    "title": "CRM support 2027", "counterparty": "ORG" + "2".zfill(23), "side": "vendor",
    "template": "standard-support/1", "tier": "northwind/4/Business", "region": "eu",
}  # fmt: skip
STEPS = ("service-levels", "scope", "metrics")


@pytest.fixture
def client_as(client_as: ClientAs, context: Flask, eu: Session) -> ClientAs:
    """Clients whose every request has a context of its own, as requests have outside of tests.

    The test holds a context too, to look into the region; a request would take it over, with the
    person and the sessions of the request before.
    """

    def make(key: str) -> FlaskClient:
        client = client_as(key)
        plain_open = client.open

        def open_and_let_go(*args: Any, **kwargs: Any) -> Any:
            eu.rollback()
            with context.app_context():
                return plain_open(*args, **kwargs)

        client.open = open_and_let_go  # type: ignore[method-assign]
        return client

    return make


def person(key: str) -> str:
    """Return the id of one of the cast."""
    return cast.actor(key).person_id


def people(**changes: str) -> dict[str, str]:
    """Return what ada sends as her side's people."""
    plain = {
        "owner": person("ada"), "legal": person("nia"),
        "signer_1": person("ada"), "title_1": "CEO",
        "signer_2": person("nia"), "title_2": "Counsel",
    }  # fmt: skip
    return {**plain, **changes}


def text_of(html: str) -> str:
    """Return the words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def start(client: FlaskClient) -> str:
    """Start a contract and return its reference."""
    answer = client.post("/contracts", data=NEW)
    assert answer.status_code == 303
    return str(answer.location).split("/")[2]


def sent_as_shown(html: str) -> MultiDict[str, str]:
    """Return what a browser would send for the page's term form, untouched."""
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    form = next(f for f in tree.iter("form") if "/start/" in f.get("action", ""))
    return MultiDict([pair for tag in form.iter() if (pair := _sent(tag))])


def _sent(tag: Element) -> tuple[str, str] | None:
    name, kind = tag.get("name"), tag.get("type")
    if not name or kind in ("hidden", "submit"):
        return None
    if tag.tag == "select":
        chosen = [o.get("value", "") for o in tag.iter("option") if o.get("selected") is not None]
        return name, chosen[0] if chosen else ""
    if tag.tag == "textarea":
        return name, tag.text or ""
    if kind in ("radio", "checkbox"):
        return (name, tag.get("value", "")) if tag.get("checked") is not None else None
    return name, tag.get("value", "")


def draft_values(session: Session) -> dict[str, object]:
    """Return what the private draft holds, by term."""
    return {row.term: row.value for row in session.scalars(select(Answer))}


def freeze(session: Session, contract: Contract, *facts: str) -> None:
    """Freeze a version of the schema's defaults, with later facts."""
    document = frozen_document(
        contract, version_number=1, terms=load_schema("1").defaults(), vendor_details="Bristol",
        customer_details="Baltimore", frozen_at=clock.now(),
    )  # fmt: skip
    with transaction(session):
        add_version(session, contract, document=document, at=clock.now())
        for kind in ("round_sent", "frozen", *facts):
            add_fact(session, contract, kind, person_id="x", side=Side.VENDOR, at=clock.now())


def test_whoever_has_no_contract_is_told_how_to_start(client_as: ClientAs) -> None:
    page = client_as("ada").get("/contracts").text
    assert "No contracts yet" in page and 'href="/contracts/new"' in page
    assert 'href="/contracts/new"' not in client_as("ben").get("/contracts").text


def test_the_start_makes_a_draft_of_every_term_from_the_tier(
    client_as: ClientAs, eu: Session
) -> None:
    ref = start(client_as("ada"))
    contract = eu.get_one(Contract, ref)
    schema = load_schema("1")
    assert contract.tier == "northwind/4/Business" and contract.schema_sha256 == schema.sha256
    values = draft_values(eu)
    assert set(values) == set(schema.terms)
    assert values["D1"] == "99.9" and values["A1"] == "Northwind Systems Ltd"
    assert eu.scalars(select(Round)).one().sent_at is None


@pytest.mark.slow
def test_four_steps_lead_from_a_new_contract_to_round_1(client_as: ClientAs, eu: Session) -> None:
    ada = client_as("ada")
    ref = start(ada)
    answer = ada.post(f"/contracts/{ref}/start/people", data=people())
    for step in STEPS:
        assert answer.location == f"/contracts/{ref}/start/{step}"
        shown = ada.get(answer.location)
        sent = sent_as_shown(shown.text)
        if step == "metrics":
            sent["D1"] = "99.95 %"
        answer = ada.post(str(answer.location), data=sent)
        assert answer.status_code == 303
    assert answer.location == f"/contracts/{ref}/terms"
    assert eu.get_one(Contract, ref).step == 5
    assert draft_values(eu)["D1"] == "99.95"
    assert ada.get(str(answer.location)).status_code == 200
    assert "Review and send round 1" in ada.get(f"/contracts/{ref}").text


@pytest.mark.slow
def test_a_step_sent_as_shown_changes_no_value(client_as: ClientAs, eu: Session) -> None:
    ada = client_as("ada")
    ref = start(ada)
    before = draft_values(eu)
    for step in STEPS:
        shown = ada.get(f"/contracts/{ref}/start/{step}")
        assert ada.post(f"/contracts/{ref}/start/{step}", data=sent_as_shown(shown.text)).location
    assert draft_values(eu) == before


@pytest.mark.slow
def test_a_term_that_cannot_stand_is_shown_with_its_error_and_nothing_is_lost(
    client_as: ClientAs, eu: Session
) -> None:
    ada = client_as("ada")
    ref = start(ada)
    before = draft_values(eu)
    sent = sent_as_shown(ada.get(f"/contracts/{ref}/start/metrics").text)
    sent["D1"] = "lots"
    sent["D6"] = "Orders can be saved."
    answer = ada.post(f"/contracts/{ref}/start/metrics", data=sent)
    assert answer.status_code == 422
    assert '<a href="#term-D1">Uptime: ' in answer.text and 'id="term-D1-error"' in answer.text
    assert 'value="lots"' in answer.text and "Orders can be saved." in answer.text
    assert "<title>Error: " in answer.text
    assert draft_values(eu) == before and eu.get_one(Contract, ref).step == 1


@pytest.mark.slow
def test_a_template_keeps_a_term_in_its_range(client_as: ClientAs) -> None:
    ada = client_as("ada")
    ref = start(ada)
    sent = sent_as_shown(ada.get(f"/contracts/{ref}/start/metrics").text)
    sent["D1"] = "95 %"
    answer = ada.post(f"/contracts/{ref}/start/metrics", data=sent)
    assert answer.status_code == 422 and "This template allows 99 % or more." in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": ""}, "Write a title."),
        ({"title": "CRM \u202esupport"}, "hidden or control character U+202E"),
        ({"side": ""}, "Choose your side."),
        ({"region": ""}, "Choose a region."),
        ({"counterparty": ""}, "Choose the other organisation."),
        ({"side": "customer"}, "Choose a tier of Harbour Retail Inc, the vendor, or no tier."),
    ],
)
def test_a_start_that_cannot_stand_says_why_beside_the_field(
    client_as: ClientAs, eu: Session, changes: dict[str, str], said: str
) -> None:
    answer = client_as("ada").post("/contracts", data={**NEW, **changes})
    assert answer.status_code == 422 and said in text_of(answer.text)
    assert eu.scalars(select(Contract)).all() == []


def test_organisations_without_a_common_region_are_told_so(
    context: Flask, client_as: ClientAs
) -> None:
    for slug, region in (("northwind", "eu"), ("harbour", "us")):
        db.session.execute(
            update(Organisation).where(Organisation.slug == slug).values(regions=region)
        )
    db.session.commit()
    answer = client_as("ada").post("/contracts", data=NEW)
    assert answer.status_code == 422
    assert "No region is allowed by both." in answer.text
    assert "Northwind Systems Ltd allows EU (Frankfurt)." in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"owner": ""}, "Choose the owner"),
        ({"signer_1": "", "signer_2": ""}, "Name at least one person who signs for you."),
        ({"title_1": ""}, "Write the title this person signs under"),
        ({"signer_2": person("ada")}, "Name each signer once."),
        ({"signer_1": person("ben")}, "Not a valid choice"),
        ({"owner": person("cleo")}, "Not a valid choice"),
    ],
)
@pytest.mark.slow
def test_people_that_cannot_stand_are_shown_again(
    client_as: ClientAs, contract: Contract, changes: dict[str, str], said: str
) -> None:
    answer = client_as("ada").post(f"/contracts/{contract.ref}/people", data=people(**changes))
    assert answer.status_code == 422 and said in text_of(answer.text)


def test_each_side_edits_its_own_people_until_the_freeze(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    ada, where = client_as("ada"), f"/contracts/{contract.ref}/people"
    assert ada.post(where, data=people(title_1="Chief executive")).status_code == 303
    shown = client_as("cleo").get(f"/contracts/{contract.ref}").text
    assert "Chief executive" in shown and "Authorised signatory" in shown
    freeze(eu, contract)
    assert ada.post(where, data=people()).status_code == 409
    frozen = ada.get(where).text
    assert "The people stand as agreed" in frozen and "<select" not in frozen


@pytest.mark.slow
def test_the_list_shows_first_what_waits_for_me(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    page = text_of(client_as("ada").get("/contracts").text)
    assert "Waiting for you" in page and "Yours to finish and send" in page
    with transaction(eu):
        add_fact(eu, contract, "round_sent", person_id="x", side=Side.VENDOR, at=clock.now())
    assert "Waiting for you" not in text_of(client_as("ada").get("/contracts").text)
    assert "Your turn to answer" in text_of(client_as("dov").get("/contracts").text)
    freeze(eu, contract, "deed_prepared")
    assert "Waiting for your signature" in text_of(client_as("ada").get("/contracts").text)
    assert "Waiting for you" not in text_of(client_as("nia").get("/contracts").text)


@pytest.mark.slow
def test_the_list_filters_and_searches_by_its_address(
    client_as: ClientAs, contract: Contract
) -> None:
    ada = client_as("ada")
    title = contract.title
    assert f">{title}</a>" in ada.get("/contracts?state=draft").text
    for query in ("q=crm", f"q={contract.ref.lower()}", "state=draft&q=2027"):
        assert "Nothing matches" not in ada.get(f"/contracts?{query}").text
    for query in ("q=warehouse", "state=signed", "state=negotiation&q=crm"):
        page = ada.get(f"/contracts?{query}").text
        assert "Nothing matches" in page and "Show all contracts" in page


@pytest.mark.slow
def test_a_contract_whose_term_is_over_moves_to_the_archive_and_stays_readable(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    def tell(kind: str, days_ago: float) -> datetime:
        at = clock.now() - timedelta(days=days_ago)
        with transaction(eu):
            add_fact(eu, contract, kind, person_id="portal", side=None, at=at)
        return at

    cleo, ref = client_as("cleo"), contract.ref
    everything = f"/contracts/{ref}"
    assert "Archive 0" in text_of(cleo.get("/contracts").text)
    assert "The archive is empty" in cleo.get("/contracts?state=archive").text
    # A year and more after completion the term still runs: it is not archived.
    tell("completed", 800)
    page = text_of(cleo.get("/contracts?state=signed").text)
    assert ref in page and "Archive 0" in page
    assert "Moves to the archive 365 days after completion" in text_of(cleo.get(everything).text)
    ended = tell("ended", 0.01)
    page = text_of(cleo.get("/contracts?state=archive").text)
    assert ref in page and "Archive 1" in page and f"{ended.day} {ended:%b %Y}" in page
    assert ref not in text_of(cleo.get("/contracts").text)
    assert ref not in text_of(cleo.get("/contracts?state=ended").text)
    found = cleo.get(f"/contracts?q={ref}").text
    assert ref in found and "/contracts?state=archive&amp;q=" in found
    page = text_of(cleo.get(everything).text)
    assert "In the archive since" in page and "Nothing is deleted" in page
    assert client_as("mal").get("/contracts?state=archive").text.count(ref) == 0


@pytest.mark.slow
def test_a_contract_that_ended_early_waits_a_year_after_completion(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    with transaction(eu):
        for kind, days in (("completed", 364), ("ended", 20)):
            at = clock.now() - timedelta(days=days)
            add_fact(eu, contract, kind, person_id="portal", side=None, at=at)
    page = text_of(client_as("ada").get("/contracts?state=ended").text)
    assert contract.ref in page and "Archive 0" in page
    assert "Moves to the archive" in text_of(
        client_as("ada").get(f"/contracts/{contract.ref}").text
    )


def test_the_overview_says_where_it_is_kept_who_takes_part_and_what_to_do(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    page = text_of(client_as("cleo").get(f"/contracts/{contract.ref}").text)
    assert "Kept in EU (Frankfurt)." in page
    assert "Northwind Systems Ltd is preparing round 1" in page
    freeze(eu, contract, "deed_prepared")
    page = text_of(client_as("cleo").get(f"/contracts/{contract.ref}").text)
    assert "Waiting for Ada Keane to sign" in page and "Next to sign" in page
    freeze_facts = ("all_signed", "completed")
    with transaction(eu):
        for kind in freeze_facts:
            add_fact(eu, contract, kind, person_id="x", side=None, at=clock.now())
    page = text_of(client_as("cleo").get(f"/contracts/{contract.ref}").text)
    assert "First response, severity 1 30 minutes" in page and "Open the deed (PDF)" in page


def test_the_agreement_page_shows_the_frozen_terms_and_their_hash(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    where = f"/contracts/{contract.ref}/agreement"
    assert client_as("cleo").get(where).status_code == 404
    freeze(eu, contract)
    page = client_as("cleo").get(where).text
    sha256 = contract.versions[0].sha256
    assert sha256 in page.replace("</span><span>", "")
    assert "Order of precedence" in page and "Standard Support Terms" in page
    assert "{{" not in page and '<th scope="col">Impact on the business</th>' in page


def test_the_log_tells_entries_as_sentences_and_checks_their_chain(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    ada = client_as("ada")
    ada.post(f"/contracts/{contract.ref}/people", data=people())
    page = text_of(client_as("lena").get(f"/contracts/{contract.ref}/log").text)
    assert "Chain verified 1 entry" in page
    assert "Ada Keane (Northwind Systems Ltd) named the people of the vendor" in page


def test_a_changed_entry_is_told_on_the_log(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    ada = client_as("ada")
    for _ in range(2):
        ada.post(f"/contracts/{contract.ref}/people", data=people())
    ref = contract.ref
    eu.rollback()
    # Whoever can write the file can drop the triggers: the chain must show it then.
    with walls_down(eu, tables={"entries"}) as connection:
        connection.execute(
            update(RegionEntry)
            .where(RegionEntry.chain == ref, RegionEntry.seq == 1)
            .values(body=RegionEntry.body.op("||")(" "))
        )
    page = text_of(ada.get(f"/contracts/{ref}/log").text)
    assert "The chain does not hold" in page and "entry 1 was changed" in page
    assert "Chain verified" not in page


def test_a_contract_is_withdrawn_with_a_reason_both_sides_read(
    client_as: ClientAs, contract: Contract, eu: Session
) -> None:
    ada, where = client_as("ada"), f"/contracts/{contract.ref}/withdrawal"
    assert "This ends the contract for both sides" in ada.get(where).text
    empty = ada.post(where, data={"reason": " "})
    assert empty.status_code == 422 and "Write a reason" in empty.text
    assert ada.post(where, data={"reason": "The app is retired & gone."}).status_code == 303
    page = text_of(client_as("cleo").get(f"/contracts/{contract.ref}").text)
    assert "Withdrawn" in page and "The app is retired & gone." in page
    mail = eu.scalars(select(RegionMail)).one()
    assert mail.recipient == "cleo@harbour.example"
    assert contract.title not in mail.subject + mail.text and "retired" not in mail.text
    assert f"/contracts/{contract.ref}" in mail.text
    assert ada.get(where).status_code == 409


PAGES = ("", "/people", "/log", "/agreement", "/withdrawal", "/start/people", "/start/scope")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.slow
def test_a_stranger_finds_nothing(client_as: ClientAs, contract: Contract, page: str) -> None:
    mal, where = client_as("mal"), f"/contracts/{contract.ref}{page}"
    assert mal.get(where).status_code == 404
    assert mal.get("/contracts/eu-ABCDEFGHJK" + page).status_code == 404
    assert mal.get("/contracts/mars-ABCDEFGHJK" + page).status_code == 404
    if page in ("/people", "/withdrawal", "/start/people", "/start/scope"):
        assert mal.post(where, data=people(reason="x")).status_code == 404
    assert contract.title not in mal.get("/contracts").text


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_role_without_the_permission_is_told_who_has_it(
    client_as: ClientAs, contract: Contract, method: str
) -> None:
    ben = client_as("ben")
    pages = ["/withdrawal", "/start/people", "/start/scope"]
    wanted = [f"/contracts/{contract.ref}{page}" for page in pages]
    wanted.append("/contracts/new" if method == "get" else "/contracts")
    if method == "post":
        wanted.append(f"/contracts/{contract.ref}/people")
    for where in wanted:
        answer = getattr(ben, method)(where)
        assert answer.status_code == 403 and "It takes:" in answer.text, where


def test_the_other_side_cannot_prepare_round_1(client_as: ClientAs, contract: Contract) -> None:
    answer = client_as("cleo").get(f"/contracts/{contract.ref}/start/scope")
    assert answer.status_code == 409
    assert "Northwind Systems Ltd prepares the first round." in answer.text
