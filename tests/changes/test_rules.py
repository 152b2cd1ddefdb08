"""The verdict on plans, the life of changes, outages as both see them, and the minutes counted."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from portal.changes.rules import minutes, outages
from portal.changes.rules.agenda import agenda
from portal.changes.rules.outages import CauseStanding, Outage, OutageEvent, Standing
from portal.changes.rules.plan import Change, Effect, Event, Kind, Plan, Sort, Stage, change_of
from portal.changes.rules.verdict import Around, Outcome, verdict
from portal.contracts.rules.life import Side
from portal.sla.rules.uptime import Down
from tests.changes.works import NOW, TERMS, plan, terms_with, wall

HOUR = timedelta(hours=1)


def outcome(rule: str, wanted: Plan, terms: Any = None, **around: Any) -> tuple[Outcome, str]:
    around.setdefault("announced_at", NOW)
    checks = verdict(wanted, terms or TERMS, Around(**around))
    check = next(check for check in checks if check.rule == rule)
    return check.outcome, check.term


def ran(
    wanted: Plan, *, announced: datetime = NOW, begun: datetime | None = None,
    over: datetime | None = None, excepted: tuple[Side, ...] = (), ref: str = "CHG-1",
) -> Change:  # fmt: skip
    events = [Event("announced", announced, announced, Side.VENDOR)]
    events += [Event("excepted", announced, announced, side) for side in excepted]
    events.append(Event("started", begun or wanted.begin, announced, Side.VENDOR))
    events.append(Event("completed", over or wanted.end, announced, Side.VENDOR))
    return change_of(ref, wanted, events)


def test_a_sound_plan_waits_for_nothing_but_approvals() -> None:
    checks = verdict(plan(), TERMS, Around(NOW))
    assert {c.rule: c.outcome for c in checks if c.outcome is not Outcome.KEPT} == {
        "Approval": Outcome.OPEN
    }
    agreed = verdict(plan(), TERMS, Around(NOW, approved_by=frozenset(Side)))
    assert {check.outcome for check in agreed} == {Outcome.KEPT}


@pytest.mark.parametrize(
    ("rule", "wanted", "expected"),
    [
        ("In a window", plan(wall(12, 2)), (Outcome.COSTS, "E1")),
        ("In a window", plan(wall(11, 4)), (Outcome.COSTS, "E1")),
        ("Under the limit", plan(wall(11, 2), minutes=241), (Outcome.COSTS, "E3")),
        ("Notice", plan(wall(4, 2)), (Outcome.COSTS, "E4")),
        ("Notice", plan(kind=Kind.RELEASE), (Outcome.COSTS, "F6")),
        ("Notice", plan(wall(1, 9), sort=Sort.EMERGENCY), (Outcome.COSTS, "E5")),
        ("Notice", plan(wall(1, 10), sort=Sort.EMERGENCY), (Outcome.KEPT, "E5")),
        ("Freeze", plan(wall(22, 2, month=11)), (Outcome.STOPS, "E7")),
        ("Peaks", plan(wall(22, 2, month=11)), (Outcome.OPEN, "B5")),
        ("Selling hours", plan(wall(12, 9)), (Outcome.OPEN, "B4")),
        ("Rollback plan", plan(rollback=""), (Outcome.STOPS, "F13")),
        ("Decision time", plan(decide_minutes=61), (Outcome.STOPS, "F14")),
        ("Decision time", plan(minutes=100), (Outcome.OPEN, "F14")),
        ("Backup", plan(backup=False), (Outcome.STOPS, "F17")),
        ("Tests", plan(kind=Kind.RELEASE, tests=frozenset({"unit"})), (Outcome.OPEN, "F9")),
        ("Release notes", plan(kind=Kind.RELEASE, notes={"changes": "x"}), (Outcome.STOPS, "F7")),
        ("Release notes", plan(kind=Kind.SECURITY, notes={}), (Outcome.OPEN, "F7")),
        ("Lead time", plan(wall(3, 9)), (Outcome.OPEN, "F11")),
    ],
)
def test_each_rule_says_what_a_plan_breaks(
    rule: str, wanted: Plan, expected: tuple[Outcome, str]
) -> None:
    assert outcome(rule, wanted) == expected


def test_an_exception_from_the_freeze_takes_the_contract_and_both_sides() -> None:
    terms = terms_with({"E8": "critical security fixes only"})
    frozen = plan(wall(22, 2, month=11), kind=Kind.SECURITY)
    both = frozenset(Side)
    assert outcome("Freeze", frozen, terms)[0] is Outcome.OPEN
    assert outcome("Freeze", frozen, terms, excepted_by=frozenset({Side.VENDOR}))[0] is Outcome.OPEN
    assert outcome("Freeze", frozen, terms, excepted_by=both)[0] is Outcome.KEPT
    release = replace(frozen, kind=Kind.RELEASE)
    assert outcome("Freeze", release, terms, excepted_by=both)[0] is Outcome.STOPS


def test_the_limit_counts_other_work_of_the_same_month_only() -> None:
    other = ran(plan(wall(4, 2), minutes=120))
    assert outcome("Under the limit", plan(), others=[other])[0] is Outcome.COSTS
    assert outcome("Under the limit", plan(wall(1, 2, month=11)), others=[other])[0] is Outcome.KEPT


def test_emergency_work_is_not_held_to_windows_or_freezes() -> None:
    checks = verdict(plan(wall(22, 2, month=11), sort=Sort.EMERGENCY), TERMS, Around(NOW))
    assert {"In a window", "Freeze", "Under the limit"}.isdisjoint({c.rule for c in checks})


# The life of a change.


def test_a_postponement_moves_the_plan_and_asks_approvals_anew() -> None:
    later = wall(18, 2)
    change = change_of("CHG-1", plan(), [
        Event("announced", NOW, NOW, Side.VENDOR),
        Event("approved", NOW, NOW + HOUR, Side.CUSTOMER),
        Event("postponed", NOW, NOW + 2 * HOUR, Side.CUSTOMER, later, later + 3 * HOUR),
        Event("approved", NOW, NOW + 3 * HOUR, Side.VENDOR),
    ])  # fmt: skip
    assert (change.plan.begin, change.postponed) == (later, 1)
    assert change.approved_by == {Side.VENDOR}
    assert change.stage is Stage.ANNOUNCED


# Minutes.


def spans(found: list[Any]) -> list[tuple[datetime, datetime]]:
    return [(one.begin, one.end) for one in found]


def counted(*changes: Change, terms: Any = None) -> minutes.WorkMinutes:
    return minutes.work_minutes(changes, terms or TERMS, until=wall(30, 0, month=12))


def test_scheduled_maintenance_is_not_measured_and_its_overrun_counts() -> None:
    wanted = plan(minutes=120)
    found = counted(ran(wanted, over=wanted.end + timedelta(minutes=25)))
    assert spans(found.exclusions) == [(wanted.begin, wanted.end)]
    assert spans(found.downs) == [(wanted.end, wanted.end + timedelta(minutes=25))]


def test_work_that_ends_early_takes_out_only_what_it_took() -> None:
    wanted = plan()
    found = counted(ran(wanted, over=wanted.begin + HOUR))
    assert spans(found.exclusions) == [(wanted.begin, wanted.begin + HOUR)]


@pytest.mark.parametrize(
    ("change", "terms"),
    [
        (ran(plan(), announced=wall(5, 12)), TERMS),
        (ran(plan(wall(12, 2))), TERMS),
        (ran(plan(wall(22, 2, month=11))), TERMS),
        (ran(plan()), terms_with({"D10": "force majeure"})),
    ],
    ids=["too late", "outside a window", "in a freeze", "not excluded by the contract"],
)
def test_work_that_fails_a_condition_is_measured(change: Change, terms: Any) -> None:
    assert counted(change, terms=terms).exclusions == []


def test_a_freeze_takes_its_part_out_unless_both_allowed_the_work() -> None:
    terms = terms_with({"E8": "the change boards of both parties"})
    frozen = plan(wall(22, 2, month=11))
    assert counted(ran(frozen), terms=terms).exclusions == []
    allowed = ran(frozen, excepted=tuple(Side))
    assert spans(counted(allowed, terms=terms).exclusions) == [(frozen.begin, frozen.end)]


def test_time_beyond_the_limit_is_measured_whichever_work_used_it() -> None:
    first, second = plan(wall(4, 2), minutes=180), plan(wall(11, 2), minutes=180)
    found = counted(
        ran(first, announced=wall(1, 2, month=9)),
        ran(second, announced=wall(1, 2, month=9), ref="CHG-2"),
    )
    assert spans(found.exclusions) == [
        (first.begin, first.end),
        (second.begin, second.begin + HOUR),
    ]


@pytest.mark.parametrize(
    ("typed", "free", "down"),
    [({}, 60, 120), ({"E6.after": ""}, 0, 180), ({"E6": "no"}, 180, 0)],
)
def test_an_emergency_counts_as_the_contract_says(
    typed: dict[str, str], free: int, down: int
) -> None:
    work = plan(wall(6, 10), sort=Sort.EMERGENCY)
    found = counted(ran(work), terms=terms_with(typed))
    assert minutes.length(found.exclusions) == timedelta(minutes=free)
    assert sum((d.end - d.begin for d in found.downs if d.end), timedelta(0)) == timedelta(
        minutes=down
    )


# Outages.


def told(*events: OutageEvent, effect: str = "down", modules: tuple[str, ...] = ()) -> Outage:
    found = outages.outage_of("OUT-1", events, effect=effect, modules=modules)
    assert found is not None
    return found


REPORT = OutageEvent("reported", NOW, Side.CUSTOMER, NOW - HOUR, NOW)


def said(kind: str, hours: int = 1, side: Side = Side.VENDOR, **more: Any) -> OutageEvent:
    return OutageEvent(kind, NOW + hours * HOUR, side, **more)


def test_a_disputed_outage_shows_both_times_and_counts_as_recorded() -> None:
    found = told(REPORT, said("disputed", begin=NOW - HOUR / 2, end=NOW))
    assert (found.standing, found.begin, found.other_begin) == (
        Standing.DISPUTED, NOW - HOUR, NOW - HOUR / 2,
    )  # fmt: skip
    corrected = told(
        REPORT, said("disputed", begin=NOW - HOUR / 2, end=NOW),
        said("corrected", 2, Side.CUSTOMER, begin=NOW - HOUR / 2, end=NOW),
    )  # fmt: skip
    assert (corrected.standing, corrected.begin) == (Standing.CONFIRMED, NOW - HOUR / 2)


def test_what_was_said_later_is_not_known_earlier() -> None:
    events = (REPORT, said("withdrawn", 5, Side.CUSTOMER))
    early = outages.outage_of("OUT-1", events, effect="down", modules=(), known_at=NOW + HOUR)
    assert early is not None and early.standing is Standing.REPORTED
    assert (
        outages.outage_of("OUT-1", events, effect="down", modules=(), known_at=NOW - HOUR) is None
    )


def test_a_cause_excludes_once_the_customer_accepts_it() -> None:
    claimed = said("cause_claimed", cause="force_majeure")
    accepted = told(REPORT, claimed, said("cause_accepted", 2, Side.CUSTOMER))
    assert [x.reason for x in outages.exclusions_of([accepted], TERMS)] == ["force majeure"]
    assert outages.exclusions_of([told(REPORT, claimed)], TERMS) == []
    refused = told(REPORT, claimed, said("cause_refused", 2, Side.CUSTOMER))
    assert outages.exclusions_of([refused], TERMS) == []
    assert accepted.cause_standing is CauseStanding.ACCEPTED
    unlisted = terms_with({"D10": "beta features"})
    assert outages.exclusions_of([accepted], unlisted) == []


def test_a_module_takes_the_whole_down_only_where_it_is_critical() -> None:
    half = Fraction(1, 2)
    reporting = told(REPORT, modules=("Reporting",))
    down = outages.downs_of([reporting], degraded=half, critical=frozenset({"Order entry"}))
    assert down == [Down(NOW - HOUR, NOW, half, "OUT-1")]
    orders = told(REPORT, modules=("Order entry",))
    (whole,) = outages.downs_of([orders], degraded=half, critical=frozenset({"Order entry"}))
    assert whole.weight == 1
    assert outages.module_downs([orders], "Reporting", degraded=half) == []
    (own,) = outages.module_downs([reporting], "Reporting", degraded=half)
    assert own.weight == 1
    gone = told(REPORT, said("withdrawn", side=Side.CUSTOMER))
    assert outages.downs_of([gone], degraded=half, critical=frozenset()) == []


def test_the_agenda_holds_windows_freezes_and_peaks_in_order() -> None:
    found = agenda(TERMS, NOW, NOW + timedelta(days=60))
    assert [one.begin for one in found] == sorted(one.begin for one in found)
    assert {one.kind for one in found} == {"window", "freeze", "peak"}
    freezes = [one for one in found if one.kind == "freeze"]
    assert (freezes[-1].begin, freezes[-1].end) == (
        wall(20, 0, month=11), wall(30, 0, month=11) + timedelta(days=1),
    )  # fmt: skip


def test_an_outage_is_nothing_before_it_is_reported() -> None:
    with pytest.raises(ValueError, match="begins with a report"):
        outages.outage_of("OUT-1", [said("ended")], effect=Effect.DOWN, modules=())
