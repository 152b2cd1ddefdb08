"""What stands in a person's calendar: by role, with an identity that stays and a number that rises.

Times are whole days where the contract speaks of days. A moved date keeps its UID and raises its
SEQUENCE (RFC 5545, 3.8.7.4), so that a calendar that holds it moves it too.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.accounts.rules import Role
from portal.kit.words import say
from portal.renewals.rules import schedule
from portal.renewals.rules.dates import add_days, add_months, later_business_day
from portal.renewals.rules.reading import business_days
from portal.renewals.rules.working import in_words

BEHIND, AHEAD = 31, 400
"""Days before and after today that a feed tells of."""


class Subject(StrEnum):
    """What an entry of the calendar is about."""

    NOTICE = "notice"
    PRICE = "price"
    RENEWAL = "renewal"
    REVIEW = "review"
    MAINTENANCE = "maintenance"
    FREEZE = "freeze"
    STATEMENT = "statement"


_DEALERS = frozenset(
    {Role.ACCOUNT_MANAGER, Role.PROCUREMENT, Role.LEGAL, Role.SALES_OPS, Role.SIGNATORY}
)
_HANDS = frozenset({Role.IT_ADMIN, Role.SUPPORT_LEAD, Role.SUPPORT_ENGINEER})
READERS: Mapping[Subject, frozenset[Role]] = {
    Subject.NOTICE: _DEALERS,
    Subject.PRICE: _DEALERS,
    Subject.RENEWAL: _DEALERS,
    Subject.REVIEW: _DEALERS - {Role.LEGAL, Role.SIGNATORY} | {Role.IT_ADMIN, Role.SUPPORT_LEAD},
    Subject.MAINTENANCE: _HANDS,
    Subject.FREEZE: _HANDS | {Role.SALES_OPS},
    Subject.STATEMENT: frozenset({Role.PROCUREMENT, Role.ACCOUNT_MANAGER, Role.SUPPORT_LEAD}),
}
SUBJECT_WORDS = {
    Subject.NOTICE: say("Last days for notice"),
    Subject.PRICE: say("Last days for the price notice"),
    Subject.RENEWAL: say("Ends of terms"),
    Subject.REVIEW: say("Reviews"),
    Subject.MAINTENANCE: say("Maintenance and releases"),
    Subject.FREEZE: say("Freezes and peaks"),
    Subject.STATEMENT: say("Statements and their windows"),
}


def subjects_for(roles: Collection[Role]) -> frozenset[Subject]:
    """Return what these roles want in their calendar; an auditor or administrator: everything."""
    if Role.AUDITOR in roles or set(roles) == {Role.ORG_ADMIN}:
        return frozenset(Subject)
    return frozenset(subject for subject, readers in READERS.items() if readers & set(roles))


@dataclass(frozen=True)
class Entry:
    """One entry: whole days (end exclusive), or a stretch of time with an instant at each end."""

    uid: str
    subject: Subject
    summary: str
    text: str
    begins: date | datetime
    ends: date | datetime
    path: str
    sequence: int = 0
    changed_at: datetime | None = None
    cancelled: bool = False
    alarms: tuple[timedelta, ...] = ()


_ALARMS = {
    Subject.NOTICE: (timedelta(days=30), timedelta(days=7), timedelta(days=1)),
    Subject.PRICE: (timedelta(days=14), timedelta(days=2)),
    Subject.RENEWAL: (timedelta(days=14),),
    Subject.REVIEW: (timedelta(days=7), timedelta(hours=1)),
    Subject.STATEMENT: (timedelta(days=2),),
}
DATES = {
    schedule.NOTICE_BY: (Subject.NOTICE, "Last day for notice"),
    schedule.PRICE_BY: (Subject.PRICE, "Last day for the price notice"),
    schedule.ENDS: (Subject.RENEWAL, "The term ends"),
}


def alarms_of(subject: Subject) -> tuple[timedelta, ...]:
    """Return how long before an entry a calendar reminds of it."""
    return _ALARMS.get(subject, ())


def uid_of(kind: str, key: str | int, ref: str) -> str:
    """Return the identity of an entry: the same for ever, and for everybody."""
    return f"{kind}.{key}.{ref}@counterpart"


def date_entry(
    *, kind: str, number: int, ref: str, other: str, on: date, sequence: int,
    changed_at: datetime, cancelled: bool,
) -> Entry:  # fmt: skip
    """Return the entry of a planned date."""
    subject, words = DATES[kind]
    return Entry(
        uid=uid_of(kind, number, ref),
        subject=subject,
        summary=f"{words}: {ref}, {other}",
        text=f"{words} of contract {ref} with {other}: {in_words(on)}.",
        begins=on,
        ends=add_days(on, 1),
        path=f"/contracts/{ref}/renewal",
        sequence=sequence,
        changed_at=changed_at,
        cancelled=cancelled,
        alarms=alarms_of(subject),
    )


def statement_entries(
    terms: Mapping[str, Any], *, ref: str, other: str, today: date, months: int = 4
) -> Iterator[Entry]:
    """Yield when each month's statement is due (N1.due) and until when it is disputed (M3)."""
    due, window = terms.get("N1.due"), terms.get("M3")
    if not due or not window:
        return
    days = business_days(terms)
    first = add_months(today.replace(day=1), -1)
    for ahead in range(months):
        closed = add_months(first, ahead + 1)
        month = f"{add_days(closed, -1):%B %Y}"
        told = later_business_day(add_days(closed, -1), due["n"], is_business_day=days)
        last = later_business_day(told, window["n"], is_business_day=days)
        key = f"{add_days(closed, -1):%Y-%m}"
        for kind, on, words in (
            ("statement", told, f"Statement of {month} is due"),
            ("dispute", last, f"Last day to dispute the statement of {month}"),
        ):
            yield Entry(
                uid=uid_of(kind, key, ref),
                subject=Subject.STATEMENT,
                summary=f"{words}: {ref}, {other}",
                text=f"{words}.",
                begins=on,
                ends=add_days(on, 1),
                path=f"/contracts/{ref}",
                alarms=alarms_of(Subject.STATEMENT),
            )
