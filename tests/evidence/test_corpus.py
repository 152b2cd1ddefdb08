"""Hostile files: both verifiers judge every one of them alike, and neither breaks off.

Each changed deed is put into its bundle with a mended manifest, as somebody would who cannot
change the log. The whole-file hash finds them all; the signatures inside find all that lie outside
the gaps they leave for themselves.
"""

import io
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from portal.cli.evidence import examine
from portal.evidence.rules.reading import check_bundle
from tests.evidence.conftest import THOROUGH
from tests.evidence.test_bundle import judged, opened, packed
from tests.signing.deed_sample import deed as foreign_deed

FLIPS = 1_000 if THOROUGH else 60
MUTATED = 20_000 if THOROUGH else 400
RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@pytest.fixture(scope="module")
def deed(told_bundle: bytes) -> bytes:
    """The sealed deed of the told contract."""
    return opened(told_bundle)["deed.pdf"]


@pytest.fixture(scope="module")
def with_deed(told_bundle: bytes) -> Callable[[bytes], bytes]:
    """Return what packs the told bundle with another deed."""
    files = opened(told_bundle)
    return lambda content: packed({**files, "deed.pdf": content}, told_bundle)


def gaps(deed: bytes) -> list[range]:
    """Return the bytes that each signature leaves out."""
    return [range(int(found[1]), int(found[2])) for found in RANGE.findall(deed)]


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def flips(deed: bytes) -> Iterator[tuple[int, bytes]]:
    chance = random.Random(20261125)
    for _ in range(FLIPS):
        place = chance.randrange(len(deed))
        yield place, flipped(deed, place, chance.randrange(8))


@pytest.mark.slow
def test_every_flipped_bit_is_found_by_the_hash_of_the_whole_file(
    deed: bytes, with_deed: Callable[[bytes], bytes], script: ModuleType
) -> None:
    missed = []
    for place, content in flips(deed):
        ours, theirs = judged(script, with_deed(content))
        if "file-differs" not in ours or "file-differs" not in theirs:
            missed.append(place)
    assert missed == []


@pytest.mark.slow
def test_every_flipped_bit_outside_the_gaps_is_found_by_the_signatures(
    deed: bytes, told_bundle: bytes, script: ModuleType
) -> None:
    root, left_out = opened(told_bundle)["keys/root.pem"], gaps(deed)
    missed = []
    for place, content in flips(deed):
        check = script.Check()
        check.files = {"deed.pdf": content}
        script.check_deed(check, root)
        if check.ok and not any(place in gap for gap in left_out):
            missed.append(place)
    assert missed == []


# The attacks of the literature (Mladenov et al. 2019, Mainka et al. 2021, Rohlmann et al. 2021).


def updated(deed: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(deed), strict=False)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def shadow(writer: IncrementalPdfFileWriter) -> None:
    """Show other words on the first page from a later update."""
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Contents"] = writer.add_object(
        generic.StreamObject(stream_data=b"BT /F1 12 Tf 72 700 Td (Pay double) Tj ET")
    )
    writer.update_container(page)


def annotate(writer: IncrementalPdfFileWriter) -> None:
    """Lay a note over the page of a certified file (evil annotation attack)."""
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Rect"): generic.ArrayObject(
                [generic.NumberObject(n) for n in (50, 50, 300, 300)]
            ),
            generic.pdf_name("/Contents"): generic.pdf_string("Pay double"),
        }
    )
    page["/Annots"] = generic.ArrayObject([writer.add_object(note)])
    writer.update_container(page)


def swap_attachment(writer: IncrementalPdfFileWriter) -> None:
    """Attach other terms in a later update."""
    names = writer.root["/Names"]["/EmbeddedFiles"]["/Names"]
    file = names[1].get_object()
    file["/EF"][generic.pdf_name("/F")] = writer.add_object(
        generic.StreamObject(stream_data=b'{"terms":{}}')
    )
    writer.update_container(file)


def without_a_signature(deed: bytes) -> bytes:
    """Signature exclusion: empty the content of the last signature but one."""
    gap = gaps(deed)[-2]
    return deed[: gap.start + 1] + b"0" * (len(gap) - 2) + deed[gap.stop - 1 :]


def with_a_replaced_signature(deed: bytes) -> bytes:
    """Put the signature of one signer in the place of another's."""
    first, second = gaps(deed)[1], gaps(deed)[3]
    size = min(len(first), len(second)) - 2
    donor = deed[second.start + 1 : second.start + 1 + size]
    return deed[: first.start + 1] + donor + deed[first.start + 1 + size :]


def with_another_range(deed: bytes) -> bytes:
    """Universal forgery: let a signature claim to cover nothing."""
    found = list(RANGE.finditer(deed))[-1]
    claim = b"/ByteRange [0 0 0 0]".ljust(len(found[0]))
    return deed[: found.start()] + claim + deed[found.end() :]


def wrapped(deed: bytes) -> bytes:
    """Signature wrapping: move what was signed behind a second copy of the file."""
    return deed + b"\n" + deed[len(deed) // 2 :]


STRUCTURAL: dict[str, Callable[[bytes], bytes]] = {
    "half of it": lambda d: d[: len(d) // 2],
    "without its last byte": lambda d: d[:-1],
    "rolled back before the last time stamp": lambda d: d[: d.rindex(b"%%EOF", 0, -10) + 6],
    "rolled back to one signature": lambda d: d[: [m.end() for m in re.finditer(b"%%EOF", d)][2]],
    "bytes appended": lambda d: d + b"\n% nothing to see here\n",
    "an update that shows other words": lambda d: updated(d, shadow),
    "a note laid over": lambda d: updated(d, annotate),
    "another attachment": lambda d: updated(d, swap_attachment),
    "a signature left out": without_a_signature,
    "a signature replaced": with_a_replaced_signature,
    "a signature over nothing": with_another_range,
    "wrapped": wrapped,
    "a whole deed of another root": lambda _: foreign_deed(),
    "an empty file": lambda _: b"",
    "no PDF at all": lambda _: b"PK\x03\x04" + bytes(500),
}


@pytest.mark.parametrize("attack", STRUCTURAL)
@pytest.mark.slow
def test_an_attack_on_the_deed_is_found_with_and_without_the_log(
    deed: bytes, with_deed: Callable[[bytes], bytes], told_bundle: bytes, script: ModuleType,
    attack: str,
) -> None:  # fmt: skip
    changed = STRUCTURAL[attack](deed)
    assert changed != deed
    ours, theirs = judged(script, with_deed(changed))
    assert "file-differs" in ours & theirs
    # Without the log, by the file alone: a state it went through is whole in itself.
    if not attack.startswith("rolled back"):
        check = script.Check()
        check.files = {"deed.pdf": changed}
        try:
            script.check_deed(check, opened(told_bundle)["keys/root.pem"])
        except script.DAMAGE:
            return
        assert not check.ok


@pytest.mark.slow
@pytest.mark.parametrize("attack", list(STRUCTURAL) if THOROUGH else ["a note laid over"])
def test_the_full_verifier_refuses_it_too(
    deed: bytes, with_deed: Callable[[bytes], bytes], attack: str
) -> None:
    found, report = examine(with_deed(STRUCTURAL[attack](deed)))
    assert not found.ok
    assert report is not None
    assert not report.ok


# Files that are damaged anywhere at all.


def mutated(content: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(5)
    place = chance.randrange(len(content))
    match kind:
        case 0:
            return flipped(content, place, chance.randrange(8))
        case 1:
            return content[:place]
        case 2:
            return content[:place] + content[place + chance.randrange(1, 40) :]
        case 3:
            other = chance.randrange(len(content))
            return content[:place] + content[other : other + 60] + content[place:]
        case _:
            return content[:place] + chance.randbytes(20) + content[place + 20 :]


@pytest.mark.slow
def test_both_verifiers_agree_on_every_mutated_bundle(
    told_bundle: bytes, script: ModuleType
) -> None:
    files = opened(told_bundle)
    left_out = ("deed.pdf", "verify.py")
    small = {p: c for p, c in files.items() if p not in left_out and len(c) < 50_000}
    chance = random.Random(11)
    differing, accepted = [], 0
    for number in range(MUTATED):
        if number % 2:
            content = mutated(packed(small, told_bundle), chance)
        else:
            path = chance.choice([path for path in sorted(small) if small[path]])
            content = packed({**small, path: mutated(small[path], chance)}, told_bundle)
        ours, theirs = check_bundle(content), script.verify(content)
        # Without the deed neither may accept anything.
        codes = (
            {f.code for f in ours.findings if f.level == "error"},
            {f["code"] for f in theirs.findings if f["level"] == "error"},
        )
        # They give up at different places where a part is not made of what it must be.
        if codes[0] != codes[1] and "damaged" not in codes[0] | codes[1]:
            differing.append(number)
        accepted += ours.ok or theirs.ok
    assert (differing, accepted) == ([], 0)


@pytest.mark.slow
def test_the_sealed_deed_is_still_pdf_a_3_tagged_and_holds_its_terms(
    told_bundle: bytes, deed: bytes, tmp_path: Path
) -> None:
    reader = PdfFileReader(io.BytesIO(deed))
    claims = reader.root["/Metadata"].data
    assert b"<pdfaid:part>3</pdfaid:part>" in claims or b'pdfaid:part="3"' in claims
    assert b"<pdfuaid:part>1</pdfuaid:part>" in claims
    assert reader.root["/MarkInfo"]["/Marked"]
    assert reader.root["/StructTreeRoot"]["/K"]
    assert reader.root["/OutputIntents"]
    assert "/Version" not in reader.root
    names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    file = names[1].get_object()
    assert (str(names[0]), str(file["/AFRelationship"])) == ("terms.json", "/Source")
    terms = file["/EF"]["/F"].data
    assert terms == opened(told_bundle)["terms/1.json"]
    # Attached before the first signature: the first revision, which is certified, holds it already.
    first = deed[: next(found.end() for found in re.finditer(b"%%EOF", deed))]
    names = PdfFileReader(io.BytesIO(first)).root["/Names"]["/EmbeddedFiles"]["/Names"]
    assert names[1].get_object()["/EF"]["/F"].data == terms
    (tmp_path / "deed.pdf").write_bytes(deed)
    checked = subprocess.run(["qpdf", "--check", tmp_path / "deed.pdf"], capture_output=True)
    assert checked.returncode == 0, checked.stdout
