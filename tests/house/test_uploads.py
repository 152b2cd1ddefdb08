"""Hostile files at every reader of what people bring: refused in words, and never a failure."""

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from portal.batches.rules import SheetUnread
from portal.batches.rules import _columns as columns_of_batch
from portal.batches.rules import _lines as lines_of_batch
from portal.contracts.rules.bringing import fitted, read_terms_file
from portal.customers.rules import BadSheet
from portal.customers.rules import read_sheet as read_customers
from portal.evidence.rules.bringing import terms_in
from portal.intake.rules import BadFile, Kind, read_header, rows_from
from portal.kit.errors import Refused
from portal.plans.rules import Unfit
from portal.plans.rules.writing import read_import as read_catalogue
from portal.signing.rules import read_strokes
from portal.statements.rules.replay import BadImport
from portal.statements.rules.replay import read_import as read_past
from portal.terms.rules import load_schema

SCHEMA = load_schema()
FIELD = "x" * 200_000
SHEETS = [
    "", "\0", "\ufeff", "\n\n\n", "\r\r\r", '"', '"' * 999, "," * 50_000, "a,a\n1,2",
    f"reported,severity\n{FIELD},S1",
    "reported,severity\n\0,S1", 'reported,severity\n"open,S1\n' * 9,
    "reported,severity,responded,resolved\na\rb,S1,,", "name\n" + "x\n" * 300_000,
    "name,street\n" + "=cmd|' /C calc'!A0,x\n", "customer,title\n" + "a\0b,c\n", "\ud7ff" * 9,
    "customer,title," + ",".join(f"X{n}" for n in range(5_000)) + "\nx,y", "name\n" + FIELD,
    "reported,severity\n" + "9" * 9_000 + ",S1", "reported,severity\n2026-13-45T99:99:99Z,S1",
    "begin,end,effect,module,seen\n0001-01-01T00:00:00+23:59,9999-12-31T23:59:59-23:59,down,,x",
    "reported,severity,responded,resolved\n0001-01-01T00:00:00+23:59,S1,,9999-12-31T23:59:59-23:59",
]  # fmt: skip
DEEP = 200_000
DOCUMENTS = [
    "", "null", "[]", "3", '"x"', "{", "[" * DEEP, '{"a":' * DEEP, "9" * 9_000, "1e999", "NaN",
    '{"format":"counterpart-contract/1","terms":{"A5":' + "[" * 900 + "]" * 900 + "}}",
    '{"format":"counterpart-contract/1","terms":{"A5":"\\ud800","D1":{"n":1e400},"C4":[null]}}',
    '{"format":"counterpart-contract/1","terms":{"D1":' + "9" * 4_000 + "}}",
    '{"format":"counterpart-contract/1","terms":{},"special_terms":[3,{"number":{}},[]]}',
    '{"format":"counterpart-contract/1","terms":{"D1":{"n":"NaN"}},"title":{"a":1}}',
    '{"tiers":[3]}', '{"tiers":[{}]}', '{"tiers":[{"name":[]}],"currency":{}}', '{"tiers":{}}',
    '{"tiers":[{"name":"A","terms":{"D1":{"n":"NaN"}},"price":"Infinity"}]}',
    '{"tiers":[{"name":"A","price":"1e9999999"}]}', '{"columns":3,"rows":[[{}]]}',
    '{"columns":[{}],"rows":[null]}', "[[[1,2],[3]]]", "[[[1e5,-1]]]", "[[[true,1]]]",
]  # fmt: skip


def stored(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def overlapping(copies: int) -> bytes:
    """Return a zip whose names all lead to the same stored bytes: it says more than it holds."""
    whole = bytearray(stored("terms/1.json", b"{" + b" " * 60_000 + b"}"))
    end = whole.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", whole[end + 16 : end + 20])[0]
    entry = bytes(whole[start:end])
    listed = b"".join(
        entry.replace(b"terms/1.json", f"terms/{n:04}.j".encode()[:12]) for n in range(copies)
    )
    tail = bytearray(whole[end:])
    tail[8:12] = struct.pack("<HH", copies, copies)
    tail[12:16] = struct.pack("<I", len(listed))
    return bytes(whole[:start]) + listed + bytes(tail)


def packed(content: bytes, times: int) -> bytes:
    """Return a zip within a zip within a zip."""
    for _ in range(times):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("MANIFEST.json", content)
        content = out.getvalue()
    return content


ZIPS = [
    b"PK", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"PK\x05\x06" + b"\xff" * 18,
    packed(b"0" * 20_000_000, 3), stored("/etc/passwd", b"x"), stored("../../x", b"x"),
    stored("MANIFEST.json", b"[" * DEEP), stored("MANIFEST.json", b'{"format":1}'),
    stored("MANIFEST.json", b"\xff"), overlapping(3_000),
]  # fmt: skip


def of_batch(text: str) -> None:
    heading, _ = lines_of_batch(text)
    columns_of_batch(heading, SCHEMA)


def of_intake(kind: Kind) -> Callable[[str], None]:
    def read(text: str) -> None:
        content = text.encode("utf-8", "surrogatepass")
        names, place = read_header(content, kind)
        list(rows_from(content, place, 2, names))

    return read


def of_terms(text: str) -> None:
    fitted(read_terms_file(text.encode()).document, SCHEMA)


READERS: list[tuple[Callable[[Any], Any], type[Exception], list[Any]]] = [
    (of_batch, SheetUnread, SHEETS),
    (lambda text: read_customers(text.encode(), known=()), BadSheet, SHEETS),
    (read_past, BadImport, SHEETS),
    (of_intake(Kind.INCIDENTS), BadFile, SHEETS),
    (of_intake(Kind.OUTAGES), BadFile, SHEETS),
    (of_terms, Refused, DOCUMENTS),
    (lambda text: read_catalogue(SCHEMA, text, vendor="V", number=1), Unfit, DOCUMENTS),
    (read_strokes, ValueError, DOCUMENTS),
    (terms_in, Refused, ZIPS),
]


@pytest.mark.parametrize(("read", "refusal", "files"), READERS)
def test_no_file_is_more_than_a_refusal(
    read: Callable[[Any], Any], refusal: type[Exception], files: list[Any]
) -> None:
    """Whoever brings one gets a sentence, or what is good in it; nothing else is ever raised."""
    for number, one in enumerate(files):
        try:
            read(one)
        except refusal as no:
            assert "Traceback" not in str(no)
        except Exception as failure:
            failure.add_note(f"file {number}: {one[:60]!r}")
            raise


def test_a_zip_that_says_more_than_it_holds_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = overlapping(3_000)
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        assert sum(one.file_size for one in archive.infolist()) > 150_000_000 > 100 * len(bomb)
    read = []
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda self, name: read.append(name))
    with pytest.raises(Refused, match="not an evidence bundle"):
        terms_in(bomb)
    assert read == []
