"""Whether a contract renews by itself: what its terms ask (P13) against what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What the portal knows of the term that ends; None where nothing was measured."""

    chronic_failures: int | None = None
    open_credits: int | None = None
    reviews_held: int | None = None
    attainment: Decimal | None = None
    outdated_modules: int | None = None


@dataclass(frozen=True)
class Condition:
    """One condition of renewal, whether it holds, and why in words."""

    code: str
    label: str
    holds: bool
    why: str


def conditions(terms: Mapping[str, Any], measured: Measured) -> list[Condition]:
    """Judge each condition the contract sets; what was not measured does not stand against it."""
    asked: Sequence[str] = terms.get("P13") or ()
    least = Decimal(terms.get("P13.attainment") or 0)
    found = {
        "no_chronic": _none_open(
            "No chronic failure is open", measured.chronic_failures, "chronic failure"
        ),
        "credits_settled": _none_open("Credits are settled", measured.open_credits, "credit"),
        "review_held": _review(measured.reviews_held),
        "attainment": _attained(measured.attainment, least),
        "versions_current": _none_open(
            "Versions are current", measured.outdated_modules, "outdated module"
        ),
    }
    return [Condition(code, *found[code]) for code in asked]


def all_hold(found: Sequence[Condition]) -> bool:
    """Return whether the contract may renew by itself."""
    return all(condition.holds for condition in found)


_UNMEASURED = "Nothing was measured in the portal, so nothing stands against it."


def _none_open(label: str, count: int | None, word: str) -> tuple[str, bool, str]:
    if count is None:
        return label, True, _UNMEASURED
    noun = word if count == 1 else f"{word}s"
    return label, count == 0, f"{count or 'no'} open {noun}".capitalize() + "."


def _review(held: int | None) -> tuple[str, bool, str]:
    label = "The review was held"
    if held is None:
        return label, True, _UNMEASURED
    words = "review was held" if held == 1 else "reviews were held"
    return label, held > 0, f"{held or 'No'} {words} in this term."


def _attained(share: Decimal | None, least: Decimal) -> tuple[str, bool, str]:
    label = f"At least {least} % of targets were met"
    if share is None:
        return label, True, _UNMEASURED
    return label, share >= least, f"{share} % of targets were met."
