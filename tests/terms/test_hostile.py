"""Hostile input gives a clear refusal or a harmless value, quickly."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.terms.rules import Unreadable, canonical, load_schema, parse, show, validate

SCHEMA = load_schema()
ONE_OF_EACH = list({term.type: term for term in SCHEMA.terms.values()}.values())
WRITTEN = [SCHEMA.terms[i] for i in ("A1", "D6", "A11", "C1", "A8", "H1")]


def ids(term):
    return term.type


HIDDEN = {
    "nul": "\x00",
    "escape": "\x1b",
    "delete": "\x7f",
    "next_line": "\x85",
    "soft_hyphen": "\xad",
    "zero_width_space": "\u200b",
    "zero_width_joiner": "\u200d",
    "word_joiner": "\u2060",
    "byte_order_mark": "\ufeff",
    "right_to_left_mark": "\u200f",
    "right_to_left_override": "\u202e",
    "right_to_left_isolate": "\u2067",
    "line_separator": "\u2028",
    "lone_surrogate": "\ud800",
    "private_use": "\ue000",
    "unassigned": "\u0378",
    "tag": "\U000e0041",
    "blank_letter": "\u3164",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN.keys())
@pytest.mark.parametrize("term", WRITTEN, ids=ids)
def test_hidden_characters_are_refused_by_name(term, hidden):
    text = show(term, term.default)
    with pytest.raises(Unreadable) as refusal:
        parse(term, text[:5] + hidden + text[5:])
    assert f"U+{ord(hidden):04X}" in refusal.value.message


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN.keys())
def test_hidden_characters_are_not_valid_in_a_structure(hidden):
    assert "U+" in validate(SCHEMA.terms["A1"], f"North{hidden}wind")[0]
    row = {"activity": f"Back{hidden}up", "vendor": ["A"], "customer": None, "due": None}
    assert "U+" in validate(SCHEMA.terms["H1"], [row])[0]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{7*7}}", "' OR 1=1 --", "=1+1"])
def test_markup_is_only_text(text):
    value = parse(SCHEMA.terms["A1"], text)
    assert value == text
    assert validate(SCHEMA.terms["A1"], value) == []


HUGE = {
    "letters": "x" * 1_000_000,
    "digits": "9" * 1_000_000,
    "bars": "|" * 1_000_000,
    "lines": "a\n" * 500_000,
    "spaces": " " * 1_000_000,
    "nines": "9" * 19_999,
    "bars_in_bounds": "|" * 19_999,
    "lines_in_bounds": "a|b\n" * 4_999,
    "commas_in_bounds": "Mo," * 6_000,
    "semicolons_in_bounds": "Su 02:00-03:00;" * 1_300,
    "dashes_in_bounds": "Mo-" * 6_000 + " 09:00-17:00 UTC",
    "slashes_in_bounds": "Mo 09:00-17:00 " + "a/" * 9_000,
    "words_in_bounds": "quarter " * 2_400,
    "composing": "e" + "\u0301" * 19_000,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE.keys())
@pytest.mark.parametrize("term", ONE_OF_EACH, ids=ids)
def test_huge_input_is_answered_quickly(term, text):
    began = time.process_time()
    try:
        validate(term, parse(term, text))
    except Unreadable as refusal:
        assert 0 < len(refusal.message) < 600
    assert time.process_time() - began < 1


@pytest.mark.parametrize("term", ONE_OF_EACH, ids=ids)
def test_more_than_any_term_needs_is_refused(term):
    with pytest.raises(Unreadable, match="too long"):
        parse(term, "x" * 1_000_000)


@pytest.mark.parametrize("term", ONE_OF_EACH, ids=ids)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(), max_size=60))
def test_any_text_is_read_or_refused(term, text):
    try:
        value = parse(term, text)
    except Unreadable as refusal:
        assert refusal.message.endswith(".")
    else:
        assert parse(term, show(term, value)) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["n", "unit", "clock", "tz", "days", "from", "to", "freq", "basis"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("term", ONE_OF_EACH, ids=ids)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(structure=JSON)
@pytest.mark.slow
def test_any_structure_is_valid_or_told_why_not(term, structure):
    problems = validate(term, structure)
    assert all(problem.endswith(".") for problem in problems) or any(
        "usual form" in problem for problem in problems
    )
    if not problems and structure is not None:
        assert parse(term, show(term, structure)) == structure
        assert canonical(structure)


@pytest.mark.parametrize("term", ONE_OF_EACH, ids=ids)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_default_with_one_part_swapped_never_crashes(term, data):
    def swapped(value):
        if isinstance(value, dict) and value and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(sorted(value)))
            return {**value, key: swapped(value[key])}
        if isinstance(value, list) and value and data.draw(st.booleans()):
            place = data.draw(st.integers(0, len(value) - 1))
            return [*value[:place], swapped(value[place]), *value[place + 1 :]]
        return data.draw(JSON)

    assert isinstance(validate(term, swapped(term.default)), list)
