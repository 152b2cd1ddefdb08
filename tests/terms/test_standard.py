"""The Standard Support Terms: complete, in order, literal, and pinned."""

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.terms.rules.standard import (
    Clause,
    StandardTerms,
    clause_of,
    fill,
    load_standard_terms,
    places,
)

# A published version never changes. Another text is another version in another file.
DIGEST_1_0 = "0e861af7482dc14bd3e9ba15342e664397087405cb91c033517618e5b141bb25"

SECTION_TITLES = [
    "How the contract fits together",
    "The support service",
    "Severity",
    "Targets and clocks",
    "Availability",
    "Maintenance",
    "Updates, releases and change",
    "Escalation and disputes",
    "Responsibilities",
    "Scope",
    "Licence, customisation and integration",
    "Service credits and remedies",
    "Liability, warranty, insurance, data",
    "Measurement",
    "Reports, audits and reviews",
    "Fees",
    "Term, renewal and exit",
    "Changing the contract",
    "Notices, electronic signing and evidence; general",
]

DEFINED_WORDS = """
Affiliate | Amendment | Cover sheet | Customer data | Named contact | Notice | Portal | Software |
Special terms | Support service | Business day | Business hour | Freeze | Open hours | Pause |
Peak | Period | Sales-critical hours | Support hours | Available | Outage | Credit |
Emergency maintenance | First response | Incident | Release | Report | Resolution |
Scheduled maintenance | Target | Update | Workaround
"""

# Tabs, line ends, runs of spaces, straight quotes, and characters that do not show.
UNCLEAN = re.compile(r"[\t\n\r]|  |[\"'\u00a0\u200b-\u200f\u202a-\u202e\ufeff]")

INJECTIONS = [
    "{{7*7}}",
    "{{D1}}",
    "{{ D1 }}",
    "{{{{D1}}}}",
    "{{{D1}}}",
    "{{B1}} and {{B1}}",
    "{{config}}",
    "{{config.items()}}",
    "{{self.__init__.__globals__}}",
    "{{''.__class__.__mro__[1].__subclasses__()}}",
    "{{request.application.__globals__}}",
    "{{cycler.__init__.__globals__.os.popen('id').read()}}",
    "{{lipsum.__globals__['os']}}",
    "{{'a'|upper}}",
    "{{constructor.constructor('return 1')()}}",
    "{% if 1 %}x{% endif %}",
    "{% for x in y %}{{x}}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'base.html' %}",
    "{% raw %}{{D1}}{% endraw %}",
    "{%- set a = 1 -%}",
    "{# a remark #}",
    "{0}",
    "{}",
    "{0.__class__}",
    "{texts}",
    "{B1}",
    "{place.__class__.__init__.__globals__}",
    "%s",
    "%(B1)s",
    "%n%n%n",
    "%",
    "$x",
    "${x}",
    "${7*7}",
    "$B1",
    "$$",
    "#{7*7}",
    "#set($x=7)",
    "*{7*7}",
    "@(7*7)",
    "<%= 7*7 %>",
    "<script>alert(1)</script>",
    "[[7*7]]",
    r"\1",
    r"\g<1>",
    r"\g<0>",
    r"\\",
    "\\n\\t",
    "}}{{D1",
    "{{",
    "}}",
    "{{D1",
    "D1}}",
]


@pytest.fixture(scope="module")
def terms() -> StandardTerms:
    return load_standard_terms("1.0")


def clauses(terms: StandardTerms) -> Iterator[Clause]:
    return (clause for section in terms.sections for clause in section.clauses)


def paragraphs(terms: StandardTerms) -> Iterator[tuple[str, str]]:
    return ((clause.id, text) for clause in clauses(terms) for text in clause.paragraphs)


def schema_ids() -> frozenset[str]:
    """Every term id of schema 1; imported late, so the other facts here stand by themselves."""
    from portal.terms.rules import load_schema

    return frozenset(load_schema("1").terms)


def test_the_file_names_its_version_title_and_licence(terms: StandardTerms) -> None:
    named = (terms.version, terms.title, terms.licence)
    assert named == ("1.0", "Standard Support Terms", "CC BY 4.0")


def test_sections_are_numbered_in_the_agreed_order(terms: StandardTerms) -> None:
    assert [section.number for section in terms.sections] == list(range(1, 20))
    assert [section.title for section in terms.sections] == SECTION_TITLES


def test_clause_ids_count_up_within_their_section(terms: StandardTerms) -> None:
    for section in terms.sections:
        expected = [f"{section.number}.{nth}" for nth in range(1, len(section.clauses) + 1)]
        assert [clause.id for clause in section.clauses] == expected


def test_every_clause_has_a_short_title_of_its_own_and_some_text(terms: StandardTerms) -> None:
    for section in terms.sections:
        titles = [clause.title for clause in section.clauses]
        assert len(set(titles)) == len(titles)
        assert all(0 < len(title) <= 60 for title in titles)
    assert all(clause.paragraphs for clause in clauses(terms))


def test_every_clause_named_in_the_text_exists(terms: StandardTerms) -> None:
    ids = {clause.id for clause in clauses(terms)}
    named = [
        (where, number)
        for where, text in paragraphs(terms)
        for group in re.findall(r"clauses? (\d+\.\d+(?:(?:, | and )\d+\.\d+)*)", text)
        for number in re.findall(r"\d+\.\d+", group)
    ]
    assert len(named) >= 30
    assert [pair for pair in named if pair[1] not in ids or pair[1] == pair[0]] == []


def test_every_section_named_in_the_text_exists(terms: StandardTerms) -> None:
    named = [
        int(number)
        for _, text in paragraphs(terms)
        for group in re.findall(r"sections? (\d+(?:(?:, | and | to )\d+)*)", text)
        for number in re.findall(r"\d+", group)
    ]
    assert named
    assert set(named) <= {section.number for section in terms.sections}


def test_every_place_names_a_term_or_the_start_of_several(terms: StandardTerms) -> None:
    ids = schema_ids()
    starts = {i[: dot.start()] for i in ids for dot in re.finditer(r"\.", i)}
    strangers = {
        (clause.id, place)
        for clause in clauses(terms)
        for place in clause.places
        if place not in ids | starts
    }
    assert strangers == set()


def test_every_term_of_the_schema_is_placed(terms: StandardTerms) -> None:
    assert sorted(i for i in schema_ids() if clause_of(terms, i) is None) == []


def test_only_the_target_matrix_is_placed_as_a_whole(terms: StandardTerms) -> None:
    placed = {place for clause in clauses(terms) for place in clause.places}
    assert {i.partition(".")[0] for i in schema_ids() - placed} == {"C4"}


def test_no_term_is_stated_twice(terms: StandardTerms) -> None:
    stated = [place for clause in clauses(terms) for place in clause.places]
    assert len(stated) == len(set(stated))


def test_a_clause_lists_its_places_in_order(terms: StandardTerms) -> None:
    for clause in clauses(terms):
        assert clause.places == places("\n".join(clause.paragraphs))


def test_no_brace_is_left_over_when_every_place_is_filled(terms: StandardTerms) -> None:
    for where, text in paragraphs(terms):
        filled = fill(text, dict.fromkeys(places(text), "x"))
        assert not set(filled) & set("{}"), where


def test_every_defined_word_is_defined_once(terms: StandardTerms) -> None:
    text = "\n".join(text for where, text in paragraphs(terms) if where.startswith("1."))
    for word in map(str.strip, DEFINED_WORDS.split("|")):
        found = re.findall(rf"“{re.escape(word)}” (?:means|has the meaning)", text)
        assert len(found) == 1, word


def test_the_text_speaks_to_both_parties(terms: StandardTerms) -> None:
    whole = " ".join(text for _, text in paragraphs(terms))
    assert whole.count("the Vendor must") + whole.count("The Vendor must") >= 40
    assert len(re.findall(r"[Tt]he Customer must|[Ee]ach party must|[Bb]oth parties", whole)) >= 20
    assert "shall" not in whole.lower().split()


@pytest.mark.parametrize(
    ("term", "clause"),
    [
        ("D1", "5.1"),
        ("C4", "4.1"),
        ("C4.S1.first_response", "4.1"),
        ("C4.S1", "4.1"),
        ("Z9", None),
        ("Z9.C4", None),
        ("C", None),
        ("", None),
    ],
)
def test_a_term_leads_to_the_clause_that_places_it(
    terms: StandardTerms, term: str, clause: str | None
) -> None:
    assert clause_of(terms, term) == clause


def test_one_id_is_never_taken_for_the_start_of_another(terms: StandardTerms) -> None:
    assert clause_of(terms, "A1") != clause_of(terms, "A11")
    assert clause_of(terms, "A111") is None


def test_places_are_found_in_order_and_once() -> None:
    assert places("{{B2}} then {{B1}} then {{B2}}, {{C4.S1.first_response}}") == (
        "B2",
        "B1",
        "C4.S1.first_response",
    )


@pytest.mark.parametrize("text", ["{{7*7}}", "{{ B1 }}", "{B1}", "{{b1}}", "{{B1.}}", "{{B1", ""])
def test_what_only_looks_like_a_place_is_none(text: str) -> None:
    assert places(text) == ()
    assert fill(text, {"B1": "wrong"}) == text


@pytest.mark.parametrize("payload", INJECTIONS)
def test_a_value_is_shown_as_typed(payload: str) -> None:
    texts = {"B1": payload, "D1": "ninety-nine", "x": "wrong"}
    filled = fill("Hours: {{B1}}. Uptime: {{D1}}.", texts)
    assert filled == f"Hours: {payload}. Uptime: ninety-nine."


def test_there_are_at_least_fifty_such_payloads() -> None:
    assert len(set(INJECTIONS)) >= 50


@given(first=st.text(), second=st.text())
def test_filling_is_literal_for_any_text(first: str, second: str) -> None:
    filled = fill("{{B1}}|{{D1}}|{{B1}}", {"B1": first, "D1": second})
    assert filled == f"{first}|{second}|{first}"


def test_a_place_without_a_text_is_an_error_that_names_it() -> None:
    with pytest.raises(KeyError, match="D1"):
        fill("{{B1}} {{D1}}", {"B1": "x"})


def test_the_published_text_has_not_changed(terms: StandardTerms) -> None:
    assert terms.sha256 == DIGEST_1_0


def test_the_digest_can_be_computed_from_what_is_published(terms: StandardTerms) -> None:
    content = {
        "version": terms.version,
        "title": terms.title,
        "licence": terms.licence,
        "sections": [
            {
                "number": section.number,
                "title": section.title,
                "clauses": [
                    {"id": clause.id, "title": clause.title, "paragraphs": clause.paragraphs}
                    for clause in section.clauses
                ],
            }
            for section in terms.sections
        ],
    }
    # Plain keys, strings and whole numbers: sorted compact JSON is RFC 8785 here.
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(plain.encode()).hexdigest() == terms.sha256


def test_loading_twice_gives_the_same_terms() -> None:
    assert load_standard_terms() is load_standard_terms()


@pytest.mark.parametrize("version", ["9.9", "", "1", "../1.0", "1.0/../1.0", "1.0\n"])
def test_an_unknown_version_is_refused(version: str) -> None:
    with pytest.raises(LookupError, match="no version"):
        load_standard_terms(version)


def test_the_text_is_clean(terms: StandardTerms) -> None:
    for where, text in paragraphs(terms):
        assert text == unicodedata.normalize("NFC", text), where
        assert not UNCLEAN.search(text), where
        assert text[0].isupper() or text[0] == "“", where
        assert text.endswith((".", "}}")), where


def test_the_file_itself_is_clean() -> None:
    raw = files("portal.terms").joinpath("data", "standard-terms-1.0.toml").read_text("utf-8")
    assert raw == unicodedata.normalize("NFC", raw)
    assert not re.search(r"\t|\r|  | \n", raw)
    assert max(map(len, raw.splitlines())) <= 100
    assert set(tomllib.loads(raw)) == {"version", "title", "licence", "section"}
