"""Replays and imports: the quick count equals the exact one, what cannot change is not counted."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.sla.rules.incident import Event, Happened, History
from portal.sla.rules.promises import promises_of
from portal.statements.rules.judged import judged
from portal.statements.rules.replay import (
    BadImport,
    Past,
    histories_of,
    judged_quickly,
    read_import,
    replay,
)
from tests.changes.works import terms_with

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TERMS = terms_with()


def history(number: int, dice: random.Random) -> History:
    reported = BEGIN + timedelta(minutes=dice.randrange(100 * 1440))
    severity = dice.choice(["S1", "S2", "S3", "S4"])
    events = [Event("r", Happened.REPORTED, reported, "customer", severity=severity)]
    at = reported
    for kind in (Happened.ACKNOWLEDGED, Happened.UPDATE, Happened.WORKAROUND, Happened.RESOLVED):
        if dice.random() < 0.8:
            at += timedelta(minutes=dice.choice([3, 20, 70, 500, 3000, 9000]))
            events.append(Event(kind.value, kind, at, "vendor"))
    if dice.random() < 0.15:
        pause = Event("p", Happened.PAUSE_CLAIMED, at, "vendor", ground="customer")
        events.append(pause)
    return History.of(number, events)


@pytest.mark.parametrize("seed", range(40))
def test_the_quick_count_misses_what_the_exact_one_misses(seed: int) -> None:
    dice = random.Random(seed)
    choice = {"C11": f"counts from the next {dice.choice(['opening', 'business day'])}"}
    promises = promises_of(terms_with(choice))
    for number in range(50):
        one = history(number, dice)
        exact, quick = judged(promises, one, now=NOW), judged_quickly(promises, one, now=NOW)
        assert [(j.aim, j.missed, j.term, j.met_at) for j in quick] == [
            (j.aim, j.missed, j.term, j.met_at) for j in exact
        ]
        assert [j.due for j in quick if j.missed] == [j.due for j in exact if j.missed]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.slow
def test_a_replay_equals_computing_everything_under_both_offers(seed: int) -> None:
    dice = random.Random(seed)
    past = [history(number, dice) for number in range(60)]
    typed = dice.choice([
        {"C4.S1.first_response": "5 minutes, round the clock"}, {"B1": "24x7 America/New_York"},
        {"C4.S3.resolution": "2 business days"}, {"K2": "9 %"}, {"D1": "99.99 %"},
    ])  # fmt: skip
    there = terms_with(typed)
    found = replay(Past(past), here=TERMS, there=there, now=NOW)

    def missed(terms: Any) -> dict[int, list[str]]:
        promises = promises_of(terms)
        return {h.number: [j.aim for j in judged(promises, h, now=NOW) if j.missed] for h in past}

    one, other = missed(TERMS), missed(there)
    assert found.here.missed == sum(map(len, one.values()))
    assert found.there.missed == sum(map(len, other.values()))
    assert {d.number for d in found.differs} == {n for n in one if one[n] != other[n]}


def test_a_dearer_rule_costs_more_and_changes_no_incident() -> None:
    dice = random.Random(3)
    past = Past([history(number, dice) for number in range(80)])
    terms = terms_with({"K5": "", "K6": ""})
    found = replay(past, here=terms, there={**terms, "K2": "10"}, now=NOW)
    assert found.differs == ()
    assert found.there.credit_percent > found.here.credit_percent
    assert found.here.late_selling_minutes == found.there.late_selling_minutes > 0


def test_nothing_happened_is_said_plainly() -> None:
    found = replay(Past([]), here=TERMS, there=TERMS, now=NOW)
    assert (found.incidents, found.first, found.here.missed) == (0, None, 0)


GOOD = "reported,severity,responded,resolved\n2026-03-02T10:00:00Z,s1,2026-03-02T11:00:00+01:00,\n"


def test_an_import_is_read_into_incidents() -> None:
    (row,) = read_import("\ufeff" + GOOD)
    assert row == {
        "severity": "S1", "reported": "2026-03-02T10:00:00+00:00",
        "responded": "2026-03-02T10:00:00+00:00",
    }  # fmt: skip
    (one,) = histories_of([row])
    assert [event.kind for event in one.events] == [Happened.REPORTED, Happened.ACKNOWLEDGED]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The first row lacks the column reported."),
        ("reported,severity\n", "The first row lacks the column responded."),
        (GOOD.split("\n")[0], "There is no incident in this file."),
        (GOOD.replace("s1", "P1"), "Row 2: “P1” is not a severity from S1 to S4."),
        (GOOD.replace("2026-03-02T10:00:00Z", "soon"), "Row 2: reported “soon” is not a time."),
        (GOOD.replace("2026-03-02T10:00:00Z", ""), "Row 2: reported is empty."),
        (GOOD.replace("T11:00:00+01:00", "T09:00:00Z"),
         "Row 2: something happened before it was reported."),
        (GOOD.replace("2026-03-02T10:00:00Z", "2026-03-02"),
         "Row 2: reported “2026-03-02” has no time of day."),
        (GOOD.replace("2026-03-02T10:00:00Z", "9999-03-02T10:00:00Z"),
         "Row 2: reported “9999-03-02T10:00:00Z” is too far away."),
    ],
)  # fmt: skip
def test_a_bad_import_is_refused_with_its_row(text: str, says: str) -> None:
    with pytest.raises(BadImport) as refusal:
        read_import(text)
    assert refusal.value.message == says
