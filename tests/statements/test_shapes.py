"""The seven shapes of credit as terms two parties negotiate: each typed, then used by the month."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.changes.rules.outages import Outage, OutageEvent, outage_of
from portal.contracts.rules.life import Side
from portal.sla.rules.incident import Event, Happened, History
from portal.sla.rules.promises import promises_of
from portal.statements.rules.figures import figures
from portal.statements.rules.measured import MonthFacts
from portal.statements.rules.month import Month
from portal.statements.rules.replay import Past, replay
from portal.terms.rules import load_schema, show
from portal.terms.rules.standard import clause_of, fill, load_standard_terms
from tests.changes.works import terms_with

JUNE = Month(2026, 6)
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
START, OVER = date(2026, 1, 1), datetime(2026, 7, 1, 0, 5, tzinfo=UTC)
# Round the clock in UTC, without peaks, so that every figure below is counted on one's fingers.
PLAIN = {
    "A5": "2026-01-01", "M4": "UTC", "K16": "no", "D2": "all minutes", "D3": "", "D5": "",
    "B5": "", "D7": "1 min", "K4": "1 times", "K5": "", "K6": "",
    "C4.S1.first_response": "30 minutes, round the clock",
    "C4.S1.peak_first_response": "", "C4.S1.update_every": "", "C4.S1.workaround": "",
    "C4.S1.resolution": "8 hours, round the clock", "K2": "5 %", "K3": "",
}  # fmt: skip
HOUR = timedelta(hours=1)


def outage(minutes: int) -> Outage:
    begin = BEGIN + timedelta(days=9)
    end = begin + timedelta(minutes=minutes)
    found = outage_of(
        "OUT-1",
        [OutageEvent("reported", end, Side.CUSTOMER, begin, end)],
        effect="down",
        modules=(),
    )
    assert found is not None
    return found


def incident(number: int, *, answered: timedelta | None, day: int = 3) -> History:
    at = BEGIN + timedelta(days=day, hours=number)
    events = [Event("r", Happened.REPORTED, at, "customer", severity="S1")]
    if answered is not None:
        events.append(Event("a", Happened.ACKNOWLEDGED, at + answered, "vendor"))
        events.append(Event("d", Happened.RESOLVED, at + answered, "vendor"))
    return History.of(number, events)


def month(
    typed: Mapping[str, str], *, down: int = 0, told: list[History] | None = None,
    asked: Month = JUNE, known_at: datetime | None = None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    terms = terms_with({**PLAIN, **typed})
    pairs = [(promises_of(terms), one) for one in told or ()]
    end = asked.bounds(terms)[1]
    return figures(MonthFacts(
        asked, terms, START, known_at or end + timedelta(minutes=5), pairs,
        [outage(down)] if down else [], **more,
    ))  # fmt: skip


def earning(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (line["term"], line["percent"], line["extension"])
        for line in found["credits"]
        if line["earns"]
    ]


# ---- availability: bands, more time, the minute, the unit ----------------------------------------


def test_a_share_of_the_fee_by_band() -> None:
    found = month({"K1": "99 % | 99.9 % | 10 %\n0 % | 99 % | 25 %"}, down=100)
    assert earning(found) == [("K1", "10", "0")]


@pytest.mark.parametrize(("down", "minutes"), [(100, "480"), (500, "2160"), (3000, "4320")])
def test_more_time_by_band_as_graylog_gives_it(down: int, minutes: str) -> None:
    found = month({
        "K1.shape": "more time by band",
        "K1.extension": "99 % | 99.9 % | 8 hours\n95 % | 99 % | 36 hours\n0 % | 95 % | 3 days",
    }, down=down)  # fmt: skip
    assert earning(found) == [("K1.extension", "0", minutes)]
    assert (found["totals"]["extension"], found["totals"]["due"]) == (minutes, "0")


def test_the_fee_of_each_minute_short() -> None:
    found = month({"K1.shape": "the fee of each minute short"}, down=100)
    # 100 of 43,200 minutes down, 43.2 allowed: 56.8 minutes at 1,500 USD a month.
    assert earning(found) == [("K1.shape", "71/540", "0")]
    assert Fraction("56.8") / 43_200 * 100 == Fraction(71, 540)
    assert found["totals"]["amount"] == "1.97"


def test_a_minute_costs_the_same_in_a_first_month_that_is_cut() -> None:
    whole = month({"K1.shape": "pro_rata", "D1": "90 %"}, down=10_000)
    cut = figures(MonthFacts(
        JUNE, terms_with({**PLAIN, "K1.shape": "pro_rata", "D1": "90 %"}), date(2026, 6, 6), OVER,
        [], [outage(10_000)],
    ))  # fmt: skip
    short = [Fraction(one["credits"][0]["percent"]) * 432 for one in (whole, cut)]
    assert short == [10_000 - 4_320, 10_000 - 3_600]


def test_a_quarter_pays_the_fees_of_its_three_months() -> None:
    typed = {"K1.shape": "pro_rata", "D4": "quarter"}
    assert month(typed, down=1000, asked=Month(2026, 5))["credits"] == []
    found = month(typed, down=1000)
    quarter = 91 * 1440
    short = (1000 - Fraction(quarter, 1000)) / quarter * 100
    assert earning(found) == [("K1.shape", str(short * 3), "0")]


def test_more_time_for_each_minute_short_as_servicenow_offers() -> None:
    found = month({"K1.shape": "more time for each minute short"}, down=100)
    assert earning(found) == [("K1.shape", "0", "284/5")]


@pytest.mark.parametrize(
    ("down", "typed", "percent"),
    [
        (138, {}, "15"), (138, {"K1.units": "each one begun"}, "20"),
        (9000, {"K1.most": "100 %"}, "100"), (43, {}, None), (60, {}, "0"),
    ],
)  # fmt: skip
def test_a_share_for_each_unit_of_time_short_as_service_crm_gives_it(
    down: int, typed: dict[str, str], percent: str | None
) -> None:
    step = {"K1.shape": "step", "K1.step": "5 %", "K1.unit": "30 minutes", **typed}
    lines = month(step, down=down)["credits"]
    assert [line["percent"] for line in lines] == ([percent] if percent else [])


def test_a_peak_multiplies_added_time_too() -> None:
    found = month({
        "K1.shape": "pro_rata_time", "K4": "3 times", "B5": "June | 1-30 Jun UTC | 1 times",
        "D2": "all minutes",
    }, down=100)  # fmt: skip
    assert earning(found) == [("K1.shape", "0", str(Fraction(284, 5) * 3))]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 43_200), st.sampled_from(["bands", "pro_rata", "step", "extension"]))
def test_a_worse_month_never_earns_less(down: int, shape: str) -> None:
    typed = {
        "K1.shape": shape, "K1.step": "3 %", "K1.unit": "45 min", "K1.most": "80 %",
        "K1.extension": "99 | 99.9 | 1 h\n0 | 99 | 9 h",
    }  # fmt: skip
    worth = [_worth(month(typed, down=minutes)) for minutes in (down // 2, down)]
    assert worth[0] <= worth[1]


def _worth(found: dict[str, Any]) -> tuple[Fraction, Fraction]:
    totals = found["totals"]
    return Fraction(totals["earned"]), Fraction(totals["extension"])


# ---- targets: each miss, each unit late, each point ----------------------------------------------


def test_the_same_for_each_miss_after_the_free_ones() -> None:
    told = [incident(n, answered=HOUR) for n in range(1, 4)]
    assert [line[1] for line in earning(month({"K2.misses": "1"}, told=told))] == ["5", "5"]


@pytest.mark.parametrize(
    ("units", "answered", "percent"),
    [("full ones", 150, "10"), ("each one begun", 150, "10"), ("each one begun", 151, "15")],
)
def test_so_much_for_each_hour_late_as_saas_custom_domains(
    units: str, answered: int, percent: str
) -> None:
    typed = {"K2.shape": "each unit of time late", "K2.unit": "1 h", "K2.units": units}
    told = [incident(1, answered=timedelta(minutes=answered))]
    assert earning(month(typed, told=told)) == [("K2", percent, "0")]


def test_time_late_earns_in_the_month_in_which_it_passes() -> None:
    typed = {"K2.shape": "late", "K2.unit": "1 d", "K2.misses": "0"}
    # Due on the 29th at 01:30 and never answered: a day and 22.5 hours pass in June.
    told = [incident(1, answered=None, day=28)]
    late = datetime(2026, 8, 2, tzinfo=UTC)
    june, july = (
        month(typed, told=told, asked=asked, known_at=late) for asked in (JUNE, Month(2026, 7))
    )
    assert [line[1] for line in earning(june) + earning(july)] == ["5", str(5 * 31)]
    assert july["credits"][0]["incident"] == 1


def test_a_pause_after_the_due_instant_is_not_time_late() -> None:
    at = BEGIN + timedelta(days=3)
    events = [
        Event("r", Happened.REPORTED, at, "customer", severity="S1"),
        Event("p", Happened.PAUSE_CLAIMED, at + HOUR, "vendor", ground="customer"),
        Event("e", Happened.PAUSE_ENDED, at + 3 * HOUR, "customer", answers="p"),
        Event("a", Happened.ACKNOWLEDGED, at + 4 * HOUR, "vendor"),
    ]
    typed = {"K2.shape": "late", "K2.unit": "30 min", "C7.max_pause": ""}
    # Three and a half hours late, two of them paused.
    assert earning(month(typed, told=[History.of(1, events)])) == [("K2", "15", "0")]


def test_each_full_point_of_attainment_short() -> None:
    typed = {"K2.shape": "each full point of attainment short", "K2": "2 %",
             "C4.S1.attainment": "95 %"}  # fmt: skip
    told = [incident(n, answered=HOUR if n < 3 else timedelta(0)) for n in range(1, 11)]
    found = month(typed, told=told)
    # 8 of 10 met: 15 full points below 95 %.
    assert earning(found) == [("K2", "30", "0")]
    assert found["credits"][0]["name"] == "S1, share of first response targets met"
    fine = month(typed, told=[incident(n, answered=timedelta(0)) for n in range(1, 11)])
    assert fine["credits"] == []


def test_points_count_in_peaks_by_the_misses_that_lie_in_them() -> None:
    typed = {"K2.shape": "point", "K2": "2 %", "C4.S1.attainment": "95 %", "K4": "3 times",
             "B5": "Days | 4-4 Jun UTC | 1 times"}  # fmt: skip
    told = [incident(1, answered=HOUR, day=3), incident(2, answered=HOUR, day=20)]
    found = month(typed, told=told)
    assert earning(found) == [("K2", str(95 * 2 * 2), "0")]


@pytest.mark.parametrize("shape", ["miss", "late", "point"])
def test_the_most_for_a_month_cuts_each_shape(shape: str) -> None:
    typed = {"K2.shape": shape, "K2.unit": "10 min", "K2.most": "7.5 %", "K2.misses": "0"}
    told = [incident(n, answered=3 * HOUR) for n in range(1, 5)]
    found = month(typed, told=told)
    assert found["totals"]["earned"] == "15/2"
    cut = [line["why_not"] for line in found["credits"] if not line["earns"]]
    assert set(cut) <= {"the most for a month is reached"}


def test_chronic_failure_ends_the_contract() -> None:
    found = month({"K13": "months of missed uptime | 1 | 3 months"}, down=100)
    assert found["chronic"][0]["failed"]


# ---- the terms in words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "text", "clause", "said"),
    [
        ("K1.shape", "extension", "12.1", "reckoned as: more time by band."),
        ("K1.unit", "30 min", "12.1", "The unit is: 30 minutes."),
        ("K2.shape", "late", "12.2", "It is earned for: each unit of time late."),
        ("K3.shape", "point", "12.3", "It is earned for: each full point of attainment short."),
        ("K15.months", "3", "12.9", "kept in so many months in a row: 3."),
    ],
)
def test_the_standard_terms_print_the_shape(term: str, text: str, clause: str, said: str) -> None:
    schema, standard = load_schema("1"), load_standard_terms("1.0")
    assert clause_of(standard, term) == clause
    values = terms_with({term: text})
    texts = {key: show(schema.terms[key], values[key]) for key in schema.terms}
    (found,) = [c for section in standard.sections for c in section.clauses if c.id == clause]
    whole = " ".join(fill(paragraph, texts) for paragraph in found.paragraphs)
    assert said in whole


@pytest.mark.parametrize(
    ("typed", "amount", "added"),
    [
        ({"K1.shape": "pro_rata"}, "1.97", ""),
        ({"K1.shape": "pro_rata_time"}, "0.00", "57 minutes"),
    ],
)
def test_a_replay_runs_a_proposed_shape(typed: dict[str, str], amount: str, added: str) -> None:
    here, there = terms_with(PLAIN), terms_with({**PLAIN, **typed})
    found = replay(Past([], [outage(100)]), here=here, there=there, now=OVER)
    assert (str(found.here.credit_amount), found.here.added) == ("150.00", "")
    assert (str(found.there.credit_amount), found.there.added) == (amount, added)
