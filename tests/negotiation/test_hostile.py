"""Hostile input over every type of term, in everything that prints a value: page, PDF, mail, CSV.

Each of five hundred strings is refused with a sentence, or becomes a value that does no harm.
"""

import csv
import io
import subprocess
import time
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import template_of
from portal.kit import clock
from portal.negotiation import actions, rules
from portal.negotiation.forms import read_value, value_field
from portal.negotiation.queries import negotiation_of
from portal.notices.models import RegionMail
from portal.signing.jobs import run_jobs
from portal.terms.rules import Term, parse, show, validate
from portal.terms.rules.special import special_term
from portal.terms.rules.standard import load_standard_terms
from tests import cast
from tests.negotiation.table import SCHEMA, offer_all, send, settle

MARKUP = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</textarea><b>x</b>", "<!--x-->",
    "{{ 7*7 }}", "{% raw %}", "&lt;b&gt;", "\"><svg onload=alert(1)>", "' or 1=1 --", "${7*7}",
    "<a href=javascript:alert(1)>x</a>", "]]>", "<style>*{display:none}</style>", "hx-get=/",
    "<br>", "{{B1}}", "{{C4}}", "%00", "\\u202e", "<details>", "<h1>Agreed</h1>",
]  # fmt: skip
HIDDEN = [
    "\u202eabc", "ab\u200bc", "\u2066x\u2069", "\ufeffx", "a\u00adb", "\u115f\u3164", "x\u0000y",
    "\u0007bell", "a\u2028b", "\U000e0041tag", "\u180e", "\u061cx", "\ud800", "\u0008\u0008",
]  # fmt: skip
FORMULAE = [
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\")",
    "|calc", "=cmd|'/c calc'!A1", "%0a=1", "'=1", "\"=1\"",
]  # fmt: skip
NUMBERS = [
    "1e999", "-1", "NaN", "inf", "٣", "９９.９", "0x10", "1_000", "99.9.9", "1,5", "9" * 400,
    "-0", "1e-999", "0.0000000001", "100.001", "1/3", "½", "10 %%",
]  # fmt: skip
LARGE = ["x" * 1_048_576, "ab " * 349_525, "\n" * 1_000_000, "| " * 500_000, "9" * 1_048_576]
MORE = [
    f"{a}{b}"
    for a in (*MARKUP, *FORMULAE, *NUMBERS)
    for b in (" 5 d", "\n99.9 %", "\u202e", " | x")
]
STRINGS = [*MARKUP, *HIDDEN, *FORMULAE, *NUMBERS, *LARGE, *MORE]
STRINGS += [f"{n} {a}" for n in (1, 30) for a in (*MARKUP, *HIDDEN, *FORMULAE)]
STRINGS += [f"{a}{b}" for a in HIDDEN for b in (*FORMULAE, *MARKUP)]
STRINGS = STRINGS[:500]

ONE_OF_EACH = {term.type: term for term in SCHEMA.terms.values()} | {"clause": special_term("X1")}
PRINTED = [t for t in SCHEMA.terms.values() if t.type in ("text", "prose", "people", "ref")]


def test_there_are_five_hundred_of_them() -> None:
    assert len(STRINGS) == 500 == len({*STRINGS})


@pytest.mark.parametrize("term", ONE_OF_EACH.values(), ids=lambda term: term.type)
def test_a_hostile_string_is_refused_in_words_or_becomes_a_harmless_value(term: Term) -> None:
    started = time.perf_counter()
    for text in STRINGS:
        value, problems = read_value(term, text)
        if problems:
            assert all(p and len(p) < 600 and "Traceback" not in p for p in problems)
            continue
        again = value if value is None else parse(term, show(term, value))
        assert again == value, text[:60]
        if validate(term, value) == []:
            printed = show(term, value)
            hidden = [c for c in printed if c != "\n" and not c.isprintable()]
            assert hidden == [], text[:60]
    assert time.perf_counter() - started < 20


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_and_reads_back(text: str) -> None:
    for term in ONE_OF_EACH.values():
        value, problems = read_value(term, text)
        assert problems or value is None or parse(term, show(term, value)) == value


class Reader(HTMLParser):
    """Collects what would run or load if the page were believed."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        inline = tag == "script" and "src" not in names
        if inline or tag in ("iframe", "object", "style") or any(n.startswith("on") for n in names):
            self.bad.append(f"<{tag} {attrs}>")
        if any((value or "").strip().lower().startswith("javascript:") for _, value in attrs):
            self.bad.append(f"<{tag} {attrs}>")


def harmless() -> dict[str, Any]:
    """Return hostile texts that may stand in a contract, spread over the terms that hold text."""
    texts = [t for t in (*MARKUP, *FORMULAE, *NUMBERS, *MORE) if len(t) < 150]
    values: dict[str, Any] = {}
    for number, term in enumerate(PRINTED):
        turned = texts[number % len(texts) :] + texts[: number % len(texts)]
        for text in turned:
            value, problems = read_value(term, text)
            if not problems and value is not None and validate(term, value) == []:
                values[term.id] = value
                break
    return values


@pytest.fixture
def hostile(eu: Session, contract: Contract) -> dict[str, Any]:
    """A contract whose second round holds hostile texts wherever a text may stand."""
    settle(eu)
    offer_all(eu, contract)
    # What the template locks stays as the contract started with it.
    locked = template_of(contract).locked
    values = {term: value for term, value in harmless().items() if term not in locked}
    assert len(values) > 15
    actions.set_offers(
        eu, contract, cast.actor("cleo"), values, at=clock.now(), reason="<b>why</b>"
    )
    clause = {"title": "<script>alert(1)</script>", "text": "=1+1\n{{ 7*7 }} <img src=x onerror=y>"}
    actions.propose_clause(
        eu, contract, cast.actor("cleo"), value=clause, reason="{{ config }}", at=clock.now()
    )
    actions.accept_rest(eu, contract, cast.actor("cleo"), at=clock.now())
    send(eu, contract, "cleo")
    return values


@pytest.mark.slow
def test_pages_show_hostile_values_as_text(
    eu: Session, contract: Contract, hostile: dict[str, Any],
    client_as: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    ada = client_as("ada")
    at = f"/contracts/{contract.id}"
    paths = ["terms?show=all", "rounds/2", "compare?from=1&to=now", "answers", "terms/X1", "rounds"]
    paths += [f"terms/{term}" for term in list(hostile)[:12]]
    for path in paths:
        answer = ada.get(f"{at}/{path}")
        settle(eu)
        assert answer.status_code == 200
        reader = Reader()
        reader.feed(answer.text)
        assert reader.bad == [], path
        assert "49" not in answer.text.split("{{ 7*7 }}")[0][-3:]
    shown = unescape(ada.get(f"{at}/rounds/2").text)
    assert "{{ 7*7 }} <img src=x onerror=y>" in shown


@pytest.mark.slow
def test_a_hostile_value_typed_into_a_form_comes_back_escaped(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    settle(eu)
    offer_all(eu, contract)
    cleo = client_as("cleo")
    seen = negotiation_of(eu, contract, cast.actor("cleo"), at=clock.now())
    sha256 = seen.standings["D1"].sha256
    settle(eu)
    for text in [*MARKUP, *HIDDEN[:6], *FORMULAE, "9" * 100_000]:
        answer = cleo.post(
            f"/contracts/{contract.id}/terms/D1/answer",
            data={"kind": "offer", "value": text, "seen_sha256": sha256},
        )
        settle(eu)
        assert answer.status_code == 422 and "Error:" in answer.text
        if "<" in text:
            assert "&lt;" in answer.text
        reader = Reader()
        reader.feed(answer.text)
        assert reader.bad == [], text
    large = cleo.post(
        f"/contracts/{contract.id}/terms/D1/answer",
        data={"kind": "offer", "value": "x" * 3_000_000, "seen_sha256": sha256},
    )
    assert large.status_code in (413, 422)


@pytest.mark.slow
def test_the_spreadsheet_holds_no_formula(
    eu: Session, contract: Contract, hostile: dict[str, Any],
    client_as: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    found = negotiation_of(eu, contract, cast.actor("ada"), at=clock.now())
    settle(eu)
    answer = client_as("ada").get(f"/contracts/{contract.id}/terms.csv")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 1 + len(found.standings)
    risky = ("=", "+", "-", "@", "\t", "\r")
    assert {cell for row in rows for cell in row if cell.startswith(risky)} <= {"-0"}
    assert any("<script>alert(1)</script>" in cell for row in rows for cell in row)


@pytest.mark.slow
def test_the_deed_prints_hostile_values_as_text(
    app: Any, eu: Session, contract: Contract, regions: Any, hostile: dict[str, Any],
    client_as: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    actions.accept_rest(eu, contract, cast.actor("ada"), at=clock.now())
    send(eu, contract, "ada")
    found = negotiation_of(eu, contract, cast.actor("ada"), at=clock.now())
    errors = [f for f in found.findings(with_draft=False) if f.level == "error"]
    assert errors == []
    contract.schema_sha256 = SCHEMA.sha256
    contract.standard_sha256 = load_standard_terms("1.0").sha256
    actions.freeze(eu, contract, cast.actor("ada"), at=clock.now())
    settle(eu)
    run_jobs(regions, app.config["SETTINGS"], at=clock.now())
    settle(eu)
    answer = client_as("ada").get(f"/contracts/{contract.id}/deed.pdf")
    assert answer.status_code == 200 and answer.data.startswith(b"%PDF")
    read = ["pdftotext", "-", "-"]
    told = subprocess.run(read, input=answer.data, capture_output=True, check=True)
    text = " ".join(told.stdout.decode().split())
    assert "<script>alert(1)</script>" in text and "{{ 7*7 }}" in text
    assert b"/JavaScript" not in answer.data and b"/Launch" not in answer.data


@pytest.mark.slow
def test_mail_carries_none_of_it(eu: Session, contract: Contract, hostile: dict[str, Any]) -> None:
    texts = [f"{m.subject} {m.text}" for m in eu.scalars(select(RegionMail))]
    assert texts and not any(
        show(SCHEMA.terms[t], value) in text
        for t, value in hostile.items()
        for text in texts
        if len(show(SCHEMA.terms[t], value)) > 6
    )


# Redlines in bounded time

WORDS = [
    "the",
    "vendor",
    "answers",
    "within",
    "hours",
    "named",
    "schedule",
    "and",
    "unless",
    "pays",
]


def clause(count: int, step: int) -> str:
    return " ".join(WORDS[(n * step + n // 7) % len(WORDS)] + str(n % 97) for n in range(count))


def test_a_clause_of_five_thousand_words_is_redlined_in_a_fifth_of_a_second() -> None:
    old = clause(5_000, 3)
    words = old.split(" ")
    new = " ".join("changed" if n % 13 == 0 else w for n, w in enumerate(words) if n % 29)
    started = time.perf_counter()
    segments = rules.difference(old, new)
    took = time.perf_counter() - started
    assert "".join(t for k, t in segments if k != "ins") == old
    assert "".join(t for k, t in segments if k != "del") == new
    assert took < 0.2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a " * 10_000, "a " * 9_999 + "b "),
        ("a b " * 5_000, "b a " * 5_000),
        ("ab" * 10_000, "ba" * 10_000),
        ("x\n" * 10_000, "x\n" * 9_000 + "y\n" * 1_000),
        ("a a b " * 3_333, "a b b " * 3_333),
        (clause(2_500, 1)[:20_000], clause(2_500, 7)[:20_000]),
    ],
)
def test_twenty_thousand_repeating_characters_are_redlined_in_a_second(old: str, new: str) -> None:
    started = time.perf_counter()
    segments = rules.difference(old, new)
    assert time.perf_counter() - started < 1
    assert "".join(t for k, t in segments if k != "ins") == old
    assert "".join(t for k, t in segments if k != "del") == new


LINES = st.lists(
    st.sampled_from(["one two", "two three", "three", "", "four five six"]), max_size=30
)


@given(LINES, LINES)
@settings(max_examples=300, deadline=None)
@pytest.mark.slow
def test_a_redline_reads_as_both_texts(one: list[str], other: list[str]) -> None:
    old, new = "\n".join(one), "\n".join(other)
    segments = rules.difference(old, new)
    assert "".join(t for k, t in segments if k != "ins") == old
    assert "".join(t for k, t in segments if k != "del") == new


def test_every_field_of_a_special_term_reads_back() -> None:
    term = special_term("X1")
    value = parse(term, "Title\nOne line\n\nand another")
    assert read_value(term, value_field(term, value).value) == (value, [])
