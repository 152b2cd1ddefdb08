"""Prices, sheets, public examples, writing a catalogue, comparing columns."""

import csv
import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.plans.rules import (
    Column,
    Numbers,
    Unfit,
    catalogue_of,
    compared,
    load_catalogue,
    load_examples,
    neutral,
    priced,
    sheet,
    sheet_rows,
    shipped_catalogues,
    tier_column,
    tier_terms,
    writing,
)
from portal.plans.rules.sheets import STARTS
from portal.terms.rules import load_schema, parse, show, value_sha256

SCHEMA = load_schema("1")
CATALOGUE = load_catalogue("northwind-4")
RAW = shipped_catalogues()[CATALOGUE.sha256]
YEAR = 2027


def test_a_share_of_the_licence_is_never_below_the_least_fee() -> None:
    business = CATALOGUE.tiers[1]
    cheap = priced(CATALOGUE, business, Numbers(licence_month=Decimal("1000")))
    dear = priced(CATALOGUE, business, Numbers(licence_month=Decimal("12345.67")))
    assert cheap and cheap.text == "1,500.00 USD a month" and "least fee" in cheap.working
    assert dear and dear.month == Decimal("2469.13") and dear.working == "20 % of 12,345.67"
    assert priced(CATALOGUE, business, Numbers()) is None


@given(st.decimals(0, 10**7, places=2), st.integers(0, 10**5))
def test_more_never_costs_less(fee: Decimal, units: int) -> None:
    raw = writing.empty("V")
    price = {"basis": "per_unit", "unit_month": "4", "min_month": "100"}
    per_unit = catalogue_of(writing.with_head(raw, 0, name="A", price=price))
    a = priced(per_unit, per_unit.tiers[0], Numbers(units=units))
    b = priced(per_unit, per_unit.tiers[0], Numbers(units=units + 1))
    assert a and b and Decimal(100) <= a.month <= b.month
    for tier in CATALOGUE.tiers:
        low = priced(CATALOGUE, tier, Numbers(licence_month=fee))
        high = priced(CATALOGUE, tier, Numbers(licence_month=fee + 1))
        assert low and high and low.month <= high.month


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=6))
def test_no_cell_of_a_sheet_is_a_formula_and_no_word_is_lost(rows: list[list[str]]) -> None:
    rows = [[cell.replace("\x00", "") for cell in row] for row in rows]
    read = list(csv.reader(io.StringIO(sheet(rows).decode("utf-8-sig"), newline="")))
    for written, cells in zip(rows, read, strict=True):
        for text, cell in zip(written, cells, strict=True):
            assert not cell.lstrip(" \u00a0").startswith(STARTS)
            assert cell in (text, f"'{text}")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =cmd|' /C calc'!A0", "＝1"]
)
def test_what_could_start_a_formula_is_quoted(text: str) -> None:
    assert neutral(text) == f"'{text}"
    assert neutral("4 hours") == "4 hours"


def test_every_public_example_names_its_source_and_reads_as_a_catalogue() -> None:
    examples = load_examples()
    assert len(examples) == 17
    found = [catalogue_of(raw) for raw in examples.values()]
    assert all(one.source for one in found)
    assert sum(len(one.tiers) for one in found) == 53 + 5
    for one in found:
        assert all(len(feature.values) == len(one.tiers) for feature in one.features)
        for tier in one.tiers:
            tier_terms(SCHEMA, one, tier.name)


def test_a_fact_becomes_a_term_only_in_the_sense_of_that_term() -> None:
    hat = catalogue_of(load_examples()["red-hat-production-support"])
    standard = tier_terms(SCHEMA, hat, "Standard")
    said = lambda term: show(SCHEMA.terms[term], standard[term])  # noqa: E731
    assert said("C4.S2.first_response") == "4 business hours"
    assert said("C4.S3.first_response") == "1 business day"
    exoscale = catalogue_of(load_examples()["exoscale-support"])
    assert set(tier_terms(SCHEMA, exoscale, "Starter")) == {"A12"}, "no clock is stated"
    assert any("p1" in f.label.casefold() for f in exoscale.features)


def test_a_vendors_own_words_become_the_same_terms_in_the_editor() -> None:
    draft = writing.next_draft(SCHEMA, RAW, number=5)
    after = catalogue_of(draft)
    for tier in CATALOGUE.tiers:
        old, new = (tier_terms(SCHEMA, c, tier.name) for c in (CATALOGUE, after))
        assert {k: v for k, v in old.items() if k != "A12"} == {
            k: v for k, v in new.items() if k != "A12"
        }
    assert writing.next_draft(SCHEMA, draft, number=6) == {**draft, "version": 6}
    assert writing.publishing_problems(SCHEMA, draft) == []


def test_the_shipped_catalogue_keeps_the_hash_contracts_are_pinned_to() -> None:
    assert value_sha256(RAW) == CATALOGUE.sha256
    stored = json.loads(json.dumps(RAW, ensure_ascii=False), parse_float=str)
    assert value_sha256(stored) == CATALOGUE.sha256


def test_a_tier_says_what_is_typed_or_where_it_cannot_stand() -> None:
    raw = writing.with_terms(
        SCHEMA, writing.empty("V"), 0, {"D1": "99.95 %", "B7": "", "P6": "60 d"}
    )
    assert raw["tiers"][0]["terms"] == {"D1": "99.95 %", "P6": "60 days"}
    with pytest.raises(Unfit) as told:
        writing.with_terms(SCHEMA, raw, 0, {"D1": "almost always"})
    assert told.value.field == "D1"
    with pytest.raises(Unfit) as told:
        writing.with_head(raw, 0, name="A/B", price={"basis": "flat", "min_month": "1"})
    assert told.value.field == "name"
    with pytest.raises(Unfit) as told:
        writing.with_head(raw, 0, name="A", price={"basis": "pct_of_licence", "pct": "many"})
    assert told.value.field == "pct"


def test_free_rows_stay_with_their_tiers_when_one_is_added_or_taken_out() -> None:
    raw = writing.with_tier_added(writing.empty("V"), copy_of=0)
    row = {"label": "Phone", "kind": "yes_no", "values": ["no", "Yes"]}
    raw = writing.with_features(raw, [row])
    raw = writing.with_tier_added(raw, copy_of=1)
    assert raw["features"][0]["values"] == ["no", "yes", "yes"]
    raw = writing.with_tier_removed(raw, 0)
    assert raw["features"][0]["values"] == ["yes", "yes"]
    with pytest.raises(Unfit, match="yes or no"):
        writing.with_features(raw, [{**row, "values": ["maybe", ""]}])


HOSTILE = [
    "", "[]", "{", '{"tiers": []}', '{"tiers": [{}]}', '{"tiers": [1]}', '{"tiers": "x"}',
    '{"tiers": [{"name": "A", "price": 5, "terms": {}}]}',
    '{"tiers": [{"name": "A\\u202e", "price": {"basis": "flat", "min_month": 1}, "terms": {}}]}',
    '{"tiers": [{"name": "A", "price": {"basis": "flat", "min_month": 1}, "terms": {"ZZ": "1"}}]}',
    '{"tiers": [{"name": "A", "price": {"basis": "flat", "min_month": 1e999}, "terms": {}}]}',
    '{"columns": 5, "rows": 6}', "[" * 20_000, "9" * 500_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_catalogue_that_cannot_stand_is_told_and_never_taken(text: str) -> None:
    with pytest.raises(Unfit) as told:
        writing.read_import(SCHEMA, text, vendor="V", number=1)
    assert told.value.field == "content" and told.value.message


def test_what_was_exported_reads_back_the_same() -> None:
    draft = writing.next_draft(SCHEMA, RAW, number=5)
    rows = [
        {"group": "Law", "label": "HIPAA", "kind": "yes_no", "values": ["no", "no", "yes", "yes"]}
    ]
    draft = writing.with_features(draft, rows)
    again = writing.read_import(SCHEMA, json.dumps(draft), vendor=draft["vendor"], number=5)
    assert again == draft


def columns() -> list[Column]:
    return [
        tier_column(SCHEMA, CATALOGUE, t, key=t.name, numbers=Numbers()) for t in CATALOGUE.tiers
    ]


@pytest.mark.slow
def test_differences_only_shows_the_rows_that_differ_and_no_other() -> None:
    every = compared(SCHEMA, columns(), year=YEAR, only_differences=False)
    some = compared(SCHEMA, columns(), year=YEAR, only_differences=True)
    rows = lambda found: [row for section in found for row in section.rows]  # noqa: E731
    assert rows(some) == [row for row in rows(every) if row.differs]
    assert 0 < len(rows(some)) < len(rows(every))
    assert all((len({c.text for c in row.cells}) > 1) == row.differs for row in rows(every))
    same = [columns()[0], columns()[0]]
    assert compared(SCHEMA, same, year=YEAR, only_differences=True) == []


def test_a_clock_in_business_hours_says_what_it_can_mean_at_worst() -> None:
    sections = compared(SCHEMA, columns(), year=YEAR, only_differences=False)
    row = next(r for s in sections for r in s.rows if r.code == "C4.S1.first_response")
    assert row.cells[0].text == "4 business hours"
    assert row.cells[0].worst and "on the wall clock: reported Friday" in row.cells[0].worst
    assert row.cells[-1].worst is None, "it runs round the clock"
    assert [cell.best for cell in row.cells] == [False, False, False, True]


def test_a_contract_answers_every_row_of_the_tiers_and_adds_none() -> None:
    values = {**SCHEMA.defaults(), "D1": "99.5", "C4.S1.first_response": parse(
        SCHEMA.terms["C4.S1.first_response"], "2 h")}  # fmt: skip
    own = Column("eu-X", "CRM support", "eu-X", values, is_contract=True)
    alone = compared(SCHEMA, columns(), year=YEAR, only_differences=False)
    joined = compared(SCHEMA, [*columns(), own], year=YEAR, only_differences=False)
    codes = lambda found: [row.code for section in found for row in section.rows]  # noqa: E731
    assert codes(joined) == codes(alone)
    assert all(row.cells[-1].said for section in joined for row in section.rows)


def test_free_features_stand_beside_terms_and_say_what_is_not_stated() -> None:
    found = catalogue_of(load_examples()["e-signature-platforms"])
    tiers = [tier_column(SCHEMA, found, t, key=t.name, numbers=Numbers()) for t in found.tiers]
    sections = compared(SCHEMA, [*tiers, columns()[0]], year=YEAR, only_differences=False)
    bulk = next(r for s in sections for r in s.rows if r.label == "Bulk send")
    assert [cell.text for cell in bulk.cells] == [
        "Included", "Add-on", "Included", "not stated", "not stated", "not stated",
    ]  # fmt: skip
    rows = sheet_rows([*tiers, columns()[0]], sections)
    assert rows[1][0] == "Source (not an offer)"
    assert all(len(row) == 7 for row in rows)
