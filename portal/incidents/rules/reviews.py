"""When the contract's numbers call the executives together (G4), and what they talk about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from portal.kit.words import month as in_month
from portal.kit.words import percent, say, say_n
from portal.sla.rules import due_at, target_from_term
from portal.sla.rules.promises import Promises

TRIGGER_WORDS: Mapping[str, str] = {
    "s1_count": say("Severity 1 incidents"),
    "uptime_missed": say("Months of missed uptime"),
    "outage_hours": say("A single long outage"),
    "credits_pct": say("Credits above a share of the fees"),
    "rca_overdue": say("A root cause analysis overdue"),
    "attainment_pct": say("Targets met below a share"),
    "peak_outage": say("An outage in a peak"),
}


_TRIGGER_SENTENCES = {
    ("s1_count", True): say("%(number)s severity 1 incidents within %(out_of)s days"),
    ("uptime_missed", True): say("%(number)s of %(out_of)s months with their uptime missed"),
    ("uptime_missed", False): say("%(number)s months with their uptime missed"),
    ("outage_hours", False): say("A single outage longer than %(number)s hours"),
    ("credits_pct", True): say("Credits above %(share)s of the fees of %(out_of)s months"),
    ("credits_pct", False): say("Credits above %(share)s of the fees of a month"),
    ("rca_overdue", False): say("A root cause overdue by more than %(number)s days"),
    ("attainment_pct", False): say("Targets met below %(share)s in a month"),
    ("peak_outage", False): say("An outage of any length in a peak"),
}


def triggers_of(terms: Mapping[str, Any]) -> list[str]:
    """Return what calls a review by this contract (G4), a sentence for each number it sets."""
    found: list[str] = []
    for row in terms.get("G4") or ():
        number, out_of = row.get("number"), row.get("out_of")
        words = _TRIGGER_SENTENCES.get((row["trigger"], bool(out_of))) or _TRIGGER_SENTENCES.get(
            (row["trigger"], False)
        )
        if words is not None and (number is not None or row["trigger"] == "peak_outage"):
            share = percent(number) if number is not None else ""
            found.append(words % {"number": number, "out_of": out_of, "share": share})
    return found


@dataclass(frozen=True)
class Called:
    """A review that is called: by which trigger, once for which cause, with which facts."""

    trigger: str
    cause: str
    sentence: str
    incidents: tuple[int, ...] = ()
    outages: tuple[str, ...] = ()
    months: tuple[str, ...] = ()


@dataclass(frozen=True)
class Critical:
    """A severity 1 incident: its number and when it was reported."""

    id: str
    number: int
    at: datetime


def trigger_row(terms: Mapping[str, Any], trigger: str) -> Mapping[str, Any] | None:
    """Return the contract's numbers for a trigger (G4); None where it calls no review."""
    return next((row for row in terms.get("G4") or () if row["trigger"] == trigger), None)


def by_count(
    terms: Mapping[str, Any], critical: Sequence[Critical], *, since: datetime | None, now: datetime
) -> Called | None:
    """So many severity 1 incidents in so many days; those before the last review do not count."""
    row = trigger_row(terms, "s1_count")
    if row is None or not row.get("number") or not row.get("out_of"):
        return None
    window = timedelta(days=row["out_of"])
    begin = max(now - window, since) if since else now - window
    found = [one for one in critical if begin < one.at <= now]
    if len(found) < row["number"]:
        return None
    sentence = say(
        "%(count)s severity 1 incidents in %(days)s days; the contract says %(number)s.",
        count=len(found),
        days=row["out_of"],
        number=row["number"],
    )
    return Called("s1_count", found[-1].id, sentence, tuple(one.number for one in found))


def by_overdue(
    terms: Mapping[str, Any], due: Iterable[tuple[str, int, datetime]], *, now: datetime
) -> list[Called]:
    """Root causes overdue by so many days, given as (id, incident, due)."""
    row = trigger_row(terms, "rca_overdue")
    if row is None or row.get("number") is None:
        return []
    late = timedelta(days=row["number"])
    return [
        Called("rca_overdue", id, _overdue(number, row["number"]), (number,))
        for id, number, moment in due
        if now - moment > late
    ]


def _overdue(incident: int, days: int) -> str:
    return say_n(
        "The root cause of incident %(incident)s is overdue by more than %(num)s day.",
        "The root cause of incident %(incident)s is overdue by more than %(num)s days.",
        days,
        incident=incident,
    )


def by_attainment(terms: Mapping[str, Any], *, met: int, due: int, month: str) -> Called | None:
    """Targets met below a share in a month that is over, such as 2026-10."""
    row = trigger_row(terms, "attainment_pct")
    if row is None or row.get("number") is None or not due:
        return None
    if met * 100 >= row["number"] * due:
        return None
    share = f"{met * 100 / due:.1f}".rstrip("0").rstrip(".")
    sentence = say(
        "%(share)s of %(due)s targets were met in %(month)s; the contract says %(number)s.",
        share=percent(share),
        due=due,
        month=in_month(date.fromisoformat(f"{month}-01")),
        number=percent(row["number"]),
    )
    return Called("attainment_pct", month, sentence)


def review_due(promises: Promises, called: datetime) -> datetime:
    """Until when the review is held (G5)."""
    value = promises.terms.get("G5")
    if not value:
        return called
    target = target_from_term(value)
    return due_at(called, target=target, calendar=promises.calendar_for(target))
