"""What leaves the portal as files: the terms, and everything an organisation owns."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from docx import Document
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.audit.models import DirectoryEntry
from portal.contracts.models import Contract
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.kit.db import db
from portal.negotiation.actions import write_note
from portal.residency.databases import Regions
from tests import cast


def exported(app: Flask) -> int:
    """Return how many exports the log of the organisations knows."""
    with app.app_context():
        event = DirectoryEntry.event == "organisation:data:exported"
        found = db.session.scalar(select(func.count()).where(event)) or 0
        db.session.remove()
    return found


@pytest.mark.slow
def test_the_terms_are_a_document_and_a_table(
    app: Flask, client_as: Callable[[str], FlaskClient], ref: str
) -> None:
    cleo = client_as("cleo")
    file = cleo.get(f"/contracts/{ref}/agreement.docx")
    document = Document(io.BytesIO(file.data))
    cells = {row.cells[0].text: row.cells[2].text for t in document.tables for row in t.rows}
    table = list(csv.DictReader(io.StringIO(cleo.get(f"/contracts/{ref}/agreement.csv").text)))
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        version = current_version(session.get_one(Contract, ref))
        assert version is not None
        terms: dict[str, Any] = version.canonical["terms"]
        session.close()
    assert set(cells) == {row["code"] for row in table} == set(terms)
    plain = {row["code"]: row["value"].lstrip("'") for row in table}
    same = [code for code in cells if cells[code].split() == plain[code].split()]
    assert len(same) == len(cells) and "99" in cells["D1"]
    assert all(not row["value"].startswith(("=", "+", "@")) for row in table)


@pytest.mark.slow
def test_everything_an_organisation_owns_is_in_one_file(
    app: Flask, client_as: Callable[[str], FlaskClient], ref: str
) -> None:
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = session.get_one(Contract, ref)
        for key, said in (("ada", "VENDOR CANARY"), ("cleo", "CUSTOMER CANARY")):
            write_note(session, contract, cast.actor(key), text=said, at=clock.now())
        regions.close()
        db.session.remove()
    dov = client_as("dov")
    assert "Export everything" in dov.get("/organisation/export").get_data(as_text=True)
    file = dov.post("/organisation/export")
    assert file.status_code == 200 and exported(app) == 1
    content = file.data
    file.close()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        whole = b"".join(archive.read(name) for name in names)
        entries = json.loads(archive.read(f"contracts/{ref}/entries.json"))
        incidents = json.loads(archive.read(f"contracts/{ref}/incidents.json"))
    assert b"CUSTOMER CANARY" in whole and b"VENDOR CANARY" not in whole
    assert len(incidents) == 3 and entries[0]["seq"] == 1
    parts = ("terms", "people", "rounds", "comments", "notes", "changes", "outages", "credits")
    assert {f"contracts/{ref}/{part}.json" for part in parts} <= names
    assert {
        f"contracts/{ref}/incidents/1.json",
        f"contracts/{ref}/incidents/1-clocks.json",
    } <= names
    assert {"README.txt", "contracts.csv", "organisation/members.json"} <= names


def test_only_an_administrator_exports(app: Flask, client_as: Callable[[str], FlaskClient]) -> None:
    assert client_as("cleo").post("/organisation/export").status_code == 403
    assert exported(app) == 0
