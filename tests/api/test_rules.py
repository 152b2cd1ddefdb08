"""Values on the wire, cursors, pointers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.api.rules import shapes
from portal.api.rules.operations import Operation
from portal.api.rules.shapes import Book, body, many, pointer, text
from portal.api.rules.values import Cursors, duration, etag_of, instant, plain


@given(st.timedeltas(min_value=timedelta(days=-900), max_value=timedelta(days=900)))
def test_a_duration_reads_back(span: timedelta) -> None:
    written = duration(span)
    sign = -1 if written.startswith("-") else 1
    days, _, clock = written.lstrip("-").removeprefix("P").partition("T")
    total = timedelta(days=int(days.removesuffix("D") or 0))
    for unit, name in (("H", "hours"), ("M", "minutes"), ("S", "seconds")):
        number, found, rest = clock.partition(unit)
        if found:
            total, clock = total + timedelta(**{name: int(number)}), rest
    assert sign * total == timedelta(seconds=span // timedelta(seconds=1))


OURS = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.timezones())


@given(OURS)
@pytest.mark.slow
def test_an_instant_is_utc_and_reads_back(at: datetime) -> None:
    assert instant(at).endswith("Z") and shapes.read_instant(instant(at)) == at.astimezone(UTC)


def test_values_are_plain() -> None:
    told = plain({"a": Decimal("1E+3"), "b": date(2026, 1, 2), "c": frozenset({"y", "x"})})
    assert told == {"a": "1000", "b": "2026-01-02", "c": ["x", "y"]}


@given(st.lists(st.text() | st.integers(), max_size=3), st.text(max_size=5), st.text(max_size=5))
def test_a_cursor_reads_back_for_its_own_list_only(
    place: list[object], mine: str, other: str
) -> None:
    written = Cursors(b"k" * 32, mine).write(place)
    assert Cursors(b"k" * 32, mine).read(written) == place
    if mine != other:
        with pytest.raises(ValueError, match="not a cursor"):
            Cursors(b"k" * 32, other).read(written)


@given(st.text(max_size=80))
def test_no_other_text_is_a_cursor(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Cursors(b"k" * 32, "list").read(text)


def test_what_is_wrong_is_pointed_at() -> None:
    book = Book({})
    schema = body({"rows": many(body(name=text(5)), 2)}, day=shapes.DAY, at=shapes.INSTANT)
    sent = {"rows": [{"name": "a"}, {"nam/e": "b"}], "day": "2026-02-30", "at": "2026-01-01T00:00"}
    found = {one.pointer: one.detail for one in book.wrong(schema, sent)}
    assert set(found) == {"#/rows/1/name", "#/rows/1/nam~1e", "#/day", "#/at"}
    assert "2026-12-01" in found["#/day"]
    assert book.wrong(schema, {"day": "2026-02-03", "at": "2026-01-01T00:00:00+02:00"}) == []


@given(st.lists(st.text(max_size=4) | st.integers(0, 9), max_size=4))
def test_a_pointer_names_each_step(path: list[object]) -> None:
    steps = pointer(path).removeprefix("#").split("/")[1:]
    assert [s.replace("~1", "/").replace("~0", "~") for s in steps] == [str(p) for p in path]


def test_an_entity_tag_changes_with_the_body() -> None:
    assert etag_of({"a": 1, "b": 2}) == etag_of({"b": 2, "a": 1}) != etag_of({"a": 1, "b": 3})


@pytest.mark.parametrize("needs", ["signature:sign", "approval:give", "notice:give", "client:edit"])
def test_no_operation_can_be_made_of_what_is_done_in_person(needs: str) -> None:
    with pytest.raises(ValueError, match="no scope may reach"):
        Operation("POST", "/x", "x", "contracts:write", needs, "", "", print)
