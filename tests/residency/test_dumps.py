"""What a dump of the databases says to whoever takes it away without the keys: nothing planted."""

import sqlite3
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts import actions as accounts
from portal.accounts.pepper import peppers
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.vault import CannotOpen
from portal.negotiation import actions, rules
from portal.residency.actions import read_document, store_document
from portal.residency.actions.documents import key_of
from portal.residency.databases import Regions
from tests import cast
from tests.cluster import ADMIN, BINARIES, cluster, databases_of
from tests.conftest import make_contract
from tests.negotiation.table import RESPONSE, SCHEMA, at_table, opens, say, settle

pytestmark = pytest.mark.slow
WORDS = {name: f"Zanzibar-{name}-7381" for name in ("title", "value", "reason", "note", "name")}


def dumped(home: Path) -> str:
    """Return every database of a home as its own tool writes it out."""
    names = databases_of(home)
    if not names:
        files = [home / "directory.db", *home.glob("regions/*/region.db")]
        return "\n".join(line for one in files for line in sqlite3.connect(one).iterdump())
    said = [
        subprocess.run(
            [BINARIES / "pg_dump", "--inserts", cluster().address(name, ADMIN)],
            check=True, capture_output=True,
        ).stdout.decode()
        for name in names.values()
    ]  # fmt: skip
    return "\n".join(said)


@pytest.mark.both_engines
def test_a_dump_holds_no_planted_word_seed_code_or_password(
    context: Flask, eu: Session, regions: Regions, home: Path
) -> None:
    contract: Contract = make_contract(eu, regions, title=WORDS["title"])
    ref, at = contract.id, clock.now()
    terms = SCHEMA.defaults()
    terms[next(t.id for t in SCHEMA.terms.values() if t.type == "prose")] = WORDS["value"]
    actions.set_offers(eu, contract, cast.actor("ada"), terms, at=at)
    settle(eu)
    seen = rules.words_sha256(at_table(eu, contract, "ada").words)
    actions.send_round(
        eu, contract, cast.actor("ada"), seen_draft_sha256=seen, note=WORDS["note"], at=at
    )
    settle(eu)
    opens(eu, contract, "cleo")
    offer = {"n": 15, "unit": "min", "clock": "24x7"}
    say(eu, contract, "cleo", RESPONSE, "offer", offer, WORDS["reason"])
    with transaction(eu):
        contract.stakeholders[0].name = WORDS["name"]
    settle(eu)
    codes = accounts.make_recovery_codes(
        cast.actor("ada").person_id, peppers=peppers(context.config["SETTINGS"]), at=at
    )
    written = dumped(home)
    # The look would find what lies open: the reference does.
    assert ref in written and "recovery_codes" in written
    secrets = [*WORDS.values(), *cast.SECRETS.values(), *codes, cast.PASSWORD]
    spelled = [*secrets, *(one.replace("-", "") for one in codes)]
    hexed = written.lower()
    found = [w for w in spelled if w in written or w.encode().hex() in hexed]
    assert len(spelled) > 30 and found == []
    assert contract.title == WORDS["title"]


def test_a_file_moved_in_the_store_opens_for_no_other_document_or_contract(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    """Each of six files put in the place of each other: of its contract, its kind, or another."""
    database, other = regions["eu"], make_contract(eu, regions, title="Another")
    rows = [
        store_document(eu, database, contract_id=one.id, kind=kind,
                       content=f"{one.id} {kind} {number}".encode(), at=clock.now())
        for one in (contract, other)
        for number, kind in enumerate(("deed", "deed", "attachment"))
    ]  # fmt: skip
    with transaction(eu):
        eu.add_all(rows)
    held = {row.id: database.store.get(key_of(row)) for row in rows}
    for row in rows:
        for source in rows:
            database.store.remove(key_of(row))
            database.store.put(key_of(row), held[source.id])
            if source is row:
                assert read_document(eu, database, row).startswith(row.contract_id.encode())
                continue
            with pytest.raises(CannotOpen):
                read_document(eu, database, row)
        database.store.remove(key_of(row))
        database.store.put(key_of(row), held[row.id])
