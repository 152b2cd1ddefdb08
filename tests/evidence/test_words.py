"""The page, the PDF and the canonical terms say the same, word by word, for generated contracts.

Hostile Unicode included: what a reader cannot see is shown by its number wherever it is printed.
Setting a whole deed takes seconds, so most contracts show a part of their terms and clauses: eight
parts that together are everything. They are set by the typesetter in this process, whose fonts are
warm; the whole ones by its own process, as in the portal.
"""

import io
import json
import random
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from html import unescape
from typing import Any

import pytest
from flask import Flask
from pdfminer.high_level import extract_pages
from pdfminer.layout import LTChar, LTContainer

from portal.contracts.rules.document import (
    canonical_bytes,
    contract_document,
    sha256_of,
    slot_field,
)
from portal.contracts.rules.plain import plain_text
from portal.contracts.rules.reading import deed_context
from portal.signing import pdf, typesetter
from portal.signing.pdf import render_deed, seen, table_cells
from portal.terms.rules import load_schema
from portal.terms.rules.standard import load_standard_terms
from tests.evidence.conftest import THOROUGH

FOOT = 70  # points: the running lines stand below
PARTS = 8
CONTRACTS = 200 if THOROUGH else 3
WHOLE = 4 if THOROUGH else 1
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,;:!?()-'\"/&<>{}%$#@*_=+",
    "äöüßéèêëñçåøæœłžščřđþğışŁŽÅÉ",
    "αβγδεζηθλμξπρσφψωΑΒΓΔΘΛΞΠΣΦΨΩ",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕ",
    "‐‑–—…“”‘’«»€£¥§¶©®™°±×÷→⇒≤≥≠∞",
    "\u202e\u202d\u2066\u2069\u200b\u200d\u200e\u2060\ufeff\u00ad",
    "e\u0301o\u0308a\u030an\u0303",
    "аеорсухАВЕКМНОРСТХ",
    "漢字日本語한국어中文\U0001f600\U0001f4a9\U0001f468\u200d\U0001f469",
    "ﬁﬂﬀ①②½⅓ªº²³",
)


def hostile(chance: random.Random, longest: int) -> str:
    """Return words from every corner, with hidden marks among them."""
    letters = [
        chance.choice(chance.choice(ALPHABETS)) for _ in range(chance.randrange(1, max(longest, 2)))
    ]
    words = "".join(c if chance.random() > 0.15 else f"{c} " for c in letters)
    return " ".join(unicodedata.normalize("NFC", words).split()) or "x"


def plainly(chance: random.Random, longest: int) -> str:
    """Return a plain word."""
    return "word"


def generated(seed: int | None) -> tuple[dict[str, Any], bytes]:
    """Return the words of a generated contract and its canonical terms; None: of plain words."""
    chance = random.Random(seed)
    said = hostile if seed is not None else plainly
    schema, standard = load_schema("1"), load_standard_terms("1.0")
    terms = schema.defaults()
    for term in schema.terms.values():
        if term.type in ("text", "prose") and terms.get(term.id) and chance.random() < 0.7:
            terms[term.id] = said(chance, min(term.max_length, 160))
    slots = [("vendor", 1), ("customer", 2)]
    document = contract_document(
        ref="eu-7K3QM9XH2D", title=said(chance, 60), region="eu", version=1,
        parties={
            side: {"name": said(chance, 40), "details": said(chance, 80)}
            for side in ("vendor", "customer")
        },
        pins={
            "template": {"name": "standard-support/1", "sha256": "0" * 64},
            "schema": {"name": "1", "sha256": schema.sha256},
            "standard": {"name": "1.0", "sha256": standard.sha256},
            "tier": None,
        },
        terms=terms,
        signers=[
            {
                "side": side, "position": number, "field": slot_field(side, number),
                "name": said(chance, 30), "title": said(chance, 30),
            }
            for side, number in slots
        ],
        frozen_at="2026-11-25T14:00:00+00:00",
    )  # fmt: skip
    canonical = canonical_bytes(document)
    deed = deed_context(
        document, schema, standard, sha256=sha256_of(canonical), operator="Northwind",
        region_label="EU", entry_head="5e" * 32,
    )  # fmt: skip
    return deed, canonical


def plain(text: str) -> str:
    """Return what is compared: compatibility forms, without spaces and table rules."""
    return re.sub(r"[\s|]+", "", unicodedata.normalize("NFKC", text))


def pieces(deed: dict[str, Any]) -> Iterator[str]:
    """Yield every word of the parties in order."""
    for group in deed["groups"]:
        for row in group["rows"]:
            yield f"{row['id']}{row['label']}"
            yield from row["text"].splitlines()
    for section in deed["standard"]["sections"]:
        for clause in section["clauses"]:
            yield f"{clause['id']}{clause['title']}"
            yield from clause["paragraphs"]
    for slot in deed["slots"]:
        yield slot["name"]
        yield slot["title"]


def missing(text: str, wanted: Iterable[str]) -> list[str]:
    """Return the pieces that do not stand in a text in this order."""
    lost, place = [], 0
    for piece in map(plain, wanted):
        found = text.find(piece, place)
        if found < 0:
            lost.append(piece[:80])
        else:
            place = found + len(piece)
    return lost


def page_text(app: Flask, deed: dict[str, Any]) -> str:
    """Return the words of the agreement page."""

    class Contract:
        ref, id, title, region = deed["ref"], deed["ref"], deed["title"], "eu"

    source = app.jinja_env.get_template("contracts/agreement.html")
    columns = {t.id: [c.label for c in t.columns] for t in load_schema("1").terms.values()
               if t.columns}  # fmt: skip
    with app.test_request_context():
        app.jinja_env.globals["sections_of"] = lambda contract: []
        shown = source.render(
            contract=Contract, deed=seen(deed), columns=columns, cells=table_cells,
            csrf_token=lambda: "",
        )  # fmt: skip
    article = re.search(r"<article.*?</article>", shown, re.S)
    assert article is not None
    return unescape(re.sub(r"<[^>]+>", " ", article[0]))


def pdf_letters(deed: dict[str, Any], canonical: bytes) -> Counter[str]:
    """Count the letters of the PDF after its cover, by what the file says each glyph stands for.

    Decomposed, so that it does not matter which letters stand side by side: cells that wrap are
    set line by line.
    """
    pages = extract_pages(io.BytesIO(render_deed(deed, canonical)), laparams=None)
    texts = [letters(page) for page in pages]
    first = next(number for number, text in enumerate(texts) if text.startswith("Agreed terms"))
    return counted("".join(texts[first:]))


def counted(text: str) -> Counter[str]:
    """Count the decomposed letters of a text."""
    return Counter(unicodedata.normalize("NFKD", re.sub(r"[\s|]+", "", text)))


def furniture(deed: dict[str, Any], canonical: bytes) -> Counter[str]:
    """Return what the PDF prints besides the words of the parties: nothing may be missing."""
    left = pdf_letters(deed, canonical)
    left.subtract(counted("".join(pieces(seen(deed)))))
    left.subtract(counted("".join(on_signature_page(seen(deed)))))
    return Counter({letter: count for letter, count in left.items() if count})


def on_signature_page(deed: dict[str, Any]) -> Iterator[str]:
    for slot in deed["slots"]:
        yield slot["organisation"]
    yield deed["sha256"] * 2


def letters(part: Any) -> str:
    """Return the letters of a part of a page, without its running lines."""
    if isinstance(part, LTChar):
        return part.get_text() if part.y0 > FOOT else ""
    return "".join(map(letters, part)) if isinstance(part, LTContainer) else ""


Words = tuple[dict[str, Any], bytes]


def part_of(contract: Words, number: int) -> Words:
    """Return a contract that shows every eighth group of its terms and section of its clauses."""
    deed, canonical = contract
    shown = {
        **deed,
        "groups": deed["groups"][number::PARTS],
        "standard": {**deed["standard"], "sections": deed["standard"]["sections"][number::PARTS]},
    }
    return shown, canonical


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set deeds in this process: the same typesetter, without starting Python for each."""

    def here(order: bytes) -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return typesetter.typeset(json.loads(order))

    monkeypatch.setattr(pdf, "_typeset", here)


Always = Callable[[int | None], Counter[str]]


@pytest.fixture(scope="module")
def always() -> Always:
    """What the PDF of a contract of plain words prints besides them: of a part, or whole."""

    @cache
    def found(number: int | None) -> Counter[str]:
        plain_one = generated(None)
        return furniture(*(plain_one if number is None else part_of(plain_one, number)))

    return found


def demand_the_same(app: Flask, contract: Words, always: Counter[str]) -> None:
    """Hold the words of a contract against its text, its page and its PDF."""
    deed, canonical = contract
    shown = seen(deed)
    assert missing(plain(plain_text(shown)), pieces(shown)) == []
    assert missing(plain(page_text(app, deed)), pieces(shown)) == []
    left = furniture(deed, canonical)
    left.subtract(always)
    # A table that goes over to the next page says its three headings again.
    again = left["T"]
    left.subtract(counted("TermAgreedClause" * abs(again)) if again > 0 else ())
    left.update(counted("TermAgreedClause" * abs(again)) if again < 0 else ())
    assert {letter: count for letter, count in left.items() if count} == {}


@pytest.mark.slow
def test_page_pdf_and_text_of_parts_of_contracts_say_the_same(
    app: Flask, always: Always, warm: None
) -> None:
    for seed in range(CONTRACTS):
        number = seed % PARTS
        demand_the_same(app, part_of(generated(seed), number), always(number))


def test_the_parts_together_are_the_whole() -> None:
    whole = generated(1)
    rows = Counter(row["id"] for group in whole[0]["groups"] for row in group["rows"])
    clauses = Counter(c["id"] for s in whole[0]["standard"]["sections"] for c in s["clauses"])
    for number in range(PARTS):
        deed, _ = part_of(whole, number)
        rows.subtract(row["id"] for group in deed["groups"] for row in group["rows"])
        clauses.subtract(c["id"] for s in deed["standard"]["sections"] for c in s["clauses"])
    assert not any(rows.values()) and not any(clauses.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1000 + WHOLE))
def test_page_pdf_and_text_of_a_whole_contract_say_the_same(
    app: Flask, always: Always, seed: int
) -> None:
    demand_the_same(app, generated(seed), always(None))
