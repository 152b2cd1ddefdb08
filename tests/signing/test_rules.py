"""Who may sign now, what a signature lacks, when to try again."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.contracts.rules.order import Seat, groups, open_seats
from portal.signing import rules

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GOOD = {
    "shown_sha256": "a" * 64,
    "stored_sha256": "a" * 64,
    "title": "Director",
    "authority_confirmed": "yes",
    "intent": "yes",
}


def places(signed: int, total: int = 4) -> list[Seat]:
    return [
        Seat(f"slot{n}", n, f"person{n}", f"Name {n}", NOW if n <= signed else None)
        for n in range(1, total + 1)
    ]


def problem(table: list[Seat], person: str, missing: int = 0) -> str | None:
    return rules.turn_problem(table, open_seats(table, approvals_missing=missing), person)


@given(st.integers(1, 6), st.data())
def test_exactly_one_person_may_sign_until_all_have(total: int, data: st.DataObject) -> None:
    signed = data.draw(st.integers(0, total))
    table = data.draw(st.permutations(places(signed, total)))
    able = [p.position for p in table if problem(table, p.person_id) is None]
    assert able == ([signed + 1] if signed < total else [])


def test_who_is_early_hears_who_is_next() -> None:
    assert "Name 2 signs next" in (problem(places(1), "person3") or "")


def test_a_stranger_and_one_who_signed_are_told_so() -> None:
    assert "not named" in (problem(places(1), "nobody") or "")
    assert "already signed" in (problem(places(1), "person1") or "")


def test_nobody_signs_while_an_approval_is_missing() -> None:
    assert "approvals come first" in (problem(places(0), "person1", missing=1) or "")


SHAPES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8)


def seats_of(shape: list[tuple[bool, bool]]) -> list[Seat]:
    return [
        Seat(f"s{n}", n, f"p{n}", f"N{n}", NOW if signed else None, together)
        for n, (signed, together) in enumerate(shape, 1)
    ]


@given(SHAPES, st.booleans())
def test_only_one_group_is_asked_and_all_before_it_have_signed(
    shape: list[tuple[bool, bool]], at_once: bool
) -> None:
    seats = seats_of(shape)
    asked = open_seats(seats, all_at_once=at_once)
    found = groups(seats, all_at_once=at_once)
    assert [seat for group in found for seat in group] == seats
    assert bool(asked) == any(not seat.is_signed for seat in seats)
    touched = [group for group in found if set(group) & set(asked)]
    assert len(touched) <= 1
    if asked:
        before = found[: found.index(touched[0])]
        assert all(seat.is_signed for group in before for seat in group)
        assert asked == [seat for seat in touched[0] if not seat.is_signed]


@given(SHAPES)
def test_a_group_grows_only_by_those_asked_together(shape: list[tuple[bool, bool]]) -> None:
    for group in groups(seats_of(shape)):
        assert all(seat.together for seat in group[1:])


def test_a_whole_signature_lacks_nothing() -> None:
    assert rules.signature_problem(**GOOD) is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"shown_sha256": "b" * 64}, "changed"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 65}, "title"),
        ({"authority_confirmed": "no"}, "authority"),
        ({"intent": ""}, "intend"),
        ({"intent": "on"}, "intend"),
    ],
)
def test_each_missing_part_is_named(change: dict[str, str], word: str) -> None:
    assert word in (rules.signature_problem(**{**GOOD, **change}) or "")


UTC_ZONE = ZoneInfo("UTC")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def asked(hours: float, reminders: int = 0) -> rules.Asked:
    at = MONDAY - timedelta(hours=hours)
    return rules.Asked(at, at, reminders)


@pytest.mark.parametrize(
    ("hours", "reminders", "due"),
    [(47.9, 0, False), (48, 0, True), (400, 9, True), (400, 10, False)],
)
def test_a_reminder_comes_after_two_days_and_ten_times_at_most(
    hours: float, reminders: int, due: bool
) -> None:
    assert rules.reminder_is_due(asked(hours, reminders), at=MONDAY, zone=UTC_ZONE) is due


@given(
    st.integers(0, 7 * 24 * 60),
    st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
)
def test_a_reminder_comes_in_the_working_hours_of_its_reader(minutes: int, zone: str) -> None:
    at = MONDAY + timedelta(minutes=minutes)
    there = at.astimezone(ZoneInfo(zone))
    working = there.weekday() < 5 and 9 <= there.hour < 17
    long_ago = MONDAY - timedelta(days=9)
    due = rules.reminder_is_due(rules.Asked(long_ago, long_ago, 0), at=at, zone=ZoneInfo(zone))
    assert due is working


def test_a_person_can_be_asked_again_once_a_day() -> None:
    assert "in 1 hour" in (rules.resend_problem(asked(23.5), at=MONDAY) or "")
    assert rules.resend_problem(asked(24), at=MONDAY) is None
    just = rules.Asked(MONDAY - timedelta(days=5), MONDAY - timedelta(days=5), 0, MONDAY)
    assert "in 24 hours" in (rules.resend_problem(just, at=MONDAY) or "")


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_in_words_tells_its_first_eight_bytes(digest: bytes) -> None:
    words = rules.hash_words(digest.hex())
    assert len(words) == 8
    assert words == rules.hash_words(digest[:8].hex() + "00" * 24)
    assert words != rules.hash_words(bytes([digest[0] ^ 1]).hex() + digest[1:].hex())


POINTS = st.tuples(st.integers(0, 600), st.integers(0, 200))


@given(st.lists(st.lists(POINTS, min_size=1, max_size=20), min_size=1, max_size=9))
@pytest.mark.slow
def test_strokes_become_a_path_of_as_many_parts(strokes: list[list[tuple[int, int]]]) -> None:
    read = rules.read_strokes(json.dumps(strokes))
    assert read == [[list(point) for point in stroke] for stroke in strokes]
    assert rules.svg_path(read or []).count("M") == len(strokes)


@pytest.mark.parametrize(
    "text", ["x", "{}", "[[1]]", "[[[1]]]", "[[[1,2.5]]]", "[[[601,2]]]", "[[[true,2]]]",
             '[[["1",2]]]', "[" + ",".join(["[[1,1]]"] * 61) + "]", " " * 20 + "[" * 20_001],
)  # fmt: skip
def test_a_drawing_our_script_would_not_send_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        rules.read_strokes(text)


def test_nothing_drawn_is_nothing() -> None:
    assert rules.read_strokes("") is rules.read_strokes("[]") is None


def test_tries_grow_apart_and_never_stop() -> None:
    waits = []
    for count in range(1, 8):
        failures = [NOW] * count
        waits.append((rules.retry_at(failures) or NOW) - NOW)
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=1)
    assert waits[-1] == timedelta(hours=1)
    assert rules.retry_at([]) is None


def test_the_disclosure_is_hashed_as_its_file_and_says_what_the_law_asks() -> None:
    disclosure = rules.load_disclosure()
    data = Path(rules.__file__).parents[1] / "data"
    files = [
        data / f"disclosure-{disclosure.version}.toml",
        data / f"needs-{disclosure.needs}.toml",
    ]
    shown = b"".join(file.read_bytes() for file in files)
    assert disclosure.sha256 == hashlib.sha256(shown).hexdigest()
    text = " ".join(p for _, paragraphs in disclosure.sections for p in paragraphs)
    for words in ("no fee", "withdraw", "another contract", "browser", "PDF", "paper"):
        assert words in text


def test_a_published_disclosure_never_changes() -> None:
    known = {
        "1.0": "f7c5a56ab2bb38a12efddd549ff5f8bf0d2f52be5de3fae3ea4cc2f67b7f20e0",
        "1.1": "f025a03896fd08a230b57eda21956ca2a563f0f3e44fe6f833bebd7c652cd208",
    }
    assert {v: rules.load_disclosure(v).sha256 for v in known} == known


def test_an_unknown_disclosure_is_refused() -> None:
    with pytest.raises(LookupError):
        rules.load_disclosure("../keys")
