"""The deed as it is set: its bytes, its structure, its words."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from portal.signing import pdf
from portal.signing.pdf import (
    DeedFailed,
    deed_page,
    disclosed,
    render_deed,
    table_cells,
    unprintable,
)
from tests.signing.deed_sample import SLOTS, sample, short, unsigned, whole

HOSTILE = (
    '<script>fetch("http://127.0.0.1:9/x")</script><img src="file:///etc/passwd">'
    "<link rel=attachment href='file:///etc/hostname'>"
    "<style>@import 'http://127.0.0.1:9/y'; *{display:none}</style>{{ 7*7 }}{% raw %}]]>&amp;"
)


def _text(document: bytes, tmp_path: Path) -> str:
    file = tmp_path / "deed.pdf"
    file.write_bytes(document)
    shown = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True)
    return shown.stdout.decode()


def _reader() -> PdfFileReader:
    return PdfFileReader(io.BytesIO(whole()))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _changed(part, change) for key, part in value.items()}
    return [_changed(part, change) for part in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_the_same_deed_gives_the_same_bytes() -> None:
    assert render_deed(*sample()) == whole()


@pytest.mark.slow
def test_another_deed_gives_other_bytes() -> None:
    deed, canonical = short()
    assert render_deed(deed | {"ref": "CTR-9Z9Z"}, canonical) != unsigned()


def test_the_file_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "deed.pdf"
    file.write_bytes(whole())
    checked = subprocess.run(["qpdf", "--check", file], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_it_claims_pdf_a_3a_and_pdf_ua_1_and_is_tagged() -> None:
    root = _reader().root
    packet = root["/Metadata"].get_object().data
    assert b'pdfaid:part="3"' in packet and b'pdfaid:conformance="A"' in packet
    assert b"<pdfuaid:part>1</pdfuaid:part>" in packet
    assert packet.count(b"<rdf:RDF") == 1
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en"
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


def test_signing_will_not_have_to_rewrite_the_catalog() -> None:
    reader = _reader()
    form = reader.root.raw_get("/AcroForm")
    assert form.get_object()["/SigFlags"] == 3
    assert not {"/NeedAppearances", "/DR"} & set(form.get_object())
    assert reader.root["/Extensions"]["/ESIC"]["/ExtensionLevel"] == 5
    assert b"/ObjStm" not in whole()


def test_every_slot_has_a_field_in_order_and_the_seal_is_last_and_locks() -> None:
    fields = [ref.get_object() for ref in _reader().root["/AcroForm"]["/Fields"]]
    assert [field["/T"] for field in fields] == [*(slot["field"] for slot in SLOTS), "sig_seal"]
    for field in fields:
        assert field["/FT"] == "/Sig" and "/V" not in field and field["/F"] == 132
        left, bottom, right, top = (float(edge) for edge in field["/Rect"])
        assert right - left > 200 and top - bottom > 60
    assert fields[0]["/TU"] == "Signature of Ada Whitfield for Northwind Systems Ltd"
    assert fields[-1]["/Lock"]["/Action"] == "/All" and fields[-1]["/Lock"]["/P"] == 1
    assert "/Lock" not in fields[0]


def test_the_fields_stand_in_the_tag_tree() -> None:
    reader = _reader()
    numbers = list(reader.root["/StructTreeRoot"]["/ParentTree"]["/Nums"])
    parents = dict(zip(numbers[::2], numbers[1::2], strict=True))
    for ref in reader.root["/AcroForm"]["/Fields"]:
        element = parents[ref.get_object()["/StructParent"]].get_object()
        assert element["/S"] == "/Form"
        assert element["/K"]["/Type"] == "/OBJR"


def test_the_terms_are_attached_as_they_are() -> None:
    _, canonical = sample()
    name, file = _reader().root["/Names"]["/EmbeddedFiles"]["/Names"]
    assert name == "terms.json"
    assert file.get_object()["/AFRelationship"] == "/Source"
    assert file.get_object()["/EF"]["/F"].data == canonical


@pytest.mark.slow
def test_the_words_of_the_parties_are_all_there(tmp_path: Path) -> None:
    deed, _ = sample()
    text = _text(whole(), tmp_path)
    for words in (
        deed["title"],
        deed["operator"],
        "Year-end change freeze",
        "Bénédicte Ørsted-Łukasiewicz",
    ):
        assert words in text or words.split()[0] in text
    for words in (
        "Simple electronic signature (SES)",
        "Sealed by Counterpart Hosting GmbH",
        "Each party holds a complete original",
        "European Union (Frankfurt)",
        "99.9 % a month",
        "none",
    ):
        assert words in text
    assert "advanced" not in text.lower() and "qualified" not in text.lower()


def test_every_page_names_ref_version_page_and_hash(tmp_path: Path) -> None:
    deed, _ = sample()
    pages = _text(whole(), tmp_path).split("\f")[:-1]
    assert len(pages) > 10
    for number, page in enumerate(pages, start=1):
        assert "CTR-7K3Q · Version 3" in page
        assert f"{number} of {len(pages)}" in page
        assert deed["sha256"][:16] in page
    assert deed["sha256"][:32] in pages[-1] and deed["sha256"][32:] in pages[-1]


def test_the_targets_are_one_table_by_severity(tmp_path: Path) -> None:
    page = deed_page(sample()[0])
    matrix = page[page.index('class="matrix') : page.index("</table>", page.index('class="matrix'))]
    assert matrix.count("<tr>") == 5
    assert "30 min, 24x7" in matrix and "Root cause report" in matrix
    assert "C4.S1.first_response" not in page


def test_lines_of_equal_columns_become_a_table() -> None:
    assert table_cells("a | b\nc | d") == [["a", "b"], ["c", "d"]]
    assert table_cells("a | b\nc") == []
    assert table_cells("one line") == []
    assert table_cells("") == []


def test_what_a_reader_cannot_see_is_shown() -> None:
    assert disclosed("pay \u202e001\u202c now\u200b") == "pay [U+202E]001[U+202C] now[U+200B]"
    assert disclosed("two\nlines\tand “signs” – Ωж") == "two\nlines\tand “signs” – Ωж"
    assert disclosed("北\ud800") == "[U+5317][U+D800]"
    assert unprintable("Ωж北京北") == "北京"


@pytest.mark.slow
def test_hostile_markup_is_printed_and_nothing_is_fetched(tmp_path: Path) -> None:
    deed, canonical = short()
    kept = ("sha256", "frozen_at", "field", "id")
    hostile = _changed(deed, lambda text: text[:20] + HOSTILE)
    for key in kept:
        if key in deed:
            hostile[key] = deed[key]
    hostile["slots"] = [
        slot | {"field": own["field"], "side": own["side"]}
        for slot, own in zip(hostile["slots"], deed["slots"], strict=True)
    ]
    hostile["entry_head"] = deed["entry_head"]
    document = render_deed(hostile, canonical)
    text = "".join(_text(document, tmp_path).split())
    assert text.count("fetch(") > 40
    assert "{{7*7}}" in text and "file:///etc/passwd" in text
    assert "root:x:0" not in text
    reader = PdfFileReader(io.BytesIO(document))
    assert len(reader.root["/Names"]["/EmbeddedFiles"]["/Names"]) == 2


@pytest.mark.slow
def test_the_typesetter_refuses_every_address() -> None:
    order = {
        "html": '<html lang="en"><title>t</title><img alt="x" src="file:///etc/passwd">',
        "css": "",
        "terms": "",
        "terms_name": "terms.json",
        "description": "The agreed terms as canonical JSON",
        "created": "2026-11-23T09:30:00+00:00",
    }
    with pytest.raises(DeedFailed, match="refused to fetch file:///etc/passwd"):
        pdf._typeset(pdf.json.dumps(order).encode())


def test_the_process_that_sets_the_deed_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERPART_SECRET", "hush")
    assert "COUNTERPART_SECRET" not in pdf._environment()


def test_too_much_text_is_refused() -> None:
    deed, canonical = sample()
    with pytest.raises(DeedFailed, match="300 kB"):
        render_deed(deed | {"title": "x" * 300_001}, canonical)


def test_a_hash_that_is_not_of_the_terms_is_refused() -> None:
    deed, canonical = sample()
    with pytest.raises(DeedFailed, match="not the hash"):
        render_deed(deed, canonical + b" ")


def test_an_incomplete_deed_is_refused() -> None:
    deed, canonical = sample()
    del deed["standard"]
    with pytest.raises(DeedFailed, match="not complete"):
        render_deed(deed, canonical)


def test_a_deed_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "WALL_SECONDS", 0.05)
    with pytest.raises(DeedFailed, match="not set within"):
        render_deed(*sample())


@pytest.mark.slow
def test_the_largest_deed_allowed_is_set_within_its_limits() -> None:
    deed, canonical = sample()
    sentence = "The vendor answers in the hours agreed and the customer pays the fee agreed. "
    rows = [
        {"id": f"X{n}", "label": f"Term {n}", "text": sentence * 9, "clause": "1.1"}
        for n in range(380)
    ]
    deed["groups"] = [*deed["groups"], {"code": "X", "title": "Long", "rows": rows}]
    assert render_deed(deed, canonical).startswith(b"%PDF-1.7")
