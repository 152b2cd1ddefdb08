"""What a file may say: its columns, its rows, and what is wrong with one."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from portal.kit.errors import Refused
from portal.kit.words import say
from portal.terms.rules import Unreadable
from portal.terms.rules.text import clean_lines


class Kind(StrEnum):
    """What a file holds."""

    INCIDENTS = "incidents"
    OUTAGES = "outages"


KIND_WORDS = {
    Kind.INCIDENTS: say("Past incidents, for your own replays"),
    Kind.OUTAGES: say("Past outages, for the record of both sides"),
}
COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    Kind.INCIDENTS: ("reported", "severity", "responded", "workaround", "resolved"),
    Kind.OUTAGES: ("begin", "end", "effect", "module", "seen"),
}
NEEDED: Mapping[Kind, tuple[str, ...]] = {
    Kind.INCIDENTS: ("reported", "severity"),
    Kind.OUTAGES: ("begin", "end", "effect", "seen"),
}
MOST_ROWS: Mapping[Kind, int] = {Kind.INCIDENTS: 200_000, Kind.OUTAGES: 500}
LARGEST_FILE = 32 * 1024 * 1024
AT_A_LOOK = 5_000
MOST_FAULTS = 2_000
SEVERITIES = frozenset({"S1", "S2", "S3", "S4"})
EFFECTS = frozenset({"down", "degraded"})
LONGEST_CELL = 2_000


@dataclass(frozen=True)
class Fault:
    """One thing wrong: the line of the file, the column, and what to write. Never the cell."""

    line: int
    column: str
    says: str


@dataclass(frozen=True)
class Row:
    """One row of a file; `line` is where it begins, as an editor counts."""

    line: int
    cells: dict[str, str]
    strange: bool = False


class BadFile(Refused):
    """The file as a whole cannot be read."""


def read_header(content: bytes, kind: Kind) -> tuple[list[str], int]:
    """Return the names of the columns and where the rows begin, in bytes, or raise `BadFile`."""
    lines = _Lines(content, 0)
    try:
        names = [name.strip().lower() for name in next(csv.reader(lines))]
    except StopIteration:
        raise BadFile(say("The file is empty.")) from None
    except (csv.Error, UnicodeDecodeError):
        raise BadFile(say("This is not a CSV file in UTF-8.")) from None
    names = [name.lstrip("\ufeff") for name in names]
    missing = [name for name in NEEDED[kind] if name not in names]
    if missing:
        raise BadFile(say("The first row lacks the column %(missing)s.", missing=missing[0]))
    if len(set(names)) != len(names):
        raise BadFile(say("Two columns have the same name."))
    return names, lines.place


class _Lines:
    """The lines of a file from a place on, counted in bytes as a reader takes them."""

    def __init__(self, content: bytes, place: int) -> None:
        self.content, self.place, self.count = content, place, 0

    def __iter__(self) -> "Iterator[str]":
        return self

    def __next__(self) -> str:
        if self.place >= len(self.content):
            raise StopIteration
        end = self.content.find(b"\n", self.place)
        end = len(self.content) if end < 0 else end + 1
        line = self.content[self.place : end]
        self.place, self.count = end, self.count + 1
        return line.decode("utf-8")


def rows_from(
    content: bytes, place: int, line: int, names: list[str], *, most: int = AT_A_LOOK
) -> Iterator[tuple[Row, int, int]]:
    """Yield up to `most` rows from a place, each with the place and the line that follow it.

    `BadFile` where the file cannot be read on; the rows before it were yielded.
    """
    lines = _Lines(content, place)
    reader = csv.reader(lines)
    done = 0
    while done < most:
        begins = line + lines.count
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError:
            raise BadFile(say("Line %(begins)s is not in UTF-8.", begins=begins)) from None
        except csv.Error:
            raise BadFile(
                say("Line %(begins)s is not a row of a CSV file.", begins=begins)
            ) from None
        if not cells or not any(cell.strip() for cell in cells):
            continue
        done += 1
        named = {n: c.strip() for n, c in zip(names, cells, strict=False)}
        yield Row(begins, named, len(cells) != len(names)), lines.place, line + lines.count


def faults_of(row: Row, kind: Kind, *, modules: frozenset[str], now: datetime) -> list[Fault]:
    """Return what is wrong with a row; an empty list means that it can be taken."""
    if row.strange:
        return [Fault(row.line, "", say("The row has more or fewer cells than the first row."))]
    found = [
        Fault(row.line, name, say("Write something here."))
        for name in NEEDED[kind]
        if not row.cells.get(name)
    ]
    found += [fault for name in COLUMNS[kind] if (fault := _hidden(row, name))]
    times = ("reported", "responded", "workaround", "resolved", "begin", "end")
    read: dict[str, datetime] = {}
    for name in (name for name in times if name in COLUMNS[kind] and row.cells.get(name)):
        moment = read_moment(row.cells[name])
        if moment is None:
            found.append(Fault(row.line, name, say("Write a time, such as 2026-11-25T14:30:00Z.")))
        elif moment > now:
            found.append(Fault(row.line, name, say("This lies in the future.")))
        else:
            read[name] = moment
    found += _order(row, read)
    return found + _words(row, kind, modules)


def _hidden(row: Row, name: str) -> Fault | None:
    try:
        clean_lines(row.cells.get(name, ""), LONGEST_CELL)
    except Unreadable:
        return Fault(row.line, name, say("Remove hidden characters, or shorten it."))
    return None


def _order(row: Row, read: Mapping[str, datetime]) -> list[Fault]:
    first = "reported" if "reported" in read else "begin"
    if first not in read:
        return []
    after = "end" if first == "begin" else None
    late = [n for n in read if n != first and read[n] < read[first]]
    if after in read and read["end"] == read["begin"]:
        late.append("end")
    return [Fault(row.line, name, say("This is before the row begins.")) for name in late]


def _words(row: Row, kind: Kind, modules: frozenset[str]) -> list[Fault]:
    found, cells = [], row.cells
    if kind is Kind.INCIDENTS and cells.get("severity"):
        if cells["severity"].upper() not in SEVERITIES:
            found.append(Fault(row.line, "severity", say("Write S1, S2, S3 or S4.")))
        return found
    if cells.get("effect") and cells["effect"].lower() not in EFFECTS:
        found.append(Fault(row.line, "effect", say("Write down or degraded.")))
    if cells.get("module") and cells["module"] not in modules:
        found.append(Fault(row.line, "module", say("The contract has no module of this name.")))
    return found


def read_moment(text: str) -> datetime | None:
    """Read a time; one without an offset is UTC, one without a time of day is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if len(text.strip()) < 16 or not 1990 <= moment.year <= 2200:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def incident_of(row: Row) -> dict[str, str]:
    """Return a good row as replays keep it."""
    found = {"severity": row.cells["severity"].upper()}
    for name in ("reported", "responded", "workaround", "resolved"):
        moment = read_moment(row.cells.get(name, "")) if row.cells.get(name) else None
        if moment is not None:
            found[name] = moment.isoformat(timespec="seconds")
    return found


def share(place: int, total: int) -> int:
    """Return how much of a file is read, in percent."""
    return 100 if total == 0 else min(100, place * 100 // total)


LEASE = timedelta(seconds=60)
