"""The working of a date in words, so that both sides can count along on paper."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from portal.kit.words import Words, day, day_of_year, say, say_n, weekday
from portal.renewals.rules.dates import (
    Before,
    Deadline,
    Plan,
    Roll,
    Span,
    Unit,
    add_days,
    term_ends,
)

_NAMES: Mapping[Unit, Callable[[int], Words]] = {
    Unit.DAYS: lambda n: say_n("%(num)s day", "%(num)s days", n),
    Unit.BUSINESS_DAYS: lambda n: say_n("%(num)s business day", "%(num)s business days", n),
    Unit.MONTHS: lambda n: say_n("%(num)s month", "%(num)s months", n),
}
# By how a deadline rolls, and whether the counted day is a holiday.
_ROLLED = {
    (Roll.EARLIER, False): say(
        "%(time)s before %(end)s is %(day)s, a %(weekday)s, so %(on)s, the business day before."
    ),
    (Roll.EARLIER, True): say(
        "%(time)s before %(end)s is %(day)s, a %(weekday)s and a holiday, so %(on)s, the business "
        "day before."
    ),
    (Roll.LATER, False): say(
        "%(time)s before %(end)s is %(day)s, a %(weekday)s, so %(on)s, the business day after."
    ),
    (Roll.LATER, True): say(
        "%(time)s before %(end)s is %(day)s, a %(weekday)s and a holiday, so %(on)s, the business "
        "day after."
    ),
}


def in_words(on: date) -> Words:
    """Return a date such as "3 Oct 2027"."""
    return day(on)


def months(n: int) -> Words:
    """Return "1 month", "3 months"."""
    return _NAMES[Unit.MONTHS](n)


def before_in_words(before: Before) -> Words:
    """Return a time such as "90 days" or "3 months"."""
    return _NAMES[before.unit](before.n)


def working_of_term(plan: Plan, span: Span) -> list[Words]:
    """Say how the end date of a term was counted."""
    if plan.shared_end is not None:
        return [
            say(
                "The term began on %(start)s and ends together with another contract, on %(end)s.",
                start=day(plan.start),
                end=day(plan.shared_end),
            )
        ]
    said = [
        say(
            "The initial term began on %(start)s and lasts %(length)s: it ends on %(end)s. "
            "The end date is not part of it.",
            start=day(plan.start),
            length=months(plan.initial_months),
            end=_day_of_short_month(plan.start, term_ends(plan, 0)),
        )
    ]
    if not span.number:
        return said
    renewals = say_n("%(num)s renewal", "%(num)s renewals", span.number)
    said.append(
        say(
            "With %(renewals)s of %(length)s that is %(whole)s from %(start)s: %(end)s.",
            renewals=renewals,
            length=months(plan.renewal_months or 0),
            whole=months(plan.initial_months + span.number * (plan.renewal_months or 0)),
            start=day(plan.start),
            end=_day_of_short_month(plan.start, span.ends),
        )
    )
    if span.is_last:
        text = say("This is the last of %(renewals)s the contract allows.", renewals=renewals)
        said.append(text)
    return said


def _day_of_short_month(start: date, end: date) -> Words:
    if start.day == end.day:
        return day(end)
    return say(
        "%(day)s (that month has no day %(number)s, so its last day)",
        day=day(end),
        number=start.day,
    )


def working_of_deadline(found: Deadline, closed: Sequence[date] = ()) -> Words:
    """Say how a deadline was counted: "90 days before 1 Jan 2028 is 3 Oct 2027, a Sunday, so …"."""
    monthly = found.before.unit is Unit.MONTHS
    counted = found.counted
    values = {
        "time": before_in_words(found.before),
        "end": day(found.end),
        "day": _day_of_short_month(found.end, counted) if monthly else day(counted),
        "weekday": weekday(counted),
    }
    if counted == found.on:
        return say("%(time)s before %(end)s is %(day)s, a %(weekday)s.", **values)
    on = say("%(weekday)s %(day)s", weekday=weekday(found.on), day=day_of_year(found.on))
    return _ROLLED[found.before.roll, counted in closed] % {**values, "on": on}


def working_of_reminder(days: int, notice_by: date) -> Words:
    """Say when a reminder is due."""
    return say_n(
        "A reminder %(num)s day before %(notice_by)s is due on %(on)s.",
        "A reminder %(num)s days before %(notice_by)s is due on %(on)s.",
        days,
        notice_by=day(notice_by),
        on=day(add_days(notice_by, -days)),
    )
