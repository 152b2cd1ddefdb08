"""Asking people: when a reminder is due, when a person may ask again, when the offer ends."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.kit.words import say, say_n

REMIND_EVERY = timedelta(hours=48)
MOST_REMINDERS = 10
RESEND_AFTER = timedelta(hours=24)
OFFER_DAYS = 30
OPENS, CLOSES = time(9), time(17)
FRIDAY = 4


@dataclass(frozen=True)
class Asked:
    """A person asked to act: since when, when last, and how often reminded."""

    invited_at: datetime
    asked_at: datetime
    reminders: int
    resent_at: datetime | None = None


def is_working_time(at: datetime, zone: ZoneInfo) -> bool:
    """Return whether an instant lies in a person's working hours: Monday to Friday, 9 to 17."""
    there = at.astimezone(zone)
    return there.weekday() <= FRIDAY and OPENS <= there.time() < CLOSES


def reminder_is_due(
    asked: Asked,
    *,
    at: datetime,
    zone: ZoneInfo,
    every: timedelta = REMIND_EVERY,
    most: int = MOST_REMINDERS,
) -> bool:
    """Return whether a person whose turn it is gets a reminder now.

    After a time of silence one is due, not one for each that was missed.
    """
    waited = at - asked.asked_at >= every
    return waited and asked.reminders < most and is_working_time(at, zone)


def resend_problem(asked: Asked, *, at: datetime) -> str | None:
    """Say why a person cannot be asked again now, or None."""
    last = max(asked.asked_at, asked.resent_at or asked.asked_at)
    again = last + RESEND_AFTER
    if at >= again:
        return None
    hours = -(-int((again - at).total_seconds()) // 3600)
    return say_n(
        "A mail went out less than a day ago. You can ask again in %(num)s hour.",
        "A mail went out less than a day ago. You can ask again in %(num)s hours.",
        hours,
    )


def expires_at(frozen_at: datetime, *, days: int = OFFER_DAYS) -> datetime:
    """Return when an offer to sign ends that not everybody took."""
    return frozen_at + timedelta(days=days)


def waited_words(since: datetime, at: datetime) -> str:
    """Return how long somebody has been waiting: "3 days", "5 hours", "less than an hour"."""
    hours = int((at - since).total_seconds()) // 3600
    if hours < 1:
        return say("less than an hour")
    if hours < 48:
        return say_n("%(num)s hour", "%(num)s hours", hours)
    return say_n("%(num)s day", "%(num)s days", hours // 24)
