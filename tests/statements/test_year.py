"""A year of a contract simulated from a seed, month by month against the slow model.

200 incidents with pauses and severities raised, 24 changes (on time and late, in windows and out of
them, overrunning, emergencies), outages over both changes of time, months in New York and selling
hours in London. COUNTERPART_THOROUGH=1 runs ten seeds instead of three.
"""

import os
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.changes.rules.outages import Outage, OutageEvent, outage_of
from portal.changes.rules.plan import Change, Effect, Event, Kind, Plan, Sort, change_of
from portal.contracts.rules.life import Side
from portal.sla.rules import incident as inc
from portal.sla.rules.incident import Happened, History
from portal.sla.rules.promises import promises_of
from portal.statements.rules.figures import earlier_of, figures
from portal.statements.rules.measured import MonthFacts
from portal.statements.rules.month import Month, until
from tests.changes.works import terms_with
from tests.statements import slow

SEEDS = range(10 if os.environ.get("COUNTERPART_THOROUGH") else 3)
NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
START = date(2026, 1, 12)
FIRST, LAST = Month(2026, 1), Month(2026, 12)
RATES = {"response": 3, "update": 3, "workaround": 2, "resolution": 2}
# The vendor never delivers the report of these months (clause 12.13).
SILENT = (Month(2026, 5), Month(2026, 9))
AIMS = ("response", "update", "workaround", "resolution")
HALF = Fraction(1, 2)

# Minutes only, so that the slow model can walk them; S1 around the clock, the rest in hours.
TARGETS = {
    "S1": ("30 minutes, round the clock", "2 hours, round the clock", "4 hours, round the clock",
           "8 hours, round the clock"),
    "S2": ("2 hours, 24x5", "", "10 business hours", "20 business hours"),
    "S3": ("8 business hours", "", "", "40 business hours"),
    "S4": ("16 business hours", "", "", ""),
}  # fmt: skip
TERMS = terms_with({
    "A5": START.isoformat(),
    "M4": "America/New_York",
    "B1": "Mo-Fr 08:00-18:00 America/New_York",
    "B4": "Mo-Sa 09:00-20:00 Europe/London",
    "B5": "Spring launch | 23 Mar-5 Apr Europe/London | 3 times\n"
          "Autumn sales | 20 Oct-8 Nov Europe/London | 2.5 times",
    "C7.max_pause": "", "D3": "99.95 %", "D7": "5 minutes", "D11": "50 %",
    "E1": "Su 02:00-06:00 America/New_York", "E3": "5 hours", "E7": "25-30 Oct America/New_York",
    "K1": "99 % | 99.9 % | 10 %\n95 % | 99 % | 25 %\n0 % | 95 % | 50 %",
    "K2": "3 %", "K2.misses": "2", "K3": "2 %", "K4": "2 times", "K5": "40 %", "K6": "15 %",
    "P1": "12 months", "I1": "Order entry | 4.x | production | critical | none",
    "D5": "Order entry | 99.95 %\nReporting | 99.5 %",
    **{
        f"C4.{severity}.{name}": text
        for severity, texts in TARGETS.items()
        for name, text in zip(
            ("first_response", "update_every", "workaround", "resolution"), texts, strict=True
        )
    },
    **{f"C4.{severity}.peak_first_response": "" for severity in TARGETS},
    "C4.S3.commitment": "commitment with credit",
})  # fmt: skip


BEGIN = slow.minute_of(datetime(2026, 1, 12, 5, tzinfo=UTC))
END = slow.minute_of(datetime(2027, 1, 1, 5, tzinfo=UTC))
HOLIDAYS = frozenset(date.fromisoformat(row["date"]) for row in TERMS["B2"])
# Every seed lives through the same weeks: what a minute of them is, is looked up once.
SUPPORT = slow.Week(NEW_YORK, dict.fromkeys(slow.DAYS[:5], (480, 1080)), HOLIDAYS)
WEEKDAYS = slow.Week(NEW_YORK, dict.fromkeys(slow.DAYS[:5], (0, 1440)), HOLIDAYS)
SELLING = slow.Week(LONDON, dict.fromkeys(slow.DAYS[:6], (540, 1200)))


def peak_of(minute: int) -> Fraction | None:
    local = slow.wall(minute, LONDON).date()
    if date(2026, 3, 23) <= local <= date(2026, 4, 5):
        return Fraction(3)
    return Fraction(5, 2) if date(2026, 10, 20) <= local <= date(2026, 11, 8) else None


@cache
def peaks() -> list[Fraction | None]:
    return [peak_of(minute) for minute in range(BEGIN, END)]


@cache
def weights(basis: str) -> slow.Weights:
    """How often each minute counts: weighted, in peaks only, or each once."""
    one, none = Fraction(1), Fraction(0)
    if basis == "peaks":
        return slow.Weights(BEGIN, (none if w is None else one for w in peaks()))
    if basis == "ones":
        return slow.Weights(BEGIN, (one for _ in peaks()))
    found = (
        (w or one) if SELLING.is_open(minute) else one
        for minute, w in zip(range(BEGIN, END), peaks(), strict=True)
    )
    return slow.Weights(BEGIN, found)


class Year:
    """What happened, once as the product's facts and once as the slow model's."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.begin, self.end = BEGIN, END
        self.tickets = [self.ticket(number) for number in range(1, 201)]
        self.changes = [self.change(number) for number in range(24)]
        self.outages = list(self.troubles())

    def moment(self, minute: int) -> datetime:
        return slow.EPOCH + timedelta(minutes=minute)

    def ticket(self, number: int) -> slow.Ticket:
        dice = self.dice
        reported = dice.randrange(self.begin, self.end - 40_000)
        answered = reported + dice.choice([5, 25, 31, 100, 400, 2000])
        updates = sorted({answered + dice.randrange(1, 900) for _ in range(dice.randrange(4))})
        resolved = max([answered, *updates]) + dice.randrange(10, 9000)
        way = dice.choice([None, answered + dice.randrange(1, 600)])
        pauses = []
        if dice.random() < 0.3:
            begin = answered + dice.randrange(1, 200)
            pauses = [(begin, begin + dice.randrange(5, 2000))]
        severity = dice.choice(["S1", "S2", "S2", "S3", "S3", "S4"])
        graver = None
        if severity != "S1" and dice.random() < 0.2:
            graver = (reported + dice.randrange(1, 3000), "S1")
        return slow.Ticket(
            number, reported, severity, answered, updates,
            None if way is None or way > resolved else way, resolved, pauses, graver,
        )  # fmt: skip

    def history(self, ticket: slow.Ticket) -> History:
        moments: list[tuple[int, Happened, str, dict[str, Any]]] = [
            (ticket.reported, Happened.REPORTED, "customer", {"severity": ticket.severity})
        ]
        for minute, kind in (
            (ticket.answered, Happened.ACKNOWLEDGED), (ticket.workaround, Happened.WORKAROUND),
            (ticket.resolved, Happened.RESOLVED),
        ):  # fmt: skip
            if minute is not None:
                moments.append((minute, kind, "vendor", {}))
        moments += [(minute, Happened.UPDATE, "vendor", {}) for minute in ticket.updates]
        for begin, end in ticket.pauses:
            moments.append((begin, Happened.PAUSE_CLAIMED, "vendor", {"ground": "customer"}))
            moments.append((end, Happened.PAUSE_ENDED, "customer", {"answers": f"p{begin}"}))
        if ticket.graver:
            moments.append(
                (ticket.graver[0], Happened.SEVERITY_AGREED, "customer",
                 {"severity": ticket.graver[1]})
            )  # fmt: skip
        events = [
            inc.Event(
                f"p{minute}" if kind is Happened.PAUSE_CLAIMED else f"{kind}{minute}", kind,
                self.moment(minute), side, **more,
            )
            for minute, kind, side, more in moments
        ]  # fmt: skip
        return History.of(ticket.number, events)

    def change(self, number: int) -> Change:
        dice = self.dice
        day = START + timedelta(days=14 * number + dice.choice([0, 6, 6, 6]))
        begin = datetime(day.year, day.month, day.day, 2, tzinfo=NEW_YORK).astimezone(UTC)
        plan = Plan(
            Kind.MAINTENANCE, dice.choice([Sort.NORMAL] * 4 + [Sort.EMERGENCY]), begin,
            begin + timedelta(minutes=dice.choice([60, 180, 240])),
            modules=dice.choice([(), ("Reporting",)]), effect=Effect.DOWN,
        )  # fmt: skip
        told = begin - timedelta(days=dice.choice([2, 8, 20]))
        over = plan.end + timedelta(minutes=dice.choice([-30, 0, 0, 45]))
        return change_of(f"CHG-{number}", plan, [
            Event("announced", told, told, Side.VENDOR),
            Event("started", begin, begin, Side.VENDOR),
            Event("completed", over, over, Side.VENDOR),
        ])  # fmt: skip

    def troubles(self) -> Iterator[Outage]:
        dice = self.dice
        spring, autumn = (
            datetime(2026, 3, 8, 6, 30, tzinfo=UTC),
            datetime(2026, 11, 1, 5, tzinfo=UTC),
        )
        london = [datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, tzinfo=UTC)]
        midnight = datetime(2026, 6, 1, 3, 50, tzinfo=UTC)
        fixed = [slow.minute_of(moment) for moment in (spring, autumn, *london, midnight)]
        begins = [*fixed, *(dice.randrange(self.begin, self.end - 600) for _ in range(45))]
        for number, begin in enumerate(begins):
            length = dice.choice([3, 5, 20, 60, 130, 400])
            report = self.moment(begin), self.moment(begin + length)
            events = [OutageEvent("reported", report[1], Side.CUSTOMER, *report)]
            if dice.random() < 0.15:
                events += [
                    OutageEvent("cause_claimed", report[1], Side.VENDOR, cause="force_majeure"),
                    OutageEvent("cause_accepted", report[1], Side.CUSTOMER),
                ]
            found = outage_of(
                f"OUT-{number}", events, effect=dice.choice(["down", "down", "degraded"]),
                modules=dice.choice([(), (), ("Order entry",), ("Reporting",)]),
            )  # fmt: skip
            assert found is not None
            yield found


# ---- the slow side -------------------------------------------------------------------------------


def work_stretches(year: Year, module: str | None) -> list[slow.Stretch]:
    """Clauses 6.2 to 6.8 by hand, for the whole software or for one module."""
    found: list[slow.Stretch] = []
    used: dict[tuple[int, int], int] = {}
    for change in sorted(year.changes, key=lambda c: (c.begun_at, c.ref)):
        if module and change.plan.modules and module not in change.plan.modules:
            continue
        begin, end = slow.minute_of(change.begun_at), slow.minute_of(change.over_at)  # type: ignore[arg-type]
        planned = slow.minute_of(change.plan.end)
        if change.plan.sort is Sort.EMERGENCY:
            found.append(slow.Stretch(begin, min(end, begin + 60), None))
            found.append(slow.Stretch(min(end, begin + 60), end, Fraction(1)))
            continue
        in_time = change.announced_at <= change.plan.begin - timedelta(days=7)  # type: ignore[operator]
        for minute in range(begin, min(end, planned)):
            local = slow.wall(minute, NEW_YORK)
            window = local.weekday() == 6 and 2 <= local.hour < 6
            frozen = local.month == 10 and 25 <= local.day <= 30
            first = change.plan.begin.astimezone(NEW_YORK)
            key = first.year, first.month
            if in_time and window and not frozen and used.get(key, 0) < 300:
                used[key] = used.get(key, 0) + 1
                found.append(slow.Stretch(minute, minute + 1, None))
        found.append(slow.Stretch(planned, end, Fraction(1)))
    return found


def outage_stretches(year: Year, module: str | None) -> list[slow.Stretch]:
    found = []
    for outage in year.outages:
        begin, end = slow.minute_of(outage.begin), slow.minute_of(outage.end)  # type: ignore[arg-type]
        down = Fraction(1) if outage.effect is Effect.DOWN else HALF
        if module is None and outage.modules == ("Reporting",):
            down = HALF
        if module is None or not outage.modules or module in outage.modules:
            found.append(slow.Stretch(begin, end, down))
        if outage.cause_standing == "accepted":
            found.append(slow.Stretch(begin, end, None))
    return found


class Model:
    """The slow model of the year's months."""

    def __init__(self, year: Year) -> None:
        self.year, self.origin = year, year.begin
        promises = self._promises()
        self.clocks = [
            clock for t in year.tickets for clock in slow.clocks(t, promises, self._now(None))
        ]
        self.due_before: dict[Month, Fraction] = {}
        self.missed: list[bool] = []

    def _now(self, month: Month | None) -> int:
        return self.year.end + 60

    def _promises(self) -> dict[tuple[str, str], slow.Promise]:
        week = {"round": None, "24x5": WEEKDAYS, "business": SUPPORT}
        found = {}
        for severity, texts in TARGETS.items():
            for aim, text in zip(AIMS, texts, strict=True):
                if text:
                    n, words = int(text.split()[0]), text
                    minutes = n if "minutes" in words else n * 60
                    key = next(k for k in ("round", "24x5", "business") if k in words)
                    found[severity, aim] = slow.Promise(minutes, week[key])
        return found

    def scope(
        self, bounds: tuple[int, int], module: str | None, basis: str
    ) -> tuple[Fraction, Fraction]:
        stretches = outage_stretches(self.year, module) + work_stretches(self.year, module)
        return slow.uptime(*bounds, stretches, weights=weights(basis), shortest=5)

    def share_in_peak(self, bounds: tuple[int, int], module: str | None) -> Fraction:
        """Which share of the counted down minutes lies in peaks, each minute once."""
        stretches = outage_stretches(self.year, module) + work_stretches(self.year, module)
        marked = [
            slow.Stretch(s.begin, s.end, None if s.weight is None else Fraction(1))
            for s in stretches
            if s.weight is None or s.weight
        ]
        _, down = slow.uptime(*bounds, marked, weights=weights("ones"), shortest=5)
        _, inside = slow.uptime(*bounds, marked, weights=weights("peaks"), shortest=5)
        return inside / down if down else Fraction(0)


def band(percent: Fraction) -> Fraction:
    for low, high, credit in (("99", "99.9", 10), ("95", "99", 25), ("0", "95", 50)):
        if Fraction(low) <= percent < Fraction(high):
            return Fraction(credit)
    return Fraction(0)


def percent(measured: Fraction, lost: Fraction) -> Fraction:
    return Fraction(100) if not measured else 100 * (measured - lost) / measured


def miss_percents(
    model: Model, month: Month, bounds: tuple[int, int], quarter: tuple[int, int]
) -> dict[tuple[int, str, int], Fraction]:
    """Clauses 12.2 to 12.5 by hand: what each miss of the month earns."""
    paid = [c for c in model.clocks if c.missed and c.severity in ("S1", "S2", "S3")]
    paid.sort(key=lambda c: (c.due, c.ticket, c.aim))
    group = {"response": "K2", "update": "K2", "workaround": "K3", "resolution": "K3"}
    rate = {"K2": Fraction(3), "K3": Fraction(2)}
    free, late_until, found = 2, {}, {}
    doubled = set()
    for clock in paid:
        key, end = (clock.ticket, group[clock.aim]), clock.met or clock.now
        if key in late_until and clock.due < late_until[key]:
            doubled.add(clock)
        late_until[key] = max(late_until.get(key, end), end)
    for clock in paid:
        if not quarter[0] <= clock.due < quarter[1]:
            continue
        earns = clock not in doubled
        if earns and group[clock.aim] == "K2" and free:
            free, earns = free - 1, False
        if bounds[0] <= clock.due < bounds[1]:
            late = range(clock.due, min(clock.met or clock.now, bounds[1]))
            inside = sum(peaks()[m - BEGIN] is not None for m in late)
            share = Fraction(inside, len(late)) if len(late) else Fraction(0)
            base = rate[group[clock.aim]]
            found[clock.ticket, clock.aim, clock.due] = base * (1 + share) if earns else Fraction(0)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_year_of_statements_equals_the_slow_model(seed: int) -> None:
    year = Year(seed)
    model, promises = Model(year), promises_of(TERMS)
    incidents = [(promises, year.history(ticket)) for ticket in year.tickets]
    known_at = year.moment(year.end + 60)
    earlier: list[Any] = []
    used = Fraction(0)
    for month in until(FIRST, LAST):
        found = figures(MonthFacts(
            month, TERMS, START, known_at, incidents, year.outages, year.changes, earlier,
            delivered=None if month in SILENT else month.bounds(TERMS)[1],
        ))  # fmt: skip
        bounds = _bounds(month)
        quarter = _bounds(month.first_of(3))[0], _bounds(month.first_of(3).plus(2))[1]
        due = _check(model, month, found, bounds, quarter, used)
        used += due
        earlier.append(earlier_of(found))
    assert used == min(used, Fraction(15) * 12)


def _bounds(month: Month) -> tuple[int, int]:
    first = datetime(month.year, month.month, 1, tzinfo=NEW_YORK)
    after = month.plus(1)
    past = datetime(after.year, after.month, 1, tzinfo=NEW_YORK)
    start = datetime(2026, 1, 12, tzinfo=NEW_YORK)
    return slow.minute_of(max(first, start)), slow.minute_of(past)


def _check(
    model: Model, month: Month, found: dict[str, Any], bounds: tuple[int, int],
    quarter: tuple[int, int], used: Fraction,
) -> Fraction:  # fmt: skip
    expected: list[tuple[str, str | None, str, str]] = [("software", None, "weighted", "99.9")]
    if weights("peaks").between(*bounds):
        expected.append(("peaks", None, "peaks", "99.95"))
    expected += [("module", name, "weighted", target)
                 for name, target in (("Order entry", "99.95"), ("Reporting", "99.5"))]  # fmt: skip
    credits = []
    assert [row["scope"] for row in found["uptime"]] == [row[0] for row in expected]
    for row, (kind, module, basis, target) in zip(found["uptime"], expected, strict=True):
        exact = percent(*model.scope(bounds, module, basis))
        assert Fraction(row["percent"]) == exact, (month, row["name"])
        plain = model.scope(bounds, module, "ones")
        assert Fraction(row["down_minutes"]) == plain[1], (month, row["name"])
        assert row["kept"] == (exact >= Fraction(target) and month not in SILENT)
        if exact >= Fraction(target) and month in SILENT:
            credits.append(band(Fraction(target) - Fraction(1, 10**9)))
        if exact < Fraction(target):
            share = Fraction(1) if kind == "peaks" else model.share_in_peak(bounds, module)
            credits.append(band(exact) * (1 + share))
    assert sum(map(Fraction, found["minutes"].values())) == bounds[1] - bounds[0]
    presumed = Fraction(0)
    mine = [c for c in model.clocks if bounds[0] <= c.fell_due < bounds[1]]
    for severity in TARGETS:
        for aim in AIMS:
            group = [c for c in mine if (c.severity, c.aim) == (severity, aim)]
            rows = [r for r in found["attainment"] if (r["severity"], r["aim"]) == (severity, aim)]
            counted = [(r["met"], r["missed"]) for r in rows]
            missed = sum(c.missed for c in group)
            assert counted == ([(len(group) - missed, missed)] if group else []), (month, aim)
            share = 100 * Fraction(len(group) - missed, len(group)) if group else Fraction(0)
            if month in SILENT and severity != "S4":
                required = Fraction(TERMS[f"C4.{severity}.attainment"])
                presumed += RATES[aim] * int(bool(group) and share >= required)
    misses = miss_percents(model, month, bounds, quarter)
    shown = {
        (c["incident"], c["kind"], _due(c["cause"])): Fraction(c["percent"])
        for c in found["credits"]
        if c["incident"]
    }
    assert shown == misses, month
    earned = max(credits, default=Fraction(0)) + sum(misses.values()) + presumed
    due = min(earned, Fraction(40), max(Fraction(0), Fraction(15) * 12 - used))
    assert (Fraction(found["totals"]["earned"]), Fraction(found["totals"]["due"])) == (earned, due)
    assert Decimal(found["totals"]["amount"]) == round(Decimal(float(due)) * 15, 2)
    return due


def _due(cause: str) -> int:
    return slow.minute_of(datetime.fromisoformat(cause.split(",")[0].removeprefix("due ")))
