"""Notices: what they say, when one counts as received, and what is left when it is too late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from portal.contracts.rules.life import Side
from portal.kit.words import money, say
from portal.renewals.rules.dates import (
    Before,
    BusinessDay,
    Plan,
    Span,
    Unit,
    add_days,
    add_months,
    later_business_day,
    term,
)
from portal.renewals.rules.reading import Mode, Terms, business_days, mode_of, notice_deadline
from portal.renewals.rules.working import before_in_words, in_words


class Choice(StrEnum):
    """What a side means to do at the end of a term."""

    RENEW = "renew"
    RENEGOTIATE = "renegotiate"
    EXIT = "exit"


CHOICE_WORDS = {
    Choice.RENEW: say("Renew as it stands"),
    Choice.RENEGOTIATE: say("Renegotiate"),
    Choice.EXIT: say("Let it end"),
}


class Kind(StrEnum):
    """What a notice says."""

    AGAINST = "against_renewal"
    OPTION = "renewal_chosen"
    PRICE = "price"
    REMINDER = "reminder"
    LEAVE = "leave_unreminded"
    CONVENIENCE = "without_cause"
    WAIVER = "waiver"


KIND_WORDS = {
    Kind.AGAINST: say("Notice against renewal"),
    Kind.OPTION: say("Notice that the contract renews"),
    Kind.PRICE: say("Price notice"),
    Kind.REMINDER: say("Reminder of the notice date"),
    Kind.LEAVE: say("Notice to leave after a missing reminder"),
    Kind.CONVENIENCE: say("Notice without cause"),
    Kind.WAIVER: say("Waiver of conditions"),
}

# The same inside a sentence.
CHANNEL_IN_TEXT = {
    "portal": say("portal"),
    "email": say("e-mail"),
    "post": say("post"),
    "courier": say("courier"),
}
CHANNEL_WORDS = {
    "portal": say("Portal"),
    "email": say("E-mail"),
    "post": say("Post"),
    "courier": say("Courier"),
}


def channels(terms: Terms) -> list[str]:
    """Return the ways a notice against renewal may travel (term P8)."""
    return list(terms.get("P8") or ())


def received_on(
    terms: Terms, channel: str, sent: date, *, is_business_day: BusinessDay
) -> date | None:
    """Return the day a notice sent on a day counts as received (term A9).

    None: only on confirmed delivery, which nobody has confirmed yet.
    """
    after = _after(terms, channel)
    if after == "instant":
        return sent
    if after is None or isinstance(after, str):
        return None
    match after["unit"]:
        case "h":
            return add_days(sent, -(-after["n"] // 24))
        case "d":
            return add_days(sent, after["n"])
        case _:
            return later_business_day(sent, after["n"], is_business_day=is_business_day)


def _after(terms: Terms, channel: str) -> Any:
    rows = terms.get("A9") or ()
    return next((row["after"] for row in rows if row["channel"] == channel), None)


def last_sending(terms: Terms, channel: str, due_on: date) -> date | None:
    """Return the last day on which a notice can be sent this way and still be in time."""
    days = business_days(terms)
    for back in range(40):
        sent = add_days(due_on, -back)
        received = received_on(terms, channel, sent, is_business_day=days)
        if received is None:
            return None
        if received <= due_on:
            return sent
    return None


@dataclass(frozen=True)
class Window:
    """What a notice given now would end: the term, and the last day for it."""

    span: Span
    due_on: date
    missed: Span | None
    """The running term, where its own notice date has passed."""


def open_window(terms: Terms, plan: Plan, number: int, *, today: date) -> Window | None:
    """Return the first term from `number` on whose notice date has not passed; None without one.

    Only a contract that renews by itself has a later term to give notice against.
    """
    running = term(plan, number)
    for ahead in range(60):
        span = term(plan, number + ahead)
        due_on = notice_deadline(terms, span.ends).on
        if today <= due_on:
            return Window(span, due_on, running if ahead else None)
        if span.is_last or mode_of(terms) is not Mode.AUTO:
            return None
    return None


@dataclass(frozen=True)
class WayOut:
    """Something that can still be done when the notice date has passed."""

    title: str
    text: str


def ways_out(
    terms: Terms,
    span: Span,
    *,
    side: Side,
    reminded: bool,
    priced: bool,
    today: date,
) -> list[WayOut]:
    """Return what is left after the notice date of a term, as the contract says it."""
    found = []
    exit_term = "P15" if side is Side.CUSTOMER else "P15.vendor"
    if terms.get(exit_term):
        found.append(_without_cause(terms, terms[exit_term], span, today=today))
    if side is Side.CUSTOMER and terms.get("P9") and terms.get("P9.effect") and not reminded:
        until = add_days(span.ends, terms["P9.effect"]["n"])
        found.append(
            WayOut(
                say("Leave because no reminder came in time"),
                say(
                    "The vendor had to remind you before the notice date and did not. You may end "
                    "the renewed contract by notice from %(ends)s until %(until)s.",
                    ends=in_words(span.ends),
                    until=in_words(until),
                ),
            )
        )
    if terms.get("P10") and terms.get("P12") and not priced:
        found.append(
            WayOut(
                say("The price stays"),
                say("No new price was told in time, so the fee does not rise."),
            )
        )
    found.append(
        WayOut(
            say("Agree on something else"),
            say(
                "Both sides can still agree on other terms: open a renewal round, or an amendment."
            ),
        )
    )
    return found


def _without_cause(terms: Terms, period: Mapping[str, Any], span: Span, *, today: date) -> WayOut:
    before = Before(period["n"], Unit(period["unit"]))
    ends = leave_date(terms, before, span, today=today)
    fee = terms.get("P15.fee")
    values = {"time": before_in_words(before), "ends": in_words(ends)}
    if fee:
        text = say(
            "The contract allows it on notice of %(time)s: given today, it ends on %(ends)s. The "
            "fee for it is %(fee)s.",
            **values,
            fee=money(Decimal(fee["amount"]), fee["currency"]),
        )
    else:
        text = say(
            "The contract allows it on notice of %(time)s: given today, it ends on %(ends)s.",
            **values,
        )
    return WayOut(say("Leave without a reason"), text)


def leave_date(terms: Terms, before: Before, span: Span, *, today: date) -> date:
    """Return the end date of a notice without cause given today (clause 17.9)."""
    add = add_months if before.unit is Unit.MONTHS else add_days
    earliest = add_days(add(today, before.n), 1)
    bound = terms.get("P15.after")
    if bound and span.number == 0:
        return max(earliest, add_months(span.begins, bound["n"]))
    return earliest


def unreminded_until(terms: Terms, begins: date) -> date | None:
    """Return the last day to leave a renewed term for want of a reminder (P9.effect)."""
    effect = terms.get("P9.effect")
    return add_days(begins, effect["n"]) if effect else None


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """Return the day an instant falls on where the deadline is counted (clause 1.11)."""
    return at.astimezone(zone).date()


def reminded_in_time(reminders: list[datetime], duty_on: date | None, zone: ZoneInfo) -> bool:
    """Return whether a reminder was given on or before the last day for it; True without a duty."""
    if duty_on is None:
        return True
    return any(local_date(at, zone) <= duty_on for at in reminders)
