"""What the check accepts, and everything it must not."""

import hashlib
import io
import json
import logging
import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko_certvalidator.ltv import ades_past, poe

from portal.signing import validation
from portal.signing.certificates import create_contract_ca, final_crl
from portal.signing.pades import archive, seal
from portal.signing.pades_check import examine
from portal.signing.validation import Report, validate, with_log
from tests.signing.deed_sample import (
    DONE,
    ENTRY_HEAD,
    SLOTS,
    START,
    Keys,
    completed,
    deed,
    keys,
    sample,
    signed_by,
    states,
    unsigned,
)

SOON = DONE + timedelta(hours=2)
SEED = 20261123
CHANGED = 60 if os.environ.get("COUNTERPART_THOROUGH") == "1" else 12


def _apart(document: bytes, *, at: datetime = SOON, known: str | None = None) -> Report:
    """Check a file as the portal does, in a process of its own."""
    return validate(document, root_pem=keys().root.certificate_pem, known_sha256=known, at=at)


def _checked(
    document: bytes, *, at: datetime = SOON, root_pem: bytes | None = None, known: str | None = None
) -> Report:
    """Check a file as that process does, without starting one for every file."""
    with pytest.MonkeyPatch.context() as patch:
        # The check tells two modules which time it is and silences the log, for its process.
        patch.setattr(poe, "datetime", poe.datetime)
        patch.setattr(ades_past, "datetime", ades_past.datetime)
        report = examine(document, root_pem=root_pem or keys().root.certificate_pem, at=at)
    logging.disable(logging.NOTSET)
    return with_log(report, known)


@cache
def _finished() -> Report:
    """Check the finished deed once a run."""
    return _apart(deed(), known=hashlib.sha256(deed()).hexdigest())


def _codes(report: Report) -> set[str]:
    return {finding.code for finding in report.errors()}


def _flipped(document: bytes, place: int) -> bytes:
    changed = bytearray(document)
    changed[place] ^= 0x01
    return bytes(changed)


def _gaps(document: bytes) -> list[range]:
    """Give the bytes no signature covers: those that hold the signatures themselves."""
    found = PdfFileReader(io.BytesIO(document)).embedded_signatures
    return [range(int(one.byte_range[1]), int(one.byte_range[2])) for one in found]


def _updated(document: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "later",
    [timedelta(minutes=1), timedelta(hours=2), timedelta(days=400), timedelta(days=8 * 365.25)],
)
@pytest.mark.slow
def test_a_finished_deed_is_good_from_the_first_minute_to_the_eighth_year(later: timedelta) -> None:
    report = _checked(deed(), at=DONE + later)
    assert report.ok, report.findings
    assert all(one.holds and one.sub_indication == "OK" for one in report.signatures)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [540.5, 570, 600, 600.5, 659.5])
def test_a_deed_is_good_around_the_end_of_a_signers_certificate(seconds: float) -> None:
    signed = START + timedelta(days=SLOTS[-1]["position"])
    report = _checked(deed(), at=signed + timedelta(seconds=seconds))
    assert report.ok, report.findings


@pytest.mark.slow
def test_the_report_says_who_signed_when_and_how_they_were_known() -> None:
    report = _finished()
    kinds = [one.kind for one in report.signatures]
    assert kinds[0] == "certification" and kinds.count("signer") == 4
    assert kinds[-2:] == ["seal", "archive"]
    signers = [one for one in report.signatures if one.kind == "signer"]
    assert [one.name for one in signers] == [slot["name"] for slot in SLOTS]
    second = signers[1]
    assert second.title == "Head of Support" and second.organisation == "Northwind Systems Ltd"
    assert second.at == (START + timedelta(days=2)).isoformat()
    assert second.identified.startswith(
        "One-time code (TOTP) entered at this act; enrolled: 2026-01-04"
    )
    assert second.authority == "Authorised by a resolution of the board"
    assert second.consent_sha256 == "c0" * 32
    assert second.time_source == "the portal's own clock"
    assert [one.covers_whole_file for one in report.signatures] == [False] * 10 + [True]
    assert {finding.code for finding in report.findings} == {"own-clock", "hash-known"}


def test_the_terms_come_out_as_they_went_in() -> None:
    context, canonical = sample()
    report = _finished()
    assert report.terms == canonical
    assert report.terms_sha256 == context["sha256"]


@pytest.mark.slow
def test_without_a_log_the_report_says_that_it_did_not_compare() -> None:
    report = _checked(deed())
    assert report.ok
    assert ("warning", "not-compared") in {(f.level, f.code) for f in report.findings}


def test_the_report_is_json_without_the_terms() -> None:
    shown = json.loads(_finished().as_json())
    assert shown["ok"] is True and "terms" not in shown
    assert shown["signatures"][1]["name"] == "Ada Whitfield"
    assert shown["file_sha256"] == hashlib.sha256(deed()).hexdigest()


@pytest.mark.slow
def test_another_hash_in_the_log_is_an_error() -> None:
    report = _checked(deed(), known="0" * 64)
    assert not report.ok and "hash-differs" in _codes(report)


def _seen(places: list[int]) -> list[Report]:
    """Check one copy a place, with its byte changed."""
    return [_checked(_flipped(deed(), place)) for place in places]


def _open_bytes() -> list[int]:
    covered = {place for gap in _gaps(deed()) for place in gap}
    return [place for place in range(len(deed())) if place not in covered]


@pytest.mark.slow
def test_a_changed_byte_outside_the_signatures_is_seen_without_a_log() -> None:
    places = random.Random(SEED).sample(_open_bytes(), 10)
    assert [p for p, report in zip(places, _seen(places), strict=True) if report.ok] == []


@pytest.mark.slow
def test_changed_bytes_anywhere_are_all_seen_without_a_log() -> None:
    places = random.Random(SEED + 1).sample(_open_bytes(), CHANGED)
    assert [p for p, report in zip(places, _seen(places), strict=True) if report.ok] == []


@pytest.mark.slow
def test_a_changed_byte_anywhere_at_all_is_seen_with_a_log() -> None:
    known = hashlib.sha256(deed()).hexdigest()
    inside = [gap[len(gap) // 4] for gap in _gaps(deed())[:3]]
    for report in _seen([*inside, 0, len(deed()) - 1]):
        assert not with_log(report, known).ok
        assert "hash-differs" in _codes(with_log(report, known))


@pytest.mark.slow
def test_bytes_beside_a_signature_are_seen() -> None:
    gap = _gaps(deed())[1]
    report = _checked(_flipped(deed(), gap[-4]))
    assert "loose-bytes" in _codes(report)


@pytest.mark.slow
def test_appended_bytes_are_refused() -> None:
    for tail in (b"\n", b"%%EOF\n", b"A" * 500):
        report = _checked(deed() + tail)
        assert not report.ok and _codes(report) & {"bytes-after", "damaged"}


@pytest.mark.slow
def test_an_appended_update_is_refused() -> None:
    def annotate(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0]
        note = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/FreeText"),
                pdf_name("/Contents"): generic.pdf_string("All fees are waived"),
                pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 200, 50))),
            }
        )
        page["/Annots"] = generic.ArrayObject([writer.add_object(note)])
        writer.update_container(page)

    report = _checked(_updated(deed(), annotate))
    assert {"changed", "bytes-after", "foreign-update"} <= _codes(report)


@pytest.mark.slow
def test_an_update_of_the_description_alone_is_refused() -> None:
    def rename(writer: IncrementalPdfFileWriter) -> None:
        writer.trailer["/Info"]["/Title"] = generic.pdf_string("Another contract")
        writer.mark_update(writer.trailer.raw_get("/Info").reference)

    assert "information-changed" in _codes(_checked(_updated(deed(), rename)))


@pytest.mark.slow
def test_a_replaced_attachment_is_refused() -> None:
    def replace(writer: IncrementalPdfFileWriter) -> None:
        _, spec = writer.root["/Names"]["/EmbeddedFiles"]["/Names"]
        stream = spec.get_object()["/EF"].raw_get("/F")
        stream.get_object()._data = b'{"fee":"0"}'
        stream.get_object()._encoded_data = None
        writer.mark_update(stream.reference)

    report = _checked(_updated(deed(), replace))
    assert not report.ok
    assert {"changed", "terms-differ"} <= _codes(report)


@pytest.mark.slow
def test_words_changed_by_an_insider_who_holds_the_seal_break_the_signatures() -> None:
    own = keys()
    signed = states()[4]
    place = signed.index(b"/Contents", signed.index(b"/MediaBox"))
    forged = seal(_flipped(signed, place + 1), own.seal, own.tsu, at=DONE)
    report = _checked(forged)
    assert "broken" in _codes(report)
    assert [one.intact for one in report.signatures if one.kind in ("signer", "seal")] == [
        False
    ] * 4 + [True]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.slow
def test_a_truncated_file_is_refused(part: float) -> None:
    assert not _apart(deed()[: int(len(deed()) * part)]).ok


@pytest.mark.slow
def test_a_file_rolled_back_to_an_earlier_state_is_not_complete() -> None:
    expected = [
        {"missing-signature", "no-seal", "no-signer"},
        *([{"missing-signature", "no-seal"}] * 4),
        {"no-archive"},
    ]
    for state, codes in zip(states()[:-1], expected, strict=True):
        report = _checked(state)
        assert not report.ok and codes <= _codes(report)


@pytest.mark.slow
def test_the_signatures_of_an_unfinished_deed_are_told_apart_from_what_is_missing() -> None:
    report = _checked(states()[2], at=START + timedelta(days=60))
    assert all(one.holds for one in report.signatures)
    missing = [
        finding.message for finding in report.errors() if finding.code == "missing-signature"
    ]
    assert missing[0] == "Signature of Cleo Marchetti for Harbour Retail Inc: not signed."
    assert len(missing) == 3


@pytest.mark.slow
def test_another_portal_is_unrecognised() -> None:
    foreign = keys("Another Operator Ltd")
    report = _checked(deed(), root_pem=foreign.root.certificate_pem)
    assert not report.ok
    assert {f.code for f in report.errors()} == {"unrecognised"}
    assert all(one.intact and one.valid and not one.trusted for one in report.signatures)


@pytest.mark.slow
def test_a_deed_forged_whole_by_another_portal_of_the_same_name_is_unrecognised() -> None:
    real = keys()
    forger = keys.__wrapped__()
    forged = completed(unsigned(), forger)[-1]
    assert _checked(forged, root_pem=forger.root.certificate_pem).ok
    report = _checked(forged, root_pem=real.root.certificate_pem)
    assert not report.ok and not any(one.trusted for one in report.signatures)


@pytest.mark.slow
def test_a_person_who_signs_in_the_place_of_another_is_seen() -> None:
    slot = SLOTS[0] | {"name": "Mallory Grant"}
    report = _checked(signed_by(states()[0], slot, keys(), at=START + timedelta(days=1)))
    assert "other-person" in _codes(report)


@pytest.mark.slow
def test_signatures_of_two_contracts_do_not_make_one_deed() -> None:
    own = keys()
    other = Keys(own.root, create_contract_ca(own.root, "CTR-OTHER", at=START), own.seal, own.tsu)
    report = _checked(signed_by(states()[1], SLOTS[1], other, at=START + timedelta(days=2)))
    assert "mixed-issuers" in _codes(report)


@pytest.mark.slow
def test_a_seal_before_the_last_signature_leaves_a_field_open() -> None:
    own = keys()
    early = seal(states()[2], own.seal, own.tsu, at=DONE)
    early = archive(
        early, own.root, own.contract_ca, [final_crl(own.root, at=DONE)], own.tsu, at=DONE
    )
    assert "missing-signature" in _codes(_checked(early))


@pytest.mark.slow
def test_after_the_seal_nobody_can_sign_unseen() -> None:
    own = keys()
    early = seal(states()[3], own.seal, own.tsu, at=DONE)
    late = signed_by(early, SLOTS[3], own, at=DONE + timedelta(minutes=1))
    report = _checked(late)
    assert {"seal-too-early", "changed"} <= _codes(report)


@pytest.mark.parametrize("junk", [b"", b"hello", b"%PDF-", b"%PDF-1.7\n" + b"\x00" * 5000])
@pytest.mark.slow
def test_what_is_no_deed_gets_a_report_and_no_exception(junk: bytes) -> None:
    report = _apart(junk)
    assert not report.ok and _codes(report) & {"not-pdf", "damaged"}
    assert report.signatures == []


@pytest.mark.slow
def test_an_unsigned_deed_is_not_a_deed_yet() -> None:
    assert _codes(_checked(unsigned())) == {"no-signatures"}


@pytest.mark.slow
def test_shuffled_garbage_of_a_real_deed_never_breaks_the_check() -> None:
    chosen = random.Random(SEED)
    for _ in range(4):
        lines = deed().splitlines(keepends=True)
        place = chosen.randrange(len(lines))
        broken = b"".join(lines[:place] + lines[place + 40 :])
        assert not _apart(b"%PDF-1.7\n" + broken).ok


def test_a_check_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "WALL_SECONDS", 0.05)
    assert _codes(_apart(deed())) == {"too-slow"}


def test_a_check_that_dies_gives_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.sys, "executable", "/bin/false")
    assert _codes(_apart(deed())) == {"unreadable"}


def test_a_file_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "LARGEST_FILE_BYTES", 1000)
    assert _codes(_apart(deed())) == {"too-large"}


@pytest.mark.slow
def test_a_renewed_deed_is_good_after_the_first_lists_end() -> None:
    own = keys()
    later = DONE + timedelta(days=9 * 365)
    renewed = archive(
        deed(), own.root, own.contract_ca, [final_crl(own.root, at=later)], own.tsu, at=later
    )
    assert _checked(renewed, at=later + timedelta(days=400)).ok
    assert ENTRY_HEAD not in _checked(deed(), at=DONE + timedelta(days=11 * 365)).as_json()
