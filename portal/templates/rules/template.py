"""Templates: a published starting point for contracts, pinned by the hash of its content."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from portal.kit.words import commas, say, say_n
from portal.terms.rules import (
    Schema,
    Term,
    Unreadable,
    Value,
    canonical,
    favours,
    load_schema,
    parse,
    show,
    validate,
    value_sha256,
)

STATUSES = ("draft", "published", "retired")

_DATA = Path(__file__).parents[1] / "data"
_NAME = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)


class TemplateBroken(Exception):
    """A template says something the schema does not know; the message names the term."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The range a template leaves open for one term: ends of its scale, or single choices."""

    low: Value = None
    high: Value = None
    one_of: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Slots:
    """How many people sign for each side, and whether one after the other."""

    order: str
    vendor: tuple[int, int]
    customer: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the changelog."""

    number: int
    date: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template. `defaults` hold every term of the schema."""

    name: str
    number: int
    status: str
    schema: str
    standard_terms: str
    sha256: str
    defaults: Mapping[str, Value]
    locked: frozenset[str]
    allowed: Mapping[str, Allowed]
    slots: Slots
    settings: Mapping[str, int]
    changelog: tuple[Change, ...]


@cache
def load_template(name: str, number: int) -> Template:
    """Load a template of the data folder, such as ("standard-support", 1)."""
    file = _DATA / f"template-{name}-{number}.toml"
    if not _NAME.fullmatch(name) or not file.is_file():
        raise TemplateBroken(f"There is no template {name!r} with number {number}.")
    return read_template(file.read_text(encoding="utf-8"))


def read_template(text: str) -> Template:
    """Read a template from its TOML, and check it against the schema it names."""
    return template_of_raw(plain_of(text))


def plain_of(text: str) -> dict[str, Any]:
    """Return the structure of a template's TOML, dates as text, as it is stored and hashed."""
    raw = tomllib.loads(text)
    for entry in raw["changelog"]:
        _day(entry["date"])
    plain: dict[str, Any] = _plain(raw)
    return plain


def shipped_templates() -> list[tuple[str, dict[str, Any]]]:
    """Return the templates of the data folder as (short name, structure)."""
    found = []
    for file in sorted(_DATA.glob("template-*.toml")):
        slug, _, _ = file.stem.removeprefix("template-").rpartition("-")
        found.append((slug, plain_of(file.read_text(encoding="utf-8"))))
    return found


@cache
def shipped_texts() -> dict[str, bytes]:
    """Return the templates of the data folder as canonical JSON, by the SHA-256 of it."""
    texts = (canonical(raw) for _, raw in shipped_templates())
    return {sha256(text).hexdigest(): text for text in texts}


def template_of_raw(raw: Mapping[str, Any]) -> Template:
    """Read a template from its structure, and check it against the schema it names."""
    schema = load_schema(raw["schema"])
    if raw["status"] not in STATUSES:
        raise TemplateBroken(f"The status {raw['status']!r} is not known.")
    changelog = tuple(
        Change(entry["number"], str(entry["date"]), entry["text"]) for entry in raw["changelog"]
    )
    return Template(
        name=raw["name"],
        number=raw["number"],
        status=raw["status"],
        schema=raw["schema"],
        standard_terms=raw["standard_terms"],
        sha256=value_sha256(dict(raw)),
        defaults=_defaults(schema, raw["defaults"]),
        locked=frozenset(_term(schema, term_id).id for term_id in raw["locked"]["terms"]),
        allowed={
            term_id: _allowed(_term(schema, term_id), ends)
            for term_id, ends in raw["allowed"].items()
        },
        slots=_slots(raw["signers"]),
        settings=dict(raw["settings"]),
        changelog=changelog,
    )


def outside_allowed(template: Template, term: Term, value: Value) -> str | None:
    """Say why a value is out of the range the template leaves open; None if it is inside."""
    allowed = template.allowed.get(term.id)
    if allowed is None:
        return None
    if allowed.one_of and value not in allowed.one_of:
        choices = commas(show(term, choice) for choice in allowed.one_of)
        return say("Choose one of: %(choices)s.", choices=choices)
    if value is None:
        return say("This template needs a value here.")
    if allowed.low is not None and _beyond(term, allowed.low, value):
        return say("This template allows %(value)s or more.", value=show(term, allowed.low))
    if allowed.high is not None and _beyond(term, value, allowed.high):
        return say("This template allows %(value)s or less.", value=show(term, allowed.high))
    return None


def barred(template: Template, term: Term, value: Value, *, held: Value) -> str | None:
    """Say why a template bars a value, or None; `held` is what the term says before it.

    A locked term stays as the contract started with it; a range binds both sides alike.
    """
    if term.id in template.locked and value != held:
        return say("The template locks this term: it stays as the contract started with it.")
    return outside_allowed(template, term, value) if value != held else None


def slots_problem(template: Template, side: str, count: int) -> str | None:
    """Say why a side cannot name so many signers under this template, or None."""
    least, most = template.slots.vendor if side == "vendor" else template.slots.customer
    if count < least:
        return say_n(
            "This template asks for at least %(num)s signer a side.",
            "This template asks for at least %(num)s signers a side.",
            least,
        )
    if count > most:
        return say_n(
            "This template allows at most %(num)s signer a side.",
            "This template allows at most %(num)s signers a side.",
            most,
        )
    return None


def _beyond(term: Term, more: Value, less: Value) -> bool:
    """Say whether `more` is truly above `less`, on the scale the term is compared by."""
    upward = "customer" if term.better_for_customer == "higher" else "vendor"
    return favours(term, less, more) == upward


def _term(schema: Schema, term_id: str) -> Term:
    term = schema.terms.get(term_id)
    if term is None:
        raise TemplateBroken(f"There is no term {term_id!r} in schema {schema.version}.")
    return term


def _value(term: Term, text: str) -> Value:
    try:
        value = parse(term, text)
    except Unreadable as refusal:
        raise TemplateBroken(f"{term.id}: {refusal.message}") from None
    problems = validate(term, value)
    if problems:
        raise TemplateBroken(f"{term.id}: {' '.join(problems)}")
    return value


def _defaults(schema: Schema, written: Mapping[str, str]) -> dict[str, Value]:
    own = {term_id: _value(_term(schema, term_id), text) for term_id, text in written.items()}
    return {**schema.defaults(), **own}


def _allowed(term: Term, ends: Mapping[str, Any]) -> Allowed:
    if set(ends) - {"min", "max", "one_of"}:
        raise TemplateBroken(f"{term.id}: a range has min, max or one_of.")
    if {"min", "max"} & set(ends) and term.better_for_customer == "neutral":
        raise TemplateBroken(f"{term.id}: this term has no scale to limit.")
    return Allowed(
        low=_value(term, ends["min"]) if "min" in ends else None,
        high=_value(term, ends["max"]) if "max" in ends else None,
        one_of=tuple(_value(term, text) for text in ends.get("one_of", ())),
    )


def _slots(raw: Mapping[str, Any]) -> Slots:
    if raw["order"] not in ("sequential", "parallel"):
        raise TemplateBroken(f"The order {raw['order']!r} is not known.")
    return Slots(
        order=raw["order"],
        vendor=(raw["vendor"]["least"], raw["vendor"]["most"]),
        customer=(raw["customer"]["least"], raw["customer"]["most"]),
    )


def _day(value: Any) -> str:
    if not isinstance(value, date):
        raise TemplateBroken("Each line of the changelog needs its date.")
    return value.isoformat()


def _plain(value: Any) -> Any:
    """Dates as text, so that the whole can be hashed."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
