"""`docs/asvs.csv`: each row of OWASP ASVS 5.0 that applies says what shows it, or is not met.

The ids are the standard's; the words are ours.
"""

import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = ["id", "level", "here", "status", "shown_by"]


@cache
def rows() -> list[dict[str, str]]:
    with (ROOT / "docs" / "asvs.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_row_is_whole_and_comes_once_in_order() -> None:
    assert list(rows()[0]) == HEADER
    ids = [row["id"] for row in rows()]
    assert [one for one, count in Counter(ids).items() if count > 1] == []
    assert ids == sorted(ids, key=lambda one: [int(part) for part in one.split(".")])
    for row in rows():
        assert re.fullmatch(r"\d{1,2}\.\d\.\d{1,2}", row["id"]) and row["level"] in {"1", "2", "3"}
        assert row["here"] and row["status"] in {"met", "not met"}, row["id"]
        assert not row["here"].startswith("Verify"), row["id"]


def test_what_is_met_names_what_shows_it_and_what_is_not_says_why() -> None:
    for row in rows():
        if row["status"] == "met":
            assert row["shown_by"], row["id"]
        else:
            assert len(row["here"]) > 20, row["id"]


def test_every_test_file_and_section_it_names_exists() -> None:
    missing = [row["id"] for row in rows() if row["shown_by"] and not is_there(row["shown_by"])]
    assert missing == []


def is_there(pointer: str) -> bool:
    """Whether a test, a section of a document, a file or a folder is there."""
    path, mark, name = pointer.partition("::")
    if mark:
        return name in names_in(path)
    path, mark, section = pointer.partition("#")
    if mark:
        return section in sections_of(path)
    return (ROOT / path).exists()


@cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return frozenset(re.findall(r"^def (test_\w+)", text, flags=re.M))


@cache
def sections_of(path: str) -> frozenset[str]:
    file = ROOT / path
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return frozenset(re.findall(r"^#+ (.+)$", text, flags=re.M))


def test_a_name_that_is_nowhere_is_found() -> None:
    for nowhere in ("tests/house/test_asvs.py::test_none", "docs/operating.md#None", "docs/none"):
        assert not is_there(nowhere)
