"""Whether a notice may be given: which term it ends, in which form, and at which price."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portal.contracts.rules.life import Side
from portal.kit.words import listed, say
from portal.kit.words import percent as percent_words
from portal.renewals.rules import money
from portal.renewals.rules.dates import Before, Plan, Unit, add_days, term
from portal.renewals.rules.notices import (
    CHANNEL_IN_TEXT,
    Kind,
    channels,
    leave_date,
    open_window,
    unreminded_until,
)
from portal.renewals.rules.reading import Mode, Terms, mode_of, notice_deadline
from portal.renewals.rules.working import in_words

_ONCE = frozenset({Kind.AGAINST, Kind.OPTION, Kind.WAIVER, Kind.LEAVE, Kind.CONVENIENCE})


@dataclass(frozen=True)
class Target:
    """What a notice does: the term it is about, the day the contract ends by it, its last day."""

    number: int
    ends: date
    due_on: date


def is_once(kind: Kind) -> bool:
    """Return whether a term takes one notice of this kind."""
    return kind in _ONCE


def target_of(
    kind: Kind,
    terms: Terms,
    plan: Plan,
    number: int,
    *,
    side: Side,
    today: date,
    leaving: bool,
    unreminded: bool,
) -> Target | str:
    """Return what a notice given today would do, or a sentence that says why it cannot be given."""
    span = term(plan, number)
    match kind:
        case Kind.AGAINST:
            return _against(terms, plan, number, today=today, leaving=leaving)
        case Kind.OPTION:
            if side is not Side.CUSTOMER or mode_of(terms) is not Mode.OPTION or span.is_last:
                return say("This contract gives you no option to renew it.")
            return Target(number, span.ends, add_days(span.ends, -1))
        case Kind.WAIVER:
            if side is not Side.CUSTOMER or not leaving:
                return say("There is no condition of renewal to waive.")
            return Target(number, span.ends, add_days(span.ends, -1))
        case Kind.LEAVE:
            until = unreminded_until(terms, span.begins)
            if side is not Side.CUSTOMER or not unreminded or until is None:
                return say("The reminder came in time, so this right does not exist.")
            if today > until:
                return say("This right ended on %(until)s.", until=in_words(until))
            return Target(number, add_days(today, 1), until)
        case Kind.CONVENIENCE:
            return _without_cause(terms, plan, number, side=side, today=today)
        case _:
            return say("This is not given here.")


def _against(terms: Terms, plan: Plan, number: int, *, today: date, leaving: bool) -> Target | str:
    span = term(plan, number)
    if leaving:
        return say(
            "The contract already ends on %(ends)s. No notice is needed.", ends=in_words(span.ends)
        )
    if mode_of(terms) is not Mode.AUTO or span.is_last:
        return say(
            "The contract does not renew by itself: it ends on %(ends)s unless something renews "
            "it. No notice is needed.",
            ends=in_words(span.ends),
        )
    window = open_window(terms, plan, number, today=today)
    if window is None:
        due = notice_deadline(terms, span.ends).on
        return say(
            "The notice date was %(due)s. A notice now no longer stops the renewal.",
            due=in_words(due),
        )
    return Target(window.span.number, window.span.ends, window.due_on)


def _without_cause(
    terms: Terms, plan: Plan, number: int, *, side: Side, today: date
) -> Target | str:
    period = terms.get("P15" if side is Side.CUSTOMER else "P15.vendor")
    if not period:
        return say("The contract gives you no right to leave without a reason.")
    span = term(plan, number)
    ends = leave_date(terms, Before(period["n"], Unit(period["unit"])), span, today=today)
    if ends >= span.ends:
        return say(
            "The term ends before that, on %(ends)s. Give notice against renewal.",
            ends=in_words(span.ends),
        )
    return Target(number, ends, today)


def channel_problem(channel: str, terms: Terms, *, sent_on: date | None, today: date) -> str | None:
    """Return what is wrong with the way a notice travels, or None (term P8)."""
    accepted = channels(terms)
    if channel not in accepted:
        named = listed((CHANNEL_IN_TEXT[one] for one in accepted), either=True)
        word = CHANNEL_IN_TEXT.get(channel, channel)
        return say(
            "This contract takes no notice by %(channel)s: it must be given by %(accepted)s.",
            channel=word,
            accepted=named,
        )
    if channel == "portal":
        return None
    if sent_on is None:
        return say("Say on which day the notice was sent.")
    return say("A notice cannot have been sent in the future.") if sent_on > today else None


def price_problem(
    fee: money.Fee | None,
    rule: money.PriceRule,
    *,
    amount: Decimal,
    index_change: Decimal | None,
    today: date,
    due_on: date,
    leaving: bool,
) -> str | None:
    """Return why a price cannot be told, or None (terms P10 to P12)."""
    if fee is None or rule.mode is None:
        return say("The contract lets the price stay as it is at renewal.")
    if leaving:
        return say("The contract ends with this term, so there is no next price.")
    if today > due_on:
        return say(
            "The price had to be told by %(due_on)s. It stays the same for the next term.",
            due_on=in_words(due_on),
        )
    if rule.needs_index and index_change is None:
        return say("Say by how many percent %(value)s changed.", value=rule.index or "the index")
    percent = money.largest_rise(rule, index_change)
    if percent is None:
        return None
    most = money.most_fee(fee, percent)
    if amount > most:
        return say(
            "The contract allows at most %(most)s: %(percent)s on %(fee)s.",
            most=money.in_words(most, fee.currency),
            percent=percent_words(percent),
            fee=money.in_words(fee.amount, fee.currency),
        )
    return None
