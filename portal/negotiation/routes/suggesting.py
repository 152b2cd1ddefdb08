"""Suggesting the holidays of a country while B2 is drafted: text for the field, not yet saved."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.kit import clock
from portal.kit.words import say
from portal.negotiation.holidays import MOST_YEARS, countries, suggested
from portal.terms.rules import Term

HOLIDAYS = "B2"


@dataclass(frozen=True)
class HolidayForm:
    """The small form above the field: which country, which part, which years."""

    country: str
    subdivision: str
    year: int
    years: int
    options: list[tuple[str, str]]
    message: str | None


def holiday_form(term: Term, args: Mapping[str, str]) -> HolidayForm | None:
    """Return the form where the term is the holiday calendar."""
    if term.id != HOLIDAYS:
        return None
    asked = "country" in args
    country, part, first, count = _asked(args)
    message = None
    if asked and suggested(country, part, [first]) is None:
        message = say(
            "No holidays are known for %(country)s %(part)s. Check the code of the part.",
            country=country,
            part=part,
        )
    elif asked:
        message = say("Suggested below. Read them, change what does not fit, then save.")
    options = [(code, code) for code in countries()]
    return HolidayForm(country, part, first, count, options, message)


def suggested_days(term: Term, args: Mapping[str, str]) -> str | None:
    """Return the suggested rows as the field's text, where they were asked for and are known."""
    if term.id != HOLIDAYS or "country" not in args:
        return None
    country, part, first, count = _asked(args)
    days = suggested(country, part, range(first, first + count))
    if days is None:
        return None
    return "\n".join(
        f"{day.isoformat()} | {name.replace('|', '/')[:200]} | none" for day, name in days
    )


def _asked(args: Mapping[str, str]) -> tuple[str, str, int, int]:
    this_year = clock.now().year
    first = _number(args.get("year", ""), this_year, this_year - 1, this_year + 20)
    count = _number(args.get("years", ""), 3, 1, MOST_YEARS)
    country = args.get("country", "US").strip().upper()[:2]
    return country, args.get("subdivision", "").strip().upper()[:6], first, count


def _number(text: str, default: int, least: int, most: int) -> int:
    return (
        min(max(int(text), least), most)
        if text.isascii() and text.isdigit() and len(text) < 5
        else default
    )
