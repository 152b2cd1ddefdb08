"""Which minutes of work are not measured, and which count as an outage (clauses 6.2 to 6.8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from portal.changes.rules.asked import (
    exception_allowed,
    needs_notice,
    needs_window,
    notice_honoured,
    period_key,
    spans_of,
)
from portal.changes.rules.plan import Change, Effect, Sort
from portal.sla.rules import target_from_term
from portal.sla.rules.instants import Span, clip, to_instant, to_moment, union, without
from portal.sla.rules.uptime import Down, Exclusion

Terms = Mapping[str, Any]
SCHEDULED = "scheduled maintenance in its window"
EMERGENCY = "emergency maintenance, its first stretch"
EMERGENCY_FREE = "emergency maintenance"
OVERRUN_FREE = "maintenance past its end, not counted"


@dataclass(frozen=True)
class WorkMinutes:
    """What works take out of the measured minutes, and what they add to the minutes down."""

    exclusions: list[Exclusion]
    downs: list[Down]


def work_minutes(changes: Iterable[Change], terms: Terms, *, until: datetime) -> WorkMinutes:
    """Return the minutes of all works that have begun, the limit used up in order of time."""
    exclusions: list[Exclusion] = []
    downs: list[Down] = []
    used: dict[tuple[int, int], int] = {}
    begun = [change for change in changes if change.begun_at and change.plan.effect is not _NONE]
    for change in sorted(begun, key=lambda one: (one.begun_at, one.ref)):
        real = _real_span(change, until)
        if change.plan.sort is Sort.EMERGENCY:
            _add_emergency(change, real, terms, exclusions, downs)
            continue
        scheduled = _under_limit(_scheduled(change, real, terms), change, terms, used)
        exclusions += [_out(span, SCHEDULED, change) for span in scheduled]
        _add_overrun(change, real, terms, exclusions, downs)
    return WorkMinutes(exclusions, downs)


_NONE = Effect.NONE


def _real_span(change: Change, until: datetime) -> Span:
    begun = change.begun_at or until
    over = change.over_at or max(until, begun)
    return to_instant(begun), to_instant(over)


def _scheduled(change: Change, real: Span, terms: Terms) -> list[Span]:
    """Return the part of a work that meets every condition of clause 6.2 but the limit."""
    if "scheduled_maintenance" not in (terms.get("D10") or ()):
        return []
    if needs_notice(terms) and not notice_honoured(change, terms):
        return []
    plan = change.plan
    spans = clip([real], to_instant(plan.begin), to_instant(plan.end))
    if needs_window(terms):
        windows = union(spans_of(terms, "E1", plan.begin, plan.end))
        spans = [part for b, e in spans for part in clip(windows, b, e)]
    if not exception_allowed(plan, terms, change.excepted_by):
        spans = without(spans, union(spans_of(terms, "E7", plan.begin, plan.end)))
    return spans


def _under_limit(
    spans: list[Span], change: Change, terms: Terms, used: dict[tuple[int, int], int]
) -> list[Span]:
    limit = terms.get("E3")
    if not isinstance(limit, Mapping):
        return spans
    most = target_from_term(limit).micros or 0
    key = period_key(change.plan.begin, terms)
    kept = []
    for begin, end in spans:
        room = max(0, most - used.get(key, 0))
        end = min(end, begin + room)
        if begin < end:
            used[key] = used.get(key, 0) + end - begin
            kept.append((begin, end))
    return kept


def _add_overrun(
    change: Change, real: Span, terms: Terms, exclusions: list[Exclusion], downs: list[Down]
) -> None:
    past = max(real[0], to_instant(change.plan.end)), real[1]
    if past[0] >= past[1]:
        return
    if terms.get("E9"):
        downs.append(_down(past, change))
    else:
        exclusions.append(_out(past, OVERRUN_FREE, change))


def _add_emergency(
    change: Change, real: Span, terms: Terms, exclusions: list[Exclusion], downs: list[Down]
) -> None:
    if not terms.get("E6"):
        exclusions.append(_out(real, EMERGENCY_FREE, change))
        return
    after = terms.get("E6.after")
    free = (target_from_term(after).micros or 0) if isinstance(after, Mapping) else 0
    edge = min(real[1], real[0] + free)
    if real[0] < edge:
        exclusions.append(_out((real[0], edge), EMERGENCY, change))
    if edge < real[1]:
        downs.append(_down((edge, real[1]), change))


def _out(span: Span, reason: str, change: Change) -> Exclusion:
    return Exclusion(to_moment(span[0]), to_moment(span[1]), reason, change.ref)


def _down(span: Span, change: Change) -> Down:
    return Down(to_moment(span[0]), to_moment(span[1]), Fraction(1), change.ref)


def length(spans: Iterable[Exclusion]) -> timedelta:
    """Return how long the exclusions are together."""
    return sum((out.end - out.begin for out in spans), timedelta(0))
