"""What must hold of every clock, whatever the calendar."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.sla.rules import (
    Kind,
    State,
    Target,
    back_from,
    clock,
    due_at,
    elapsed,
    ledger,
)

from .cases import PLACES, generated, runs

NOTHING = timedelta()
lengths = st.integers(0, 30 * 3600).map(lambda n: timedelta(seconds=n))
days = st.integers(0, 8 * 86_400).map(lambda n: timedelta(seconds=n))


@generated
@given(runs())
@pytest.mark.slow
def test_the_time_up_to_due_is_the_target(run):
    calendar, start, length, pauses = run
    due = due_at(start, target=length, calendar=calendar, pauses=pauses)
    assert due >= start
    assert elapsed(start, end=due, calendar=calendar, pauses=pauses) == length


@generated
@given(runs(), lengths)
@pytest.mark.slow
def test_a_longer_target_is_never_due_earlier(run, more):
    calendar, start, length, pauses = run
    due = due_at(start, target=length, calendar=calendar, pauses=pauses)
    later = due_at(start, target=length + more, calendar=calendar, pauses=pauses)
    assert due <= later


@generated
@given(runs(), days)
@pytest.mark.slow
def test_a_later_start_is_never_due_earlier(run, shift):
    calendar, start, length, pauses = run
    due = due_at(start, target=length, calendar=calendar, pauses=pauses)
    assert due <= due_at(start + shift, target=length, calendar=calendar, pauses=pauses)


# Shifts that overlap the next day, or a repeated hour, may put a later clock time earlier.
@generated
@given(runs(overnight=False, places=PLACES[:1]), st.integers(0, 8), st.integers(0, 8), days)
@pytest.mark.slow
def test_business_days_grow_with_their_number_and_their_start(run, few, more, shift):
    calendar, start, _length, _pauses = run
    due = due_at(start, target=Target.of(few, "bd"), calendar=calendar)
    assert due <= due_at(start, target=Target.of(few + more, "bd"), calendar=calendar)
    assert due <= due_at(start + shift, target=Target.of(few, "bd"), calendar=calendar)


@generated
@given(runs(), st.fractions(0, 1))
@pytest.mark.slow
def test_splitting_a_pause_changes_nothing(run, part):
    calendar, start, length, pauses = run
    assume(pauses)
    (begin, end), *others = pauses
    middle = begin + timedelta(microseconds=int((end - begin) / timedelta(microseconds=1) * part))
    split = [(middle, end), *others, (begin, middle)]
    for target in (length, Target.of(2, "bd")):
        due = due_at(start, target=target, calendar=calendar, pauses=pauses)
        assert due == due_at(start, target=target, calendar=calendar, pauses=split)


@generated
@given(runs(), st.data())
@pytest.mark.slow
def test_a_pause_outside_open_hours_changes_nothing(run, data):
    calendar, start, length, pauses = run
    week = ledger(start, end=start + timedelta(days=7), calendar=calendar)
    shut = [interval for interval in week.intervals if interval.kind is Kind.CLOSED]
    assume(shut)
    closed = data.draw(st.sampled_from(shut))
    more = [*pauses, (closed.begin, closed.end)]
    for target in (length, Target.of(2, "bd")):
        due = due_at(start, target=target, calendar=calendar, pauses=pauses)
        assert due == due_at(start, target=target, calendar=calendar, pauses=more)


@generated
@given(runs())
@pytest.mark.slow
def test_backwards_undoes_forwards(run):
    calendar, start, length, pauses = run
    assume(length)
    due = due_at(start, target=length, calendar=calendar, pauses=pauses)
    begun = due_at(start, target=NOTHING, calendar=calendar, pauses=pauses)
    assert back_from(due, span=length, calendar=calendar, pauses=pauses) == begun


@generated
@given(runs(), days)
@pytest.mark.slow
def test_the_ledger_covers_every_moment_and_adds_up(run, span):
    calendar, start, _length, pauses = run
    end = start + span
    working = ledger(start, end=end, calendar=calendar, pauses=pauses)
    edges = [start, *(interval.end for interval in working.intervals)]
    assert edges == [*(interval.begin for interval in working.intervals), end]
    assert working.counted == elapsed(start, end=end, calendar=calendar, pauses=pauses)
    for before, after in zip(working.intervals, working.intervals[1:], strict=False):
        assert before.kind is not after.kind


@generated
@given(runs(), days)
@pytest.mark.slow
def test_used_and_left_make_the_target(run, later):
    calendar, start, length, pauses = run
    target = Target.of(length // timedelta(minutes=1), "min")
    now = start + later
    state = clock(start, target=target, calendar=calendar, now=now, pauses=pauses)
    assert state.elapsed + state.remaining == timedelta(minutes=int(target.n))
    assert state.elapsed == state.ledger.counted
    assert state.ahead.counted == max(state.remaining, NOTHING)
    assert (state.state is State.BREACHED) == (now > state.due)


@generated
@given(runs())
@pytest.mark.slow
def test_met_at_the_due_instant_and_breached_after_it(run):
    calendar, start, _length, pauses = run
    target = Target.of(90, "min")
    due = due_at(start, target=target, calendar=calendar, pauses=pauses)
    for late, expected in ((0, State.MET), (1, State.BREACHED)):
        done = due + timedelta(microseconds=late)
        state = clock(start, target=target, calendar=calendar, now=done, pauses=pauses, met_at=done)
        assert state.state is expected
