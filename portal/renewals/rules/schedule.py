"""What happens on which day of a term: reminders, deadlines, the end. Each is done exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.renewals.rules.dates import Span, add_days, end_of, start_of
from portal.renewals.rules.reading import (
    Terms,
    duty_deadline,
    notice_deadline,
    price_deadline,
    zone_of,
)

LADDER = (120, 90, 60, 30, 14, 7)
"""Days before the notice date on which both sides are reminded."""
PRICE_LADDER = (30, 7)
"""Days before the price notice is due on which the vendor is reminded."""
DECIDE_BEFORE = 14
"""Days before the notice date by which a side should have decided."""
DUTY_AHEAD = 7
"""The reminder the vendor owes goes out so many days before it must, in case sending takes long."""
LATE = timedelta(hours=1)
MORNING = time(9)

REMIND, DUTY, PRICE_SOON = "remind_", "duty", "price_soon_"
TERMS, PRICE_BY, NOTICE_BY, ENDS = "terms_", "price_by", "notice_by", "ends"


@dataclass(frozen=True)
class Due:
    """One date: its kind, the day people speak of, and the instant it is due."""

    kind: str
    on: date
    at: datetime


def is_reminder(kind: str) -> bool:
    """Return whether a date only reminds of the notice date."""
    return kind == DUTY or kind.startswith(REMIND)


def decide_by(notice_by: date) -> date:
    """Return the day by which each side should have decided."""
    return add_days(notice_by, -DECIDE_BEFORE)


def is_late(due_at: datetime, done_at: datetime) -> bool:
    """Return whether something was done noticeably after it was due."""
    return done_at - due_at > LATE


def schedule(terms: Terms, span: Span, *, since: datetime) -> list[Due]:
    """Return every date of a term in order; reminders that lie before `since` are not owed."""
    zone = zone_of(terms)
    notice_by = notice_deadline(terms, span.ends).on
    price = price_deadline(terms, span.ends)
    soft = [_morning(f"{REMIND}{days}", add_days(notice_by, -days), zone) for days in LADDER]
    duty = duty_deadline(terms, notice_by)
    if duty is not None:
        soft.append(_morning(DUTY, add_days(duty, -DUTY_AHEAD), zone))
    hard = [
        Due(NOTICE_BY, notice_by, end_of(notice_by, zone)),
        Due(ENDS, span.ends, start_of(span.ends, zone)),
    ]
    if price is not None and terms.get("P10"):
        soft += [
            _morning(f"{PRICE_SOON}{days}", add_days(price.on, -days), zone)
            for days in PRICE_LADDER
        ]
        hard.append(Due(PRICE_BY, price.on, end_of(price.on, zone)))
    begun = max(since, start_of(span.begins, zone))
    kept = [due for due in soft if due.at >= begun]
    return sorted([*kept, *hard], key=lambda due: (due.at, due.kind))


def terms_change(day: date, zone: ZoneInfo) -> Due:
    """Return the date on which changed terms begin to hold, and the others are computed anew."""
    return Due(f"{TERMS}{day.isoformat()}", day, start_of(day, zone))


def _morning(kind: str, day: date, zone: ZoneInfo) -> Due:
    local = datetime.combine(day, MORNING, zone)
    return Due(kind, day, local.astimezone(ZoneInfo("UTC")))


def latest_rung(kinds: Sequence[str]) -> str:
    """Return the reminder to send of those due at once: the one closest to the notice date.

    After a standstill people get one letter, not ten.
    """
    rungs = [kind for kind in kinds if kind.startswith(REMIND)]
    return min(rungs, key=lambda kind: int(kind.removeprefix(REMIND)), default=DUTY)
