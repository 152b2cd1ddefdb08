"""What a month is computed from, and its availability: each promise measured over its period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.changes.rules.minutes import work_minutes
from portal.changes.rules.outages import (
    Outage,
    critical_modules,
    downs_of,
    exclusions_of,
    module_downs,
)
from portal.changes.rules.plan import Change
from portal.sla.rules import uptime as up
from portal.sla.rules.incident import History
from portal.sla.rules.instants import Span, to_micros
from portal.sla.rules.promises import Promises
from portal.sla.rules.uptime import Basis, Down, Exclusion, Hours, Uptime, UptimeRule, measure
from portal.sla.rules.uptime_terms import degraded_weight, hours_between, uptime_rule
from portal.statements.rules.month import PERIOD_MONTHS, Month, last_month, service_bounds

Terms = Mapping[str, Any]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Earlier:
    """What an earlier month's statement came to."""

    month: Month
    due_percent: Fraction
    uptime_missed: bool
    attainment_missed: bool
    s1_incidents: int
    extension: Fraction = Fraction(0)
    every_promise_kept: bool = False


@dataclass(frozen=True)
class MonthFacts:
    """Everything a month is computed from, as it was known at `known_at`.

    A month that is not over is computed as if nothing more happened in it.

    `incidents` pair each history with the promises of the version it was reported under; they
    reach back to the beginning of the period and of the quarter. `delivered` is when the vendor
    delivered the report of the month; `ends` is the day after the last one of service.
    """

    month: Month
    terms: Terms
    start: date
    known_at: datetime
    incidents: Sequence[tuple[Promises, History]] = ()
    outages: Sequence[Outage] = ()
    changes: Sequence[Change] = ()
    earlier: Sequence[Earlier] = ()
    delivered: datetime | None = None
    ends: date | None = None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """From when to when the month was served."""
        return service_bounds(self.month, self.terms, self.start, self.ends)

    @property
    def closes(self) -> bool:
        """Whether the period of measurement ends with this month: by its length or for good."""
        return self.month.ends_period(period_months(self.terms)) or (
            self.month == last_month(self.ends)
        )


def period_months(terms: Terms) -> int:
    """Return how many months the period of measurement has (D4)."""
    return PERIOD_MONTHS[str(terms.get("D4") or "month")]


def facts_begin(month: Month, terms: Terms) -> datetime:
    """Return from when on facts are needed: the beginning of the period, and of the quarter."""
    first = min(month.first_of(period_months(terms)), month.first_of(3))
    return first.bounds(terms)[0]


@dataclass(frozen=True)
class Scope:
    """One promise of availability, measured over the month and over its whole period.

    `served` is how much of the period there was service, `whole` how long its calendar months are.
    """

    kind: str
    name: str
    clause: str
    term: str
    target: Decimal
    uptime: Uptime
    period: Uptime
    plain: Uptime
    judged: bool
    peaks: tuple[Span, ...]
    served: timedelta
    whole: timedelta
    months: int
    presumed: bool = False

    @property
    def reached(self) -> bool:
        """Whether the period reaches what was promised, compared exactly."""
        return self.period.percent >= Fraction(self.target)

    @property
    def kept(self) -> bool:
        """Whether the promise counts as kept."""
        return self.reached and not self.presumed

    @property
    def only_presumed(self) -> bool:
        """Whether it counts as missed for nothing but a missing report (clause 12.13)."""
        return self.reached and self.presumed


def measured(
    facts: MonthFacts, begin: datetime, end: datetime, *, presumed: bool = False
) -> list[Scope]:
    """Return each promise of availability as it was measured up to the end of the month.

    `presumed`: the month's report is missing, so that each promise counts as missed.
    """
    terms, months = facts.terms, period_months(facts.terms)
    opened = facts.month.first_of(months)
    first = min(service_bounds(opened, terms, facts.start)[0], begin)
    whole = opened.plus(months - 1).bounds(terms)[1] - opened.bounds(terms)[0]
    weight, critical = degraded_weight(terms), critical_modules(terms)
    now = min(end, max(begin, facts.known_at))
    outages = [one if one.end else replace(one, end=max(one.begin, now)) for one in facts.outages]
    work = work_minutes(facts.changes, terms, until=now)
    closed = facts.closes
    outs = [*exclusions_of(outages, terms), *work.exclusions]
    own_rule, own_hours = uptime_rule(terms), hours_between(terms, first, end)
    peaks = own_hours.in_peaks

    def scope(
        kind: str, name: str, clause: str, term: str, target: str, downs: Sequence[Down],
        excluded: Sequence[Exclusion],
    ) -> Scope:  # fmt: skip
        rule, hours = own_rule, own_hours
        if kind == "peaks":
            rule = UptimeRule(Basis.SALES_CRITICAL, shortest=rule.shortest)
            hours = Hours(selling=peaks)
        ask = _Asked(downs, excluded, hours, rule)
        plain = _Asked(downs, excluded, Hours(), UptimeRule(shortest=rule.shortest))
        month = ask.between(begin, end)
        return Scope(
            kind, name, clause, term, Decimal(str(target)), month,
            month if first == begin else ask.between(first, end),
            plain.between(begin, end), closed, peaks, served=end - first, whole=whole,
            months=months, presumed=presumed,
        )  # fmt: skip

    all_downs = [*downs_of(outages, degraded=weight, critical=critical), *work.downs]
    found = [scope("software", "The software", "5.1", "D1", terms["D1"], all_downs, outs)]
    if terms.get("D3") and found[0].peaks:
        found.append(scope("peaks", "In peaks", "5.6", "D3", terms["D3"], all_downs, outs))
    for row in terms.get("D5") or ():
        name = row["module"]
        works = [c for c in facts.changes if not c.plan.modules or name in c.plan.modules]
        mine = work_minutes(works, terms, until=now)
        down = [*module_downs(outages, name, degraded=weight), *mine.downs]
        excluded = [*exclusions_of(outages, terms), *mine.exclusions]
        found.append(scope("module", name, "5.7", "D5", row["target"], down, excluded))
    return found


@dataclass(frozen=True)
class _Asked:
    downs: Sequence[Down]
    excluded: Sequence[Exclusion]
    hours: Hours
    rule: UptimeRule

    def between(self, begin: datetime, end: datetime) -> Uptime:
        return measure(
            begin, end, downs=self.downs, exclusions=self.excluded, hours=self.hours, rule=self.rule
        )


def uptime_figure(scope: Scope, terms: Terms) -> Figures:
    return {
        "scope": scope.kind,
        "name": scope.name,
        "clause": scope.clause,
        "term": scope.term,
        "target": str(scope.target),
        "percent": exact(scope.uptime.percent),
        "shown": str(up.shown(scope.uptime.percent)),
        "unweighted": str(up.shown(scope.plain.percent)),
        "period": str(terms.get("D4") or "month"),
        "period_percent": exact(scope.period.percent),
        "period_shown": str(up.shown(scope.period.percent)),
        "judged": scope.judged,
        "kept": scope.kept,
        "presumed": scope.only_presumed,
        "down_minutes": exact(_down_minutes(scope.plain)),
        "refs": sorted({ref for p in scope.uptime.pieces if p.counted for ref in p.refs}),
    }


def _down_minutes(plain: Uptime) -> Fraction:
    return plain.lost / up.MINUTE


def minute_figures(uptime: Uptime) -> dict[str, str]:
    return {
        name: exact(Fraction(to_micros(length), up.MINUTE))
        for name, length in uptime.minutes.items()
    }


def piece_figure(piece: up.Piece) -> Figures:
    return {
        "begin": stamp(piece.begin),
        "end": stamp(piece.end),
        "minutes": exact(Fraction(to_micros(piece.length), up.MINUTE)),
        "counted": piece.counted,
        "reason": piece.reason,
        "weight": exact(piece.weight),
        "down": exact(piece.down),
        "refs": list(piece.refs),
    }


def exact(number: Fraction) -> str:
    """Write an exact number: a whole number, or a fraction such as 1/3."""
    return str(number)


def stamp(moment: datetime) -> str:
    """Write a moment to the second, RFC 3339 in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
