"""Instants as text, and identifiers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit import clock
from portal.kit.db import Instant
from portal.kit.forms import trimmed
from portal.kit.refs import LETTERS, new_id, new_ref, new_token

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=ZONES)


@given(INSTANTS)
def test_an_instant_comes_back_from_its_text(at: datetime) -> None:
    text = clock.stamp(at)
    assert clock.read_stamp(text) == at and len(text) == 27 and text.endswith("Z")


@given(INSTANTS, INSTANTS)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    assert (clock.stamp(one) < clock.stamp(other)) == (one < other)


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta()


@pytest.mark.parametrize("text", ["", "2026-01-01", "2026-01-01T00:00:00+00:00", "not a time"])
def test_what_is_no_stamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        clock.read_stamp(text)


def test_a_column_refuses_a_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        Instant().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]


@given(st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1)), st.integers(1, 10**9))
def test_keys_sort_by_time(at: datetime, later: int) -> None:
    first = at.replace(tzinfo=UTC)
    keys = new_id(first), new_id(first + timedelta(milliseconds=later))
    assert keys[0] < keys[1] and all(len(key) == 26 and key.isalnum() for key in keys)


def test_keys_and_references_do_not_repeat() -> None:
    at = clock.now()
    assert len({new_id(at) for _ in range(5000)}) == 5000
    assert len({new_ref() for _ in range(5000)}) == 5000
    assert len({new_token() for _ in range(100)}) == 100


def test_a_reference_has_no_letter_that_looks_like_another() -> None:
    assert not set("ILOU01") & set(LETTERS)
    assert set(new_ref(500)) <= set(LETTERS) and len(new_ref(7)) == 7


@pytest.mark.parametrize(("typed", "kept"), [("  a b ", "a b"), ("", ""), (None, None), (3, 3)])
def test_input_is_trimmed_at_its_ends_only(typed: object, kept: object) -> None:
    assert trimmed(typed) == kept
