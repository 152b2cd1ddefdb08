"""What people read and get: the page of a contract's evidence, and the public check of a file."""

import io
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Attempt
from portal.accounts.rules import LIMITS
from portal.audit.actions import record
from portal.evidence.actions import keep_log
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.signing.models import Deed
from tests import cast
from tests.evidence.conftest import Scene

ClientAs = Callable[[str], FlaskClient]


def text_of(html: str) -> str:
    """Return the words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture
def covered(drafted: Scene) -> Scene:
    """A draft with one entry under a checkpoint and one after it."""
    for step in (1, 2):
        with transaction(drafted.session):
            record(
                drafted.session, drafted.contract.id, "contract:step:finished",
                actor=cast.actor("ada").log, at=clock.now(), facts={"step": step},
            )  # fmt: skip
        keep_log(drafted.session, drafted.signer, at=clock.now())
    return drafted


def test_a_party_reads_how_far_the_evidence_reaches(covered: Scene, client_as: ClientAs) -> None:
    ref = covered.contract.id
    page = client_as("cleo").get(f"/contracts/{ref}/evidence")
    assert page.status_code == 200
    words = text_of(page.text)
    assert "It holds entries 1 to 1 of the log; the 1 newest follow" in words
    assert "python3 verify.py evidence.zip --receipt" in words
    assert f'href="/contracts/{ref}/evidence.zip"' in page.text


def test_both_sides_download_the_same_bytes(covered: Scene, client_as: ClientAs) -> None:
    ref = covered.contract.id
    ours, theirs = (client_as(who).get(f"/contracts/{ref}/evidence.zip") for who in ("ada", "dov"))
    assert ours.data == theirs.data
    assert ours.headers["Content-Disposition"] == f'attachment; filename="evidence-{ref}.zip"'
    found = check_bundle(ours.data)
    assert found.ok, found.findings
    assert len(found.entries) == 1


def test_before_the_first_checkpoint_there_is_nothing_to_download(
    drafted: Scene, client_as: ClientAs
) -> None:
    page = client_as("ada").get(f"/contracts/{drafted.contract.id}/evidence")
    assert "within the hour" in text_of(page.text)
    assert 'evidence.zip"' not in page.text
    assert client_as("ada").get(f"/contracts/{drafted.contract.id}/evidence.zip").status_code == 404


@pytest.mark.slow
def test_anybody_learns_whether_a_file_is_an_original_and_nothing_else(told: Scene) -> None:
    deeds = {deed.kind: deed.sha256 for deed in told.session.query(Deed)}
    ref = told.contract.id
    app: Flask = flask_of(told)
    stranger = app.test_client()
    asked = {
        "match": deeds["sealed"], "groups": " ".join(re.findall("....", deeds["sealed"].upper())),
        "no match": deeds["signed"], "unknown": "0" * 64,
    }  # fmt: skip
    for name, sha256 in asked.items():
        page = stranger.post("/verify", data={"sha256": sha256})
        assert page.status_code == 200
        words = text_of(page.text)
        assert ("It is the original, byte for byte" in words) == (name in ("match", "groups"))
        assert ("No match" in words) == (name not in ("match", "groups"))
        assert ref not in page.text
        assert "Harbour" not in page.text
    told.session.rollback()


def flask_of(scene: Scene) -> Flask:
    """Return the app of the current context, fit for tests."""
    from flask import current_app

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return app


def test_an_uploaded_file_is_compared_by_its_bytes(app: Flask) -> None:
    client = app.test_client()
    files = {"file": (io.BytesIO(b"%PDF-1.7 not ours" * 20_000), "deed.pdf")}
    page = client.post("/verify", data=files, content_type="multipart/form-data")
    assert page.status_code == 200
    assert "No match" in text_of(page.text)


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "0" * 63])
@pytest.mark.slow
def test_what_is_no_hash_comes_back_with_its_error(app: Flask, sha256: str) -> None:
    page = app.test_client().post("/verify", data={"sha256": sha256})
    assert page.status_code == 422
    assert "There is a problem" in page.text


def test_too_many_questions_in_a_row_have_to_wait(app: Flask) -> None:
    client, most = app.test_client(), LIMITS["verify:address"][0].most
    statuses = [
        client.post("/verify", data={"sha256": f"{n:064x}"}).status_code for n in range(most + 2)
    ]
    assert statuses == [200] * most + [429] * 2
    with app.app_context():
        counted = {row.scope: row.count for row in db.session.query(Attempt)}
    assert counted == {"verify:address": most, "verify:all": most}


def test_every_page_leads_to_the_check(app: Flask) -> None:
    page = app.test_client().get("/sign-in")
    assert 'href="/verify"' in page.text
    words = text_of(app.test_client().get("/verify").text)
    assert "What a match proves" in words
    assert "What it does not prove" in words
