"""The deed as a PDF: its words laid out by a template and set in a process with limits."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from portal.signing.typesetter import CPU_SECONDS, FONTS

ROOT = Path(__file__).parents[2]
SHEET = ROOT / "static" / "deed.css"
TERMS_NAME = "terms.json"
LARGEST_TEXT_BYTES = 300_000
LARGEST_TERMS_BYTES = 2_000_000
MOST_BLOCKS = 2_000
SAMPLE_MADE = "2026-11-25T00:00:00+00:00"
# A busy host gives the process less than its share; the bound is for one that hangs.
WALL_SECONDS = 12 * CPU_SECONDS
TARGET_ID = re.compile(r"C4\.(?P<severity>S\d+)\.(?P<column>\w+)")
TARGET_COLUMNS = {
    "first_response": "First response",
    "peak_first_response": "First response at peak",
    "update_every": "Update every",
    "workaround_target": "Workaround",
    "resolution_target": "Resolution",
    "attainment_pct": "Attainment",
    "commitment": "Commitment",
    "rca_required": "Root cause report",
}
LONGEST_TARGET_WORD = 12
DISCLOSED = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


class DeedFailed(Exception):
    """The deed could not be made; the message says why in words fit for the administrator."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def render_deed(deed: Mapping[str, Any], canonical: bytes) -> bytes:
    """Set the deed as PDF/A-3a and PDF/UA-1, terms attached, every signature field placed.

    The same deed and terms give the same bytes. `deed["sha256"]` must be the SHA-256 of them.
    """
    _refuse_oversize(deed, canonical)
    if deed.get("sha256") != hashlib.sha256(canonical).hexdigest():
        raise DeedFailed("The hash to print is not the hash of the agreed terms.")
    return set_pages(
        deed_page(deed), canonical, name=TERMS_NAME,
        description="The agreed terms as canonical JSON", created=deed["frozen_at"],
    )  # fmt: skip


def set_pages(html: str, attached: bytes, *, name: str, description: str, created: str) -> bytes:
    """Set a page in the deed's own type as PDF/A-3a, with the JSON it says in words attached.

    `created` is RFC 3339; the same page and attachment give the same bytes.
    """
    order = {
        "html": html,
        "css": SHEET.read_text("utf-8"),
        "terms": base64.b64encode(attached).decode(),
        "terms_name": name,
        "description": description,
        "created": created,
    }
    return _typeset(json.dumps(order).encode())


def render_sample(word: str, *, operator: str) -> bytes:
    """Set a page in the format of a deed that holds one word, for somebody to show they read it.

    The same word gives the same bytes.
    """
    words = {"word": word, "operator": operator, "frozen_at": SAMPLE_MADE}
    return set_pages(
        _templates().get_template("deed/sample.html").render(words), b"{}", name=TERMS_NAME,
        description="Nothing is agreed in a sample", created=SAMPLE_MADE,
    )  # fmt: skip


def deed_page(deed: Mapping[str, Any]) -> str:
    """Write the deed as one HTML page; every word of the parties is text, never markup."""
    try:
        frozen = datetime.fromisoformat(deed["frozen_at"])
        groups = [_grouped(group) for group in deed["groups"]]
        page = _templates().get_template("deed/deed.html")
        return page.render({**deed, "groups": groups, "frozen": frozen})
    except (KeyError, ValueError, TypeError, TemplateError) as missing:
        raise DeedFailed(f"The deed is not complete: {missing}.") from missing


def table_cells(text: str) -> list[list[str]]:
    """Split lines of ` | `-separated cells into rows; nothing when the text is no table."""
    rows = [[cell.strip() for cell in line.split(" | ")] for line in text.splitlines() if line]
    widths = {len(row) for row in rows}
    return rows if len(widths) == 1 and widths.pop() > 1 else []


def longest_word(text: str) -> int:
    """Count the letters of the longest unbroken word, so that a table can be told to break it."""
    return max(map(len, text.split()), default=0)


def disclosed(text: str) -> str:
    """Show what a reader could not see, such as direction marks, as `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _is_printable(c) else f"[U+{ord(c):04X}]" for c in text)


def seen(value: Any) -> Any:
    """Return a deed's words as they are printed, what a reader could not see as `[U+202E]`."""
    if isinstance(value, str):
        return disclosed(value)
    if isinstance(value, Mapping):
        return {key: seen(part) for key, part in value.items()}
    return [seen(part) for part in value] if isinstance(value, (list, tuple)) else value


def unprintable(text: str) -> str:
    """Name each character the deed has no letter for, so that a form can refuse it early."""
    return "".join(dict.fromkeys(c for c in text if not _is_printable(c)))


def _is_printable(character: str) -> bool:
    if character in "\n\t\r ":
        return True
    return unicodedata.category(character) not in DISCLOSED and ord(character) in _letters()


@cache
def _letters() -> frozenset[int]:
    letters: set[int] = set()
    for name in ("NotoSerif-Regular.ttf", "NotoSerif-Bold.ttf", "DejaVuSans.ttf"):
        with TTFont(FONTS / name, lazy=True) as font:
            letters.update(font.getBestCmap())
    return frozenset(letters)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(cells=table_cells, longest_word=longest_word)
    return templates


def _finalize(value: Any) -> Any:
    """Every value a template prints passes here before it is escaped."""
    return value if isinstance(value, Markup) else disclosed(str(value))


def _grouped(group: Mapping[str, Any]) -> dict[str, Any]:
    """Set apart the target matrix: one row a severity, one column a target."""
    targets = [row for row in group["rows"] if TARGET_ID.fullmatch(row["id"])]
    rows = [row for row in group["rows"] if row not in targets]
    return {**group, "rows": rows, "matrix": _matrix(targets) if targets else None}


def _matrix(targets: list[Mapping[str, Any]]) -> dict[str, Any]:
    texts: dict[str, dict[str, str]] = {}
    columns: dict[str, str] = {}
    for row in targets:
        severity, column = row["id"].split(".")[1:]
        columns[column] = TARGET_COLUMNS.get(column, column.replace("_", " ").capitalize())
        texts.setdefault(severity, {})[column] = row["text"]
    order = sorted(columns, key=_place)
    return {
        "columns": [columns[name] for name in order],
        "rows": [
            {
                "severity": f"Severity {severity[1:]}",
                "texts": [texts[severity].get(c, "none") for c in order],
            }
            for severity in sorted(texts, key=lambda name: int(name[1:]))
        ],
        "tight": any(longest_word(row["text"]) > LONGEST_TARGET_WORD for row in targets),
        "clauses": list(dict.fromkeys(row["clause"] for row in targets if row.get("clause"))),
    }


def _place(column: str) -> int:
    names = list(TARGET_COLUMNS)
    return names.index(column) if column in TARGET_COLUMNS else len(names)


def _refuse_oversize(deed: Mapping[str, Any], canonical: bytes) -> None:
    texts = list(_texts(deed))
    if sum(len(text.encode("utf-8", "replace")) for text in texts) > LARGEST_TEXT_BYTES:
        raise DeedFailed(f"The deed holds more than {LARGEST_TEXT_BYTES // 1000} kB of text.")
    if len(canonical) > LARGEST_TERMS_BYTES:
        raise DeedFailed("The agreed terms are larger than 2 MB.")
    if sum(text.count("\n") + 1 for text in texts) > 10 * MOST_BLOCKS:
        raise DeedFailed("The deed has too many lines to set.")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _typeset(order: bytes) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "portal.signing.typesetter"],
            input=order,
            capture_output=True,
            timeout=WALL_SECONDS,
            cwd=ROOT,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise DeedFailed(f"The deed was not set within {WALL_SECONDS} seconds.") from late
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        raise DeedFailed(f"The deed could not be set ({_reason(done)}).")
    return done.stdout


def _environment() -> dict[str, str]:
    """No setting of the portal, and no secret, reaches the process that sets the deed."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "FONTCONFIG_FILE": str(FONTS / "fonts.conf"),
    }


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"it took more than {CPU_SECONDS} seconds of work"
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else f"ended with status {done.returncode}"
