"""Tables as CSV that a spreadsheet opens as text: no cell can be a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

# What makes a spreadsheet read a cell as a formula or a command, also behind white space.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(text: str) -> str:
    """Return a cell's text with a quote before it where it could start a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(STARTS) or text[:1] in STARTS else text


def sheet(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV in UTF-8 with its mark, every cell quoted and neutral."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
