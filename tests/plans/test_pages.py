"""What vendors and customers read and do on the pages of plans."""

import re
from collections.abc import Callable
from typing import Any

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit.db import db
from portal.plans.models import CatalogueVersion
from tests.contracts.test_pages import freeze, text_of
from tests.negotiation.table import offer_all, settle

ClientAs = Callable[[str], FlaskClient]


@pytest.fixture
def clients(client_as: ClientAs, context: Flask, eu: Session) -> ClientAs:
    """Clients whose every request has a context of its own."""

    def make(key: str) -> FlaskClient:
        settle(eu)
        client = client_as(key)
        plain_open = client.open

        def open_and_let_go(*args: Any, **kwargs: Any) -> Any:
            settle(eu)
            with context.app_context():
                return plain_open(*args, **kwargs)

        client.open = open_and_let_go  # type: ignore[method-assign]
        return client

    return make


def row(slug: str, number: int = 4) -> CatalogueVersion:
    found = db.session.scalars(
        select(CatalogueVersion).where(
            CatalogueVersion.slug == slug, CatalogueVersion.number == number
        )
    ).one()
    db.session.rollback()
    return found


def seen(html: str) -> str:
    return re.findall(r'name="seen_sha256" value="([0-9a-f]{64})"', html)[0]


def as_shown(html: str) -> dict[str, str]:
    """Return what a browser would send for the tier's form, untouched."""
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    form = next(one for one in tree.iter("form") if one.get("id") == "tier")
    sent = {}
    for tag in form.iter():
        if tag.tag == "textarea":
            sent[tag.get("name", "")] = (tag.text or "").removeprefix("\n")
        elif tag.tag == "input" and (tag.get("type") != "radio" or tag.get("checked") is not None):
            sent[tag.get("name", "")] = tag.get("value", "")
    return sent


@pytest.mark.slow
def test_a_vendor_edits_and_publishes_the_next_version(clients: ClientAs) -> None:
    ada = clients("ada")
    started = ada.post("/plans/drafts", data={"after": "4"})
    assert started.status_code == 303
    edit = f"{started.location}/tiers/0/edit"
    page = ada.get(edit).text
    assert "99.5 %" in page and 'value="Essential"' in page
    form = {
        **as_shown(page), "basis": "flat", "min_month": "450", "D1": "almost", "B7": "3",
    }  # fmt: skip
    wrong = ada.post(f"{started.location}/tiers/0", data=form)
    assert wrong.status_code == 422 and "almost" in wrong.text and 'href="#term-D1"' in wrong.text
    saved = ada.post(f"{started.location}/tiers/0", data={**form, "D1": "99.6"})
    assert saved.status_code == 303
    assert ada.post(f"{started.location}/tiers/0", data=form | {"D1": "99"}).status_code == 409
    review = ada.get(f"{started.location}/publication").text
    told = text_of(review)
    assert "99.5 % 99.6 %" in told and "450.00 USD a month" in told
    publish = {"seen_sha256": seen(review)}
    assert ada.post(f"{started.location}/publication", data=publish).status_code == 422
    done = ada.post(
        f"{started.location}/publication", data={**publish, "note": "A flat price to begin with"}
    )
    assert done.status_code == 303
    assert "A flat price to begin with" in clients("cleo").get(started.location).text
    assert ada.get(edit).status_code == 409


@pytest.mark.slow
def test_a_customer_compares_and_starts_from_a_tier(clients: ClientAs) -> None:
    cleo = clients("cleo")
    page = cleo.get("/plans/compare")
    told = text_of(page.text)
    assert "Essential" in told and "Sales-Critical" in told and "At worst" in told
    start = re.findall(r'href="(/contracts/new\?tier=[^"]+)"', page.text)[1]
    form = cleo.get(start.replace("&amp;", "&")).text
    assert (
        'value="northwind/4/Business" selected' in form
        or 'selected value="northwind/4/Business"' in form
    )
    assert re.search(r'<input[^>]*checked[^>]*value="customer"', form)
    assert "Northwind Systems Ltd</option>" in form
    assert "Start a contract" not in text_of(clients("dov").get("/plans/compare").text)


@pytest.mark.slow
def test_ones_own_draft_and_contract_stand_as_columns(
    clients: ClientAs, eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    here = f"/plans/compare?tier={row('northwind').id}.1&contract={contract.id}"
    mine = text_of(clients("cleo").get(here).text)
    assert "on the table, with your draft" in mine and "CRM support 2027" in mine
    freeze(eu, contract, "completed")
    assert "terms in force" in text_of(clients("cleo").get(here).text)
    other = clients("mal").get(here)
    assert other.status_code == 404 and "CRM support" not in other.text
    assert "CRM support" not in clients("mal").get("/plans/compare").text


def test_examples_with_free_features_compare_on_the_same_page(clients: ClientAs) -> None:
    signing, own = row("public.e-signature-platforms", 1), row("northwind")
    keys = "&".join(f"tier={signing.id}.{n}" for n in range(3))
    page = clients("cleo").get(f"/plans/compare?{keys}&tier={own.id}.0&only=differences")
    told = text_of(page.text)
    assert "Not an offer" in told and "Bulk send" in told and "Essential" in told
    assert "Further chosen" not in told
    sheet = clients("cleo").get(f"/plans/compare.csv?{keys}&tier={own.id}.0")
    assert sheet.mimetype == "text/csv" and "Bulk send" in sheet.text
    assert all(
        not cell.startswith(("=", "+", "-", "@")) for cell in re.findall(r'"([^"]*)"', sheet.text)
    )


@pytest.mark.slow
def test_the_price_for_ones_own_numbers_is_shown_or_the_mistake_told(clients: ClientAs) -> None:
    cleo = clients("cleo")
    told = text_of(cleo.get("/plans/compare?fee=10,000").text)
    assert "2,000.00 USD a month 20 % of 10,000.00" in told
    wrong = cleo.get("/plans/compare?fee=lots&units=1.5")
    assert wrong.status_code == 422 and "as a number" in wrong.text and "whole number" in wrong.text
    assert 'value="lots"' in wrong.text


def test_only_so_many_columns_as_can_be_read(clients: ClientAs) -> None:
    ids = [row("northwind").id, row("public.atlassian-cloud-plans", 1).id]
    keys = "&".join(f"tier={one}.{n}" for one in ids for n in range(5))
    page = clients("cleo").get(f"/plans/compare?{keys}&show=7")
    assert "The first 8 are shown" in page.text
    assert page.text.count('scope="col"') == 8
    assert (
        clients("cleo").get("/plans/compare?tier=nonsense&tier=x.y&show=99999999").status_code
        == 200
    )


@pytest.mark.slow
def test_a_comparisons_queries_do_not_grow_with_its_columns(
    clients: ClientAs, context: Flask
) -> None:
    own = row("northwind").id

    def count(columns: int) -> int:
        seen: list[str] = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        with context.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", listen)
        keys = "&".join(f"tier={own}.{n}" for n in range(columns))
        assert clients("cleo").get(f"/plans/compare?{keys}").status_code == 200
        event.remove(engine, "before_cursor_execute", listen)
        return len(seen)

    assert count(1) == count(4)


def test_a_draft_is_found_by_nobody_else(clients: ClientAs) -> None:
    started = clients("ada").post("/plans/drafts", data={"after": "4"}).location
    for path in (started, f"{started}/catalogue.json"):
        assert clients("mal").get(path).status_code == 404
        assert clients("ben").get(path).status_code == 200
    assert clients("ben").get(f"{started}/tiers/0/edit").status_code == 403


def test_a_catalogue_is_read_in_and_saved_as_json(clients: ClientAs) -> None:
    given = clients("cleo").get(f"/plans/{row('northwind').id}/catalogue.json").text
    mal = clients("mal")
    wrong = mal.post("/plans/imports", data={"content": '{"tiers": 1}'})
    assert wrong.status_code == 422 and "list of tiers" in wrong.text
    done = mal.post("/plans/imports", data={"content": given})
    assert done.status_code == 303
    page = text_of(mal.get(done.location).text)
    assert "Otherware" in page and "Business" in page and "Version 1" in page
