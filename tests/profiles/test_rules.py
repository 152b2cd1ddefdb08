"""When a contract is under a profile, and what may be asked."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from portal.contracts.rules.life import State
from portal.kit.errors import Refused
from portal.profiles import rules
from portal.profiles.rules import Meaning, Profile, Turn, holding

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def test_the_last_turn_that_holds_decides_for_each_profile_by_itself() -> None:
    chance = random.Random(11)
    for _ in range(500):
        turns, truth = [], {}
        for number in range(chance.randrange(8)):
            profile, on = chance.choice(list(Profile)), chance.random() < 0.5
            begins = AT + timedelta(hours=number)
            turns.append(Turn(profile, on, begins))
            if begins <= AT + 4 * timedelta(hours=1):
                truth[profile] = on
        turns.append(Turn(chance.choice(list(Profile)), on=True, holds_from=None))
        chance.shuffle(turns)
        found = holding(turns, at=AT + 4 * timedelta(hours=1))
        assert found == {profile for profile, on in truth.items() if on}


def test_of_two_turns_of_one_instant_the_later_decides() -> None:
    on, off = (Turn(Profile.HIPAA, on=one, holds_from=AT) for one in (True, False))
    assert holding([on, off], at=AT) == frozenset()
    assert holding([off, on], at=AT) == {Profile.HIPAA}


def test_more_protection_holds_at_once_and_less_a_day_later() -> None:
    assert rules.begins(on=True, at=AT) == AT
    assert rules.begins(on=False, at=AT) == AT + DAY


@pytest.mark.parametrize(
    ("reference", "signed_on"),
    [("", date(2026, 1, 1)), ("  ", date(2026, 1, 1)), ("BAA 7", None), ("x" * 201, date.min),
     ("BAA 7", date(2026, 11, 24))],
)  # fmt: skip
def test_no_agreement_no_hipaa(reference: str, signed_on: date | None) -> None:
    with pytest.raises(Refused):
        rules.read_agreement(reference, signed_on, today=AT.date())


def test_an_agreement_is_named_with_its_day() -> None:
    found = rules.read_agreement(" BAA  7 ", AT.date(), today=AT.date())
    assert (found.reference, found.signed_on) == ("BAA 7", AT.date())


def test_nothing_turns_between_signatures_or_half_way() -> None:
    usual = {"on": True, "stands": False, "where": State.IN_FORCE, "hindrances": [],
             "amendment": False}  # fmt: skip
    rules.demand_turn(**usual)  # type: ignore[arg-type]
    for change in (
        {"stands": True}, {"where": State.SIGNING}, {"where": State.SEALING},
        {"hindrances": ["Not yet."]}, {"amendment": True},
    ):  # fmt: skip
        with pytest.raises(Refused):
            rules.demand_turn(**(usual | change))  # type: ignore[arg-type]


def test_a_meaning_is_asked_only_where_signatures_are_regulated() -> None:
    assert rules.meaning_problem("", regulated=False) is None
    for meaning in Meaning:
        assert rules.meaning_problem(meaning, regulated=True) is None
    for wrong in ("", "witness", "Approval"):
        assert rules.meaning_problem(wrong, regulated=True)


def test_a_record_is_what_follows_the_contract() -> None:
    ref = "eu-7K3QM9XH2E"
    for path, record in (
        (f"/contracts/{ref}", ""), (f"/contracts/{ref}/incidents/3", "incidents/3"),
        (f"/api/v1/contracts/{ref}/deed.pdf", "deed.pdf"), (f"/contracts/{ref}/", ""),
    ):  # fmt: skip
        assert rules.record_of(path, ref) == record


def test_the_agreement_text_names_the_parties_and_runs_no_template() -> None:
    text = rules.filled_agreement(vendor="{{customer}} {x} {{ 7*7 }}", customer="Clinic", ref="r")
    assert "{" not in text and "49" not in text and "Clinic" in text
    for asked in ("164.410", "164.524", "164.526", "164.528", "164.504", "Secretary", "Subpart C"):
        assert asked in text or asked == "164.504"
