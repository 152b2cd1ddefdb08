"""What is at risk in a contract now: each figure live, and each with its way out.

A risk is a fact of today held against a term; it says how much, what it rests on, and which page
ends it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import reduce
from typing import Any

from portal.changes.rules.outages import CauseStanding, Outage
from portal.changes.rules.outages import Standing as OutageStanding
from portal.changes.rules.plan import Change, Kind, Stage
from portal.kit.words import Words, long_day_of_year, money, percent, say, say_n
from portal.sla.rules import calendar_from_schedule, due_at, target_from_term
from portal.sla.rules.incident import (
    History,
    is_excluded,
    pauses_of,
    proposals_of,
    severity_now,
    standing_resolution,
)
from portal.sla.rules.promises import Promises
from portal.sla.rules.uptime_terms import holidays_of, open_spans
from portal.statements.rules.measured import Figures
from portal.statements.rules.settling import Stage as Settled
from portal.statements.rules.shown import percent_shown

Terms = Mapping[str, Any]
LATELY = timedelta(days=90)
SOON = timedelta(hours=24)
# A security weakness carries the contract's severity; F4 speaks of grades.
RATING = {"S1": "critical", "S2": "high", "S3": "medium", "S4": "medium"}


class Level(StrEnum):
    """How bad it stands."""

    CLEAR = "clear"
    WATCH = "watch"
    BAD = "bad"


LEVEL_WORDS = {Level.CLEAR: say("Clear"), Level.WATCH: say("Watch"), Level.BAD: say("Act")}
LEVEL_KINDS = {Level.CLEAR: "good", Level.WATCH: "open", Level.BAD: "bad"}


NAMES = {
    "interruption": say("Service interruption"),
    "missed": say("Missed targets"),
    "unpatched": say("Unpatched weaknesses"),
    "compliance": say("Non-compliance"),
    "disputes": say("Open disputes"),
    "exposure": say("Data exposure"),
}
SHORT = {
    "interruption": say("Interruption"),
    "missed": say("Targets"),
    "unpatched": say("Patches"),
    "compliance": say("Compliance"),
    "disputes": say("Disputes"),
    "exposure": say("Data"),
}
"""The same for the heads of a wide table."""


@dataclass(frozen=True)
class WayOut:
    """What ends a risk: words, and the page of the contract where it is done."""

    words: str
    page: str


@dataclass(frozen=True)
class Risk:
    """One risk with its figure, what it rests on, and the ways out."""

    key: str
    term: str
    level: Level
    figure: str
    note: str
    ways_out: tuple[WayOut, ...] = ()

    @property
    def name(self) -> str:
        """The risk as people say it."""
        return NAMES[self.key]


@dataclass(frozen=True)
class Weakness:
    """A security weakness that was reported: when, how grave, and whether it is mended."""

    number: int
    history: History


@dataclass(frozen=True)
class Now:
    """What a contract looks like at this moment."""

    terms: Terms
    at: datetime
    month: Figures
    incidents: Sequence[tuple[Promises, History]]
    weaknesses: Sequence[Weakness]
    outages: Sequence[Outage]
    changes: Sequence[Change]
    statements: Sequence[tuple[str, Settled, datetime, datetime]]
    overdue: Sequence[WayOut] = ()


def risks(now: Now) -> list[Risk]:
    """Return the six risks of a contract, whether or not anything is amiss."""
    return [
        _interruption(now), _missed(now), _unpatched(now), _non_compliance(now), _disputes(now),
        _exposure(now),
    ]  # fmt: skip


def worst(found: Iterable[Risk]) -> Level:
    """Return the worst level among risks."""
    order = list(Level)
    return max((risk.level for risk in found), key=order.index, default=Level.CLEAR)


def _interruption(now: Now) -> Risk:
    software = now.month["uptime"][0]
    selling = sum(_selling(piece, now.terms) for piece in now.month["pieces"])
    lasting = [one for one in now.outages if not one.over and _counts(one)]
    price = next((line for line in now.month["credits"] if line["kind"] == "availability"), None)
    note = say(
        "%(shown)s of %(target)s promised this month",
        shown=percent(software["shown"]),
        target=percent(software["target"]),
    )
    if price:
        note = say(
            "%(note)s; a credit of %(share)s of the fee",
            note=note,
            share=percent(percent_shown(price["percent"])),
        )
    loss = now.terms.get("L6")
    if loss:
        amount = money(Decimal(loss["amount"]), loss["currency"])
        note = say(
            "%(note)s; sales lost in peaks are owed up to %(amount)s", note=note, amount=amount
        )
    level = Level.BAD if lasting or not software["kept"] else Level.WATCH
    ways = [
        WayOut(say("%(ref)s lasts: record its end", ref=one.ref), f"outages/{one.ref}")
        for one in lasting
    ]
    return Risk(
        "interruption", "D1",
        level if selling or lasting or not software["kept"] else Level.CLEAR,
        say_n(
            "%(num)s selling-hours minute lost", "%(num)s selling-hours minutes lost", selling
        ), note,
        (*ways, WayOut(say("See each minute"), f"statements/{now.month['month']}")),
    )  # fmt: skip


def _selling(piece: Figures, terms: Terms) -> int:
    """Return the selling-hours minutes of a counted stretch."""
    if not piece["counted"]:
        return 0
    begin, end = (datetime.fromisoformat(piece[key]) for key in ("begin", "end"))
    if terms.get("B4") is None:
        return int(Fraction(piece["minutes"]))
    calendar = calendar_from_schedule(terms["B4"])
    return sum(e - b for b, e in open_spans(calendar, begin, end)) // 60_000_000


def _counts(outage: Outage) -> bool:
    return outage.standing is not OutageStanding.WITHDRAWN


def _missed(now: Now) -> Risk:
    missed = sum(row["missed"] for row in now.month["attainment"])
    below = [row for row in now.month["attainment"] if not row["kept"]]
    totals = now.month["totals"]
    share = percent(percent_shown(totals["due"]))
    note = say("Credits at risk this month: %(share)s of the fee", share=share)
    if totals["amount"]:
        note = say(
            "Credits at risk this month: %(share)s of the fee, %(amount)s",
            share=share,
            amount=money(Decimal(totals["amount"]), totals["currency"]),
        )
    level = Level.BAD if below else Level.WATCH if missed else Level.CLEAR
    numbers = sorted({n for row in below for n in row["incidents"]})[:3]
    ways = tuple(WayOut(say("Incident %(number)s", number=n), f"incidents/{n}") for n in numbers)
    see = WayOut(say("See the month’s targets"), f"statements/{now.month['month']}")
    return Risk(
        "missed",
        "C4",
        level,
        say_n("%(num)s missed this month", "%(num)s missed this month", missed),
        note,
        (*ways, see),
    )


def _unpatched(now: Now) -> Risk:
    rows = {row["rating"]: row["within"] for row in now.terms.get("F4") or ()}
    late: list[tuple[datetime, int]] = []
    coming: list[tuple[datetime, int]] = []
    for one in now.weaknesses:
        within = rows.get(RATING[severity_now(one.history)])
        if within is None or standing_resolution(one.history) is not None:
            continue
        due = _due(one.history.reported, within, now.terms)
        (late if due < now.at else coming).append((due, one.number))
    level = Level.BAD if late else Level.WATCH if coming else Level.CLEAR
    figure = say("%(late)s past their time, %(open)s open", late=len(late), open=len(coming))
    first = min([*late, *coming], default=None)
    note = (
        say("The next one is due %(at)s", at=_day(first[0]))
        if first
        else say("No weakness waits for a patch")
    )
    ways = tuple(
        WayOut(say("Incident %(number)s", number=n), f"incidents/{n}")
        for _, n in sorted(late + coming)[:3]
    )
    return Risk("unpatched", "F4", level, figure, note, ways)


def _non_compliance(now: Now) -> Risk:
    overdue = [(month, due) for month, stage, due, _ in now.statements
               if stage in (Settled.ISSUED, Settled.OBJECTED) and due < now.at]  # fmt: skip
    required = {row["activity"] for row in now.terms.get("F9") or ()}
    untested = [
        change
        for change in now.changes
        if change.stage in (Stage.COMPLETED, Stage.STARTED)
        and change.plan.kind is not Kind.MAINTENANCE
        and required - change.plan.tests
        and change.begun_at is not None
        and change.begun_at > now.at - LATELY
    ]
    silent = [
        change
        for change in now.changes
        if change.stage is Stage.STARTED and change.plan.end < now.at
    ]
    count = len(overdue) + len(untested) + len(silent) + len(now.overdue)
    counted = (
        (len(overdue), say("%(count)s reports overdue")),
        (len(untested), say("%(count)s releases without every test")),
        (len(silent), say("%(count)s changes without a word of their end")),
        (len(now.overdue), say("%(count)s root causes, measures or reviews overdue")),
    )
    parts = [words % {"count": number} for number, words in counted if number]
    ways = [
        WayOut(say("Confirm %(month)s", month=month), f"statements/{month}")
        for month, _ in overdue[:2]
    ]
    ways += [WayOut(change.ref, f"changes/{change.ref}") for change in (*silent, *untested)[:3]]
    ways += now.overdue[:3]
    return Risk(
        "compliance", "N1, N3, F9, E12", Level.BAD if count else Level.CLEAR,
        say("%(count)s open", count=count), _all_of(parts), tuple(ways),
    )  # fmt: skip


def _all_of(parts: Sequence[Words]) -> Words:
    if not parts:
        return say("Every duty is done in time")
    return reduce(lambda one, next: say("%(first)s; %(next)s", first=one, next=next), parts)


def _disputes(now: Now) -> Risk:
    rows: list[tuple[datetime, str, str]] = []
    for outage in now.outages:
        disputed = outage.standing is OutageStanding.DISPUTED
        if disputed or outage.cause_standing is CauseStanding.CLAIMED:
            rows.append(
                (outage.begin, say("Outage %(ref)s", ref=outage.ref), f"outages/{outage.ref}")
            )
    for month, stage, _, since in now.statements:
        if stage is Settled.DISPUTED:
            rows.append((since, say("Statement of %(month)s", month=month), f"statements/{month}"))
    for promises, history in now.incidents:
        contested = [c for c in pauses_of(history, promises) if c.contested]
        open_words = [p for p in proposals_of(history) if p.is_open and p.declined_at]
        if contested or open_words or is_excluded(history) is None:
            page = f"incidents/{history.number}"
            rows.append((history.reported, say("Incident %(number)s", number=history.number), page))
    rows.sort()
    oldest = rows[0][0] if rows else None
    note = (
        say("The oldest stands at: %(step)s", step=step_of(oldest, now))
        if oldest
        else say("Nothing is contested")
    )
    ways = tuple(WayOut(words, page) for _, words, page in rows[:4])
    level = Level.WATCH if rows else Level.CLEAR
    if oldest and _steps_over(oldest, now):
        level = Level.BAD
    return Risk("disputes", "G8", level, say("%(count)s open", count=len(rows)), note, ways)


_USED_UP = say("every step of the contract is used up")


def step_of(since: datetime, now: Now) -> str:
    """Return the step of the contract's path on which a dispute of that age stands (G8)."""
    passed = since
    for row in now.terms.get("G8") or ():
        passed = _due(passed, row["within"], now.terms) if row.get("within") else now.at
        if now.at <= passed:
            return str(row["step"])
    return _USED_UP


def _steps_over(since: datetime, now: Now) -> bool:
    return step_of(since, now) is _USED_UP


def _exposure(now: Now) -> Risk:
    within = now.terms.get("L13.notice")
    grave = [
        one
        for one in now.weaknesses
        if severity_now(one.history) == "S1" and one.history.reported > now.at - LATELY
    ]
    if not isinstance(within, Mapping):
        return Risk("exposure", "L13.notice", Level.CLEAR, say("%(count)s known", count=len(grave)),
                    say("The contract sets no time to tell of a data breach"))  # fmt: skip
    running = []
    for one in grave:
        due = _due(one.history.reported, within, now.terms)
        if standing_resolution(one.history) is None and due > now.at - LATELY:
            running.append((due, one.number))
    running.sort()
    note = say("No breach notice runs")
    level = Level.CLEAR
    if running:
        due = running[0][0]
        level = Level.BAD if due < now.at + SOON else Level.WATCH
        note = say("The customer is to be told until %(at)s", at=_day(due))
    ways = tuple(
        WayOut(say("Incident %(number)s", number=number), f"incidents/{number}")
        for _, number in running[:3]
    )
    return Risk(
        "exposure",
        "L13.notice",
        level,
        say_n("%(num)s breach notice runs", "%(num)s breach notices run", len(running)),
        note,
        ways,
    )


def _due(since: datetime, length: Mapping[str, Any], terms: Terms) -> datetime:
    calendar = calendar_from_schedule(terms["B1"], holidays=holidays_of(terms))
    return due_at(since, target=target_from_term(length), calendar=calendar)


def _day(moment: datetime) -> Words:
    time = f"{moment:%H:%M}"
    return say("%(day)s %(time)s UTC", day=long_day_of_year(moment.date()), time=time)
