"""A sheet read row by row: what each would start, and what is wrong with it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.contracts.rules.starting import own_terms, starting_terms
from portal.kit.kept_words import keep
from portal.kit.words import count, say
from portal.templates.rules import Template, barred
from portal.terms.rules import Schema, Unreadable, Value, coherence, parse, validate
from portal.terms.rules.text import clean_line

MOST_ROWS = 200
LARGEST_SHEET = 400_000
MOST_TRIES = 5
CUSTOMER, TITLE = "customer", "title"


class SheetUnread(ValueError):
    """The sheet as a whole cannot be read; the message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Partner:
    """An organisation a row may name."""

    id: str
    slug: str
    name: str
    details: str
    regions: Sequence[str]


@dataclass(frozen=True)
class Start:
    """What every row of a batch starts from."""

    schema: Schema
    template: Template
    standard: tuple[str, str]
    preset: Mapping[str, Value]
    vendor: Partner
    region: str


@dataclass(frozen=True)
class SheetRow:
    """One row: what it would start, or why it cannot."""

    number: int
    typed: Mapping[str, str]
    customer: Partner | None = None
    title: str = ""
    terms: Mapping[str, Value] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def read_sheet(text: str, start: Start, partners: Sequence[Partner]) -> list[SheetRow]:
    """Read every row with its faults; `SheetUnread` where the sheet itself cannot be read.

    The heading names `customer`, `title`, and any term by its id, such as `A5` or `D1`.
    """
    heading, lines = _lines(text)
    columns = _columns(heading, start.schema)
    rows: list[SheetRow] = []
    seen: set[tuple[str, str]] = set()
    for number, cells in lines:
        row = _row(number, dict(zip(columns, cells, strict=False)), len(cells) - len(columns),
                   start, partners)  # fmt: skip
        key = (row.customer.id if row.customer else "", row.title.casefold())
        if row.customer and row.title and key in seen:
            again = say("This customer and title stand in the sheet before.")
            row = SheetRow(row.number, row.typed, row.customer, row.title, row.terms,
                           (*row.faults, again))  # fmt: skip
        seen.add(key)
        rows.append(row)
    return rows


def _lines(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    if len(text) > LARGEST_SHEET:
        raise SheetUnread(say("Use at most %(number)s characters.", number=count(LARGEST_SHEET)))
    try:
        mark = csv.Sniffer().sniff(text[:2000], delimiters=",;\t").delimiter
    except csv.Error:
        mark = ","
    try:
        reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=mark)
        found = [(reader.line_num, cells) for cells in reader if any(c.strip() for c in cells)]
    except csv.Error:
        raise SheetUnread(say("This is not a sheet of comma-separated values.")) from None
    if len(found) < 2:
        raise SheetUnread(say("The sheet needs a heading and at least one row."))
    if len(found) - 1 > MOST_ROWS:
        raise SheetUnread(say("A batch holds at most %(number)s rows.", number=MOST_ROWS))
    return found[0][1], found[1:]


def _columns(heading: Sequence[str], schema: Schema) -> list[str]:
    columns = [cell.strip() for cell in heading]
    plain = [name.casefold() if name.casefold() in (CUSTOMER, TITLE) else name for name in columns]
    found = []
    for name in plain:
        term = schema.find(name)
        if name not in (CUSTOMER, TITLE) and term is None:
            raise SheetUnread(
                say("There is no term “%(name)s” to set. Use ids such as A5 or D1.", name=name[:40])
            )
        found.append(term.id if term else name)
    if not {CUSTOMER, TITLE} <= set(found):
        raise SheetUnread(say("The heading needs the columns customer and title."))
    if len(set(found)) < len(found):
        raise SheetUnread(say("The heading names a column twice."))
    return found


def _row(
    number: int, typed: Mapping[str, str], excess: int, start: Start, partners: Sequence[Partner]
) -> SheetRow:
    faults: list[str] = [say("The row has more cells than the heading.")] if excess > 0 else []
    customer, fault = _customer(typed.get(CUSTOMER, ""), start, partners)
    faults += [fault] if fault else []
    title, fault = _title(typed.get(TITLE, ""))
    faults += [fault] if fault else []
    terms, wrong = _terms(typed, start)
    faults += wrong
    if customer is not None and not faults:
        values = values_of(start, customer, terms)
        faults += [f.message for f in coherence(start.schema, values) if f.level == "error"]
    return SheetRow(number, typed, customer, title, terms, tuple(faults))


def _customer(
    text: str, start: Start, partners: Sequence[Partner]
) -> tuple[Partner | None, str | None]:
    wanted = " ".join(text.split()).casefold()
    if not wanted:
        return None, say("Name the customer.")
    found = next((p for p in partners if wanted in (p.slug.casefold(), p.name.casefold())), None)
    if found is None:
        return None, say(
            "There is no organisation “%(name)s” on this portal.", name=text.strip()[:60]
        )
    if found.id == start.vendor.id:
        return None, say("This is your own organisation.")
    if start.region not in found.regions:
        return found, say("%(name)s does not allow its contracts in this region.", name=found.name)
    return found, None


def _title(text: str) -> tuple[str, str | None]:
    try:
        title = clean_line(text, 120)
    except Unreadable as refusal:
        return "", say("Title: %(message)s", message=refusal.message)
    return (title, None) if len(title) >= 3 else ("", say("The title needs 3 to 120 characters."))


def _terms(typed: Mapping[str, str], start: Start) -> tuple[dict[str, Value], list[str]]:
    terms: dict[str, Value] = {}
    faults = []
    for term_id, text in typed.items():
        term = start.schema.terms.get(term_id)
        if term is None or not text.strip():
            continue
        try:
            value = parse(term, text)
        except Unreadable as refusal:
            faults.append(f"{term_id}: {refusal.message}")
            continue
        held = start.preset.get(term_id, start.template.defaults[term_id])
        problem = next(iter(validate(term, value)), None)
        problem = problem or barred(start.template, term, value, held=held)
        if problem:
            faults.append(f"{term_id}: {problem}")
        else:
            terms[term_id] = value
    return terms, faults


def values_of(start: Start, customer: Partner, terms: Mapping[str, Value]) -> dict[str, Value]:
    """Return a value for every term of a row's contract."""
    own = own_terms(
        vendor=(start.vendor.name, start.vendor.details),
        customer=(customer.name, customer.details),
        standard=start.standard,
    )
    return starting_terms(start.schema, start.template.defaults, start.preset, {**own, **terms})


def content_of(row: SheetRow) -> dict[str, Any]:
    """Return what is kept of a row, sealed."""
    return {
        "customer": row.typed.get(CUSTOMER, ""),
        "title": row.title or row.typed.get(TITLE, ""),
        "terms": dict(row.terms),
        "faults": keep(row.faults),
    }
