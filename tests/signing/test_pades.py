"""Signing step by step: what each update adds, and that other readers of signatures agree."""

import asyncio
import io
import re
import subprocess
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from asn1crypto import core, pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from portal.signing import asn1_length
from portal.signing.appearance import HAND, drawable
from portal.signing.certificates import CONSENT_ATTRIBUTE, final_crl
from portal.signing.pades import archive, certify, sign_slot
from portal.signing.pades_check import _claims
from tests.signing.deed_sample import (
    DONE,
    SLOTS,
    START,
    deed,
    facts,
    keys,
    signed_by,
    states,
    unsigned,
)


def _reader(document: bytes) -> PdfFileReader:
    return PdfFileReader(io.BytesIO(document))


def _shown(command: list[str | Path]) -> str:
    return subprocess.run(command, capture_output=True, check=False).stdout.decode()


def _root() -> x509.Certificate:
    return x509.Certificate.load(pem.unarmor(keys().root.certificate_pem)[2])


def _context(moment_days: float) -> ValidationContext:
    return ValidationContext(
        trust_roots=[_root()],
        moment=START + timedelta(days=moment_days),
        allow_fetching=False,
        revocation_mode="soft-fail",
    )


def test_each_step_only_appends() -> None:
    steps = [unsigned(), *states()]
    for before, after in pairwise(steps):
        assert after.startswith(before)


@pytest.mark.slow
def test_every_state_is_a_sound_file(tmp_path: Path) -> None:
    for number in (0, 1, len(states()) - 1):
        file = tmp_path / f"{number}.pdf"
        file.write_bytes(states()[number])
        checked = subprocess.run(["qpdf", "--check", file], capture_output=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_pyhanko_finds_every_signature_intact_valid_and_unmodified() -> None:
    async def judged() -> list[str]:
        wrong = []
        for one in _reader(deed()).embedded_signatures:
            if one.sig_object_type == "/DocTimeStamp":
                stamp = await async_validate_pdf_timestamp(one, _context(5))
                if not (
                    stamp.intact and stamp.valid and stamp.trusted and stamp.docmdp_ok is not False
                ):
                    wrong.append(f"{one.field_name}: {stamp.pretty_print_details()}")
            else:
                moment = next(
                    (slot["position"] for slot in SLOTS if slot["field"] == one.field_name), 4.01
                )
                status = await async_validate_pdf_signature(one, _context(moment))
                if not status.bottom_line:
                    wrong.append(f"{one.field_name}: {status.pretty_print_details()}")
        return wrong

    assert asyncio.run(judged()) == []


def test_poppler_finds_every_signature_valid(tmp_path: Path) -> None:
    file = tmp_path / "deed.pdf"
    file.write_bytes(deed())
    shown = subprocess.run(
        ["pdfsig", "-nocert", file], capture_output=True, check=False
    ).stdout.decode()
    parts = re.split(r"Signature #\d+:", shown)[1:]
    signed = [part for part in parts if "Field Name: archive_" not in part]
    assert len(signed) == len(SLOTS) + 2
    assert all("Signature Validation: Signature is Valid." in part for part in signed)
    assert "Total document signed" in parts[-1] and "archive_5" in parts[-1]


def test_the_certification_allows_filling_fields_and_nothing_more() -> None:
    first = _reader(states()[0]).embedded_signatures[0]
    assert first.field_name == "certification"
    assert first.docmdp_level is not None and first.docmdp_level.value == 2


def test_the_seal_locks_the_document() -> None:
    seal = next(s for s in _reader(deed()).embedded_signatures if s.field_name == "sig_seal")
    assert seal.docmdp_level is not None and seal.docmdp_level.value == 1


def test_a_signature_is_pades_and_binds_commitment_consent_and_code() -> None:
    one = _reader(deed()).embedded_signatures[1]
    assert one.field_name == "sig_vendor_1"
    assert one.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert one.md_algorithm == "sha256"
    types = {attribute["type"].native for attribute in one.signer_info["signed_attrs"]}
    assert {"commitment_type", "signer_attributes_v2", "signing_certificate_v2"} <= types
    assert "signing_time" not in types
    assert dict(_claims(one))[CONSENT_ATTRIBUTE] == "c0" * 32
    assert [t["type"].native for t in one.signer_info["unsigned_attrs"]] == [
        "signature_time_stamp_token"
    ]


def test_the_time_of_a_signature_is_the_time_of_the_act() -> None:
    one = _reader(deed()).embedded_signatures[1]
    assert one.self_reported_timestamp == START + timedelta(days=1)
    token = one.signer_info["unsigned_attrs"][0]["values"][0]["content"]
    assert token["encap_content_info"]["content"].parsed["gen_time"].native == START + timedelta(
        days=1
    )


def test_the_signing_key_is_new_at_every_act() -> None:
    keys_used = {
        one.signer_cert.public_key.sha256
        for one in _reader(deed()).embedded_signatures
        if one.field_name.startswith(("sig_vendor", "sig_customer"))
    }
    assert len(keys_used) == len(SLOTS)


def test_the_file_stays_pdf_1_7_and_keeps_its_description() -> None:
    first, last = _reader(unsigned()), _reader(deed())
    assert "/Version" not in last.root
    assert last.root["/Metadata"].get_object().data == first.root["/Metadata"].get_object().data
    assert dict(last.trailer["/Info"]) == dict(first.trailer["/Info"])


def test_invisible_fields_lie_outside_the_page_and_are_not_hidden() -> None:
    fields = {
        ref.get_object()["/T"]: ref.get_object()
        for ref in _reader(deed()).root["/AcroForm"]["/Fields"]
    }
    for name in ("certification", "archive_1", "archive_5"):
        assert max(float(edge) for edge in fields[name]["/Rect"]) < 0
        assert not fields[name]["/F"] & 2


@pytest.mark.slow
def test_the_appearance_names_person_office_and_time(tmp_path: Path) -> None:
    file = tmp_path / "deed.pdf"
    file.write_bytes(states()[2])
    shown = subprocess.run(
        ["pdftotext", "-layout", file, "-"], capture_output=True, check=True
    ).stdout.decode()
    assert shown.count("Bénédicte Ørsted-Łukasiewicz") == 2
    assert "Chief Operating Officer, Northwind Systems Ltd" in shown
    assert "Signed 2026-11-24 10:00:00+00:00" in shown
    serial = _reader(states()[1]).embedded_signatures[1].signer_cert.serial_number
    assert f"Certificate {serial:x}" in shown


def test_every_glyph_of_an_appearance_is_embedded(tmp_path: Path) -> None:
    file = tmp_path / "deed.pdf"
    file.write_bytes(deed())
    fonts = (
        subprocess.run(["pdffonts", file], capture_output=True, check=True)
        .stdout.decode()
        .splitlines()[2:]
    )
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)


@pytest.mark.parametrize(
    "name", ["Ελένη Παπαδοπούλου", "Наталья", "გიორგი", "דב בן־עמי", "علي", "王小明", ""]
)
@pytest.mark.slow
def test_names_in_any_script_can_sign(name: str) -> None:
    slot = SLOTS[0] | {"name": name}
    assert len(signed_by(states()[0], slot, keys(), at=START + timedelta(days=1))) > len(
        states()[0]
    )


def test_a_script_that_needs_shaping_is_not_drawn_letter_by_letter() -> None:
    assert drawable("Ελένη", HAND[0]) and drawable("გიორგი", HAND[1])
    assert not drawable("علي", HAND[1]) and not drawable("王", HAND[1])


def test_a_field_is_filled_once() -> None:
    with pytest.raises(Exception, match="already"):
        signed_by(states()[1], SLOTS[0], keys(), at=START + timedelta(days=2))


def test_a_field_that_was_not_placed_cannot_be_signed() -> None:
    own = keys()
    with pytest.raises(Exception, match="sig_vendor_9"):
        sign_slot(
            states()[0],
            "sig_vendor_9",
            facts(SLOTS[0]),
            contract_ca=own.contract_ca,
            root=own.root,
            tsu=own.tsu,
            at=START,
        )


def test_a_deed_is_certified_before_anyone_signs() -> None:
    with pytest.raises(Exception, match="filled already"):
        certify(states()[1], keys().seal, at=START)


def test_an_archived_deed_can_be_archived_again() -> None:
    own = keys()
    later = DONE + timedelta(days=3000)
    renewed = archive(
        deed(), own.root, own.contract_ca, [final_crl(own.root, at=later)], own.tsu, at=later
    )
    assert renewed.startswith(deed())
    assert _reader(renewed).embedded_signatures[-1].field_name == "archive_6"


class _Pair(core.Sequence):
    _fields = [("first", core.OctetString), ("second", core.OctetString)]


def _octets(content: bytes) -> bytes:
    return _tagged(0x04, content)


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def test_a_length_that_ends_like_an_indefinite_one_is_not_encoded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asn1_length.mend()
    encoded = _tagged(0x30, _octets(b"a" * 100) + _octets(b"b" * 24))
    assert encoded[:3] == b"\x30\x81\x80"
    value = _Pair.load(encoded)
    assert value["second"].native == b"b" * 24
    monkeypatch.setattr(_Pair, "_set_contents", lambda *_, **__: pytest.fail("encoded anew"))
    assert value.dump() == encoded
    assert value.dump() == encoded


def test_an_indefinite_length_is_still_made_definite() -> None:
    asn1_length.mend()
    inner = _octets(b"a") + _octets(b"b")
    assert _Pair.load(b"\x30\x80" + inner + b"\x00\x00").dump() == b"\x30\x06" + inner


def test_mending_twice_changes_nothing() -> None:
    asn1_length.mend()
    before = core.Sequence.dump
    asn1_length.mend()
    assert core.Sequence.dump is before
