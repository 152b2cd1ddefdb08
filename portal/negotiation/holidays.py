"""Public holidays suggested while drafting, by the `holidays` package.

What is suggested is only text in a form. What is saved is frozen into the term day by day, so that
both sides count alike whatever a later version of the package says.
"""

from collections.abc import Sequence
from datetime import date

import holidays

MOST_YEARS = 5


def countries() -> list[str]:
    """Return the codes of the countries that can be suggested, in order."""
    return sorted(code for code in holidays.list_supported_countries() if len(code) == 2)


def suggested(
    country: str, subdivision: str, years: Sequence[int]
) -> list[tuple[date, str]] | None:
    """Return (day, name) of the public holidays of a country or a part of it, in order.

    An unknown country or subdivision is None. Names are in English where the package has them.
    """
    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known or (subdivision and subdivision not in known[country]):
        return None
    found = holidays.country_holidays(
        country,
        subdiv=subdivision or None,
        years=list(years)[:MOST_YEARS],
        language=_english(country),
    )
    return [(day, " ".join(name.split())) for day, name in sorted(found.items())]


def _english(country: str) -> str | None:
    languages = holidays.list_localized_countries().get(country, [])
    return next((code for code in ("en_US", "en_GB") if code in languages), None)
