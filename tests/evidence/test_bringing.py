"""A signed contract's own evidence starts another one: on a page and by the API, all or nothing."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract
from portal.contracts.rules.bringing import brought, fitted, read_terms_file
from portal.contracts.rules.document import canonical_bytes
from portal.contracts.rules.starting import OWN
from portal.evidence.rules.bringing import terms_in
from portal.kit import clock
from portal.kit.errors import Refused
from portal.negotiation.queries import negotiation_of
from portal.terms.rules import load_schema
from tests import cast
from tests.api.conftest import Caller, token_for

SCHEMA = load_schema("1")


@pytest.fixture(scope="session")
def agreed(told_bundle: bytes) -> bytes:
    """The canonical terms inside the bundle."""
    return terms_in(told_bundle)


def form(file: bytes, name: str, **changes: str) -> dict[str, Any]:
    """Return the form as ada fills it, with a file."""
    given = {
        "title": "", "counterparty": cast.actor("cleo").organisation_id, "side": "vendor",
        "template": "standard-support/1", "region": "eu", "sha256": "",
    }  # fmt: skip
    return {**given, **changes, "file": (io.BytesIO(file), name)}


def post(client: FlaskClient, data: dict[str, Any]) -> Any:
    """Send the form, and close the file that the test client wrote it to."""
    answer = client.post("/contracts/from-terms", data=data)
    answer.request.environ["wsgi.input"].close()
    return answer


def contracts(session: Session) -> int:
    """Return how many contracts the region holds."""
    session.rollback()
    return session.scalar(select(func.count(Contract.id))) or 0


@pytest.mark.slow
def test_a_document_fits_its_own_schema_whole(agreed: bytes) -> None:
    found = read_terms_file(agreed, expected=hashlib.sha256(agreed).hexdigest())
    fit = fitted(found.document, SCHEMA)
    assert fit.left == {} and set(fit.values) == set(SCHEMA.terms) - OWN
    assert fit.values == {t: v for t, v in found.document["terms"].items() if t not in OWN}
    strange = {**found.document, "terms": {"D1": "150", "C4.S1.response": [], "Z9": 1, "A5": {}}}
    left = fitted(strange, SCHEMA)
    assert left.values == {} and set(left.left) == set(strange["terms"])
    clause = {"number": "X1", "title": "Escrow", "text": "The code lies in escrow."}
    clauses = fitted({**strange, "special_terms": [clause, {"title": "\u202ex"}, 7]}, SCHEMA)
    assert [one["title"] for one in clauses.clauses] == ["Escrow"]
    assert {"X2", "X3"} <= set(clauses.left)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"format": "counterpart-contract/2"}',
        b'{"format":"counterpart-contract/1","terms":[]}',
        b'{"format":"counterpart-contract/1","terms":{},"amends":{"ref":"x"}}',
        b'{"format":"counterpart-contract/1","terms":{"A":1,"A":2}}',
        b'{"format":"counterpart-contract/1","terms":{"A":1e999}}',
        b'{"format":"counterpart-contract/1","terms":{},"x":"' + b"y" * 4_000_000 + b'"}',
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read_terms_file(content)
    assert len(refusal.value.message) > 20


def zipped(files: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.slow
def test_hostile_zips_are_refused_unread(told_bundle: bytes, agreed: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(told_bundle)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    path = next(name for name, content in files.items() if content == agreed)
    swapped = canonical_bytes({**json.loads(agreed), "title": "Another"})
    huge = zipped({"MANIFEST.json": b"0" * 60_000_000}, zipfile.ZIP_DEFLATED)
    assert len(huge) < 100_000
    for hostile in (
        huge,
        zipped({f"terms/{n}.json": b"" for n in range(20_001)}),
        zipped({**files, "../terms/2.json": agreed}),
        zipped({**files, path: swapped}),
        zipped({"terms/1.json": agreed}),
        told_bundle[:-100],
        b"PK\x03\x04" + b"\0" * 500,
    ):
        with pytest.raises(Refused):
            terms_in(hostile)


@pytest.mark.slow
def test_a_bundle_opens_as_a_private_draft_on_the_page(
    client_as: Callable[[str], FlaskClient], told_bundle: bytes, agreed: bytes, eu: Session
) -> None:
    ada, sha256 = client_as("ada"), hashlib.sha256(agreed).hexdigest()
    assert "Start from agreed terms" in ada.get("/contracts/new/from-terms").text
    for wrong, said in (
        (form(b"", "x.zip"), "Choose a file."),
        (form(told_bundle, "x.zip", sha256="0" * 64), f"The SHA-256 of this document is {sha256}"),
        (form(told_bundle[:-9], "x.zip"), "not an evidence bundle"),
        (form(told_bundle, "x.zip", counterparty=""), "Choose the other organisation."),
    ):
        answer = post(ada, wrong)
        assert answer.status_code == 422 and said in answer.text, said
    assert contracts(eu) == 0
    answer = post(ada, form(told_bundle, "evidence.zip", sha256=sha256.upper()))
    assert answer.status_code == 303
    assert sha256 in ada.get(answer.location).text
    ref = answer.location.split("/")[2]
    contract = find_contract(eu, cast.actor("ada"), ref)
    assert contract.title == json.loads(agreed)["title"]
    events = [(line.event, line.facts) for line in lines(eu, ref)]
    assert [event for event, _ in events] == ["contract:started", "contract:terms:brought"]
    assert events[1][1]["sha256"] == sha256 and events[1][1]["left"] == 0
    found = negotiation_of(eu, contract, cast.actor("ada"), at=clock.now())
    drafted = found.values(with_draft=True)
    told = json.loads(agreed)["terms"]
    assert {t: drafted[t] for t in told if t not in OWN} == {
        t: v for t, v in told.items() if t not in OWN
    }
    assert post(client_as("nia"), form(agreed, "terms.json")).status_code == 403
    assert contracts(eu) == 1


@pytest.mark.slow
def test_the_api_takes_the_bundle_or_the_document_and_points_at_what_is_wrong(
    app: Flask, told_bundle: bytes, agreed: bytes
) -> None:
    with app.app_context():
        ask = Caller(app.test_client(), token_for("ada", ["contracts:write", "contracts:read"]))
    sent = {
        "counterparty": cast.actor("cleo").organisation_id, "side": "vendor",
        "template": "standard-support/1", "region": "eu",
    }  # fmt: skip
    document, bundle = json.loads(agreed), base64.b64encode(told_bundle).decode()
    for given in ({"canonical": document}, {"bundle": bundle}):
        answer = ask("POST", "/contracts/from-terms", {**sent, **given})
        assert answer.status_code == 201, answer.text
        assert answer.json["sha256"] == hashlib.sha256(agreed).hexdigest()
        assert answer.json["left"] == [] and answer.json["contract"]["state"] == "draft"
        assert answer.json["terms"] == len(document["terms"]) - len(OWN & set(document["terms"]))
    for given, where in (
        ({}, "#"),
        ({"canonical": document, "bundle": bundle}, "#"),
        ({"bundle": "no base64!"}, "#/bundle"),
        ({"bundle": bundle[:-400]}, "#/bundle"),
        ({"canonical": document, "sha256": "0" * 64}, "#/canonical"),
        ({"canonical": {**document, "title": ""}}, "#/title"),
    ):
        answer = ask("POST", "/contracts/from-terms", {**sent, **given})
        assert answer.status_code == 422, answer.text
        assert [one["pointer"] for one in answer.json["errors"]] == [where]


@pytest.mark.slow
def test_a_document_is_known_by_its_canonical_form(agreed: bytes) -> None:
    spaced = json.dumps(json.loads(agreed), indent=2).encode()
    assert read_terms_file(spaced).sha256 == hashlib.sha256(agreed).hexdigest()
    assert brought(json.loads(agreed)).title == json.loads(agreed)["title"]
