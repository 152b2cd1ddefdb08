"""The verdict of the contract's rules on a plan, before it is announced.

Each check names the clause and the term it comes from. A broken check either stops the plan, or
lets it go ahead at the price the contract names: its minutes then count as downtime.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.changes.rules.asked import (
    Terms,
    approvals_needed,
    before,
    exception_allowed,
    in_windows,
    latest_announcement,
    needs_notice,
    needs_window,
    notice_needed,
    planned_in_period,
    sort_row,
    spans_of,
)
from portal.changes.rules.plan import (
    NOTE_WORDS,
    SORT_IN_TEXT,
    TEST_WORDS,
    Change,
    Effect,
    Kind,
    Plan,
    Sort,
)
from portal.changes.rules.verdict_words import (
    PLANNED,
    WAITS,
    commas,
    hours,
    said,
    tested_by,
    work_zone,
)
from portal.contracts.rules.life import Side
from portal.kit.words import number, say
from portal.sla.rules import calendar_from_schedule, target_from_term
from portal.sla.rules.instants import clip, to_instant
from portal.sla.rules.uptime_terms import open_spans, window_spans


class Outcome(StrEnum):
    """What a check says."""

    KEPT = "kept"
    OPEN = "open"
    COSTS = "costs"
    STOPS = "stops"


OUTCOME_WORDS = {
    Outcome.KEPT: say("Kept"),
    Outcome.OPEN: say("Still needed"),
    Outcome.COSTS: say("Counts as downtime"),
    Outcome.STOPS: say("Not allowed"),
}
OUTCOME_KINDS = {
    Outcome.KEPT: "good",
    Outcome.OPEN: "open",
    Outcome.COSTS: "warn",
    Outcome.STOPS: "bad",
}


@dataclass(frozen=True)
class Check:
    """One rule of the contract held against the plan."""

    rule: str
    outcome: Outcome
    says: str
    clause: str
    term: str


@dataclass(frozen=True)
class Around:
    """What stands around a plan: when it is (or would be) announced, other works, who agreed."""

    announced_at: datetime
    others: Sequence[Change] = ()
    approved_by: frozenset[Side] = frozenset()
    excepted_by: frozenset[Side] = frozenset()


def verdict(plan: Plan, terms: Terms, around: Around) -> list[Check]:
    """Return every check that applies to a plan, in the order of the clauses."""
    found = (rule(plan, terms, around) for rule in _RULES)
    return [check for check in found if check is not None]


def worst(checks: Sequence[Check]) -> Outcome:
    """Return the hardest outcome among the checks."""
    order = list(Outcome)
    return max((check.outcome for check in checks), key=order.index, default=Outcome.KEPT)


def _window(plan: Plan, terms: Terms, around: Around) -> Check | None:
    if plan.sort is Sort.EMERGENCY or plan.effect is Effect.NONE or not needs_window(terms):
        return None
    inside = in_windows(plan, terms)
    says = (
        say("The work lies in a maintenance window.")
        if inside
        else say("The work does not lie in a maintenance window, so its minutes count as downtime.")
    )
    return _kept_or(say("In a window"), inside, Outcome.COSTS, says, "6.1", "E1")


def _notice(plan: Plan, terms: Terms, around: Around) -> Check | None:
    if (
        not needs_notice(terms)
        and plan.kind is Kind.MAINTENANCE
        and plan.sort is not Sort.EMERGENCY
    ):
        return None
    term, _ = notice_needed(plan, terms)
    clause = {"E4": "6.4", "E5": "6.6", "F6": "7.4"}[term]
    latest = latest_announcement(plan, terms)
    if latest is None:
        return Check(say("Notice"), Outcome.KEPT, say("Told as soon as possible."), clause, term)
    kept = around.announced_at <= latest
    when = said(latest.astimezone(work_zone(terms)))
    says = say("Announced in time: the last moment is %(when)s.", when=when)
    if not kept:
        says = say(
            "The last moment to announce it was %(when)s, so its minutes count as downtime.",
            when=when,
        )
    return _kept_or(say("Notice"), kept, Outcome.COSTS, says, clause, term)


def _lead(plan: Plan, terms: Terms, around: Around) -> Check | None:
    row = sort_row(plan, terms)
    if row is None or not row["lead"]["n"]:
        return None
    latest = before(plan.begin, row["lead"], terms)
    kept = around.announced_at <= latest
    says = say(
        "Asked early enough: the last moment is %(latest)s.",
        latest=said(latest.astimezone(work_zone(terms))),
    )
    if not kept:
        says = say(
            "A %(sort)s change is asked for by %(latest)s. Choose a later time.",
            sort=SORT_IN_TEXT[plan.sort],
            latest=said(latest.astimezone(work_zone(terms))),
        )
    return _kept_or(say("Lead time"), kept, Outcome.OPEN, says, "7.8", "F11")


def _limit(plan: Plan, terms: Terms, around: Around) -> Check | None:
    most = terms.get("E3")
    if plan.sort is Sort.EMERGENCY or plan.effect is Effect.NONE or not isinstance(most, Mapping):
        return None
    limit = timedelta(microseconds=target_from_term(most).micros or 0)
    used = planned_in_period(plan, terms, around.others)
    kept = used + plan.length <= limit
    says = PLANNED[terms.get("E3.period") or "month", kept] % {
        "used": hours(used + plan.length),
        "limit": hours(limit),
    }
    return _kept_or(say("Under the limit"), kept, Outcome.COSTS, says, "6.3", "E3")


def _freeze(plan: Plan, terms: Terms, around: Around) -> Check | None:
    if plan.sort is Sort.EMERGENCY:
        return None
    if not spans_of(terms, "E7", plan.begin, plan.end):
        return Check(say("Freeze"), Outcome.KEPT, say("No freeze lies on the work."), "6.5", "E7")
    if exception_allowed(plan, terms, around.excepted_by):
        says = say("In a freeze, by the exception both sides gave for this piece of work.")
        return Check(say("Freeze"), Outcome.KEPT, says, "6.5", "E8")
    rule = terms.get("E8")
    possible = rule is not None and (rule != "security_only" or plan.kind is Kind.SECURITY)
    if possible:
        says = say("In a freeze: it needs the exception of both sides before it begins.")
        return Check(say("Freeze"), Outcome.OPEN, says, "6.5", "E8")
    return Check(
        say("Freeze"),
        Outcome.STOPS,
        say("In a freeze, and the contract has no exception for it."),
        "6.5",
        "E7",
    )


def _peak(plan: Plan, terms: Terms, around: Around) -> Check | None:
    span = to_instant(plan.begin), to_instant(plan.end)
    for row in terms.get("B5") or ():
        if clip(window_spans(terms, row["window"], plan.begin, plan.end), *span):
            says = say(
                "In the peak “%(name)s”: a minute down weighs %(factor)s times.",
                name=row["name"],
                factor=number(row["multiplier"]),
            )
            return Check(say("Peaks"), Outcome.OPEN, says, "12.4", "B5")
    return Check(say("Peaks"), Outcome.KEPT, say("No peak lies on the work."), "12.4", "B5")


def _selling(plan: Plan, terms: Terms, around: Around) -> Check | None:
    if terms.get("B4") is None or plan.effect is Effect.NONE:
        return None
    calendar = calendar_from_schedule(terms["B4"])
    minutes = sum(e - b for b, e in open_spans(calendar, plan.begin, plan.end)) // 60_000_000
    says = say("Outside the sales-critical hours.")
    if minutes:
        says = say("%(minutes)s minutes of the work lie in sales-critical hours.", minutes=minutes)
    return _kept_or(say("Selling hours"), not minutes, Outcome.OPEN, says, "5.4", "B4")


def _tests(plan: Plan, terms: Terms, around: Around) -> Check | None:
    rows = terms.get("F9") or ()
    if plan.kind is Kind.MAINTENANCE or not rows or plan.sort is Sort.EMERGENCY:
        return None
    left = [row for row in rows if row["activity"] not in plan.tests]
    says = say("Every kind of test the contract names is done.")
    if left:
        named = [tested_by(TEST_WORDS[row["activity"]], row["party"]) for row in left]
        says = say("Not done yet: %(tests)s.", tests=commas(named))
    return _kept_or(say("Tests"), not left, Outcome.OPEN, says, "7.6", "F9")


def _backup(plan: Plan, terms: Terms, around: Around) -> Check | None:
    if not terms.get("F17"):
        return None
    says = (
        say("A backup is taken before.")
        if plan.backup
        else say("The plan takes no backup before the work.")
    )
    return _kept_or(say("Backup"), plan.backup, Outcome.STOPS, says, "7.11", "F17")


def _rollback(plan: Plan, terms: Terms, around: Around) -> Check | None:
    if plan.sort.value not in (terms.get("F13") or ()):
        return None
    if not plan.rollback:
        says = say(
            "A rollback plan is required for %(sort)s changes.", sort=SORT_IN_TEXT[plan.sort]
        )
        return Check(say("Rollback plan"), Outcome.STOPS, says, "7.10", "F13")
    return Check(
        say("Rollback plan"), Outcome.KEPT, say("There is a rollback plan."), "7.10", "F13"
    )


def _decision(plan: Plan, terms: Terms, around: Around) -> Check | None:
    limit, way_back = terms.get("F14"), terms.get("F15")
    if not isinstance(limit, Mapping) or not isinstance(way_back, Mapping) or not plan.rollback:
        return None
    most, back = (target_from_term(value).micros or 0 for value in (limit, way_back))
    minute = 60_000_000
    chosen = most // minute if plan.decide_minutes is None else plan.decide_minutes
    if chosen * minute > most:
        says = say(
            "The decision falls %(chosen)s minutes after the start; at most %(most)s.",
            chosen=chosen,
            most=most // minute,
        )
        return Check(say("Decision time"), Outcome.STOPS, says, "7.10", "F14")
    fits = timedelta(microseconds=chosen * minute + back) <= plan.length
    says = say(
        "Decided %(chosen)s minutes after the start; the way back still fits the planned time.",
        chosen=chosen,
    )
    if not fits:
        says = say(
            "Decision and way back take longer than the planned time: a rollback would overrun."
        )
    return _kept_or(say("Decision time"), fits, Outcome.OPEN, says, "7.10", "F14")


def _notes(plan: Plan, terms: Terms, around: Around) -> Check | None:
    if plan.kind is Kind.MAINTENANCE:
        return None
    missing = [NOTE_WORDS[n] for n in terms.get("F7") or () if not plan.notes.get(n)]
    says = say("The release notes hold every part.")
    if missing:
        says = say("The release notes lack: %(parts)s.", parts=commas(missing))
    outcome = Outcome.OPEN if plan.kind is Kind.SECURITY else Outcome.STOPS
    return _kept_or(say("Release notes"), not missing, outcome, says, "7.4", "F7")


def _approval(plan: Plan, terms: Terms, around: Around) -> Check | None:
    needed = approvals_needed(plan, terms)
    if not needed:
        return Check(
            say("Approval"), Outcome.KEPT, say("None is needed for this sort."), "7.8", "F11"
        )
    left = needed - around.approved_by
    says = say("Approved by everyone the contract names.")
    if left:
        says = WAITS["both" if len(left) > 1 else next(iter(left)).value]
    return _kept_or(say("Approval"), not left, Outcome.OPEN, says, "7.8", "F11")


Rule = Callable[[Plan, Terms, Around], Check | None]
_RULES: tuple[Rule, ...] = (
    _window, _limit, _notice, _freeze, _peak, _selling, _notes, _tests, _lead, _approval,
    _rollback, _decision, _backup,
)  # fmt: skip


def _kept_or(rule: str, kept: bool, broken: Outcome, says: str, clause: str, term: str) -> Check:
    return Check(rule, Outcome.KEPT if kept else broken, says, clause, term)
