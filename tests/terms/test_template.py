"""The first template: published, pinned, and narrower than the schema."""

from pathlib import Path

import pytest

import portal.templates.rules.template as rules
from portal.templates.rules.template import (
    TemplateBroken,
    load_template,
    outside_allowed,
    read_template,
)
from portal.terms.rules import coherence, load_schema, parse, validate
from portal.terms.rules.standard import load_standard_terms

SCHEMA = load_schema()
TEMPLATE = load_template("standard-support", 1)
TEXT = (Path(rules.__file__).parents[1] / "data" / "template-standard-support-1.toml").read_text(
    encoding="utf-8"
)


def test_the_template_is_published_and_known_by_its_hash():
    assert (TEMPLATE.name, TEMPLATE.number) == ("Standard software support", 1)
    assert TEMPLATE.status == "published"
    assert len(TEMPLATE.sha256) == 64
    assert read_template(TEXT.replace("P1 = ", "P4 = ")).sha256 != TEMPLATE.sha256


def test_what_the_template_pins_exists():
    assert load_schema(TEMPLATE.schema).version == TEMPLATE.schema
    assert load_standard_terms(TEMPLATE.standard_terms).version == TEMPLATE.standard_terms


def test_its_defaults_are_every_term_valid_and_coherent():
    assert TEMPLATE.defaults.keys() == SCHEMA.terms.keys()
    for term_id, value in TEMPLATE.defaults.items():
        assert validate(SCHEMA.terms[term_id], value) == []
        assert outside_allowed(TEMPLATE, SCHEMA.terms[term_id], value) is None
    found = coherence(SCHEMA, TEMPLATE.defaults)
    assert [f for f in found if f.level == "error"] == []


def test_its_own_default_goes_over_that_of_the_schema():
    assert TEMPLATE.defaults["P1"] != SCHEMA.terms["P1"].default
    assert TEMPLATE.defaults["P1"] == parse(SCHEMA.terms["P1"], "12 months")


def test_signers_and_settings():
    slots = TEMPLATE.slots
    assert (slots.vendor, slots.customer, slots.order) == ((1, 2), (1, 2), "sequential")
    assert TEMPLATE.settings == {
        "reminder_hours": 48,
        "offer_expiry_days": 30,
        "archive_days": 365,
    }
    assert TEMPLATE.locked == {"A10", "A11", "Q1", "Q3"}
    assert [change.number for change in TEMPLATE.changelog] == [1]


@pytest.mark.parametrize(
    ("term_id", "text", "said"),
    [
        ("D1", "99 %", None),
        ("D1", "98.9 %", "99 % or more"),
        ("D1", "99.999 %", "99.99 % or less"),
        ("C4.S1.first_response", "4 bh", None),
        ("C4.S1.first_response", "1 bd", "4 business hours or less"),
        ("P6", "29 d", "30 days or more"),
        ("P6", "121 d", "120 days or less"),
        ("K5", "none", "needs a value"),
        ("P3", "expires", "Choose one of"),
        ("P3", "auto", None),
        ("A6", "England", None),
    ],
)
def test_a_value_out_of_what_the_template_allows_is_told(term_id, text, said):
    term = SCHEMA.terms[term_id]
    told = outside_allowed(TEMPLATE, term, parse(term, text))
    assert told is None if said is None else said in (told or "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"published"', '"secret"', "status"),
        ('"12 mo"', '"soon"', "P1"),
        ('"12 mo"', '"85 mo"', "P1"),
        ('"Q3"', '"Z9"', "Z9"),
        ('one_of = ["auto"', 'some_of = ["auto"', "P3"),
        ("P3 = { one_of", 'A7 = { min = "x" }\nP3 = { one_of', "no scale"),
        ('order = "sequential"', 'order = "random"', "order"),
        ("date = 2026-11-02", 'date = "soon"', "date"),
    ],
)
def test_a_template_the_schema_does_not_know_is_refused(old, new, said):
    assert old in TEXT
    with pytest.raises(TemplateBroken, match=said):
        read_template(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("name", ["none", "../x", ""])
def test_a_template_that_is_not_there_is_refused(name):
    with pytest.raises(TemplateBroken, match="no template"):
        load_template(name, 1)
    with pytest.raises(TemplateBroken, match="no template"):
        load_template("standard-support", 2)
