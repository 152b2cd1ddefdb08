"""What a program sent, read by the schemas of its operation."""

import json
from typing import Any

from flask import request

from portal.api.rules.operations import JSON, Operation, query_of
from portal.api.rules.problems import At, Problem
from portal.api.rules.schemas import SCHEMAS
from portal.api.rules.shapes import Book, Schema, Wrong, pointer
from portal.terms.rules import Unreadable
from portal.terms.rules.text import clean_lines

BOOK = Book(SCHEMAS)


def read_query(one: Operation) -> dict[str, Any]:
    """Return the values of the query; a `Problem` names every one that is wrong."""
    schemas, found, wrong = query_of(one), {}, []
    for name, sent in request.args.items(multi=True):
        schema = schemas.get(name)
        if schema is None or name in found:
            why = "This is not known here." if schema is None else "Send it once."
            wrong.append(At(name, why))
            continue
        found[name] = _typed(sent, schema)
        wrong += [At(name, fault.detail) for fault in BOOK.wrong(schema, found[name])]
    if wrong:
        raise Problem("invalid", errors=wrong)
    return found


def _typed(sent: str, schema: Schema) -> Any:
    whole = sent.removeprefix("-")
    if schema.get("type") == "integer" and whole.isascii() and whole.isdecimal():
        return int(sent) if len(sent) < 16 else sent
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(sent, sent)
    return sent


def read_body(one: Operation) -> Any:
    """Return the body; a `Problem` points at what is wrong in it."""
    if one.body is None:
        return None
    if (request.content_length or 0) > one.most_bytes:
        raise Problem("too_large")
    if request.mimetype != JSON:
        raise Problem("not_json")
    raw = request.get_data(cache=True)
    if len(raw) > one.most_bytes:
        raise Problem("too_large")
    try:
        sent = json.loads(raw, parse_constant=_no_constant, parse_float=_number)
    except (ValueError, RecursionError):
        raise Problem("malformed", "The body is not JSON.") from None
    wrong = [*BOOK.wrong(one.body, sent), *_hidden(sent, [])]
    if wrong:
        raise Problem("invalid", errors=wrong)
    return sent


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _number(text: str) -> int | float:
    """Read 1588.0 as the whole number it is."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _hidden(value: Any, path: list[Any]) -> list[Wrong]:
    """Refuse hidden and control characters in every text: a contract shows all it says."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return []  # nothing hides there, and the schema bounds its length
        try:
            clean_lines(value, 600_000)
        except Unreadable as refusal:
            return [Wrong(pointer(path), refusal.message)]
        return []
    if not isinstance(value, dict | list):
        return []
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    return [wrong for key, one in inside for wrong in _hidden(one, [*path, key])][:20]
