"""Tiers, drafts and contracts side by side: one row a term or feature, one column each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portal.kit.words import Words, in_a_row, say
from portal.plans.rules.catalogue import Catalogue, Tier, tier_terms
from portal.plans.rules.pricing import Numbers, Priced, price_text, priced
from portal.sla.rules import worst_in_words
from portal.terms.rules import Schema, Term, Value, canonical, favours, show

MOST_COLUMNS = 8
NOT_SET = say("not set")
NOT_STATED = say("not stated")
YES_NO = {"yes": say("Yes"), "no": say("No")}
UNCOMPARED = frozenset({"A12"})


@dataclass(frozen=True)
class Column:
    """One thing to compare: a tier, or a contract with all its terms."""

    key: str
    title: str
    subtitle: str
    values: Mapping[str, Value]
    features: Mapping[tuple[str, str], tuple[str, str | None]] = field(default_factory=dict)
    price: str | None = None
    priced: Priced | None = None
    source: str | None = None
    is_contract: bool = False
    start: str | None = None


@dataclass(frozen=True)
class Cell:
    """What one column says in a row, with the worst wall clock where the term is a clock."""

    text: str
    said: bool
    worst: str | None = None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One row: a term of the schema, or a free feature."""

    label: str
    code: str | None
    help: str | None
    cells: tuple[Cell, ...]
    differs: bool


@dataclass(frozen=True)
class Section:
    """Rows under one heading."""

    title: str
    rows: tuple[Row, ...]


def tier_column(
    schema: Schema,
    catalogue: Catalogue,
    tier: Tier,
    *,
    key: str,
    numbers: Numbers,
    start: str | None = None,
) -> Column:
    """Return a tier as a column."""
    place = catalogue.tiers.index(tier)
    return Column(
        key=key,
        title=tier.name,
        subtitle=say(
            "%(vendor)s, version %(number)s", vendor=catalogue.vendor, number=catalogue.version
        ),
        values=tier_terms(schema, catalogue, tier.name),
        features={(f.group, f.label): (f.kind, f.values[place]) for f in catalogue.features},
        price=price_text(catalogue, tier),
        priced=priced(catalogue, tier, numbers),
        source=catalogue.source,
        start=start,
    )


def compared(
    schema: Schema, columns: Sequence[Column], *, year: int, only_differences: bool
) -> list[Section]:
    """Lay columns side by side: every term some tier sets, then the free features.

    A contract's column answers each of those rows and adds none. With contracts alone every term is
    a row.
    """
    tiers = [column for column in columns if not column.is_contract] or list(columns)
    told = {term for column in tiers for term in column.values} - UNCOMPARED
    sections = []
    for group in schema.groups:
        rows = [
            _term_row(schema.terms[term.id], columns, year=year)
            for term in schema.in_group(group.code)
            if term.id in told
        ]
        sections.append(Section(in_a_row([group.code, group.title], ". "), tuple(rows)))
    sections += _feature_sections(columns)
    kept = [
        Section(one.title, tuple(r for r in one.rows if r.differs or not only_differences))
        for one in sections
    ]
    return [section for section in kept if section.rows]


def _term_row(term: Term, columns: Sequence[Column], *, year: int) -> Row:
    cells = [_term_cell(term, column, year=year) for column in columns]
    best = _best(term, [column.values.get(term.id) for column in columns])
    marked = [
        Cell(cell.text, cell.said, cell.worst, best is not None and cell.said and n in best)
        for n, cell in enumerate(cells)
    ]
    return Row(term.label, term.id, term.help, tuple(marked), len({c.text for c in cells}) > 1)


def _term_cell(term: Term, column: Column, *, year: int) -> Cell:
    if term.id not in column.values:
        return Cell(NOT_SET, said=False)
    value = column.values[term.id]
    worst = worst_in_words(term, value, column.values.get("B1"), year=year)
    return Cell(show(term, value), said=True, worst=worst)


def _best(term: Term, values: Sequence[Value]) -> set[int] | None:
    """The columns no other beats for the customer; None where all are alike or none can be told."""
    if term.better_for_customer == "neutral":
        return None
    marks = [None if value is None else canonical(value) for value in values]
    different = {mark: value for mark, value in zip(marks, values, strict=True) if mark is not None}
    beaten = {
        mark
        for mark, value in different.items()
        if any(favours(term, value, other) == "customer" for other in different.values())
    }
    winners = {n for n, mark in enumerate(marks) if mark is not None and mark not in beaten}
    return winners if winners and beaten else None


def _feature_sections(columns: Sequence[Column]) -> list[Section]:
    keys = dict.fromkeys(key for column in columns for key in column.features)
    groups: dict[str, list[Row]] = {}
    for group, label in keys:
        cells = [_feature_cell(column, (group, label)) for column in columns]
        row = Row(label, None, None, tuple(cells), len({cell.text for cell in cells}) > 1)
        groups.setdefault(group or say("Further features"), []).append(row)
    return [Section(title, tuple(rows)) for title, rows in groups.items()]


def _feature_cell(column: Column, key: tuple[str, str]) -> Cell:
    kind, value = column.features.get(key, ("text", None))
    if value is None:
        return Cell(NOT_STATED, said=False)
    if kind == "yes_no":
        return Cell(YES_NO.get(value, value), said=True)
    return Cell(value, said=True)


def sheet_rows(columns: Sequence[Column], sections: Sequence[Section]) -> list[list[str]]:
    """Return the comparison as the rows of a sheet, sources and worst cases in words."""
    rows: list[list[str]] = [["", *(_with(column.title, column.subtitle) for column in columns)]]
    if any(column.source for column in columns):
        rows.append([say("Source (not an offer)"), *(column.source or "" for column in columns)])
    rows.append([say("Price"), *(column.price or "" for column in columns)])
    if any(column.priced for column in columns):
        told = [_with(c.priced.text, c.priced.working) if c.priced else "" for c in columns]
        rows.append([say("Price for your numbers"), *told])
    for section in sections:
        rows.append([section.title, *([""] * len(columns))])
        for row in section.rows:
            label = in_a_row([row.code, row.label], " ") if row.code else row.label
            rows.append([label, *(_cell_text(cell) for cell in row.cells)])
    return rows


def _cell_text(cell: Cell) -> str:
    return _with(cell.text, cell.worst) if cell.worst else cell.text


def _with(text: str, more: str) -> Words:
    return say("%(text)s (%(more)s)", text=text, more=more)
