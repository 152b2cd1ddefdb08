"""Ladders and credits against 37 real agreements: what loads, what is refused and where."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.sla.rules import credits, ladders, uptime
from portal.sla.rules.credits import InPlaceOf, Units
from portal.sla.rules.uptime import Counting, Denominator, Down, Exclusion, UptimeRule

DATA = json.loads((Path(__file__).parent / "service_credits.json").read_text())
SLAS = {sla["id"]: sla for sla in DATA["slas"]}
EXAMPLES = {example["name"]: example for example in DATA["worked_examples"]}
MONTH = datetime(2026, 6, 1, tzinfo=UTC)

# What a reader would call the defect of the published table.
REFUSED = {
    "github-enterprise-cloud": "Exactly 99.0 % falls in no band.",
    "bont": "Between 96.99 % and 97 % no band applies.",
    "bureauworks": "Between 97.99 % and 98.0 % no band applies.",
    "combond": "Between 94.99 % and 95.0 % no band applies.",
}
TABLES = {key: sla for key, sla in SLAS.items() if sla.get("tiers") or sla.get("tiers_text")}


def load(sla: dict[str, Any]) -> ladders.Ladder:
    target = Decimal(str(sla["target"])) if "target" in sla else None
    if "tiers" in sla:
        return ladders.ladder_from_tiers(sla["tiers"], target=target)
    return ladders.ladder_from_text(sla["tiers_text"], target=target)


def test_the_data_holds_the_agreements_we_think() -> None:
    assert len(SLAS) == 37
    assert len(TABLES) == 22
    assert len(DATA["credit_shapes"]) == 7


@pytest.mark.parametrize("key", sorted(set(TABLES) - set(REFUSED)))
def test_a_sound_table_loads_and_answers_every_uptime_once(key: str) -> None:
    sla = SLAS[key]
    loaded = load({**sla, "target": sla.get("target", sla.get("tiers", [{}])[0].get("below"))})
    for tier in sla["tiers"]:
        for edge in ("below", "at_or_above"):
            at = Fraction(str(tier[edge]))
            for measured in (at - Fraction(1, 1000), at, at + Fraction(1, 1000)):
                if 0 <= measured <= 100:
                    answers = [b.gives for b in loaded.bands if b.holds(measured)]
                    assert len(answers) == (measured < Fraction(loaded.top))
        inside = Fraction(str(tier["at_or_above"]))
        assert credits.Banded(loaded).award(inside).percent == Fraction(str(tier["credit_pct"]))


@pytest.mark.parametrize("key", sorted(REFUSED))
def test_a_table_with_a_hole_is_refused_with_the_place_named(key: str) -> None:
    with pytest.raises(ladders.BadLadder) as refusal:
        load(SLAS[key])
    assert refusal.value.message == REFUSED[key]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-95 -> 50; 95-99 -> 25", "Exactly 95 % falls in two bands."),
        ("0-96 -> 50; 95-99 -> 25", "From 95 % to 96 % two bands apply."),
        ("90-95 -> 50", "Below 90 % no band applies."),
        ("0-99 -> 10", "Between 99 % and the 99.9 % promised no band applies."),
        ("0-99.95 -> 10", "From the 99.9 % promised to 99.95 % a kept promise earns a credit."),
        ("0-99.9 -> 10", "Exactly 99.9 % keeps the promise and earns a credit."),
        ("a bit -> 9", "“a bit -> 9” is not a band. Write one such as “95 - 99 -> 25 %”."),
        ("99-95 -> 10", "The band from 99 % to 95 % holds nothing."),
        ("0-99 -> 150", "150 % is not between 0 % and 100 %."),
    ],
)  # fmt: skip
def test_each_defect_has_its_own_sentence(text: str, message: str) -> None:
    with pytest.raises(ladders.BadLadder) as refusal:
        ladders.ladder_from_text(text, target=Decimal("99.9"))
    assert refusal.value.message == message


cuts = st.lists(st.integers(1, 99_998), min_size=0, max_size=5, unique=True)


@given(cuts, st.integers(0, 100_000))
def test_a_joined_ladder_gives_every_uptime_one_answer(marks: list[int], at: int) -> None:
    edges = [Decimal(0), *(Decimal(m) / 1000 for m in sorted(marks)), Decimal("99.999")]
    loaded = ladders.ladder(
        (ladders.band(a, b, Decimal(5)) for a, b in pairwise(edges)),
        target=edges[-1],
    )
    measured = Fraction(at, 1000)
    assert sum(b.holds(measured) for b in loaded.bands) == (measured < Fraction(edges[-1]))


# The seven shapes, each from agreements that use it.


def test_banded_percent_atlassian_own_example() -> None:
    example = EXAMPLES["Atlassian own example"]
    found = down_for(timedelta(minutes=example["downtime_minutes"]))
    assert uptime.shown(found.percent, places=6) == Decimal("99.861111")
    award = credits.Banded(load(SLAS["atlassian-cloud-premium"])).award(found.percent)
    assert award.percent == example["credit_pct"]


def test_banded_extension_graylog_gives_time() -> None:
    bands = [
        ladders.band("99", "99.9", timedelta(hours=8)),
        ladders.band("95", "99", timedelta(days=1.5)),
        ladders.band("0", "95", timedelta(days=3)),
    ]
    shape = credits.Banded(ladders.ladder(bands, target=Decimal("99.9")))
    assert shape.award(Fraction("99.5")).extension == timedelta(hours=8)
    assert shape.award(Fraction("95")).extension == timedelta(hours=36)
    assert shape.award(Fraction("99.9")) == credits.NOTHING


def test_pro_rata_servicenow_pays_or_extends_by_the_minutes_short() -> None:
    month, measured = timedelta(days=30), Fraction("99.5")
    paid = credits.ProRata(Decimal("99.8")).award(measured, period=month)
    assert credits.money(paid.percent, Decimal(10_000)) == Decimal("30.00")
    longer = credits.ProRata(Decimal("99.8"), InPlaceOf.TIME).award(measured, period=month)
    assert longer.extension == timedelta(minutes=Decimal("129.6").__float__())
    assert credits.ProRata(Decimal("99.8")).award(Fraction(100), period=month).percent == 0


def test_step_per_unit_service_crm_india_and_saas_custom_domains() -> None:
    half_hours = credits.StepPerUnit(Decimal(5), timedelta(minutes=30), most=Decimal(100))
    assert half_hours.award(timedelta(minutes=95)).percent == 15
    assert half_hours.award(timedelta(hours=99)).percent == 100
    begun = credits.StepPerUnit(Decimal(5), timedelta(hours=1), Units.BEGUN)
    assert begun.award(timedelta(minutes=61)).percent == 10
    assert begun.award(timedelta(0)) == credits.NOTHING


def test_flat_per_failure_gideon_and_the_free_misses() -> None:
    flat = credits.FlatPerFailure(Decimal(5), most=Decimal(25))
    assert [flat.award(n).percent for n in (0, 1, 4, 9)] == [0, 5, 20, 25]
    assert credits.FlatPerFailure(Decimal(20), free=4).award(5).percent == 20


def test_linear_per_point_counts_full_points_only() -> None:
    shape = credits.LinearPerPoint(Decimal(99), Decimal(5))
    assert shape.award(Fraction("98.01")).percent == 0
    assert shape.award(Fraction(98)).percent == 5
    assert shape.award(Fraction("95.5")).percent == 15
    assert shape.award(Fraction(100)).percent == 0


def test_chronic_failure_common_paper_two_of_any_three() -> None:
    shape = credits.Chronic(2, within=3)
    assert shape.award([True, False, True]).may_end
    assert not shape.award([True, True, False, False]).may_end
    assert not shape.award([True]).may_end
    assert credits.Chronic(3, within=3).award([False, True, True, True]).may_end


def test_caps_apply_after_all_factors_and_say_what_they_cut() -> None:
    found = credits.cap(
        Fraction(70), monthly=Decimal(50), term=Decimal(20), used=Fraction(200), months=12
    )
    assert (found.due, found.cut_by_month, found.cut_by_term) == (40, 20, 10)
    free = credits.cap(Fraction(70), monthly=None, term=None, used=Fraction(999), months=12)
    assert free.due == 70


def test_a_peak_multiplies_the_part_of_the_cause_inside_it() -> None:
    assert credits.with_peak_factor(Fraction(10), factor=Decimal(3), share=Fraction(1, 2)) == 20
    assert credits.with_peak_factor(Fraction(10), factor=Decimal(3), share=Fraction(0)) == 10


def test_money_rounds_half_a_unit_up_once() -> None:
    assert credits.money(Fraction("0.5"), Decimal("1")) == Decimal("0.01")
    assert credits.money(Fraction(10), Decimal("1234.56")) == Decimal("123.46")
    assert credits.money(Fraction(10), Decimal("1235"), digits=0) == Decimal("124")


# The worked examples.


def down_for(
    *lengths: timedelta, rule: UptimeRule | None = None, scheduled: timedelta = timedelta(0)
) -> uptime.Uptime:
    """Measure a month of 30 days with outages on separate days, and maintenance at its end."""
    downs = [
        Down(MONTH + timedelta(days=n, seconds=5), MONTH + timedelta(days=n, seconds=5) + length)
        for n, length in enumerate(lengths)
    ]
    end = MONTH + timedelta(days=30)
    outs = [Exclusion(end - scheduled, end, "scheduled maintenance")] if scheduled else []
    return uptime.measure(MONTH, end, downs=downs, exclusions=outs, rule=rule)


def test_the_denominator_flips_the_verdict() -> None:
    example = EXAMPLES["denominator flips the verdict (own)"]
    down = timedelta(minutes=example["downtime_minutes"])
    scheduled = timedelta(minutes=example["scheduled_minutes"])
    gross = down_for(down, scheduled=scheduled, rule=UptimeRule(denominator=Denominator.GROSS))
    net = down_for(down, scheduled=scheduled)
    places = 6
    assert round(gross.percent, places) == Fraction(str(example["aws_style_total_denominator"]))
    assert round(net.percent, places) == Fraction(str(example["commonpaper_net_denominator"]))
    assert gross.percent >= Fraction(str(example["target"])) > net.percent


def test_rounding_down_never_turns_a_miss_into_a_promise_kept() -> None:
    example = EXAMPLES["rounding flips the verdict (own)"]
    found = down_for(timedelta(minutes=example["downtime_minutes"]))
    assert uptime.shown(found.percent, places=6) == Decimal(str(example["uptime_pct"]))
    assert uptime.shown(found.percent, places=1) == Decimal("99.8")
    assert found.percent < Fraction("99.9")


@pytest.mark.parametrize(
    ("counting", "minutes"),
    [
        (Counting.WHOLE, "gcp_style_whole_consecutive_minutes"),
        (Counting.EXACT, "seconds_sum_minutes"),
        (Counting.TOUCHED, "touched_minutes"),
    ],
)
def test_seconds_whole_minutes_and_touched_minutes(counting: Counting, minutes: str) -> None:
    example = EXAMPLES["per-minute vs whole-minute (own)"]
    lengths = [timedelta(seconds=s) for s in example["downtime_seconds"]]
    found = down_for(*lengths, rule=UptimeRule(counting=counting))
    assert found.lost == Fraction(str(example[minutes])) * uptime.MINUTE


def window(example: dict[str, Any]) -> tuple[datetime, datetime]:
    first, last = (datetime.fromisoformat(text) for text in example["window"])
    return first, last


def states(example: dict[str, Any]) -> list[tuple[datetime, Fraction]]:
    return [
        (datetime.fromisoformat(begin), Fraction(int(state == "down")))
        for state, begin, _ in example["events"]
    ]


def test_an_orphaned_open_row_ends_where_the_next_state_begins() -> None:
    example = EXAMPLES["orphaned open outage row"]
    first, last = window(example)
    found = uptime.measure(first, last, downs=uptime.downs_from_states(states(example)))
    assert found.lost == example["expected_downtime_seconds_in_window"]
    assert found.percent == Fraction(str(example["expected_uptime_pct"]))


def test_a_service_younger_than_the_period_is_measured_from_its_first_day() -> None:
    example = EXAMPLES["service younger than window"]
    first, last = window(example)
    begun = max(first, states(example)[0][0])
    found = uptime.measure(begun, last, downs=uptime.downs_from_states(states(example)))
    assert found.percent == Fraction(str(example["expected_uptime_pct"]))


def test_the_allowed_downtime_depends_on_the_length_of_the_month() -> None:
    example = EXAMPLES["allowed downtime"]
    for days, minutes in zip(example["days"], example["minutes"], strict=True):
        allowed = uptime.allowed_down(Decimal(str(example["target"])), period=timedelta(days=days))
        assert allowed == timedelta(minutes=minutes)


def test_incident_io_own_example_is_rounded_down() -> None:
    example = EXAMPLES["incident.io own example"]
    begin = MONTH
    up = timedelta(minutes=example["up_minutes"])
    end = begin + timedelta(minutes=example["window_minutes"])
    found = uptime.measure(begin, end, downs=[Down(begin + up, end)])
    assert uptime.shown(found.percent, places=6) == Decimal("66.666666")
    assert uptime.shown(found.percent, places=0) == 66
