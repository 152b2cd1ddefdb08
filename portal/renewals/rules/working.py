"""The working of a date in words, so that both sides can count along on paper."""

from collections.abc import Sequence
from datetime import date

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

_NAMES = {Unit.DAYS: "day", Unit.BUSINESS_DAYS: "business day", Unit.MONTHS: "month"}
_ROLL_WORDS = {
    Roll.EARLIER: "the business day before",
    Roll.LATER: "the business day after",
}


def in_words(day: date) -> str:
    """Return a date such as "3 Oct 2027"."""
    return f"{day.day} {day:%b} {day.year}"


def counted(n: int, word: str) -> str:
    """Return a number with its noun: "1 month", "3 months"."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def before_in_words(before: Before) -> str:
    """Return a time such as "90 days" or "3 months"."""
    return counted(before.n, _NAMES[before.unit])


def working_of_term(plan: Plan, span: Span) -> list[str]:
    """Say how the end date of a term was counted."""
    if plan.shared_end is not None:
        return [
            f"The term began on {in_words(plan.start)} and ends together with another contract, "
            f"on {in_words(plan.shared_end)}."
        ]
    first = term_ends(plan, 0)
    said = [
        f"The initial term began on {in_words(plan.start)} and lasts "
        f"{counted(plan.initial_months, 'month')}: it ends on {in_words(first)}"
        f"{_short_month(plan.start, first)}. The end date is not part of it."
    ]
    if span.number:
        months = plan.initial_months + span.number * (plan.renewal_months or 0)
        said.append(
            f"With {counted(span.number, 'renewal')} of "
            f"{counted(plan.renewal_months or 0, 'month')} that is {counted(months, 'month')} from "
            f"{in_words(plan.start)}: {in_words(span.ends)}{_short_month(plan.start, span.ends)}."
        )
    if span.is_last and span.number:
        said.append(f"This is the last of {counted(span.number, 'renewal')} the contract allows.")
    return said


def _short_month(start: date, end: date) -> str:
    if start.day == end.day:
        return ""
    return f" (that month has no day {start.day}, so its last day)"


def working_of_deadline(found: Deadline, closed: Sequence[date] = ()) -> str:
    """Say how a deadline was counted: "90 days before 1 Jan 2028 is 3 Oct 2027, a Sunday, so …"."""
    before = before_in_words(found.before)
    text = f"{before} before {in_words(found.end)} is {in_words(found.counted)}"
    text += _short_before(found)
    if found.counted == found.on:
        return f"{text}, a {found.counted:%A}."
    holiday = " and a holiday" if found.counted in closed else ""
    to = f"{found.on:%A} {found.on.day} {found.on:%b}"
    return f"{text}, a {found.counted:%A}{holiday}, so {to}, {_ROLL_WORDS[found.before.roll]}."


def _short_before(found: Deadline) -> str:
    if found.before.unit is not Unit.MONTHS:
        return ""
    return _short_month(found.end, found.counted)


def working_of_reminder(days: int, notice_by: date) -> str:
    """Say when a reminder is due."""
    on = add_days(notice_by, -days)
    return (
        f"A reminder {counted(days, 'day')} before {in_words(notice_by)} is due on {in_words(on)}."
    )
