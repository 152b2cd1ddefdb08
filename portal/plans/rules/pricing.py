"""What a tier costs: in words, and for somebody's own numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from portal.kit.words import Words, count, money, percent, say
from portal.plans.rules.catalogue import Catalogue, Tier

CENT = Decimal("0.01")
BASES = {
    "pct_of_licence": say("A share of the licence fee"),
    "flat": say("A flat fee a month"),
    "per_unit": say("A fee for each unit and month"),
    "text": say("In words alone"),
}


@dataclass(frozen=True)
class Numbers:
    """What somebody pays for the licence a month, and how many units they have."""

    licence_month: Decimal | None = None
    units: int | None = None


@dataclass(frozen=True)
class Priced:
    """What a tier would cost a month, and how that is reckoned."""

    month: Decimal
    currency: str
    working: Words

    @property
    def text(self) -> Words:
        """The amount in words."""
        return say("%(amount)s a month", amount=money(self.month, self.currency))


def price_text(catalogue: Catalogue, tier: Tier) -> str:
    """Say a tier's price: "20 % of the licence fee, at least 1,500.00 USD a month"."""
    price = tier.price
    if price["basis"] == "text":
        return str(price["text"]) if price.get("text") else say("not stated")
    least = money(_amount(price, "min_month"), catalogue.currency)
    if price["basis"] == "pct_of_licence":
        return say(
            "%(share)s of the licence fee, at least %(least)s a month",
            share=percent(price["pct"]), least=least,
        )  # fmt: skip
    if price["basis"] == "per_unit":
        unit = money(_amount(price, "unit_month"), catalogue.currency)
        if price.get("min_month"):
            return say(
                "%(fee)s a unit and month, at least %(least)s a month", fee=unit, least=least
            )
        return say("%(fee)s a unit and month", fee=unit)
    return say("%(amount)s a month", amount=least)


def priced(catalogue: Catalogue, tier: Tier, numbers: Numbers) -> Priced | None:
    """Return what a tier costs for these numbers; None where it cannot be reckoned."""
    price, currency = tier.price, catalogue.currency
    least = _amount(price, "min_month")
    if price["basis"] == "flat":
        return Priced(_rounded(least), currency, say("the flat fee"))
    if price["basis"] == "pct_of_licence" and numbers.licence_month is not None:
        share = numbers.licence_month * Decimal(str(price["pct"])) / 100
        working = say(
            "%(share)s of %(fee)s",
            share=percent(price["pct"]), fee=count(numbers.licence_month.quantize(CENT)),
        )  # fmt: skip
        return _at_least(share, least, currency, working)
    if price["basis"] == "per_unit" and numbers.units is not None:
        unit = _amount(price, "unit_month")
        working = say("%(units)s × %(fee)s", units=numbers.units, fee=count(unit.quantize(CENT)))
        return _at_least(unit * numbers.units, least, currency, working)
    return None


def _at_least(amount: Decimal, least: Decimal, currency: str, working: Words) -> Priced:
    if amount < least:
        above = say("the least fee, above %(working)s", working=working)
        return Priced(_rounded(least), currency, above)
    return Priced(_rounded(amount), currency, working)


def _amount(price: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(price.get(name) or "0"))


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
