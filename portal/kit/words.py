"""Words that people read: English by themselves, in the reader's language where they are shown.

    say("Round %(number)s waits for you.", number=3)
    say_n("%(num)s hour", "%(num)s hours", 4)
    say("Notice by %(day)s", day=day(row.notice_by))

Each gives `Words`, a `str` that is its English text: rules, logs, the API, the signed text and
everything stored stay English. Shown in a page or a mail it is said in the language of whoever
reads: a template escapes it through `__html__`, and a mail through `in_tongue`. Joining, cutting
or formatting it like other strings leaves the English text alone, so a sentence is one message.

Nothing here knows a page or a catalogue: the roof says who reads, with `speaking`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from markupsafe import escape


class Tongue(Protocol):
    """One language: its messages, and how it writes dates, numbers and money."""

    language: str

    def message(self, text: str) -> str:
        """Return a message in this language."""

    def plural(self, one: str, many: str, count: int) -> str:
        """Return the form of a message that this language uses for a count."""

    def shown(self, kind: str, values: tuple[Any, ...]) -> str:
        """Return a date, number or amount as this language writes it; see `_WRITTEN`."""


class English:
    """The language everything is written in."""

    language = "en"

    def message(self, text: str) -> str:
        """Return the message itself."""
        return text

    def plural(self, one: str, many: str, count: int) -> str:
        """Return the singular for one only."""
        return one if count == 1 else many

    def shown(self, kind: str, values: tuple[Any, ...]) -> str:
        """Return a date, number or amount in English."""
        return _WRITTEN[kind](*values)


ENGLISH = English()
_READER: ContextVar[Callable[[], Tongue]] = ContextVar("reader", default=lambda: ENGLISH)


@contextmanager
def speaking(tongue: Tongue | Callable[[], Tongue]) -> Iterator[None]:
    """Say words in a language inside this block; a function is asked when words are shown."""
    token = _READER.set(tongue if callable(tongue) else lambda: tongue)
    try:
        yield
    finally:
        _READER.reset(token)


def spoken() -> Tongue:
    """Return the language of whoever reads now; English where nobody was named."""
    return _READER.get()()


class Words(str):
    """Text that can say itself in another language."""

    __slots__ = ()

    def into(self, tongue: Tongue) -> str:
        """Return the text in a language."""
        return str(self)

    def __mod__(self, values: Any) -> "Words":
        return Words(str(self) % values)

    def __html__(self) -> str:
        tongue = spoken()
        return str(escape(str(self) if tongue is ENGLISH else self.into(tongue)))


class _Message(Words):
    __slots__ = ("_count", "_many", "_text", "_values")

    _text: str
    _many: str | None
    _count: int
    _values: Mapping[str, Any]

    def into(self, tongue: Tongue) -> str:
        if self._many is None:
            text = tongue.message(self._text)
        else:
            text = tongue.plural(self._text, self._many, self._count)
        if not self._values:
            return text
        return text % {name: in_tongue(value, tongue) for name, value in self._values.items()}

    def __mod__(self, values: Any) -> "Words":
        return _message(self._text, self._many, self._count, {**self._values, **values})


class _Shown(Words):
    __slots__ = ("_kind", "_values")

    _kind: str
    _values: tuple[Any, ...]

    def into(self, tongue: Tongue) -> str:
        return tongue.shown(self._kind, self._values)


class _Listed(Words):
    __slots__ = ("_items", "_last")

    _items: list[str]
    _last: str

    def into(self, tongue: Tongue) -> str:
        items = [in_tongue(item, tongue) for item in self._items]
        return _joined(items, tongue.message(self._last))


class _Row(Words):
    __slots__ = ("_items", "_sign")

    _items: list[str]
    _sign: str

    def into(self, tongue: Tongue) -> str:
        return self._sign.join(in_tongue(item, tongue) for item in self._items)


def in_tongue(value: Any, tongue: Tongue) -> Any:
    """Return a value as a language says it: words and decimal numbers; others as they are."""
    if isinstance(value, Words):
        return value.into(tongue)
    if isinstance(value, (Decimal, float)):
        return tongue.shown("number", (value,))
    return value


def _message(text: str, many: str | None, count: int, values: Mapping[str, Any]) -> Words:
    english = text if many is None else ENGLISH.plural(text, many, count)
    said = _Message(english % values if values else english)
    said._text, said._many, said._count, said._values = text, many, count, values
    return said


def parts_of(said: Words) -> tuple[Any, ...]:
    """Return what words are made of: their kind, then its parts; nothing for plain text."""
    match said:
        case _Message():
            return "message", said._text, said._many, said._count, said._values
        case _Shown():
            return "shown", said._kind, said._values
        case _Listed():
            return "listed", said._items, said._last
        case _Row():
            return "row", said._items, said._sign
    return ()


def message_of(text: str, many: str | None, count: int, values: Mapping[str, Any]) -> Words:
    """Return a message from its parts."""
    return _message(text, many, count, values)


def shown_of(kind: str, *values: Any) -> Words:
    """Return a date, number or amount from its kind and values."""
    return _shown(kind, *values)


def say(text: str, /, **values: Any) -> Words:
    """Return a message, with %(name)s for its values; a label or a whole sentence, never a piece.

    A message without values is taken as it stands, so that a lone % needs no second one.
    """
    return _message(text, None, 1, values)


def say_n(one: str, many: str, count: int, /, **values: Any) -> Words:
    """Return a message that depends on a count, which it may show as %(num)s."""
    return _message(one, many, count, {"num": count, **values})


def listed(items: Iterable[str], *, either: bool = False) -> Words:
    """Return "a, b and c", or "a, b or c"."""
    found = list(items)
    last = say("%(first)s or %(last)s") if either else say("%(first)s and %(last)s")
    text = _Listed(_joined(found, last))
    text._items, text._last = found, str(last)
    return text


def commas(items: Iterable[str]) -> Words:
    """Return "a, b, c"."""
    return in_a_row(items)


def in_a_row(items: Iterable[str], sign: str = ", ") -> Words:
    """Return whole sentences or labels one after another, set apart by a sign: "a; b; c"."""
    found = list(items)
    text = _Row(sign.join(found))
    text._items, text._sign = found, sign
    return text


def _joined(items: list[str], last: str) -> str:
    if len(items) < 2:
        return "".join(items)
    return last % {"first": ", ".join(items[:-1]), "last": items[-1]}


def _shown(kind: str, *values: Any) -> Words:
    text = _Shown(_WRITTEN[kind](*values))
    text._kind, text._values = kind, values
    return text


_WRITTEN: dict[str, Callable[..., str]] = {
    "day": lambda on: f"{on.day} {on:%b} {on.year}",
    "long day": lambda on: f"{on.day} {on:%B} {on.year}",
    "day of year": lambda on: f"{on.day} {on:%b}",
    "long day of year": lambda on: f"{on.day} {on:%B}",
    "month": lambda on: f"{on:%B %Y}",
    "short month": lambda on: f"{on:%b %Y}",
    "month name": lambda on: f"{on:%b}",
    "weekday": lambda on: f"{on:%A}",
    "inside": lambda label: str(label).lower(),
    "number": lambda amount: str(amount),
    "count": lambda amount: f"{amount:,}",
    "percent": lambda amount: f"{amount} %",
    "money": lambda amount, currency, digits: f"{amount:,.{digits}f} {currency}",
}


def inside(label: str) -> Words:
    """Return a label as it stands inside a sentence: small in English, as it is elsewhere."""
    return _shown("inside", label)


def day(on: date) -> Words:
    """Return "1 Jan 2028"."""
    return _shown("day", on)


def long_day(on: date) -> Words:
    """Return "1 January 2028"."""
    return _shown("long day", on)


def day_of_year(on: date) -> Words:
    """Return "1 Jan", where the year is plain."""
    return _shown("day of year", on)


def long_day_of_year(on: date) -> Words:
    """Return "1 January", where the year is plain."""
    return _shown("long day of year", on)


def month(on: date) -> Words:
    """Return "January 2028"."""
    return _shown("month", on)


def short_month(on: date) -> Words:
    """Return "Jan 2028"."""
    return _shown("short month", on)


def month_name(on: date) -> Words:
    """Return "Jan"."""
    return _shown("month name", on)


def weekday(on: date) -> Words:
    """Return "Friday"."""
    return _shown("weekday", on)


def moment(at: datetime) -> Words:
    """Return "1 Jan 2028, 14:00", in the zone the time carries."""
    return say("%(day)s, %(time)s", day=day(at), time=f"{at:%H:%M}")


def number(amount: Decimal | float | int | str) -> Words:
    """Return a number as it stands: "99.9"; digits in text are read as a number."""
    return _shown("number", amount)


def count(amount: int | Decimal) -> Words:
    """Return a number in groups: "50,000", "50,000.00"."""
    return _shown("count", amount)


def percent(amount: Decimal | float | int | str) -> Words:
    """Return "99.9 %"."""
    return _shown("percent", amount)


def money(amount: Decimal, currency: str, digits: int = 2) -> Words:
    """Return "1,234.50 EUR"."""
    return _shown("money", amount, currency, digits)
