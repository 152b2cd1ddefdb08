"""The renewal of a contract in a few words, and what one side can do about it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from portal.contracts.rules.life import Side
from portal.kit.words import Words, say, say_n
from portal.renewals.rules import schedule
from portal.renewals.rules.dates import Before, Plan, Span, Unit
from portal.renewals.rules.money import PriceRule
from portal.renewals.rules.notices import Kind, Window, leave_date
from portal.renewals.rules.reading import Mode, Terms
from portal.renewals.rules.working import in_words
from portal.renewals.rules.working import months as months_in_words


class Planned(Protocol):
    """A planned date as the rules see it."""

    @property
    def kind(self) -> str: ...
    @property
    def due_on(self) -> str: ...
    @property
    def done_at(self) -> datetime | None: ...
    @property
    def late(self) -> int: ...
    @property
    def cancelled_at(self) -> datetime | None: ...


class Term(Protocol):
    """The running term as the rules see it."""

    @property
    def span(self) -> Span: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def terms(self) -> Terms: ...
    @property
    def notice_by(self) -> date: ...


class Outlook(Protocol):
    """What a headline is made from."""

    @property
    def side(self) -> Side: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def today(self) -> date: ...
    @property
    def found(self) -> Term: ...
    @property
    def window(self) -> Window | None: ...
    @property
    def passed(self) -> bool: ...
    @property
    def leaving(self) -> bool: ...
    @property
    def over(self) -> bool: ...
    @property
    def ends(self) -> date: ...
    @property
    def price_rule(self) -> PriceRule: ...
    @property
    def price_by(self) -> date | None: ...
    @property
    def may_leave_unreminded(self) -> bool: ...


@dataclass(frozen=True)
class Headline:
    """The one thing to know, and how pressing it is."""

    title: str
    text: str
    kind: str


def headline(it: Outlook) -> Headline:
    """Return what happens at the end of the term, and what decides it."""
    ends = in_words(it.ends)
    if it.over:
        return Headline(
            say("This contract has ended"),
            say("Its last term ended on %(ends)s.", ends=ends),
            "info",
        )
    if it.leaving:
        text = say(
            "It stays in force until the day before %(ends)s. Nothing renews it so far.", ends=ends
        )
        return Headline(say("Ends on %(ends)s", ends=ends), text, "warn")
    if it.mode is not Mode.AUTO or it.found.span.is_last:
        return _ends_by_itself(it, ends)
    months = months_in_words(it.found.plan.renewal_months or 0)
    notice = in_words(it.found.notice_by)
    if it.passed:
        text = say(
            "The notice date was %(notice)s. A notice now does not stop this renewal: see below "
            "what can still be done.",
            notice=notice,
        )
        return Headline(
            say("Renews on %(ends)s for %(months)s", ends=ends, months=months), text, "info"
        )
    days = (it.found.notice_by - it.today).days
    return Headline(
        say(
            "Renews on %(ends)s for %(months)s, unless notice is given by %(notice)s",
            ends=ends,
            months=months,
            notice=notice,
        ),
        _to_stop_it(notice, days),
        "warn" if days < 60 else "info",
    )


def _to_stop_it(notice: str, days: int) -> Words:
    if days == 0:
        return say(
            "To stop it, a notice must count as received on %(notice)s or before: today is the "
            "last day.",
            notice=notice,
        )
    return say_n(
        "To stop it, a notice must count as received on %(notice)s or before: %(num)s day left.",
        "To stop it, a notice must count as received on %(notice)s or before: %(num)s days left.",
        days,
        notice=notice,
    )


def _ends_by_itself(it: Outlook, ends: str) -> Headline:
    how = {
        Mode.MUTUAL: say("It renews only when both sides sign a new contract."),
        Mode.OPTION: say("It renews only when the customer says so by notice."),
    }.get(it.mode, say("It does not renew by itself: a new contract is needed to go on."))
    return Headline(say("Ends on %(ends)s", ends=ends), how, "warn")


Act = tuple[str, str, Kind | None, str]


def acts(it: Outlook) -> list[Act]:
    """Return what this side can do, as (label, page, kind of notice, permission)."""
    if it.over:
        return []
    found: list[Act] = []
    auto = it.mode is Mode.AUTO and not it.found.span.is_last
    if auto and not it.leaving and it.window is not None:
        label = say("Give notice") if not it.passed else say("Give notice for the next term")
        found.append((label, "renewals.notice", Kind.AGAINST, "notice:give"))
    found += _customer_acts(it) if it.side is Side.CUSTOMER else _vendor_acts(it)
    found.append((say("Renew by a new round"), "renewals.prepare_round", None, "renewal:see"))
    if _may_leave_early(it):
        found.append(
            (say("Leave without a reason"), "renewals.notice", Kind.CONVENIENCE, "notice:give")
        )
    return found


def _vendor_acts(it: Outlook) -> list[Act]:
    open_price = it.price_by is not None and it.today <= it.price_by and not it.leaving
    if it.price_rule.mode is None or not open_price:
        return []
    return [(say("Tell the new price"), "renewals.price", None, "price:tell")]


def _customer_acts(it: Outlook) -> list[Act]:
    found: list[Act] = []
    if it.mode is Mode.OPTION and not it.found.span.is_last:
        found.append((say("Renew the contract"), "renewals.notice", Kind.OPTION, "notice:give"))
    elif it.mode is Mode.AUTO and it.leaving and it.passed:
        found.append((say("Waive the conditions"), "renewals.notice", Kind.WAIVER, "notice:give"))
    if it.may_leave_unreminded:
        label = say("Leave, as no reminder came")
        found.append((label, "renewals.notice", Kind.LEAVE, "notice:give"))
    return found


def _may_leave_early(it: Outlook) -> bool:
    period = it.found.terms.get("P15" if it.side is Side.CUSTOMER else "P15.vendor")
    if not period:
        return False
    before = Before(period["n"], Unit(period["unit"]))
    return leave_date(it.found.terms, before, it.found.span, today=it.today) < it.ends


@dataclass(frozen=True)
class Line:
    """One planned date in words."""

    kind: str
    on: date
    words: str
    state: str
    tone: str

    @property
    def downloads(self) -> bool:
        """Whether the date can be put into a calendar by itself."""
        return self.kind in (schedule.PRICE_BY, schedule.NOTICE_BY, schedule.ENDS)

    @property
    def reminds(self) -> bool:
        """Whether the date only reminds of another."""
        return schedule.is_reminder(self.kind) or self.kind.startswith(schedule.PRICE_SOON)


WORDS = {
    schedule.DUTY: say("The reminder the vendor owes"),
    schedule.PRICE_BY: say("Last day for the price notice"),
    schedule.NOTICE_BY: say("Last day for notice"),
    schedule.ENDS: say("End date of the term"),
}


def plan_lines(it: "PlannedOutlook") -> list[Line]:
    """Return the dates of the term in words, with what became of each."""
    return [
        Line(one.kind, date.fromisoformat(one.due_on), kind_words(one.kind), *_state(one))
        for one in it.planned
    ]


class PlannedOutlook(Protocol):
    """What the list of dates is made from."""

    @property
    def planned(self) -> Sequence[Planned]: ...


def kind_words(kind: str) -> str:
    """Return a planned date's kind in words."""
    if kind.startswith(schedule.REMIND):
        return say(
            "Reminder %(days)s days before the notice date", days=kind.removeprefix(schedule.REMIND)
        )
    if kind.startswith(schedule.PRICE_SOON):
        return say(
            "Reminder %(days)s days before the price notice",
            days=kind.removeprefix(schedule.PRICE_SOON),
        )
    if kind.startswith(schedule.TERMS):
        return say("Changed terms begin to hold")
    return WORDS[kind]


def _state(one: Planned) -> tuple[str, str]:
    if one.cancelled_at:
        return say("No longer needed"), ""
    if one.done_at is None:
        return say("Planned"), "open"
    return (say("Done late"), "warn") if one.late else (say("Done"), "good")
