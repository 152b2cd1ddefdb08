"""Where data is said to be, and what a region must have before the portal starts."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit.db import db, transaction
from portal.residency.actions import store_document
from portal.residency.databases import Regions
from portal.residency.queries import missing_parts
from portal.residency.rules import Facts, places_of
from tests.conftest import settings_for

FACTS = Facts("EU", "SQLite", "a folder", None, False, [], "SQLite")
# What an honest answer names (docs/decisions/0010; trust.md 6.2), pinned or not.
MUST_NAME = {
    "Database of the region", "Document store", "Log of the region", "Inbox and outbox", "Backups",
    "Mail folder", "Temporary files", "Directory", "Catalogues and templates", "Key of the region",
    "Mail on its way", "Time stamps", "Process logs and metrics", "The way to the browser",
}  # fmt: skip


def by_name(facts: Facts) -> dict[str, tuple[str, bool]]:
    return {place.name: (place.where, place.pinned) for place in places_of(facts)}


def test_every_place_is_named_once_and_what_is_shared_is_not_called_pinned():
    found = by_name(FACTS)
    assert set(found) >= MUST_NAME and len(places_of(FACTS)) == len(found)
    for name in ("Directory", "Catalogues and templates", "Mail on its way", "Time stamps"):
        assert not found[name][1]


def test_the_answer_follows_what_is_set_up():
    full = replace(FACTS, relay="mail.example", backup=True, authorities=["tsa.example"])
    assert "No authority" in by_name(FACTS)["Time stamps"][0]
    assert "tsa.example" in by_name(full)["Time stamps"][0]
    assert "mail.example" in by_name(full)["Mail on its way"][0]
    assert (by_name(FACTS)["Backups"][1], by_name(full)["Backups"][1]) == (False, True)


def test_a_party_reads_where_a_contract_is_and_takes_it_as_a_table(
    eu: Session, regions: Regions, contract: Contract, client_as: Callable[[str], FlaskClient]
):
    ref = contract.id
    with transaction(eu):
        row = store_document(
            eu, regions["eu"], contract_id=ref, kind="deed", content=b"12345",
            at=contract.created_at,
        )  # fmt: skip
        eu.add(row)
    page = client_as("cleo").get(f"/contracts/{ref}/data")
    assert "EU (Frankfurt)" in page.text and "1 (5 bytes)" in page.text
    assert "Not pinned" in page.text and "Move it to another region" not in page.text
    assert "Ask the other side" in client_as("ada").get(f"/contracts/{ref}/data").text
    rows = list(
        csv.DictReader(io.StringIO(client_as("dov").get(f"/contracts/{ref}/data.csv").text))
    )
    assert {row["Place"] for row in rows} >= MUST_NAME and {row["Region"] for row in rows} == {"eu"}
    ours = client_as("cleo").get("/organisation/data")
    assert "Where our data is" in ours.text and "US (Virginia)" in ours.text
    table = client_as("cleo").get("/organisation/data.csv").text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {(row["Region"], row["Contracts"]) for row in rows} == {("eu", "1"), ("us", "0")}
    for path in ("data", "data.csv"):
        assert client_as("mal").get(f"/contracts/{ref}/{path}").status_code == 404


def test_both_sides_agree_to_a_move_on_the_contracts_page(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
):
    ref = contract.id
    eu.rollback()
    page = f"/contracts/{ref}/data"
    assert client_as("cleo").post(f"/contracts/{ref}/move", data={"to": "us"}).status_code == 403
    refused = client_as("ada").post(f"/contracts/{ref}/move", data={"to": "moon"})
    assert refused.status_code == 409 and "allow that region" in refused.text
    assert client_as("ada").post(f"/contracts/{ref}/move", data={"to": "us"}).location == page
    assert "Your side asked to move it to US" in client_as("ada").get(page).text
    assert "An organisation administrator of your side answers" in client_as("cleo").get(page).text
    assert "Agree to the move" in client_as("dov").get(page).text
    assert client_as("dov").post(f"/contracts/{ref}/move/agreement").location == page
    assert "On its way to US" in client_as("cleo").get(page).text
    assert client_as("dov").post(f"/contracts/{ref}/move/withdrawal").status_code == 409
    db.session.rollback()


@pytest.mark.parametrize("part", ["region.db", "documents", "key", "backup"])
def test_a_region_without_one_of_its_parts_does_not_start(home: Path, tmp_path: Path, part: str):
    settings = settings_for(home)
    assert missing_parts(settings) == []
    eu = settings.regions["eu"]
    if part == "backup":
        settings = replace(settings, regions={"eu": replace(eu, backup=str(tmp_path / "nowhere"))})
    elif part == "key":
        eu.key_file.write_bytes(b"short")
    else:
        path = home / "regions" / "eu" / part
        path.rename(path.with_name("elsewhere"))
    [said] = missing_parts(settings)
    words = {"region.db": "database", "documents": "store", "key": "key", "backup": "backup"}
    assert said.startswith("region eu: its") and words[part] in said
