"""What the contract asks of planned work: windows, notice, limits, freezes, approvals."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from portal.changes.rules.plan import Change, Effect, Kind, Plan, Sort
from portal.contracts.rules.life import Side
from portal.sla.rules import Target, back_from, calendar_from_schedule, target_from_term, zone
from portal.sla.rules.instants import Span, to_instant, union, without
from portal.sla.rules.uptime_terms import holidays_of, window_spans

Terms = Mapping[str, Any]


def in_windows(plan: Plan, terms: Terms) -> bool:
    """Return whether the whole plan lies in the maintenance windows (E1)."""
    span = to_instant(plan.begin), to_instant(plan.end)
    windows = union(spans_of(terms, "E1", plan.begin, plan.end))
    return not without([span], windows)


def spans_of(terms: Terms, term: str, begin: datetime, end: datetime) -> list[Span]:
    """Return the spans of a window term between two moments."""
    return window_spans(terms, terms.get(term), begin, end)


def notice_needed(plan: Plan, terms: Terms) -> tuple[str, Any]:
    """Return the term and its value that say how long before the plan must be announced."""
    if plan.sort is Sort.EMERGENCY:
        return "E5", terms.get("E5")
    return ("F6", terms.get("F6")) if plan.kind is Kind.RELEASE else ("E4", terms.get("E4"))


def latest_announcement(plan: Plan, terms: Terms) -> datetime | None:
    """Return the last moment at which announcing the plan honours the notice; None: at any time."""
    _, value = notice_needed(plan, terms)
    if not isinstance(value, Mapping):
        return None
    return before(plan.begin, value, terms)


def before(moment: datetime, length: Mapping[str, Any], terms: Terms) -> datetime:
    """Return the moment so long before another, in the hours of the contract."""
    calendar = calendar_from_schedule(terms["B1"], holidays=holidays_of(terms))
    target: Target = target_from_term(length)
    return back_from(moment, span=target, calendar=calendar)


def notice_honoured(change: Change, terms: Terms) -> bool:
    """Return whether an announced change was announced in time."""
    latest = latest_announcement(change.plan, terms)
    return change.announced_at is not None and (latest is None or change.announced_at <= latest)


def needs_window(terms: Terms) -> bool:
    """Return whether planned work must lie in a window (E2)."""
    return terms.get("E2") in ("window_only", "window_and_notice")


def needs_notice(terms: Terms) -> bool:
    """Return whether planned work must be announced before (E2)."""
    return terms.get("E2") in ("notice_only", "window_and_notice")


def exception_allowed(plan: Plan, terms: Terms, excepted_by: frozenset[Side]) -> bool:
    """Return whether a plan may run in a freeze: the contract's exception, and both sides' word."""
    rule = terms.get("E8")
    if rule is None or excepted_by != frozenset(Side):
        return False
    return rule != "security_only" or plan.kind is Kind.SECURITY


def planned_in_period(plan: Plan, terms: Terms, others: Iterable[Change]) -> timedelta:
    """Return how much other planned work lies in the plan's month or quarter (E3.period)."""
    period = period_key(plan.begin, terms)
    return sum(
        (
            other.plan.length
            for other in others
            if other.plan.sort is not Sort.EMERGENCY
            and other.plan.effect is not Effect.NONE
            and other.stage.value not in ("draft", "withdrawn")
            and period_key(other.plan.begin, terms) == period
        ),
        timedelta(0),
    )


def period_key(moment: datetime, terms: Terms) -> tuple[int, int]:
    """Return the month, or quarter, of the maintenance limit in which a moment lies."""
    local = moment.astimezone(zone(str(terms.get("M4") or "UTC")))
    if terms.get("E3.period") == "quarter":
        return local.year, (local.month - 1) // 3
    return local.year, local.month


def approvals_needed(plan: Plan, terms: Terms) -> frozenset[Side]:
    """Return the sides whose approval the contract asks for (F11)."""
    row = sort_row(plan, terms)
    rule = row["approval"] if row else "informed"
    return {
        "both": frozenset(Side),
        "customer": frozenset({Side.CUSTOMER}),
    }.get(rule, frozenset())


def sort_row(plan: Plan, terms: Terms) -> Mapping[str, Any] | None:
    """Return what the contract says of the plan's sort of change (F11)."""
    rows: Iterable[Mapping[str, Any]] = terms.get("F11") or ()
    return next((row for row in rows if row["kind"] == plan.sort), None)
