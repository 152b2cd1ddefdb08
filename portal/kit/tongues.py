"""The languages of the portal: their catalogues, by gettext, and their dates and money, by Babel.

A catalogue is `languages/<language>/<room>.po`. The rooms of a language are read together, once a
process, when somebody first reads that language.
"""

import io
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

from babel import Locale, dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from portal.kit import words
from portal.kit.words import ENGLISH, Tongue, in_tongue, spoken

LANGUAGES = {"en": "English", "de": "Deutsch"}
CATALOGUES = Path(__file__).parent / "languages"
# The skeletons of CLDR: each language has its own order and signs for them.
_SKELETONS = {
    "day": "yMMMd",
    "day of year": "MMMd",
    "long day of year": "MMMMd",
    "month": "yMMMM",
    "short month": "yMMM",
}
_PATTERNS = {"month name": "LLL", "weekday": "EEEE"}
_FILTERS = (
    words.day, words.long_day, words.day_of_year, words.long_day_of_year, words.month,
    words.short_month, words.month_name, words.weekday, words.moment, words.number, words.count,
    words.percent, words.money, words.listed, words.commas, words.inside,
)  # fmt: skip


@cache
def tongue(language: str) -> Tongue:
    """Return a language of the portal; English for any other."""
    return _Translated(language) if language in LANGUAGES and language != "en" else ENGLISH


class _Translated:
    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse(language)
        self._messages = _messages(language)
        self._skeleton = cache(self._pattern_of)

    def message(self, text: str) -> str:
        return self._messages.gettext(text) if text else ""

    def plural(self, one: str, many: str, count: int) -> str:
        return self._messages.ngettext(one, many, count)

    def shown(self, kind: str, values: tuple[Any, ...]) -> str:
        first = values[0]
        if isinstance(first, date):
            return dates.format_date(first, self._skeleton(kind), locale=self._locale)
        if kind == "inside":
            return str(in_tongue(first, self))
        if kind == "money":
            return numbers.format_currency(
                first, values[1], locale=self._locale, currency_digits=False,
                format=f"#,##0.{'0' * values[2]}\u00a0¤" if values[2] else "#,##0\u00a0¤",
            )  # fmt: skip
        text = self._number(first, grouped=kind != "number")
        return f"{text}\u00a0%" if kind == "percent" else text

    def _number(self, amount: Any, *, grouped: bool) -> str:
        try:
            exact = Decimal(str(amount))
        except ArithmeticError:
            return str(amount)
        places = max(0, -int(exact.as_tuple().exponent))
        pattern = ("#,##0" if grouped else "0") + ("." + "0" * places if places else "")
        return numbers.format_decimal(exact, pattern, locale=self._locale)

    def _pattern_of(self, kind: str) -> str:
        if kind in _PATTERNS:
            return _PATTERNS[kind]
        if kind == "long day":
            return str(self._locale.date_formats["long"].pattern)
        return str(self._locale.datetime_skeletons[_SKELETONS[kind]].pattern)


def _messages(language: str) -> GNUTranslations:
    """Read every room's catalogue as one; a fuzzy entry counts as missing."""
    whole = Catalog(locale=language)
    for path in sorted((CATALOGUES / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string and not message.fuzzy:
                    whole.add(message.id, message.string, context=message.context)
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return GNUTranslations(compiled)


def teach(templates: Environment) -> None:
    """Give templates `_`, `ngettext`, `{% trans %}`, and a filter for each kind of date and number.

    Markup says words where it escapes them; what a template without markup prints is said as well.
    """
    templates.add_extension("jinja2.ext.i18n")
    templates.policies["ext.i18n.trimmed"] = True
    templates.newstyle_gettext = True  # type: ignore[attr-defined]
    templates.globals.update(gettext=_gettext, ngettext=_ngettext)
    templates.filters.update({shown.__name__: shown for shown in _FILTERS})
    templates.filters.update(as_date=_as_date, as_moment=datetime.fromisoformat, amount=_amount)
    templates.filters["said"] = _said
    if not templates.autoescape:
        templates.finalize = lambda value: in_tongue(value, spoken())


def _said(text: str | None) -> str:
    """Return what was stored as an English sentence as a message, where it has no values."""
    if not text or isinstance(text, words.Words):
        return text or ""
    return words.say(text)


def _as_date(on: date | str) -> date:
    """Return a day that may be ISO text, as rows and canonical documents keep it."""
    return date.fromisoformat(on) if isinstance(on, str) else on


def _amount(text: str, currency: str) -> words.Words:
    """Return an amount that is kept as decimal text, with the digits it has."""
    exact = Decimal(text)
    return words.money(exact, currency, max(0, -int(exact.as_tuple().exponent)))


@pass_context
def _gettext(context: Context, text: str, /, **values: Any) -> str:
    return _filled(context, spoken().message(text), values)


@pass_context
def _ngettext(context: Context, one: str, many: str, num: int, /, **values: Any) -> str:
    return _filled(context, spoken().plural(one, many, num), {"num": num, **values})


def _filled(context: Context, text: str, values: Mapping[str, Any]) -> str:
    said = {name: in_tongue(value, spoken()) for name, value in values.items()}
    # Markup escapes the values it takes in; a catalogue is ours, as the template around it is.
    return Markup(text) % said if context.eval_ctx.autoescape else text % said  # noqa: S704
