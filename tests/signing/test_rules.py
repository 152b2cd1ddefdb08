"""Who may sign now, what a signature lacks, when to try again."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.signing import rules
from portal.signing.rules import Place

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GOOD = {
    "shown_sha256": "a" * 64,
    "stored_sha256": "a" * 64,
    "title": "Director",
    "authority_confirmed": "yes",
    "intent": "yes",
}


def places(signed: int, total: int = 4) -> list[Place]:
    return [
        Place(f"slot{n}", n, f"person{n}", f"Name {n}", NOW if n <= signed else None)
        for n in range(1, total + 1)
    ]


@given(st.integers(1, 6), st.data())
def test_exactly_one_person_may_sign_until_all_have(total: int, data: st.DataObject) -> None:
    signed = data.draw(st.integers(0, total))
    table = data.draw(st.permutations(places(signed, total)))
    able = [p.position for p in table if rules.turn_problem(table, p.person_id) is None]
    assert able == ([signed + 1] if signed < total else [])


def test_who_is_early_hears_who_is_next() -> None:
    assert "Name 2 signs next" in (rules.turn_problem(places(1), "person3") or "")


def test_a_stranger_and_one_who_signed_are_told_so() -> None:
    assert "not named" in (rules.turn_problem(places(1), "nobody") or "")
    assert "already signed" in (rules.turn_problem(places(1), "person1") or "")


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
    file = Path(rules.__file__).parent / "data" / f"disclosure-{disclosure.version}.toml"
    assert disclosure.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    text = " ".join(p for _, paragraphs in disclosure.sections for p in paragraphs)
    for words in ("no fee", "withdraw", "this one contract", "browser", "PDF", "paper"):
        assert words in text


def test_a_published_disclosure_never_changes() -> None:
    known = {"1.0": "f7c5a56ab2bb38a12efddd549ff5f8bf0d2f52be5de3fae3ea4cc2f67b7f20e0"}
    assert {v: rules.load_disclosure(v).sha256 for v in known} == known


def test_an_unknown_disclosure_is_refused() -> None:
    with pytest.raises(LookupError):
        rules.load_disclosure("../keys")
