"""Words kept in a row: the message and its values instead of the sentence.

    put(session, row, why=keep(say("After the close of %(month)s", month=month(last))))
    kept(row.why)

A sentence that a job writes down is read by people of several languages, and for years. So what is
kept is what it was made of, as JSON; read again, it says itself to whoever reads. Text that people
typed, and rows from before, are kept and read as they stand.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from portal.kit import words
from portal.kit.words import Words

_MESSAGE, _SHOWN, _LIST, _ROW = "say", "shown", "listed", "row"
# Which of two marks joins the last of a list.
_EITHER = "%(first)s or %(last)s"


def keep(value: Any) -> Any:
    """Return a value as JSON keeps it, with every word in it as its message and its values."""
    if isinstance(value, Words):
        return _parts(value)
    if isinstance(value, Mapping):
        return {name: keep(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [keep(one) for one in value]
    return value


def kept(value: Any) -> Any:
    """Return a value from what `keep` made of it."""
    if isinstance(value, list):
        return [kept(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    if _MESSAGE in value:
        return words.message_of(
            value[_MESSAGE], value.get("many"), value.get("count", 1), _values(value["values"])
        )
    if _SHOWN in value:
        return words.shown_of(value[_SHOWN], *(_plain_of(one) for one in value["values"]))
    if _LIST in value:
        return words.listed(kept(value[_LIST]), either=value["either"])
    if _ROW in value:
        return words.in_a_row(kept(value[_ROW]), value["sign"])
    return {name: kept(one) for name, one in value.items()}


def _parts(said: Words) -> Any:
    match words.parts_of(said):
        case ("message", text, many, count, values):
            parts = {_MESSAGE: text, "values": {name: _plain(one) for name, one in values.items()}}
            return parts | ({} if many is None else {"many": many, "count": count})
        case ("shown", kind, values):
            return {_SHOWN: kind, "values": [_plain(one) for one in values]}
        case ("listed", items, last):
            return {_LIST: keep(items), "either": last == _EITHER}
        case ("row", items, sign):
            return {_ROW: keep(items), "sign": sign}
    return str(said)


def _plain(value: Any) -> Any:
    """Keep a value of a message: words as such, days and exact numbers by their text."""
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, Decimal):
        return {"number": str(value)}
    return keep(value)


def _plain_of(value: Any) -> Any:
    match value:
        case {"day": text}:
            return date.fromisoformat(text[:10])
        case {"number": text}:
            return Decimal(text)
    return kept(value)


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_of(one) for name, one in values.items()}
