"""What a tier costs: in words, and for somebody's own numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from portal.plans.rules.catalogue import Catalogue, Tier

CENT = Decimal("0.01")
BASES = {
    "pct_of_licence": "A share of the licence fee",
    "flat": "A flat fee a month",
    "per_unit": "A fee for each unit and month",
    "text": "In words alone",
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
    working: str

    @property
    def text(self) -> str:
        """The amount in words."""
        return f"{self.month:,.2f} {self.currency} a month"


def price_text(catalogue: Catalogue, tier: Tier) -> str:
    """Say a tier's price: "20 % of the licence fee, at least 1,500.00 USD a month"."""
    price = tier.price
    if price["basis"] == "text":
        return str(price.get("text") or "not stated")
    least = f"{_amount(price, 'min_month'):,.2f} {catalogue.currency} a month"
    if price["basis"] == "pct_of_licence":
        return f"{price['pct']} % of the licence fee, at least {least}"
    if price["basis"] == "per_unit":
        unit = f"{_amount(price, 'unit_month'):,.2f} {catalogue.currency} a unit and month"
        return f"{unit}, at least {least}" if price.get("min_month") else unit
    return least


def priced(catalogue: Catalogue, tier: Tier, numbers: Numbers) -> Priced | None:
    """Return what a tier costs for these numbers; None where it cannot be reckoned."""
    price, money = tier.price, catalogue.currency
    least = _amount(price, "min_month")
    if price["basis"] == "flat":
        return Priced(_rounded(least), money, "the flat fee")
    if price["basis"] == "pct_of_licence" and numbers.licence_month is not None:
        share = numbers.licence_month * Decimal(str(price["pct"])) / 100
        working = f"{price['pct']} % of {numbers.licence_month:,.2f}"
        return _at_least(share, least, money, working)
    if price["basis"] == "per_unit" and numbers.units is not None:
        unit = _amount(price, "unit_month")
        return _at_least(unit * numbers.units, least, money, f"{numbers.units} × {unit:,.2f}")
    return None


def _at_least(amount: Decimal, least: Decimal, money: str, working: str) -> Priced:
    if amount < least:
        return Priced(_rounded(least), money, f"the least fee, above {working}")
    return Priced(_rounded(amount), money, working)


def _amount(price: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(price.get(name) or "0"))


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
