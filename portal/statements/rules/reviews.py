"""When months and outages call the executives together, by the contract's numbers (G4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from portal.changes.rules.outages import CauseStanding, Outage, Standing
from portal.changes.rules.plan import Effect
from portal.incidents.rules.reviews import Called, trigger_row
from portal.kit.words import percent, say, say_n
from portal.sla.rules.instants import clip, to_instant
from portal.sla.rules.uptime_terms import hours_between
from portal.statements.rules.month import Month
from portal.statements.rules.shown import percent_shown, time_shown

Terms = Mapping[str, Any]
# An outage that was over for longer than this calls no review any more.
LATELY = timedelta(days=62)


@dataclass(frozen=True)
class Told:
    """What the statement of a month says: its uptime missed or not, and its credits in percent."""

    month: Month
    uptime_missed: bool
    credits: Fraction


def months_asked(terms: Terms) -> int:
    """Return how many months back the contract's numbers look; 0 where none looks at months."""
    rows = [trigger_row(terms, name) for name in ("uptime_missed", "credits_pct")]
    return max((int(row.get("out_of") or 1) for row in rows if row), default=0)


def by_uptime(terms: Terms, months: Sequence[Told], *, since: Month | None) -> Called | None:
    """So many missed months out of so many in a row; those up to the last review do not count."""
    row = trigger_row(terms, "uptime_missed")
    if row is None or not row.get("number") or not months:
        return None
    last = max(one.month for one in months)
    within = int(row.get("out_of") or row["number"])
    missed = sorted(
        one.month
        for one in months
        if one.uptime_missed and last.minus(one.month) < within and (not since or one.month > since)
    )
    if len(missed) < row["number"] or missed[-1] != last:
        return None
    sentence = say(
        "%(missed)s of %(within)s months missed their uptime; "
        "the contract says %(number)s of %(within)s.",
        missed=len(missed),
        within=within,
        number=row["number"],
    )
    return Called(
        "uptime_missed", str(last), sentence, months=tuple(str(month) for month in missed)
    )


def by_credits(terms: Terms, months: Sequence[Told]) -> Called | None:
    """Credits above a share of the fees, of the last month or of so many months together."""
    row = trigger_row(terms, "credits_pct")
    if row is None or row.get("number") is None or not months:
        return None
    last, within = max(one.month for one in months), int(row.get("out_of") or 1)
    counted = [one for one in months if last.minus(one.month) < within]
    # Months before the first are months without credits only where there was service.
    share = sum((one.credits for one in counted), Fraction(0)) / len(counted)
    latest = next(one for one in counted if one.month == last)
    if share <= row["number"] or not latest.credits:
        return None
    sentence = say_n(
        "Credits of %(month)s came to %(share)s of the fees; the contract says more than %(most)s.",
        "Credits of %(num)s months up to %(month)s came to %(share)s of the fees; "
        "the contract says more than %(most)s.",
        len(counted),
        month=last.words,
        share=percent(percent_shown(str(share))),
        most=percent(row["number"]),
    )
    named = tuple(sorted(str(one.month) for one in counted if one.credits))
    return Called("credits_pct", str(last), sentence, months=named)


def by_outages(terms: Terms, outages: Iterable[Outage], *, now: datetime) -> list[Called]:
    """Outages longer than so many hours, and outages of any length in a peak; each calls once."""
    counted = [one for one in outages if _counts(one) and (one.end or now) > now - LATELY]
    called = [_too_long(terms, one, now) for one in counted]
    called += [_in_a_peak(terms, one, now) for one in counted]
    return [one for one in called if one]


def _counts(outage: Outage) -> bool:
    excluded = outage.cause_standing is CauseStanding.ACCEPTED
    return (
        outage.standing is not Standing.WITHDRAWN
        and not excluded
        and (outage.effect is not Effect.NONE)
    )


def _too_long(terms: Terms, outage: Outage, now: datetime) -> Called | None:
    row = trigger_row(terms, "outage_hours")
    if row is None or row.get("number") is None:
        return None
    length = outage.length(until=now)
    if length <= timedelta(hours=row["number"]):
        return None
    lasted = time_shown(str(length // timedelta(minutes=1)))
    words = say("%(ref)s has lasted %(time)s; the contract says %(hours)s hours.")
    if outage.over:
        words = say("%(ref)s lasted %(time)s; the contract says %(hours)s hours.")
    sentence = words % {"ref": outage.ref, "time": lasted, "hours": row["number"]}
    return Called("outage_hours", outage.ref, sentence, outages=(outage.ref,))


def _in_a_peak(terms: Terms, outage: Outage, now: datetime) -> Called | None:
    if trigger_row(terms, "peak_outage") is None:
        return None
    begin, end = outage.begin, min(outage.end or now, now)
    if begin >= end:
        return None
    peaks = hours_between(terms, begin, end).in_peaks
    inside = sum(e - b for b, e in clip(peaks, to_instant(begin), to_instant(end)))
    if not inside:
        return None
    minutes = time_shown(str(Fraction(inside, 60_000_000)))
    sentence = say(
        "%(ref)s took %(time)s of a peak; the contract asks for a review of any.",
        ref=outage.ref,
        time=minutes,
    )
    return Called("peak_outage", outage.ref, sentence, outages=(outage.ref,))
