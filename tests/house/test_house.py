"""Tests about the house itself."""

import importlib
import re
from pathlib import Path

import pytest
from flask import Flask

from portal.accounts.rules import PERMISSIONS
from portal.kit import migrate
from portal.kit.db import REGIONAL, db
from portal.residency.databases import Regions

ROOT = Path(__file__).resolve().parents[2]
FLOORS = {"rules", "models", "queries", "actions", "forms", "routes", "__init__"}
# A file that wraps one outside thing, named after it.
WRAPPERS = {
    "accounts": {"gate", "oidc", "parking", "passwords", "pepper", "totp", "webauthn"},
    "audit": {"sentences", "signer"},
    "changes": {"ics"},
    "contracts": {"docx", "visit"},
    "negotiation": {"holidays"},
    "renewals": {"ics"},
    "reviews": {"ics"},
    "notices": {"letters", "smtp"},
    "oauth": {"authlib"},
    "operations": {"age", "prometheus"},
    "residency": {"databases", "stores"},
    "statements": {"jobs", "pdf"},
    "webhooks": {"http_client"},
    "signing": {
        "appearance",
        "asn1_length",
        "certificates",
        "deed_rules",
        "jobs",
        "keys",
        "own_seal",
        "pades",
        "pades_check",
        "pdf",
        "timestamp",
        "typesetter",
        "validation",
    },
}
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))


def rooms() -> list[Path]:
    special = {"kit", "settings", "cli"}
    return [p for p in sorted((ROOT / "portal").iterdir()) if p.is_dir() and p.name not in special]


def test_a_room_has_only_the_files_of_its_floors() -> None:
    strange = [
        f"{room.name}/{path.name}"
        for room in rooms()
        for path in room.glob("*.py")
        if path.stem not in FLOORS | WRAPPERS.get(room.name, set())
    ]
    assert strange == []


def test_no_file_says_nothing_by_its_name() -> None:
    silent = {"utils", "helpers", "services", "common", "managers", "base", "misc"}
    assert [p for p in (ROOT / "portal").rglob("*.py") if p.stem in silent] == []


@pytest.mark.slow
def test_migrations_from_nothing_equal_the_models(context: Flask, regions: Regions) -> None:
    for path in (ROOT / "portal").glob("*/models.py"):
        importlib.import_module(f"portal.{path.parent.name}.models")
    assert migrate.differences(db.engine, db.metadatas[None]) == []
    for database in regions.databases.values():
        assert migrate.differences(database.engine, db.metadatas[REGIONAL]) == []


def test_every_view_declares_who_may_reach_it(app: Flask) -> None:
    undeclared = [
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint != "static"
        and getattr(view, "needs", None) not in {"public", "signed_in", *PERMISSIONS}
    ]
    assert undeclared == []


FORBIDDEN = {
    "hx- outside live.html": re.compile(r"\bhx-[a-z]+"),
    "safe filter": re.compile(r"\|\s*safe\b"),
    "inline style": re.compile(r"\sstyle=|<style"),
    "inline handler": re.compile(r"\son[a-z]+="),
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)"),
    "script address": re.compile(r"javascript:"),
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT / "templates")))
def test_a_template_holds_no_inline_code(path: Path) -> None:
    # A comment may speak of what the page must not hold.
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
    found = [name for name, pattern in FORBIDDEN.items() if pattern.search(text)]
    if path.name == "live.html":
        found.remove("hx- outside live.html")
    assert found == []
