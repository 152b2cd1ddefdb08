"""A drawn signature: optional, kept as strokes, bound to the act, and seen in the deed."""

import hashlib
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785
from flask import Flask
from flask.testing import FlaskClient
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.signing import queries
from portal.signing.models import Signature
from tests import cast
from tests.signing import stage
from tests.signing.deed_sample import DRAWN, states

SCRIPT = Path("static/draw.js")


def look_of(deed: bytes, number: int) -> bytes:
    """Return the commands that draw a field of a deed."""
    field = PdfFileReader(io.BytesIO(deed)).root["/AcroForm"]["/Fields"][number].get_object()
    stream: bytes = field["/AP"]["/N"].data
    return stream


def ink(picture: bytes) -> list[tuple[int, int]]:
    """Return the dark places of a picture (PGM)."""
    head, rest = picture.split(b"\n255\n", 1)
    width = int(head.split()[-2])
    return [(at % width, at // width) for at, grey in enumerate(rest) if grey < 128]


def test_the_script_is_under_three_kilobytes() -> None:
    assert SCRIPT.stat().st_size < 3_000


@pytest.mark.slow
def test_the_strokes_are_in_the_appearance_and_the_typed_name_stays() -> None:
    drawn, plain = look_of(states()[4], 0), look_of(states()[4], 1)
    assert drawn.count(b" l S") == len(DRAWN)
    assert drawn.count(b" l ") == sum(max(len(stroke) - 1, 1) for stroke in DRAWN)
    assert b" l S" not in plain
    assert drawn.count(b"Tj") == plain.count(b"Tj") >= 5


def test_the_drawing_is_seen_on_the_page_and_stays_inside_its_field(tmp_path: Path) -> None:
    file = tmp_path / "deed.pdf"
    file.write_bytes(states()[1])
    reader = PdfFileReader(io.BytesIO(states()[1]))
    field = reader.root["/AcroForm"]["/Fields"][0].get_object()
    left, bottom, right, top = (float(edge) for edge in field["/Rect"])
    pages = [ref.get_object() for ref in reader.root["/Pages"]["/Kids"]]
    number = next(
        n
        for n, page in enumerate(pages, 1)
        if any(a.get_object().get("/T") == field["/T"] for a in page.get("/Annots", []))
    )
    height = float(pages[number - 1]["/MediaBox"][3])
    box = [
        round(edge)
        for edge in (
            left + (right - left) * 0.58,
            height - top,
            (right - left) * 0.42,
            top - bottom,
        )
    ]
    words = [f"-{axis}" for axis in "xyWH"]
    where = [part for pair in zip(words, map(str, box), strict=True) for part in pair]
    shown = subprocess.run(
        ["pdftoppm", "-r", "72", "-gray", "-f", str(number), "-l", str(number), *where, file],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    places = ink(shown)
    assert len(places) > 40
    wide = max(x for x, _ in places) - min(x for x, _ in places)
    assert wide > box[2] * 0.6


@pytest.mark.slow
def test_a_drawn_signature_is_sent_kept_bound_and_put_into_the_deed(
    app: Flask, client_as: Callable[[str], FlaskClient], eu: Session, regions: Regions,
    contract: Contract,
) -> None:  # fmt: skip
    at = clock.now()
    stage.consent(eu, contract, "ada", at=at)
    version = current_version(contract)
    assert version is not None
    form = {
        "title": "Director", "authority": "y", "intent": "y", "version_sha256": version.sha256,
        "strokes": json.dumps(DRAWN),
    }  # fmt: skip
    eu.rollback()
    ada, where = client_as("ada"), f"/contracts/{contract.id}/signature"
    # A refused form keeps what was drawn, and what no browser would send is refused in words.
    kept = ada.post(where, data=form).text
    assert "[[[40, 150]" in kept
    for odd in ("[[[1e9, 1]]]", "[[[601, 1]]]", "{}", "nonsense", json.dumps([[[1, 1]]] * 61)):
        answer = ada.post(where, data=form | {"strokes": odd, "code": "123456"})
        assert (answer.status_code, "could not be read" in answer.text) == (422, True)
    sent = ada.post(where, data=form | {"code": cast.code("ada", clock.now())})
    assert sent.status_code == 303
    eu.rollback()
    eu.expire_all()
    row = eu.scalars(select(Signature)).one()
    assert row.strokes == json.loads(json.dumps(DRAWN))
    known = row.identification
    assert known["drawn_sha256"] == hashlib.sha256(rfc8785.dumps(row.strokes)).hexdigest()
    deed = queries.latest_deed(eu, version)
    assert deed is not None
    pdf = read_document(eu, regions["eu"], queries.document_of(eu, deed))
    eu.rollback()
    assert look_of(pdf, 0).count(b" l S") == len(DRAWN)
    page = ada.get(f"{where}/done").text
    assert 'aria-label="Drawn signature of Ada Keane"' in page
    assert "Drawn signature" in page and known["drawn_sha256"] in page
