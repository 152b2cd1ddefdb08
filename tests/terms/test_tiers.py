"""The demo catalogue: each tier is a preset that may stand as a contract."""

import json

import pytest

from portal.plans.rules import (
    CatalogueBroken,
    departures,
    load_catalogue,
    price_text,
    read_catalogue,
    tier_rows,
    tier_terms,
)
from portal.terms.rules import coherence, load_schema, show, validate

SCHEMA = load_schema()
CATALOGUE = load_catalogue("northwind-4")
NAMES = ["Essential", "Business", "Enterprise", "Sales-Critical"]


def said(tier: str, term_id: str) -> str:
    return show(SCHEMA.terms[term_id], tier_terms(SCHEMA, CATALOGUE, tier)[term_id])


def test_the_catalogue_is_one_version_of_one_vendor():
    assert (CATALOGUE.vendor, CATALOGUE.version, CATALOGUE.currency) == (
        "Northwind Systems",
        4,
        "USD",
    )
    assert len(CATALOGUE.sha256) == 64
    assert [tier.name for tier in CATALOGUE.tiers] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_tier_is_valid(name):
    preset = tier_terms(SCHEMA, CATALOGUE, name)
    assert len(preset) >= 40
    assert {i: validate(SCHEMA.terms[i], v) for i, v in preset.items()} == {i: [] for i in preset}


@pytest.mark.parametrize(
    ("name", "warnings"),
    [
        ("Essential", {"C2", "C10"}),
        ("Business", {"C5", "C10"}),
        ("Enterprise", {"C5"}),
        ("Sales-Critical", {"C3", "C5"}),
    ],
)
def test_a_tier_over_the_defaults_is_coherent(name, warnings):
    values = SCHEMA.defaults() | tier_terms(SCHEMA, CATALOGUE, name)
    found = coherence(SCHEMA, values)
    assert [f for f in found if f.level == "error"] == []
    assert {f.check for f in found} == warnings


@pytest.mark.parametrize(
    ("tier", "term_id", "words"),
    [
        ("Essential", "B1", "Mo-Fr 09:00-17:00 America/New_York"),
        ("Essential", "C4.S1.first_response", "4 business hours"),
        ("Essential", "C4.S3.resolution", "none"),
        ("Essential", "C4.S1.commitment", "target"),
        ("Essential", "K1", "none"),
        ("Essential", "N3", "none"),
        ("Essential", "L1", "0.5 x 12-month fees"),
        ("Business", "C4.S3.resolution", "next release"),
        ("Business", "B6", "S1 | portal, e-mail, phone\nS2 | portal, e-mail\n"
         "S3 | portal, e-mail\nS4 | portal, e-mail"),
        ("Business", "K1", "95 % | 99 % | 25 %"),
        ("Business", "K8", "30 days"),
        ("Business", "P10", "rises by at most a share"),
        ("Enterprise", "B1", "24x5 America/New_York"),
        ("Enterprise", "C4.S3.first_response", "8 hours, round the clock Monday to Friday"),
        ("Enterprise", "C4.S1.first_response", "30 minutes, round the clock"),
        ("Enterprise", "N5.offset", "10 business days"),
        ("Enterprise", "P10", "follows an index with a limit"),
        ("Sales-Critical", "B7", "unlimited"),
        ("Sales-Critical", "D3", "99.99 %"),
        ("Sales-Critical", "C4.S1.peak_first_response", "10 minutes, round the clock"),
        ("Sales-Critical", "E7", "quarter-end -5bd..+2bd America/New_York; "
         "20-30 Nov America/New_York"),
        ("Sales-Critical", "F4", "critical | 48 hours\nhigh | 14 days\nmedium | 60 days"),
        ("Sales-Critical", "N3", "S1 | 2 business days | 5 business days\n"
         "S2 | none | 5 business days"),
        ("Sales-Critical", "K4", "3 times"),
        ("Sales-Critical", "L3", "3 x 12-month fees"),
        ("Sales-Critical", "P3", "renews only when both sign"),
        ("Sales-Critical", "A12", "Sales-Critical | 4 | sha256:"),
    ],
)  # fmt: skip
def test_a_tier_says_what_the_catalogue_says(tier, term_id, words):
    assert words in said(tier, term_id)


def test_the_price_is_said_in_words():
    texts = [price_text(CATALOGUE, tier) for tier in CATALOGUE.tiers]
    assert texts[1] == "20 % of the licence fee, at least 1,500.00 USD a month"
    assert len(set(texts)) == 4


def test_departures_name_the_terms_that_left_the_tier():
    preset = tier_terms(SCHEMA, CATALOGUE, "Business")
    values = SCHEMA.defaults() | preset
    assert departures(values, preset) == []
    assert departures(values | {"D1": "99.5", "A6": "England"}, preset) == ["D1"]


def test_tiers_stand_side_by_side():
    rows = dict(tier_rows(SCHEMA, CATALOGUE))
    assert rows["D1"] == ["99.5 %", "99.9 %", "99.95 %", "99.95 %"]
    assert "A12" not in rows
    assert list(rows) == [i for i in SCHEMA.terms if i in rows]


@pytest.mark.parametrize("name", ["nobody", "../northwind-4", "", "Northwind-4"])
def test_a_catalogue_that_is_not_there_is_refused(name):
    with pytest.raises(CatalogueBroken, match="no catalogue"):
        load_catalogue(name)


def test_a_tier_that_is_not_there_is_refused():
    with pytest.raises(CatalogueBroken, match="no tier"):
        tier_terms(SCHEMA, CATALOGUE, "Platinum")


@pytest.mark.parametrize(
    ("part", "value", "term_id"),
    [("uptime_pct", "high", "D1"), ("uptime_pct", "80.5", "D1"), ("critical_patch", "now", "F4")],
)
def test_a_catalogue_no_term_can_hold_names_the_tier_and_the_term(part, value, term_id):
    offer = json.loads(json.dumps(CATALOGUE.tiers[0].offer)) | {part: value}
    raw = {"version": 5, "vendor": "Northwind Systems", "currency": "USD", "tiers": [offer]}
    with pytest.raises(CatalogueBroken, match=f"Essential, {term_id}"):
        tier_terms(SCHEMA, read_catalogue(json.dumps(raw)), "Essential")


def test_a_changed_catalogue_has_another_hash():
    raw = {"version": 4, "vendor": "V", "currency": "USD", "tiers": []}
    assert read_catalogue(json.dumps(raw)).sha256 == read_catalogue(json.dumps(raw)).sha256
    other = json.dumps(raw | {"version": 5})
    assert read_catalogue(other).sha256 != read_catalogue(json.dumps(raw)).sha256
