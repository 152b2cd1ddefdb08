"""What a renewal may cost at most (terms P10, P11; clause 17.6). Decimals, never floats."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from portal.kit.words import Words, money, percent, say
from portal.terms.rules.numbers import MINOR_DIGITS

MONTHS_IN = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
YEAR = 12


class Uplift(StrEnum):
    """How the price may rise (term P10)."""

    FIXED = "fixed"
    UP_TO = "up_to"
    INDEX = "index"
    INDEX_CAPPED = "index_capped"


@dataclass(frozen=True)
class PriceRule:
    """The rise a contract allows: mode, share or limit, index with margin, basis, compounding."""

    mode: Uplift | None
    percent: Decimal | None
    index: str | None
    margin: Decimal
    each_year: bool
    compounding: bool

    @property
    def needs_index(self) -> bool:
        """Whether the rise depends on a published figure."""
        return self.mode in (Uplift.INDEX, Uplift.INDEX_CAPPED)


@dataclass(frozen=True)
class Fee:
    """A fee for each period of so many months."""

    amount: Decimal
    currency: str
    months: int

    @property
    def yearly(self) -> Decimal:
        """The fee of twelve months."""
        return rounded(self.amount * YEAR / self.months, self.currency)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return an amount in the currency's own smallest unit, half up."""
    return amount.quantize(Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2)), ROUND_HALF_UP)


def fee_of(terms: Mapping[str, Any]) -> Fee | None:
    """Return the base fee (O1 per O1.period), if the contract has one."""
    value = terms.get("O1")
    if not value:
        return None
    period = str(terms.get("O1.period") or "year")
    return Fee(Decimal(value["amount"]), value["currency"], MONTHS_IN.get(period, YEAR))


def price_rule_of(terms: Mapping[str, Any]) -> PriceRule:
    """Return how the price may rise at renewal; without a way it stays."""
    mode, percent, margin = (terms.get(name) for name in ("P10", "P10.percent", "P10.margin"))
    return PriceRule(
        mode=Uplift(mode) if mode else None,
        percent=Decimal(percent) if percent is not None else None,
        index=terms.get("P10.index"),
        margin=Decimal(margin or 0),
        each_year=terms.get("P11") == "per_year",
        compounding=bool(terms.get("P11.compounding")),
    )


def largest_rise(rule: PriceRule, index_change: Decimal | None = None) -> Decimal | None:
    """Return the largest rise in percent, one time; None where nothing limits it.

    `index_change` is the published change in percent; without it the worst is assumed.
    """
    match rule.mode:
        case None:
            return Decimal(0)
        case Uplift.FIXED | Uplift.UP_TO:
            return rule.percent
        case _:
            return _largest_by_index(rule, index_change)


def _largest_by_index(rule: PriceRule, index_change: Decimal | None) -> Decimal | None:
    cap = rule.percent if rule.mode is Uplift.INDEX_CAPPED else None
    if index_change is None:
        return cap
    # A change below zero leaves the fee as it is (clause 17.6).
    risen = max(Decimal(0), index_change + rule.margin)
    return risen if cap is None else min(risen, cap)


@dataclass(frozen=True)
class Quote:
    """The next term at its dearest: the fee of each contract year, and the whole term."""

    currency: str
    years: tuple[Decimal, ...]
    total: Decimal
    unchanged: Decimal
    percent: Decimal

    @property
    def extra(self) -> Decimal:
        """How much more the term costs than at the fee that ends."""
        return self.total - self.unchanged


def dearest(fee: Fee, rule: PriceRule, *, months: int, percent: Decimal | None) -> Quote | None:
    """Return the quote of a term at a rise; None where nothing limits the rise.

    Each contract year rises once where the basis is the year, else the renewal rises once.
    """
    if percent is None:
        return None
    monthly = fee.amount / fee.months
    years, total = [], Decimal(0)
    for year in range(-(-months // YEAR)):
        rate = monthly * _factor(rule, percent, rises=year + 1 if rule.each_year else 1)
        years.append(rounded(rate * YEAR, fee.currency))
        total += rate * min(YEAR, months - YEAR * year)
    whole = rounded(total, fee.currency)
    return Quote(
        fee.currency, tuple(years), whole, rounded(monthly * months, fee.currency), percent
    )


def _factor(rule: PriceRule, percent: Decimal, *, rises: int) -> Decimal:
    share = percent / 100
    return (1 + share) ** rises if rule.compounding else 1 + share * rises


def most_fee(fee: Fee, percent: Decimal) -> Decimal:
    """Return the highest fee a price notice may state: rounded down, so never above the limit."""
    unit = Decimal(1).scaleb(-MINOR_DIGITS.get(fee.currency, 2))
    return (fee.amount * (1 + percent / 100)).quantize(unit, ROUND_DOWN)


def read_amount(text: str) -> Decimal:
    """Return an amount as it was stored."""
    return Decimal(text)


def in_words(amount: Decimal, currency: str) -> Words:
    """Return an amount such as "18,000.00 USD"."""
    return money(amount, currency, MINOR_DIGITS.get(currency, 2))


# By how the price rises and how often: each contract year, each upon the last, or once.
_RISES = {
    (Uplift.FIXED, "each"): say("The price rises by %(share)s, each contract year."),
    (Uplift.FIXED, "upon"): say(
        "The price rises by %(share)s, each contract year, each rise upon the last."
    ),
    (Uplift.FIXED, "once"): say("The price rises by %(share)s, once at the renewal."),
    (Uplift.UP_TO, "each"): say("The price rises by at most %(share)s, each contract year."),
    (Uplift.UP_TO, "upon"): say(
        "The price rises by at most %(share)s, each contract year, each rise upon the last."
    ),
    (Uplift.UP_TO, "once"): say("The price rises by at most %(share)s, once at the renewal."),
    (Uplift.INDEX, "each"): say(
        "The price follows %(index)s, without a limit, each contract year."
    ),
    (Uplift.INDEX, "upon"): say(
        "The price follows %(index)s, without a limit, each contract year, each rise upon the last."
    ),
    (Uplift.INDEX, "once"): say(
        "The price follows %(index)s, without a limit, once at the renewal."
    ),
    (Uplift.INDEX_CAPPED, "each"): say(
        "The price follows %(index)s, at most %(share)s, each contract year."
    ),
    (Uplift.INDEX_CAPPED, "upon"): say(
        "The price follows %(index)s, at most %(share)s, each contract year, each rise upon the "
        "last."
    ),
    (Uplift.INDEX_CAPPED, "once"): say(
        "The price follows %(index)s, at most %(share)s, once at the renewal."
    ),
}


def rule_in_words(rule: PriceRule) -> Words:
    """Say how the price may rise."""
    if rule.mode is None:
        return say("The price stays the same.")
    index: str = rule.index or say("an index")
    if rule.margin:
        index = say("%(index)s plus %(margin)s", index=index, margin=percent(rule.margin))
    often = "once"
    if rule.each_year:
        often = "upon" if rule.compounding else "each"
    share = percent(rule.percent) if rule.percent is not None else say("no limit")
    return _RISES[rule.mode, often] % {"share": share, "index": index}
