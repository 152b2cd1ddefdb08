"""What is printed can be read back, for every type and every term."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.terms.rules import (
    Term,
    canonical,
    coherence,
    edit_text,
    favours,
    load_schema,
    normal,
    parse,
    show,
    validate,
    value_sha256,
)
from tests.terms.values import settled

SCHEMA = load_schema()
TYPES = sorted({term.type for term in SCHEMA.terms.values()})
TABLES = [term.id for term in SCHEMA.terms.values() if term.columns]
SOME = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def terms_of(type_name: str) -> st.SearchStrategy[Term]:
    return st.sampled_from([t for t in SCHEMA.terms.values() if t.type == type_name])


@pytest.mark.parametrize("type_name", TYPES)
@SOME
@given(data=st.data())
@pytest.mark.slow
def test_what_is_printed_reads_back_as_the_same_value(type_name: str, data: st.DataObject) -> None:
    term = data.draw(terms_of(type_name))
    value = data.draw(settled(term))
    assert parse(term, show(term, value)) == value
    assert parse(term, edit_text(term, value)) == value


@pytest.mark.parametrize("term_id", TABLES)
@FEW
@given(data=st.data())
def test_every_table_reads_back(term_id: str, data: st.DataObject) -> None:
    term = SCHEMA.terms[term_id]
    value = data.draw(settled(term))
    assert parse(term, show(term, value)) == value


@pytest.mark.parametrize("type_name", TYPES)
@FEW
@given(data=st.data())
def test_the_usual_form_is_stable_and_has_canonical_bytes(
    type_name: str, data: st.DataObject
) -> None:
    term = data.draw(terms_of(type_name))
    value = data.draw(settled(term))
    assert normal(term, value) == value
    assert json.loads(canonical(value)) == value
    assert len(value_sha256(value)) == 64
    assert not any("usual form" in problem for problem in validate(term, value))


@pytest.mark.parametrize("type_name", TYPES)
@SOME
@given(data=st.data())
@pytest.mark.slow
def test_a_gain_of_one_side_is_a_loss_of_the_other_way_round(
    type_name: str, data: st.DataObject
) -> None:
    term = data.draw(terms_of(type_name))
    old = data.draw(st.one_of(st.none(), settled(term)))
    new = data.draw(st.one_of(st.none(), settled(term)))
    mirror = {"customer": "vendor", "vendor": "customer", "neutral": "neutral", "same": "same"}
    assert favours(term, new, old) == mirror[favours(term, old, new)]
    assert (favours(term, old, new) == "same") == (old == new)


CHECKED = [term for term in SCHEMA.terms.values() if term.invariants]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.slow
def test_checks_never_crash_and_name_only_terms_that_take_part(data: st.DataObject) -> None:
    values = SCHEMA.defaults()
    for term in data.draw(st.lists(st.sampled_from(CHECKED), min_size=1, max_size=12)):
        values[term.id] = data.draw(st.one_of(st.none(), settled(term)))
    for absent in data.draw(st.lists(st.sampled_from(CHECKED), max_size=4)):
        values.pop(absent.id, None)
    for finding in coherence(SCHEMA, values):
        assert finding.message.endswith(".")
        for term_id in finding.terms:
            assert finding.check in SCHEMA.terms[term_id].invariants, (term_id, finding)


@FEW
@given(data=st.data())
@pytest.mark.slow
def test_checks_of_a_contract_made_only_of_generated_values_do_not_crash(
    data: st.DataObject,
) -> None:
    values = {t.id: data.draw(st.one_of(st.none(), settled(t))) for t in CHECKED}
    findings = coherence(SCHEMA, values)
    assert [f.number for f in findings] == sorted(f.number for f in findings)
