"""Tables and people: rows of typed cells, one row a line with " | " between the columns."""

from collections.abc import Mapping

from portal.kit.words import say
from portal.terms.rules.caps import CAP
from portal.terms.rules.choices import BOOL, ENUM, MULTI
from portal.terms.rules.dates import DATE
from portal.terms.rules.durations import DUR
from portal.terms.rules.numbers import FACTOR, INT, MONEY, PCT
from portal.terms.rules.references import REF
from portal.terms.rules.schedules import SCHED
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.text import PROSE, TEXT, means_none
from portal.terms.rules.windows import WINDOW

CELL_KINDS: Mapping[str, Kind] = {
    "text": TEXT,
    "prose": PROSE,
    "int": INT,
    "pct": PCT,
    "factor": FACTOR,
    "money": MONEY,
    "cap": CAP,
    "bool": BOOL,
    "enum": ENUM,
    "multi": MULTI,
    "date": DATE,
    "dur": DUR,
    "sched": SCHED,
    "window": WINDOW,
    "ref": REF,
}

Row = dict[str, Value]


def _cells(line: str) -> list[str]:
    r"""Split a line at each bar that is not written \|."""
    cells, cell, escaped = [], "", False
    for character in line:
        if escaped:
            cell += character if character in "|\\" else "\\" + character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "|":
            cells.append(cell.strip())
            cell = ""
        else:
            cell += character
    cells.append((cell + ("\\" if escaped else "")).strip())
    return cells


def _columns_said(shape: Shape) -> str:
    return " | ".join(column.label for column in shape.columns)


def _read(shape: Shape, text: str) -> Value:
    lines = [line.strip() for line in text.split("\n")]
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line]
    if len(numbered) > shape.max_rows:
        raise Unreadable(say("Write at most %(most)s lines.", most=shape.max_rows))
    return _told([_read_row(shape, n, line) for n, line in numbered])


def _told(rows: list[Row]) -> Value:
    """Leave out rows that say nothing; a table without rows is None."""
    return [row for row in rows if any(cell is not None for cell in row.values())] or None


def _read_row(shape: Shape, number: int, line: str) -> Row:
    cells = _cells(line)
    if len(cells) > len(shape.columns):
        raise Unreadable(
            say(
                "Line %(number)s has %(cells)s parts: write one row a line as %(columns)s.",
                number=number,
                cells=len(cells),
                columns=_columns_said(shape),
            )
        )
    cells += [""] * (len(shape.columns) - len(cells))
    row: Row = {}
    for column, cell in zip(shape.columns, cells, strict=True):
        try:
            row[column.name] = None if means_none(cell) else _kind(column).read(column, cell)
        except Unreadable as refusal:
            raise Unreadable(
                say(
                    "Line %(number)s, %(column)s: %(message)s",
                    number=number,
                    column=column.label,
                    message=refusal.message,
                )
            ) from None
    return row


def _kind(column: Shape) -> Kind:
    return CELL_KINDS[column.type]


def write_cell(column: Shape, value: Value) -> str:
    """Write one cell as people read it; None is "none"."""
    return "none" if value is None else _kind(column).write(column, value)


def _write(shape: Shape, value: Value) -> str:
    return "\n".join(_write_row(shape, row) for row in value)


def _write_row(shape: Shape, row: Row) -> str:
    written = (write_cell(column, row[column.name]) for column in shape.columns)
    return " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in written)


def _normal(shape: Shape, value: Value) -> Value:
    if not isinstance(value, list) or len(value) > shape.max_rows:
        raise Unreadable(say("Write one row a line as %(columns)s.", columns=_columns_said(shape)))
    return _told([_normal_row(shape, n, row) for n, row in enumerate(value, 1)])


def _normal_row(shape: Shape, number: int, row: Value) -> Row:
    names = {column.name for column in shape.columns}
    if not isinstance(row, dict) or not set(row) <= names:
        raise Unreadable(
            say(
                "Row %(number)s: write the columns %(columns)s.",
                number=number,
                columns=_columns_said(shape),
            )
        )
    return {column.name: _normal_cell(column, number, row) for column in shape.columns}


def _normal_cell(column: Shape, number: int, row: Row) -> Value:
    value = row.get(column.name)
    if value is None:
        return None
    try:
        return _kind(column).normal(column, value)
    except Unreadable as refusal:
        raise Unreadable(
            say(
                "Row %(number)s, %(column)s: %(message)s",
                number=number,
                column=column.label,
                message=refusal.message,
            )
        ) from None


def _problems(shape: Shape, value: Value) -> list[str]:
    problems = [
        say(
            "Row %(number)s, %(column)s: %(message)s",
            number=n,
            column=column.label,
            message=problem,
        )
        for n, row in enumerate(value, 1)
        for column in shape.columns
        for problem in _cell_problems(column, row[column.name])
    ]
    if len(value) < shape.min_rows:
        problems.append(say("Write at least %(least)s rows.", least=shape.min_rows))
    return problems + _key_problems(shape, value)


def _cell_problems(column: Shape, value: Value) -> list[str]:
    if value is None:
        return [say("this is needed.")] if column.required else []
    return _kind(column).problems(column, value)


def row_key(shape: Shape, row: Row) -> tuple[str, ...]:
    """Return what tells one row from another: its key cells, as written."""
    return tuple(write_cell(c, row[c.name]) for c in shape.columns if c.is_key)


def _key_problems(shape: Shape, value: Value) -> list[str]:
    keyed = [column for column in shape.columns if column.is_key]
    if not keyed:
        return []
    keys = [row_key(shape, row) for row in value]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    problems: list[str] = [
        say("%(row)s is there twice: keep one row.", row=" | ".join(key)) for key in twice
    ]
    if shape.every_key:
        told = {key[0] for key in keys}
        missing = [o.label for o in keyed[0].options if o.label not in told]
        problems += [say("Add a row for %(label)s.", label=label) for label in missing]
    return problems


TABLE = Kind(_read, _write, _normal, _problems)
