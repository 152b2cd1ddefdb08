"""The clock agrees with counting minutes one by one, on generated calendars."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.sla.rules import (
    Target,
    back_from,
    calendar_from_json,
    due_at,
    elapsed,
)

from .cases import calendars, generated, minute_pauses, minutes
from .oracle import Oracle


def _agree(oracle, minute, moment):
    if minute is None:
        assert moment >= oracle.moment(oracle.last)
    else:
        assert moment == oracle.moment(minute)


@generated
@given(calendars(), minutes, st.integers(0, 1500), minute_pauses)
@pytest.mark.slow
def test_due_is_where_the_counted_minutes_run_out(made, start, need, pauses):
    source, begin = made
    oracle = Oracle(source, begin)
    due = due_at(
        oracle.moment(start),
        target=timedelta(minutes=need),
        calendar=calendar_from_json(source),
        pauses=[(oracle.moment(b), oracle.moment(e)) for b, e in pauses],
    )
    expected = oracle.due(start, need, pauses)
    if expected is not None or due < oracle.moment(oracle.last):
        _agree(oracle, expected, due)


@generated
@given(calendars(), minutes, minutes, minute_pauses)
@pytest.mark.slow
def test_elapsed_is_the_number_of_counted_minutes(made, start, end, pauses):
    source, begin = made
    oracle = Oracle(source, begin)
    counted = elapsed(
        oracle.moment(start),
        end=oracle.moment(end),
        calendar=calendar_from_json(source),
        pauses=[(oracle.moment(b), oracle.moment(e)) for b, e in pauses],
    )
    assert counted == timedelta(minutes=oracle.elapsed(start, end, pauses))


@generated
@given(calendars(), st.integers(14 * 1440, 20 * 1440), st.integers(0, 1500))
@pytest.mark.slow
def test_backwards_is_where_the_counted_minutes_began(made, end, need):
    source, begin = made
    oracle = Oracle(source, begin)
    expected = oracle.back(end, need)
    moment = back_from(
        oracle.moment(end), span=timedelta(minutes=need), calendar=calendar_from_json(source)
    )
    if expected is not None:
        assert moment == oracle.moment(expected)


@generated
@given(calendars(), minutes, st.integers(0, 6), st.booleans())
@pytest.mark.slow
def test_business_days_keep_the_clock_time(made, start, need, end_of_day):
    source, begin = made
    oracle = Oracle(source, begin)
    expected = oracle.business_days(start, need, end_of_day=end_of_day)
    due = due_at(
        oracle.moment(start),
        target=Target.of(need, "bd", end_of_day=end_of_day),
        calendar=calendar_from_json(source),
    )
    if expected is not None:
        assert due == oracle.moment(expected)
