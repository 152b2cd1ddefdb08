"""The effective terms on any day: generated layers against the plainest possible reading."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.contracts.rules import amending
from portal.contracts.rules.amending import Wish
from portal.contracts.rules.effective import (
    Layer,
    LayerKind,
    first_day,
    sources_on,
    terms_on,
    turning_days,
)
from portal.terms.rules import load_schema, parse

SCHEMA = load_schema("1")
START = date(2027, 1, 1)
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
SIGNED = {"B5": "signed", "E1": "signed", "D1": "signed"}


def layer(number: int, agreed: int, starts: int, length: int | None, terms: set[str]) -> Layer:
    first = START + timedelta(days=starts)
    return Layer(
        kind=LayerKind.INTERIM if length else LayerKind.AMENDMENT,
        source=f"{number:03d}",
        agreed_at=NOON + timedelta(days=agreed),
        starts=first,
        ends=first + timedelta(days=length) if length else None,
        terms=dict.fromkeys(terms, f"{number}"),
    )


LAYERS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 60), st.none() | st.integers(1, 30),
        st.sets(st.sampled_from(sorted(SIGNED)), min_size=1),
    ),
    max_size=8,
).map(lambda rows: [layer(number, *row) for number, row in enumerate(rows)])  # fmt: skip


@given(LAYERS, st.integers(-5, 120), st.randoms())
def test_the_last_agreed_change_that_holds_decides_each_term(layers, day, random) -> None:
    on = START + timedelta(days=day)
    expected = {}
    for term in SIGNED:
        holding = [one for one in layers if one.holds(on) and term in one.terms]
        last = max(holding, key=lambda one: (one.agreed_at, one.source), default=None)
        expected[term] = last.terms[term] if last else "signed"
    shuffled = list(layers)
    random.shuffle(shuffled)
    assert terms_on(SIGNED, shuffled, on=on) == expected
    assert set(sources_on(shuffled, on=on)) == {t for t, v in expected.items() if v != "signed"}


@given(LAYERS)
@pytest.mark.slow
def test_terms_change_on_the_turning_days_and_on_no_other(layers) -> None:
    days = turning_days(layers)
    for day in range(-2, 125):
        on = START + timedelta(days=day)
        changed = sources_on(layers, on=on) != sources_on(layers, on=on - timedelta(days=1))
        assert changed == (on in days)


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(2090, 1, 1)), st.none() | st.dates())
def test_no_change_reaches_back_to_the_day_it_was_agreed(agreed_at, wished) -> None:
    day = first_day(agreed_at, wished)
    assert day > agreed_at.date()
    assert day == wished or wished is None or wished <= agreed_at.date()


def test_signed_terms_are_not_touched() -> None:
    before = dict(SIGNED)
    terms_on(SIGNED, [layer(1, 0, 1, None, {"B5"})], on=START + timedelta(days=9))
    assert before == SIGNED


def test_an_amendment_names_terms_that_may_be_amended() -> None:
    problem = lambda ids: amending.naming_problem(SCHEMA, ids, locked={"Q1"})  # noqa: E731
    assert problem(["D1", "P6"]) is None
    assert problem([]) == "Choose at least one term to amend."
    assert problem(["D1", "A1"]) is not None, "another party is another contract"
    assert problem(["Q1"]) is not None, "the template locks it"
    assert problem(["ZZ9"]) == "ZZ9 cannot be amended."


def test_an_amendments_schema_holds_its_terms_and_says_what_a5_means_there() -> None:
    ids = amending.named(SCHEMA, ["D1", "B5"])
    small = amending.narrowed(SCHEMA, ids)
    assert list(small.terms) == ids == ["A5", "B5", "D1"]
    assert [group.code for group in small.groups] == ["A", "B", "D"]
    assert small.terms["A5"].label == "The amended terms hold from"
    assert SCHEMA.terms["A5"].label == "Support starts"
    assert amending.narrowed(SCHEMA, None) is SCHEMA


PEAKS = parse(SCHEMA.terms["B5"], "Quarter end | quarter-end -4bd..-1bd America/New_York | 4 times")


def wish(**changes: object) -> Wish:
    whole = {"values": {"B5": PEAKS}, "starts": START, "ends": None, **changes}
    return Wish(**whole)  # type: ignore[arg-type]


def field_of(wished: Wish, terms: dict | None = None) -> str | None:
    values = terms or SCHEMA.defaults()
    today = START - timedelta(days=1)
    problem = amending.wish_problem(SCHEMA, values, wished, today=today)
    return problem[0] if problem else None


def test_a_schedule_changes_where_the_contract_allows_it_and_never_back() -> None:
    assert field_of(wish()) is None
    assert field_of(wish(values={"B5": PEAKS, "D1": "99.5"})) == "D1"
    assert field_of(wish(values={})) == "terms"
    assert field_of(wish(starts=START - timedelta(days=1))) == "starts"
    assert field_of(wish(ends=START)) == "ends"
    assert field_of(wish(ends=START + timedelta(days=400))) == "ends"
    held = SCHEMA.defaults()["E1"]
    assert field_of(wish(values={"B5": PEAKS, "E1": held})) == "E1"
    assert amending.moved({"B5": PEAKS, "E1": held}, SCHEMA.defaults()) == {"B5": PEAKS}


def test_a_wish_is_unpacked_as_it_was_packed() -> None:
    for values in ({"B5": PEAKS}, {"B5": PEAKS, "E1": None}, {"B5": None}):
        assert amending.unpacked(list(values), amending.packed(values)) == values


def test_nobody_agrees_what_the_contract_gives_to_other_roles() -> None:
    terms = SCHEMA.defaults()
    assert amending.may_agree({"it_admin"}, terms)
    assert not amending.may_agree({"legal", "org_admin"}, terms)
    assert not amending.may_agree({"it_admin"}, {**terms, "Q2.roles": None})
    assert amending.interim_terms({**terms, "Q2": None}) == []
