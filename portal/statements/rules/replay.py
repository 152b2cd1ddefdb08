"""Replay: past incidents and outages run again under terms that are only proposed.

Counts of what happened, under one offer and the other, and never a prediction: people work to the
targets they have. Only what a proposal can change is computed a second time.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from portal.changes.rules.outages import Outage
from portal.changes.rules.plan import Change
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.sla.rules import Target, Unit, calendar_from_schedule, due_at
from portal.sla.rules.counting import open_between
from portal.sla.rules.credits import money
from portal.sla.rules.incident import Event, Happened, History, severity_line
from portal.sla.rules.instants import Span, to_instant, union
from portal.sla.rules.outcomes import runs_of
from portal.sla.rules.promises import AIM_WORDS, SEVERITIES, Aim, Promises, promises_of
from portal.statements.rules.figures import month_credit
from portal.statements.rules.judged import Judged, judged
from portal.statements.rules.measured import Earlier, MonthFacts
from portal.statements.rules.misses import CLAUSES, PER_POINT, PER_UNIT, shape_of
from portal.statements.rules.month import Month, until
from portal.statements.rules.shown import time_shown
from portal.statements.rules.totals import monthly_fee
from portal.terms.rules.numbers import MINOR_DIGITS

Terms = Mapping[str, Any]
MINUTE = 60_000_000
TARGETS = ("first_response", "update_every", "workaround", "resolution")
# What may be proposed: the targets, the calendar, the selling hours, uptime and credit rules.
TERMS = (
    *(f"C4.{severity}.{name}" for severity in SEVERITIES for name in TARGETS),
    "B1", "B4", "D1", "D2", "D7", "D11",
    "K1", "K1.shape", "K1.extension", "K1.step", "K1.unit", "K1.units", "K1.most",
    *(f"{credit}{part}" for credit in ("K2", "K3")
      for part in ("", ".shape", ".unit", ".units", ".most")),
    "K2.misses", "K4", "K5",
)  # fmt: skip
# A change of these moves the clocks of every incident.
WIDE = frozenset({"B1", "B2", "B5", "C5", "C6", "C7", "C7.max_pause", "C11"})
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Past:
    """What happened, whatever was promised about it."""

    histories: Sequence[History]
    outages: Sequence[Outage] = ()
    changes: Sequence[Change] = ()


@dataclass(frozen=True)
class Counts:
    """What the past comes to under one offer."""

    due: int
    missed: int
    by_aim: Mapping[Aim, int]
    credit_percent: Fraction
    credit_amount: Decimal | None
    added: str
    currency: str | None
    late_selling_minutes: int
    down_selling_minutes: int


@dataclass(frozen=True)
class Differs:
    """An incident that the two offers judge differently."""

    number: int
    severity: str
    reported: datetime
    here: tuple[str, ...]
    there: tuple[str, ...]


@dataclass(frozen=True)
class Replayed:
    """Both offers over the same past, and the incidents that differ."""

    incidents: int
    first: date | None
    last: date | None
    here: Counts
    there: Counts
    differs: tuple[Differs, ...]


def replay(past: Past, *, here: Terms, there: Terms, now: datetime) -> Replayed:
    """Run a past under two sets of terms."""
    histories = sorted(past.histories, key=lambda history: history.reported)
    ours = {h.number: judged_quickly(p, h, now=now) for p in [promises_of(here)] for h in histories}
    theirs = _again(histories, ours, here, there, now)
    days = [h.reported.date() for h in histories] or [o.begin.date() for o in past.outages]
    return Replayed(
        len(histories), min(days, default=None), max(days, default=None),
        _counts(past, ours, here, now), _counts(past, theirs, there, now),
        tuple(_differing(histories, ours, theirs)),
    )  # fmt: skip


# Histories of these words alone have one severity and no pause: each clock is a single count.
PLAIN = frozenset({
    Happened.REPORTED, Happened.MESSAGE, Happened.ACKNOWLEDGED, Happened.RESPONSE,
    Happened.UPDATE, Happened.WORKAROUND, Happened.RESOLVED, Happened.CONFIRMED,
})  # fmt: skip


def judged_quickly(promises: Promises, history: History, *, now: datetime) -> list[Judged]:
    """Return what `judged` does, at a fifth of the cost for a history without turns.

    A clock met before its target could have run out on any calendar is not worked out to its due
    instant: the instant it was met stands in its place.
    """
    if not all(event.kind in PLAIN for event in history.events):
        return judged(promises, history, now=now)
    severity = history.events[0].severity or SEVERITIES[-1]
    found = []
    for run in runs_of(promises, history):
        promise = promises.promise(run.aim, severity, reported=history.reported)
        target, met = promise.target, run.met_at
        if target is None:
            continue
        if met is not None and met <= run.start + _shortest(target):
            due = met
        else:
            begin = promises.starts_at(run.start, target)
            due = due_at(begin, target=target, calendar=promises.calendar_for(target))
        missed = (met or now) > due
        if met is not None or missed:
            fell_due = due if met is None else min(due, met)
            found.append(Judged(
                history.number, run.aim, severity, promise.term, fell_due, due, met, missed,
                open=False,
            ))  # fmt: skip
    return found


@lru_cache(maxsize=512)
def _shortest(target: Target) -> timedelta:
    """Return the least real time a target can take: counted time never outruns the wall."""
    if target.micros is not None:
        return timedelta(microseconds=target.micros)
    # A day may be an hour short, where the clocks go forward; the first may have begun.
    days = int(target.n) * (28 if target.unit is Unit.MONTHS else 1) - 1
    return timedelta(days=max(0, days), hours=-1 if days > 0 else 0)


def _again(
    histories: Sequence[History], ours: Mapping[int, list[Judged]], here: Terms, there: Terms,
    now: datetime,
) -> dict[int, list[Judged]]:  # fmt: skip
    """Compute again only the incidents whose clocks the proposal can move."""
    changed = {term for term in {*here, *there} if here.get(term) != there.get(term)}
    wide = bool(changed & WIDE)
    severities = {term.split(".")[1] for term in changed if term.startswith("C4.")}
    if not wide and not severities:
        return dict(ours)
    promises = promises_of(there)
    return {
        history.number: judged_quickly(promises, history, now=now)
        if wide or _touches(history, severities)
        else ours[history.number]
        for history in histories
    }


def _touches(history: History, severities: set[str]) -> bool:
    return any(severity in severities for _, severity in severity_line(history))


def _differing(
    histories: Sequence[History], ours: Mapping[int, list[Judged]],
    theirs: Mapping[int, list[Judged]],
) -> Iterable[Differs]:  # fmt: skip
    for history in histories:
        one, other = _missed(ours[history.number]), _missed(theirs[history.number])
        if one != other:
            severity = severity_line(history)[-1][1]
            yield Differs(history.number, severity, history.reported, one, other)


def _missed(found: Iterable[Judged]) -> tuple[str, ...]:
    return tuple(AIM_WORDS[one.aim] for one in found if one.missed)


def _counts(past: Past, found: Mapping[int, list[Judged]], terms: Terms, now: datetime) -> Counts:
    clocks = [one for rows in found.values() for one in rows]
    missed = [one for one in clocks if one.missed]
    by_aim = {aim: sum(one.aim is aim for one in missed) for aim in Aim}
    percent, added = _credits(past, clocks, terms, now)
    fee = monthly_fee(terms)
    digits = MINOR_DIGITS.get(fee[1], 2) if fee else 2
    return Counts(
        due=len(clocks), missed=len(missed), by_aim={a: n for a, n in by_aim.items() if n},
        credit_percent=percent,
        credit_amount=money(percent, fee[0], digits=digits) if fee else None,
        added=time_shown(str(added)) if added else "", currency=fee[1] if fee else None,
        late_selling_minutes=_late_minutes(missed, terms, now),
        down_selling_minutes=_selling(terms, ((o.begin, o.end or now) for o in past.outages)),
    )  # fmt: skip


def _credits(
    past: Past, clocks: Sequence[Judged], terms: Terms, now: datetime
) -> tuple[Fraction, Fraction]:
    """Add up the months' credits, each under its caps, and the minutes they add to the term."""
    moments = [one.due for one in clocks if one.missed] + [o.begin for o in past.outages]
    if not moments:
        return Fraction(0), Fraction(0)
    first, last = Month.of(min(moments), terms), Month.of(min(max(moments), now), terms)
    start, shapes = date(first.year, first.month, 1), {shape_of(k, terms) for k in CLAUSES}
    if PER_UNIT in shapes:
        # What is late goes on costing until it is done.
        last = max([last, *(Month.of(o.met_at or now, terms) for o in clocks if o.missed)])
    by_quarter: dict[Month, list[Judged]] = {}
    for one in clocks:
        # A share needs what was met beside what was missed.
        if one.missed or PER_POINT in shapes:
            by_quarter.setdefault(Month.of(one.due, terms).first_of(3), []).append(one)
    earlier: list[Earlier] = []
    for month in until(first, last):
        # Late time can reach over from the quarter before, so that its misses are looked at too.
        quarter = month.first_of(3)
        near = [one for q in (quarter.plus(-3), quarter) for one in by_quarter.get(q, ())]
        facts = MonthFacts(
            month, terms, start, now, outages=past.outages, changes=past.changes, earlier=earlier
        )
        found = month_credit(facts, near)
        earlier.append(Earlier(
            month, found.capped.due, uptime_missed=False, attainment_missed=False, s1_incidents=0,
            extension=found.extension,
        ))  # fmt: skip
    return (
        sum((one.due_percent for one in earlier), Fraction(0)),
        sum((one.extension for one in earlier), Fraction(0)),
    )


def _late_minutes(missed: Iterable[Judged], terms: Terms, now: datetime) -> int:
    """Return the minutes past due that lay in selling hours, each incident's minutes once."""
    by_incident: dict[int, list[Span]] = {}
    for one in missed:
        span = to_instant(one.due), to_instant(one.met_at or now)
        by_incident.setdefault(one.incident, []).append(span)
    return _selling_spans(terms, (span for spans in by_incident.values() for span in union(spans)))


def _selling(terms: Terms, stretches: Iterable[tuple[datetime, datetime]]) -> int:
    return _selling_spans(terms, union((to_instant(b), to_instant(e)) for b, e in stretches))


def _selling_spans(terms: Terms, spans: Iterable[Span]) -> int:
    hours = terms.get("B4")
    if not hours:
        return sum(end - begin for begin, end in spans) // MINUTE
    calendar = calendar_from_schedule(hours)
    return sum(open_between(calendar, begin, end) for begin, end in spans) // MINUTE


# ---- imports -------------------------------------------------------------------------------------

COLUMNS = ("reported", "severity", "responded", "resolved")


class BadImport(Refused):
    """A file that cannot be read as past incidents; the message names the row."""


def read_import(text: str) -> list[dict[str, str]]:
    """Read a CSV of past incidents into rows; the first row names the columns.

    Each row needs `reported` and `severity` (S1 to S4); `responded`, `workaround` and `resolved`
    may be empty. Times are RFC 3339; one without an offset is UTC.
    """
    try:
        return _import_rows(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    except csv.Error:
        raise BadImport(say("This is not a CSV file.")) from None


def _import_rows(reader: "csv.DictReader[str]") -> list[dict[str, str]]:
    names = [str(name).strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadImport(say("The first row lacks the column %(missing)s.", missing=missing[0]))
    reader.fieldnames = names
    rows = []
    for number, row in enumerate(reader, start=2):
        if number > MOST_ROWS + 1:
            raise BadImport(
                say("At most %(most_rows)s incidents fit in one import.", most_rows=MOST_ROWS)
            )
        rows.append(_import_row(number, row))
    if not rows:
        raise BadImport(say("There is no incident in this file."))
    return rows


def _import_row(number: int, row: Mapping[str, str | None]) -> dict[str, str]:
    said = {name: (row.get(name) or "").strip() for name in (*COLUMNS, "workaround")}
    if said["severity"].upper() not in SEVERITIES:
        raise BadImport(
            say(
                "Row %(number)s: “%(said)s” is not a severity from S1 to S4.",
                number=number,
                said=said["severity"][:20],
            )
        )
    found = {"severity": said["severity"].upper()}
    for name in ("reported", "responded", "workaround", "resolved"):
        if said[name]:
            found[name] = _moment(number, name, said[name])
        elif name == "reported":
            raise BadImport(say("Row %(number)s: reported is empty.", number=number))
    late = [name for name in found if name not in ("severity", "reported")]
    if any(found[name] < found["reported"] for name in late):
        raise BadImport(
            say("Row %(number)s: something happened before it was reported.", number=number)
        )
    return found


def _moment(number: int, name: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadImport(
            say(
                "Row %(number)s: %(name)s “%(text)s” is not a time.",
                number=number,
                name=name,
                text=text[:30],
            )
        ) from None
    if moment.tzinfo is None:
        moment = datetime.fromisoformat(text + "+00:00") if "T" in text or ":" in text else moment
    if moment.tzinfo is None:
        raise BadImport(
            say(
                "Row %(number)s: %(name)s “%(text)s” has no time of day.",
                number=number,
                name=name,
                text=text[:30],
            )
        )
    if not 1990 <= moment.year <= 2200:
        raise BadImport(
            say(
                "Row %(number)s: %(name)s “%(text)s” is too far away.",
                number=number,
                name=name,
                text=text[:30],
            )
        )
    offset = moment.utcoffset() or timedelta(0)
    return (moment.replace(tzinfo=None) - offset).isoformat(timespec="seconds") + "+00:00"


_HAPPENED = {
    "responded": Happened.ACKNOWLEDGED,
    "workaround": Happened.WORKAROUND,
    "resolved": Happened.RESOLVED,
}


def histories_of(rows: Iterable[Mapping[str, str]]) -> list[History]:
    """Return imported rows as histories, numbered from 1."""
    return [_history(number, row) for number, row in enumerate(rows, start=1)]


def _history(number: int, row: Mapping[str, str]) -> History:
    reported = datetime.fromisoformat(row["reported"])
    events = [Event("r", Happened.REPORTED, reported, "customer", severity=row["severity"])]
    events += [
        Event(name, kind, datetime.fromisoformat(row[name]), "vendor")
        for name, kind in _HAPPENED.items()
        if name in row
    ]
    return History.of(number, events)
