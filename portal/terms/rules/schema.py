"""The schema: every term of a version, read once from its data files and checked."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from portal.kit.words import Words, say
from portal.terms.rules.canon import canonical, value_sha256
from portal.terms.rules.kinds import KINDS, parse, validate
from portal.terms.rules.shape import Group, Option, Shape, Term, Unreadable, Value
from portal.terms.rules.tables import CELL_KINDS
from portal.terms.rules.text import means_none

ROLES_CUSTOMER = frozenset({"sales_ops", "it_admin", "procurement", "legal"})
ROLES_VENDOR = frozenset({"account_manager", "legal", "support_lead", "support_engineer"})
INVARIANTS = tuple(f"C{number}" for number in range(1, 14))

_DATA = Path(__file__).parents[1] / "data"


class SchemaBroken(Exception):
    """A data file of the schema contradicts itself; the message names the file and the term."""


@dataclass(frozen=True, slots=True)
class Schema:
    """All terms of one version, in the order of the contract."""

    version: str
    sha256: str
    groups: tuple[Group, ...]
    terms: Mapping[str, Term]

    def defaults(self) -> dict[str, Value]:
        """Return the default value of every term, as a new mapping."""
        return {term.id: _copied(term.default) for term in self.terms.values()}

    def find(self, reference: str) -> Term | None:
        """Return the term of a code ("B1"), a name ("support_hours"), or both ("B1.support_hours").

        Unknown is None.
        """
        if reference in self.terms:
            return self.terms[reference]
        for term in self.terms.values():
            if reference in (term.name, f"{term.id}.{term.name}"):
                return term
        return None

    def in_group(self, code: str) -> tuple[Term, ...]:
        """Return the terms of one group, in order."""
        return tuple(term for term in self.terms.values() if term.group == code)


def _copied(value: Value) -> Value:
    if isinstance(value, list):
        return [_copied(part) for part in value]
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return value


@cache
def load_schema(version: str = "1") -> Schema:
    """Load and check one version of the schema; the same object is returned every time."""
    folder = _DATA / f"schema-{version}"
    if not version.isdigit() or not folder.is_dir():
        raise SchemaBroken(f"There is no schema version {version!r}.")
    lists = tomllib.loads((folder / "lists.toml").read_text(encoding="utf-8"))
    groups: list[Group] = []
    terms: dict[str, Term] = {}
    for file in sorted(folder.glob("?.toml")):
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        groups.append(Group(raw["code"], say(raw["title"])))
        for term in _terms_of(raw, lists):
            if term.id in terms:
                raise SchemaBroken(f"{file.name}: {term.id} is there twice.")
            terms[term.id] = term
    _check_names(terms)
    whole = _content(version, groups, terms.values())
    return Schema(version, value_sha256(whole), tuple(groups), terms)


def schema_text(version: str) -> bytes:
    """Return a version of the schema as the canonical JSON that its SHA-256 is of."""
    schema = load_schema(version)
    return canonical(_content(version, schema.groups, schema.terms.values()))


def _content(version: str, groups: Iterable[Group], terms: Iterable[Term]) -> dict[str, Any]:
    return {
        "version": version,
        "groups": [asdict(group) for group in groups],
        "terms": [_plain(asdict(term)) for term in terms],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _terms_of(raw: dict[str, Any], lists: dict[str, Any]) -> Iterator[Term]:
    owners = ("owners_customer", "owners_vendor")
    shared: dict[str, Any] = {"group": raw["code"], **{key: raw[key] for key in owners}}
    for entry in raw["term"]:
        for one in _one_each(shared | _with_lists(entry, lists)):
            try:
                yield _term(one)
            except (Unreadable, KeyError, TypeError) as problem:
                raise SchemaBroken(f"{one.get('id')}: {problem!r}") from problem


def _with_lists(entry: dict[str, Any], lists: dict[str, Any]) -> dict[str, Any]:
    """Put the shared options in the place of their name, in the term and in its columns."""
    full = dict(entry)
    if isinstance(full.get("options"), str):
        full["options"] = lists[full["options"]]
    if "column" in full:
        full["column"] = [_with_lists(column, lists) for column in full["column"]]
    return full


def _one_each(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Make one term for each severity of an entry that stands for several."""
    if "each" not in entry:
        yield entry
        return
    for severity in entry["each"]:
        one = {key: value for key, value in entry.items() if key != "each"}
        one["default"] = entry["default"].get(severity)
        own = {"severity": severity, "s": severity.lower(), "n": severity[1:]}
        one |= {key: entry[key].format(**own) for key in ("id", "name")}
        one |= {key: _said(entry[key], own) for key in ("label", "help")}
        yield one


def _said(text: str, values: Mapping[str, str]) -> str:
    named = {name: value for name, value in values.items() if f"{{{name}}}" in text}
    return say(message_of(text), **named)


def message_of(text: str) -> str:
    """Return the words of a data file as a message: what stands for each severity, by its name."""
    if re.search(r"\{\w+\}", text) is None:
        return text
    return re.sub(r"\{(\w+)\}", r"%(\1)s", text.replace("%", "%%"))


_TERM_KEYS = ("id", "group", "help", "drives", "owners_customer", "owners_vendor", "invariants")
_SHAPE_KEYS = (
    *("type", "label", "name", "max_length", "required", "better_for_customer"),
    *("none_favours", "is_key", "min_rows", "max_rows", "every_key", "days_a_year"),
)
_LISTS = frozenset({"drives", "owners_customer", "owners_vendor", "invariants"})
_OTHER_KEYS = frozenset({"options", "units", "clocks", "min", "max", "default", "column"})


def _term(raw: dict[str, Any]) -> Term:
    unknown = set(raw) - set(_TERM_KEYS) - set(_SHAPE_KEYS) - _OTHER_KEYS
    if unknown:
        raise SchemaBroken(f"{raw['id']}: unknown keys {sorted(unknown)}")
    parts = _shape_parts(raw)
    for key in _TERM_KEYS:
        if key in raw:
            parts[key] = tuple(raw[key]) if key in _LISTS else raw[key]
    parts["help"] = _words(raw["help"])
    bare = Term(**parts)
    default = _default(bare, raw.get("default"))
    term = replace(bare, invariants=_invariants(bare), default=default)
    _check(term)
    return term


def _words(text: str) -> str:
    return text if isinstance(text, Words) else say(text)


def _default(term: Term, text: Any) -> Value:
    if text is None:
        return None
    return parse(term, text if isinstance(text, list) else str(text))


def _shape_parts(raw: dict[str, Any]) -> dict[str, Any]:
    parts = {key: raw[key] for key in _SHAPE_KEYS if key in raw}
    parts["label"] = _words(raw["label"])
    parts["options"] = tuple(_option(option) for option in raw.get("options", ()))
    parts["unit_options"] = tuple(raw.get("units", ()))
    parts["clocks"] = tuple(raw.get("clocks", ("24x7",)))
    parts["columns"] = tuple(Shape(**_shape_parts(column)) for column in raw.get("column", ()))
    bare = Shape(**parts)
    for key, end in (("hard_min", "min"), ("hard_max", "max")):
        if end in raw:
            parts[key] = _end(bare, raw[end])
    return parts


def _end(shape: Shape, text: Any) -> Value:
    """Read an end of the hard range; an amount of money is bare, for the currency is open."""
    return str(text) if shape.type == "money" else parse(shape, str(text))


def _option(raw: list[str]) -> Option:
    return Option(*raw)


def _invariants(term: Term) -> tuple[str, ...]:
    """Add the check of business hours to every term that can be written in them."""
    written = (term, *term.columns)
    business = any(
        {"bh", "bd"} & set(shape.unit_options) or "support_hours" in shape.clocks
        for shape in written
    )
    named = set(term.invariants) | ({"C2"} if business else set())
    return tuple(check for check in INVARIANTS if check in named)


def _check(term: Term) -> None:
    faults = [*_faults(term)]
    for shape in (term, *term.columns):
        faults += _shape_faults(shape)
    if not faults:
        faults = [f"default: {problem}" for problem in validate(term, term.default)]
    if faults:
        raise SchemaBroken(f"{term.id}: {'; '.join(faults)}")


def _faults(term: Term) -> Iterator[str]:
    if term.type not in KINDS:
        yield f"unknown type {term.type}"
    if not set(term.owners_customer) <= ROLES_CUSTOMER or not term.owners_customer:
        yield "owners of the customer"
    if not set(term.owners_vendor) <= ROLES_VENDOR or not term.owners_vendor:
        yield "owners of the vendor"
    if not set(term.invariants) <= set(INVARIANTS):
        yield "unknown invariant"
    for column in term.columns:
        if column.type not in CELL_KINDS or column.type == "prose":
            yield f"{column.name} cannot be a column"


def _shape_faults(shape: Shape) -> Iterator[str]:
    if shape.type in ("enum", "multi") and not shape.options:
        yield f"{shape.name} needs options"
    if shape.type == "dur" and not shape.unit_options:
        yield f"{shape.name} needs units"
    if shape.type == "multi" and any("," in o.label or ";" in o.label for o in shape.options):
        yield f"{shape.name}: a label holds the mark between labels"
    if any(means_none(o.code) or means_none(o.label) for o in shape.options):
        yield f"{shape.name}: an option reads as none"
    if shape.better_for_customer not in ("higher", "lower", "neutral"):
        yield f"{shape.name}: unknown direction"
    if shape.none_favours not in (None, "customer", "vendor", "neutral"):
        yield f"{shape.name}: unknown side"


def _check_names(terms: Mapping[str, Term]) -> None:
    names = [term.name for term in terms.values()]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SchemaBroken(f"Names used twice: {sorted(twice)}")
