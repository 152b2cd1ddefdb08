"""Templates: versions that never change, locks and ranges that bind, the pages of the editor."""

import re
from collections.abc import Callable
from typing import Any

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.negotiation import actions as negotiation
from portal.negotiation import rules as negotiation_rules
from portal.templates import actions, queries
from portal.templates.models import TemplateVersion
from portal.templates.rules import (
    load_template,
    shipped_templates,
    slots_problem,
    template_of_raw,
    writing,
)
from portal.templates.rules.writing import Unfit
from portal.terms.rules import load_schema, parse
from tests import cast
from tests.contracts.test_pages import NEW, text_of
from tests.negotiation.table import at_table, offer_all, say, send, settle

SCHEMA = load_schema("1")
SHIPPED = shipped_templates()[0][1]
ClientAs = Callable[[str], FlaskClient]


def term(name: str, said: str) -> Any:
    return parse(SCHEMA.terms[name], said)


def shipped_row() -> TemplateVersion:
    return next(row for row in queries.readable(cast.actor("ada")) if row.organisation_id is None)


def draft(title: str = "Retail support") -> TemplateVersion:
    return actions.create_template(
        cast.actor("ada"), title=title, copy_of=shipped_row().id, acknowledged="yes",
        at=clock.now(),
    )  # fmt: skip


def change(row: TemplateVersion, typed: dict[str, dict[str, str]]) -> TemplateVersion:
    return actions.change_draft(
        cast.actor("ada"), row.id, lambda raw: writing.with_terms(SCHEMA, raw, typed),
        seen_sha256=row.sha256, at=clock.now(),
    )  # fmt: skip


def publish(row: TemplateVersion) -> TemplateVersion:
    return actions.publish(
        cast.actor("ada"), row.id, note="Uptime is locked", seen_sha256=row.sha256, at=clock.now()
    )


def events() -> list[str]:
    found = [line.event for line in lines(db.session(), cast.actor("ada").organisation_id)]
    db.session.rollback()
    return [event for event in found if event.startswith("template")]


def test_the_shipped_template_keeps_the_hash_contracts_are_pinned_to(context: Flask) -> None:
    row = shipped_row()
    assert row.key == "standard-support/1"
    assert row.sha256 == load_template("standard-support", 1).sha256
    assert queries.pinned_template("gone/9", row.sha256).name == "Standard software support"
    assert queries.pinned_template("standard-support/1", "0" * 64).number == 1


@pytest.mark.slow
def test_a_template_is_written_published_and_numbered(context: Flask) -> None:
    row = change(draft(), {"D1": {"default": "99.9 %", "locked": "yes"}})
    row = publish(row)
    found = template_of_raw(queries.raw_of(row))
    assert row.key == "northwind.retail-support/1" and "D1" in found.locked
    assert found.changelog[-1].text == "Uptime is locked"
    assert row.key in queries.published(cast.actor("nia"))
    assert row.key not in queries.published(cast.actor("cleo")), "another organisation's own"
    second = actions.start_draft(cast.actor("ada"), row.id, at=clock.now())
    assert second.number == 2
    second = publish(change(second, {"D1": {"default": "99.9 %", "locked": ""}}))
    found = [template_of_raw(queries.raw_of(one)) for one in (row, second)]
    told = writing.differences(SCHEMA, *found)
    assert [(one.what, one.before, one.after) for one in told] == [
        ("D1 Uptime, lock", "locked", "open")
    ]
    actions.retire(cast.actor("ada"), row.id, at=clock.now())
    assert events() == [
        "template:created", "template:draft:saved", "template:published",
        "template:draft:started", "template:draft:saved", "template:published",
        "template:retired",
    ]  # fmt: skip


def test_a_published_template_never_changes_not_even_by_hand(context: Flask) -> None:
    row = publish(draft())
    with pytest.raises(Refused, match="never changes"):
        change(row, {"D1": {"default": "99 %"}})
    for column in (
        "content = '{}'",
        "sha256 = 'x'",
        "number = 9",
        "status = 'draft'",
        "slug = 'x'",
    ):
        with pytest.raises(IntegrityError, match="never changes"):
            db.session.execute(text(f"UPDATE template_versions SET {column} WHERE id = '{row.id}'"))
        db.session.rollback()
    with pytest.raises(IntegrityError, match="kept"):
        db.session.execute(text(f"DELETE FROM template_versions WHERE id = '{row.id}'"))
    db.session.rollback()


def test_refusals_leave_nothing(context: Flask) -> None:
    with pytest.raises(Unfit, match="none of these documents"):
        actions.create_template(
            cast.actor("ada"), title="X rays", copy_of=shipped_row().id, acknowledged="",
            at=clock.now(),
        )  # fmt: skip
    with pytest.raises(NotAllowed):
        actions.create_template(
            cast.actor("ben"), title="X rays", copy_of="x", acknowledged="yes", at=clock.now()
        )
    assert events() == []
    row = draft()
    with pytest.raises(Unfit, match="name already"):
        draft()
    with pytest.raises(NotFound):
        queries.find_template(cast.actor("mal"), row.id)
    with pytest.raises(actions.DraftMoved):
        actions.publish(cast.actor("nia"), row.id, note="x", seen_sha256="0" * 64, at=clock.now())
    with pytest.raises(NotFound):
        actions.start_draft(cast.actor("ada"), shipped_row().id, at=clock.now())
    db.session.rollback()
    assert events() == ["template:created"]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"D1": {"default": "almost"}}, "D1-default"),
        ({"D1": {"min": "99 %", "max": "nearly"}}, "D1-max"),
        ({"D1": {"default": "99 %", "min": "99.5 %"}}, "D1-default"),
        ({"A6": {"min": "Delaware"}}, "A6-min"),
    ],
)
def test_what_cannot_stand_is_told_beside_its_field(typed: Any, field: str) -> None:
    with pytest.raises(Unfit) as told:
        writing.with_terms(SCHEMA, SHIPPED, typed)
    assert told.value.field == field


def test_a_side_names_as_many_signers_as_the_template_has_places_for() -> None:
    found = template_of_raw(SHIPPED)
    assert [slots_problem(found, "vendor", count) is None for count in range(5)] == [
        False, True, True, False, False,
    ]  # fmt: skip


def test_the_workflow_holds_whole_numbers_in_their_ranges() -> None:
    good = {
        "order": "parallel", "vendor_least": "1", "vendor_most": "2", "customer_least": "1",
        "customer_most": "3", "reminder_hours": "48", "offer_expiry_days": "30",
        "archive_days": "365",
    }  # fmt: skip
    raw = writing.with_workflow(SHIPPED, good)
    assert raw["signers"]["order"] == "parallel" and raw["settings"]["reminder_hours"] == 48
    for name, typed in (("archive_days", "30"), ("vendor_most", "0"), ("reminder_hours", "४८")):
        with pytest.raises(Unfit) as told:
            writing.with_workflow(SHIPPED, {**good, name: typed})
        assert told.value.field == name


@pytest.mark.slow
def test_locks_and_ranges_bind_both_sides_at_the_table(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    before = at_table(eu, contract, "cleo").words
    for name, said, words in (
        ("Q1", "both parties signing", "locks this term"),
        ("D1", "98 %", "99 % or more"),
        ("P3", "expires", "Choose one of"),
    ):
        with pytest.raises(negotiation_rules.Incomplete, match=words):
            say(eu, contract, "cleo", name, "offer", term(name, said), "We would rather")
        eu.rollback()
    assert at_table(eu, contract, "cleo").words == before
    say(eu, contract, "cleo", "D1", "offer", "99.5", "Enough for us")
    negotiation.accept_rest(eu, contract, cast.actor("cleo"), at=clock.now())
    send(eu, contract, "cleo")


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


def seen(html: str) -> str:
    return re.findall(r'name="seen_sha256" value="([0-9a-f]{64})"', html)[0]


@pytest.mark.slow
def test_the_pages_lead_from_a_copy_to_a_contract_that_rests_on_it(
    clients: ClientAs, context: Flask
) -> None:
    ada = clients("ada")
    page = ada.get("/templates/new").text
    assert "wills" in page and "15 U.S.C. 7003" in page
    copy_of = re.findall(r'<option value="([0-9A-Z]{26})"', page)[0]
    form = {"title": "Retail support", "copy_of": copy_of}
    refused = ada.post("/templates", data=form)
    assert refused.status_code == 422 and 'value="Retail support"' in refused.text
    made = ada.post("/templates", data={**form, "acknowledged": "yes"}).location
    chapter = ada.get(f"{made}/terms/D").text
    fields = {
        tag.get("name", ""): tag.text or "" if tag.tag == "textarea" else tag.get("value", "")
        for tag in html5lib.parse(chapter, namespaceHTMLElements=False).iter()
        if tag.tag in ("input", "textarea") and tag.get("type") != "checkbox" and tag.get("name")
    }
    wrong = ada.post(f"{made}/terms/D", data={**fields, "D1-default": "nearly"})
    assert wrong.status_code == 422 and 'href="#t-D1-default"' in wrong.text
    saved = ada.post(f"{made}/terms/D", data={**fields, "D1-default": "99.9 %", "D1-locked": "yes"})
    assert saved.status_code == 303
    workflow = ada.get(f"{made}/workflow").text
    assert ada.post(f"{made}/workflow", data={"seen_sha256": seen(workflow)}).status_code == 422
    review = ada.get(f"{made}/publication").text
    done = ada.post(
        f"{made}/publication", data={"seen_sha256": seen(review), "note": "Uptime is locked"}
    )
    assert done.status_code == 303
    start = ada.post("/contracts", data={**NEW, "template": "northwind.retail-support/1"})
    assert start.status_code == 303
    told = text_of(ada.get(made).text)
    assert "CRM support 2027" in told and "Locked" in told and "Uptime is locked" in told
    assert clients("cleo").get(made).status_code == 404
    assert clients("cleo").get("/templates").status_code == 200
