"""Schemas (JSON Schema 2020-12), and checking what was sent against them with pointers."""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}
ANYTHING: Schema = {}
INSTANT: Schema = {
    "type": "string", "format": "date-time", "description": "RFC 3339; answers are in UTC",
}  # fmt: skip
DAY: Schema = {"type": "string", "format": "date"}
MONTH: Schema = {"type": "string", "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])$"}
DURATION: Schema = {"type": "string", "format": "duration", "description": "ISO 8601"}
DECIMAL: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
SIDE: Schema = {"type": "string", "enum": ["vendor", "customer"]}


def text(most: int, least: int = 1) -> Schema:
    """Return the schema of a text somebody sends."""
    return {"type": "string", "minLength": least, "maxLength": most}


def one_of(*values: str) -> Schema:
    """Return the schema of a word out of a list."""
    return {"type": "string", "enum": list(values)}


def maybe(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema, most: int | None = None) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema} | ({"maxItems": most} if most else {})


def ref(name: str) -> Schema:
    """Return a pointer to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def answer(**properties: Schema) -> Schema:
    """Return the schema of something the API answers; every property is there."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def body(optional: Mapping[str, Schema] | None = None, **needed: Schema) -> Schema:
    """Return the schema of something that is sent; what it does not name is refused."""
    return {
        "type": "object", "properties": {**needed, **(optional or {})}, "required": list(needed),
        "additionalProperties": False,
    }  # fmt: skip


MONEY = answer(amount=DECIMAL, currency={"type": "string", "pattern": "^[A-Z]{3}$"})


@dataclass(frozen=True)
class Wrong:
    """One thing wrong with what was sent: where (a JSON Pointer), and what."""

    pointer: str
    detail: str


FORMATS = FormatChecker(formats=())
# Years for which calendars, zones and the arithmetic of terms hold.
YEARS = range(1970, 2200)


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or read_instant(value) is not None


def _is_day(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return len(value) == 10 and date.fromisoformat(value).year in YEARS


FORMATS.checks("date-time", raises=ValueError)(_is_instant)
FORMATS.checks("date", raises=ValueError)(_is_day)


def read_instant(text: str) -> datetime:
    """Read an RFC 3339 instant; `ValueError` for anything else, or without an offset."""
    if len(text) < 20 or text[10] not in "Tt " or not text.isascii():
        raise ValueError("not an instant")
    at = datetime.fromisoformat(text.upper())
    if at.tzinfo is None or at.year not in YEARS:
        raise ValueError("an instant needs an offset, and a year of our time")
    return at.astimezone(UTC)


class Book:
    """The named schemas of the API, and validators over them, made once each."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.schemas = dict(schemas)
        self._validator = functools.lru_cache(maxsize=None)(self._make)

    def _make(self, schema: str) -> Draft202012Validator:
        whole = {**json.loads(schema), "components": {"schemas": self.schemas}}
        return Draft202012Validator(whole, format_checker=FORMATS)

    def wrong(self, schema: Schema, value: Any, *, most: int = 20) -> list[Wrong]:
        """Return what is wrong with a value, in the order of the document."""
        validator = self._validator(json.dumps(schema, sort_keys=True))
        errors = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.path)))
        return [_wrong(error) for error in errors[:most]]


def pointer(path: Iterator[Any] | list[Any]) -> str:
    """Return a JSON Pointer (RFC 6901), as the fragment of an address."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "#" + "".join(f"/{step}" for step in steps)


def _wrong(error: ValidationError) -> Wrong:
    path = list(error.absolute_path)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return Wrong(pointer([*path, missing[0]]), "This is needed.")
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        extra = next(name for name in error.instance if name not in known)
        return Wrong(pointer([*path, extra]), "This is not known here.")
    return Wrong(pointer(path), _words(error))


def _words(error: ValidationError) -> str:
    asked = error.validator_value
    words = {
        "type": f"Send {_kind(asked)}.", "enum": f"Send one of: {_listed(asked)}.",
        "minLength": f"Write at least {asked} characters.",
        "maxLength": f"Write at most {asked} characters.", "minimum": f"Send at least {asked}.",
        "maximum": f"Send at most {asked}.",
        "format": f"Send a {asked}, such as {_example(asked)}.",
        "pattern": "This does not have the form the document describes.",
        "maxItems": f"Send at most {asked}.", "minItems": f"Send at least {asked}.",
    }  # fmt: skip
    return words.get(str(error.validator), "This does not fit what the document describes.")


def _kind(asked: Any) -> str:
    kinds = {"string": "a text", "integer": "a whole number", "boolean": "true or false",
             "array": "a list", "object": "an object", "null": "null"}  # fmt: skip
    names = asked if isinstance(asked, list) else [asked]
    return " or ".join(kinds.get(name, str(name)) for name in names)


def _listed(asked: Any) -> str:
    return ", ".join(str(one) for one in asked) if isinstance(asked, list) else str(asked)


def _example(kind: Any) -> str:
    known = {"date-time": "2026-12-01T09:00:00Z", "date": "2026-12-01", "duration": "PT4H"}
    return known.get(str(kind), "the document shows")
