"""Liability caps: a multiple of twelve months' fees, an amount, or the greater of both."""

import re
from decimal import Decimal

from portal.kit.words import say
from portal.terms.rules.numbers import normal_money, plain, read_money, write_money
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value, or_less, or_more
from portal.terms.rules.text import clean_line

_MESSAGE = say(
    'Write a cap such as "1.5 x 12-month fees", "500000.00 USD" '
    'or "greater of 1.5 x 12-month fees and 500000.00 USD".'
)
_MULTIPLE = re.compile(
    r"(\d{1,3}(?:\.\d{1,3})?) ?(?:x|×|times) ?(?:the )?12[- ]months?'? fees", re.ASCII
)


def _read_multiple(text: str) -> str:
    match = _MULTIPLE.fullmatch(text.strip().casefold())
    if match is None:
        raise Unreadable(_MESSAGE)
    return plain(Decimal(match[1]))


def _read(_shape: Shape, text: str) -> Value:
    text = clean_line(text, 120)
    folded = text.casefold()
    if folded.startswith("greater of "):
        multiple, _, amount = text[len("greater of ") :].partition(" and ")
        return {
            "basis": "greater",
            "multiple": _read_multiple(multiple),
            "amount": _amount(amount),
        }
    if "fees" in folded:
        return {"basis": "multiple", "multiple": _read_multiple(text)}
    return {"basis": "amount", "amount": _amount(text)}


def _amount(text: str) -> dict[str, str]:
    try:
        return read_money(text)
    except Unreadable:
        raise Unreadable(_MESSAGE) from None


def _write(_shape: Shape, value: Value) -> str:
    if value["basis"] == "amount":
        return write_money(value["amount"])
    fees = f"{value['multiple']} x 12-month fees"
    if value["basis"] == "multiple":
        return fees
    return f"greater of {fees} and {write_money(value['amount'])}"


_PARTS = {
    "amount": {"basis", "amount"},
    "multiple": {"basis", "multiple"},
    "greater": {"basis", "multiple", "amount"},
}


def _normal(shape: Shape, value: Value) -> Value:
    if not isinstance(value, dict) or not isinstance(value.get("basis"), str):
        raise Unreadable(_MESSAGE)
    if _PARTS.get(value["basis"]) != set(value):
        raise Unreadable(_MESSAGE)
    if "amount" in value:
        normal_money(value["amount"])
    if "multiple" in value and not isinstance(value["multiple"], str):
        raise Unreadable(_MESSAGE)
    return _read(shape, _write(shape, value))


def _problems(shape: Shape, value: Value) -> list[str]:
    if "multiple" not in value:
        return []
    multiple = Decimal(value["multiple"])
    if shape.hard_min is not None and multiple < Decimal(shape.hard_min["multiple"]):
        return [or_more(_write(shape, shape.hard_min))]
    if shape.hard_max is not None and multiple > Decimal(shape.hard_max["multiple"]):
        return [or_less(_write(shape, shape.hard_max))]
    return []


def cap_order(one: Value, other: Value) -> int | None:
    """Compare two caps: -1, 0 or 1, or None where fees decide which is the larger.

    No cap at all (None) is larger than any cap.
    """
    if one is None or other is None:
        return (one is None) - (other is None)
    signs = {_sign(one, other, part) for part in ("multiple", "amount")} - {0}
    if not signs:
        return 0
    return next(iter(signs)) if len(signs) == 1 else None


def _sign(one: Value, other: Value, part: str) -> int | None:
    if part not in one and part not in other:
        return 0
    if part not in one or part not in other:
        # The greater of both is never below either of its parts.
        shared = "amount" if part == "multiple" else "multiple"
        if shared in one and shared in other:
            return 1 if part in one else -1
        return None
    a, b = one[part], other[part]
    if part == "amount":
        if a["currency"] != b["currency"]:
            return None
        a, b = a["amount"], b["amount"]
    return (Decimal(a) > Decimal(b)) - (Decimal(a) < Decimal(b))


CAP = Kind(_read, _write, _normal, _problems)
