"""Incidents as lines of a CSV file that a spreadsheet cannot mistake for formulas."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

HEADINGS = (
    "number",
    "reported (UTC)",
    "title",
    "module",
    "severity",
    "state",
    "counted",
    "targets missed",
    "resolved (UTC)",
    "closed (UTC)",
)
# What begins a formula, also behind white space that a spreadsheet drops.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def neutral(cell: object) -> object:
    """Return a cell that is read as text: one that would begin a formula gets an apostrophe."""
    if not isinstance(cell, str):
        return cell
    bare = cell.lstrip()
    return f"'{cell}" if bare.startswith(FORMULA) or cell.startswith(FORMULA) else cell


def csv_line(cells: Sequence[object]) -> str:
    """Return one line of a CSV file (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([neutral(cell) for cell in cells])
    return out.getvalue()


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a file with its headings, a byte order mark first so that spreadsheets read UTF-8."""
    yield "\ufeff" + csv_line(HEADINGS)
    for row in rows:
        yield csv_line(row)


def instant(at: datetime | None) -> str:
    """Return an instant as a spreadsheet reads it; empty for none."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
