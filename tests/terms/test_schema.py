"""The schema is whole: every row is there, owned, explained, with a default that holds."""

from collections import Counter

import pytest

from portal.terms.rules import (
    SchemaBroken,
    coherence,
    edit_text,
    load_schema,
    parse,
    show,
    validate,
)
from portal.terms.rules.coherence import CHECKS
from portal.terms.rules.schema import INVARIANTS, ROLES_CUSTOMER, ROLES_VENDOR

SCHEMA = load_schema()
TERMS = list(SCHEMA.terms.values())

ROWS = {
    "A": 14, "B": 12, "C": 11, "D": 14, "E": 12, "F": 19, "G": 8, "H": 3, "I": 8,
    "J": 14, "K": 16, "L": 14, "M": 4, "N": 12, "O": 13, "P": 21, "Q": 3,
}  # fmt: skip
TARGETS = ("first_response", "peak_first_response", "update_every", "workaround")
TARGETS += ("resolution", "attainment", "commitment", "rca")


def ids(term):
    return term.id


@pytest.mark.parametrize(("group", "count"), ROWS.items())
def test_every_row_of_each_group_is_there(group, count):
    rows = {term.id.split(".")[0] for term in SCHEMA.in_group(group)}
    assert rows == {f"{group}{number}" for number in range(1, count + 1)}


def test_the_target_matrix_is_a_term_for_each_severity_and_column():
    matrix = {f"C4.{s}.{t}" for s in ("S1", "S2", "S3", "S4") for t in TARGETS}
    assert {term.id for term in TERMS if term.id.startswith("C4")} == matrix


def test_the_groups_are_in_the_order_of_the_contract():
    assert [group.code for group in SCHEMA.groups] == list(ROWS)
    assert all(group.title for group in SCHEMA.groups)


@pytest.mark.parametrize("term", TERMS, ids=ids)
def test_every_term_is_explained_and_owned(term):
    assert term.label and term.help.endswith(".") and term.drives
    assert term.owners_customer and set(term.owners_customer) <= ROLES_CUSTOMER
    assert term.owners_vendor and set(term.owners_vendor) <= ROLES_VENDOR
    assert term.widget in ("text", "textarea", "select", "radio", "checkboxes")
    assert set(term.invariants) <= set(INVARIANTS)


@pytest.mark.parametrize("term", TERMS, ids=ids)
def test_every_default_is_valid_and_reads_back(term):
    assert validate(term, term.default) == []
    assert parse(term, show(term, term.default)) == term.default
    assert parse(term, edit_text(term, term.default)) == term.default


@pytest.mark.parametrize("term", [t for t in TERMS if t.options], ids=ids)
def test_every_option_is_read_by_its_code_and_by_its_label(term):
    for option in term.options:
        expected = [option.code] if term.type == "multi" else option.code
        assert parse(term, option.code) == expected
        assert parse(term, option.label) == expected


def test_names_and_labels_are_not_used_twice():
    for said in ("name", "label"):
        counts = Counter(getattr(term, said) for term in TERMS)
        assert {name: n for name, n in counts.items() if n > 1} == {}


def test_defaults_are_coherent():
    found = coherence(SCHEMA, SCHEMA.defaults())
    assert [f for f in found if f.level == "error"] == []
    assert {(f.check, f.terms) for f in found} == {("C5", ("D1", "F15"))}


def test_defaults_are_copies():
    SCHEMA.defaults()["B1"]["days"].clear()
    assert SCHEMA.defaults()["B1"]["days"] != []


def test_every_check_is_named_by_a_term_and_every_named_check_exists():
    named = {check for term in TERMS for check in term.invariants}
    assert named == {f"C{number}" for number in CHECKS} == set(INVARIANTS)


def test_every_term_that_can_be_in_business_time_takes_part_in_check_two():
    for term in TERMS:
        units = {unit for shape in (term, *term.columns) for unit in shape.unit_options}
        if units & {"bh", "bd"}:
            assert "C2" in term.invariants, term.id


def test_the_schema_is_loaded_once_and_known_by_its_hash():
    assert load_schema("1") is load_schema("1")
    assert SCHEMA.version == "1"
    assert len(SCHEMA.sha256) == 64


def test_a_term_is_found_by_code_name_or_both():
    support_hours = SCHEMA.terms["B1"]
    for reference in ("B1", "support_hours", "B1.support_hours"):
        assert SCHEMA.find(reference) is support_hours
    assert SCHEMA.find("B1.uptime_target") is None
    assert SCHEMA.find("first_response_s1") is SCHEMA.terms["C4.S1.first_response"]


@pytest.mark.parametrize("version", ["2", "../1", "", "1/../1"])
def test_a_version_that_is_not_there_is_refused(version):
    with pytest.raises(SchemaBroken, match="no schema version"):
        load_schema(version)
