"""Whether a contract renews by itself: what its terms ask (P13) against what was measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.kit.words import percent, say, say_n


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
            say("No chronic failure is open"), measured.chronic_failures, _failures
        ),
        "credits_settled": _none_open(say("Credits are settled"), measured.open_credits, _credits),
        "review_held": _review(measured.reviews_held),
        "attainment": _attained(measured.attainment, least),
        "versions_current": _none_open(
            say("Versions are current"), measured.outdated_modules, _modules
        ),
    }
    return [Condition(code, *found[code]) for code in asked]


def all_hold(found: Sequence[Condition]) -> bool:
    """Return whether the contract may renew by itself."""
    return all(condition.holds for condition in found)


_UNMEASURED = say("Nothing was measured in the portal, so nothing stands against it.")


def _none_open(label: str, count: int | None, words: Callable[[int], str]) -> tuple[str, bool, str]:
    if count is None:
        return label, True, _UNMEASURED
    return label, count == 0, words(count)


def _failures(n: int) -> str:
    if not n:
        return say("No open chronic failures.")
    return say_n("%(num)s open chronic failure.", "%(num)s open chronic failures.", n)


def _credits(n: int) -> str:
    if not n:
        return say("No open credits.")
    return say_n("%(num)s open credit.", "%(num)s open credits.", n)


def _modules(n: int) -> str:
    if not n:
        return say("No open outdated modules.")
    return say_n("%(num)s open outdated module.", "%(num)s open outdated modules.", n)


def _review(held: int | None) -> tuple[str, bool, str]:
    label = say("The review was held")
    if held is None:
        return label, True, _UNMEASURED
    if not held:
        return label, False, say("No reviews were held in this term.")
    words = say_n(
        "%(num)s review was held in this term.", "%(num)s reviews were held in this term.", held
    )
    return label, True, words


def _attained(share: Decimal | None, least: Decimal) -> tuple[str, bool, str]:
    label = say("At least %(share)s of targets were met", share=percent(least))
    if share is None:
        return label, True, _UNMEASURED
    return label, share >= least, say("%(share)s of targets were met.", share=percent(share))
