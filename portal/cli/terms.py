"""`counterpart terms`: check a draft of terms, and look things up in the schema."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from portal.terms.rules import Finding, Schema, Term, check_draft, load_schema, show

_LARGEST_FILE = 5_000_000
_TYPES = {
    "bool": "yes or no",
    "cap": "limit of liability",
    "dur": "time",
    "enum": "one of a list",
    "factor": "factor",
    "int": "whole number",
    "multi": "several of a list",
    "pct": "percentage",
    "prose": "text of several lines",
    "ref": "reference",
    "sched": "hours of the week",
    "window": "windows of time",
}


@click.group()
def terms() -> None:
    """Check terms and show the schema."""


@terms.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(file: Path, as_json: bool) -> None:
    """Check FILE, a mapping of terms or a contract document, for what cannot stand together.

    Exit code 0: no errors (there may be warnings). 1: at least one error. 2: FILE cannot be read.
    """
    findings = check_draft(load_schema(), _read(file))
    ok = all(finding.level != "error" for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": ok, "findings": [_plain(f) for f in findings]}))
    else:
        for line in _lines(findings):
            click.echo(line)
    sys.exit(0 if ok else 1)


def _read(file: Path) -> dict[str, Any]:
    """Read the file; numbers with a point stay the text they were written in."""
    source = sys.stdin.buffer if str(file) == "-" else None
    try:
        content = source.read(_LARGEST_FILE + 1) if source else _bytes_of(file)
        raw = json.loads(content.decode("utf-8"), parse_float=str, parse_constant=str)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as problem:
        _unreadable(file, problem)
    if len(content) > _LARGEST_FILE:
        _unreadable(file, "it is larger than 5 MB")
    if not isinstance(raw, dict):
        _unreadable(file, "write one JSON object with a value for each term")
    return raw


def _bytes_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_LARGEST_FILE + 1)


def _unreadable(file: Path, problem: object) -> NoReturn:
    reason = problem.strerror if isinstance(problem, OSError) else problem
    click.echo(f"{file} cannot be read: {reason}.", err=True)
    sys.exit(2)


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level,
        "check": finding.check,
        "terms": list(finding.terms),
        "message": finding.message,
    }


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        named = ", ".join(finding.terms[:6]) + (" …" if len(finding.terms) > 6 else "")
        yield f"{finding.level} {finding.check} [{named}] {finding.message}"
    errors = sum(finding.level == "error" for finding in findings)
    yield f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@terms.command(name="show")
@click.argument("reference", required=False, metavar="[ID]")
def show_schema(reference: str | None) -> None:
    """Print the schema, or all that is known of one term by its code or name."""
    schema = load_schema()
    if reference is None:
        for line in _whole(schema):
            click.echo(line)
        return
    term = schema.find(reference)
    if term is None:
        click.echo(f"There is no term {reference!r}. Run `terms show` to see them all.", err=True)
        sys.exit(2)
    for line in _one(term):
        click.echo(line)


def _whole(schema: Schema) -> Iterator[str]:
    yield f"Schema {schema.version}, sha256 {schema.sha256}, {len(schema.terms)} terms"
    for group in schema.groups:
        yield f"\n{group.code}  {group.title}"
        for term in schema.in_group(group.code):
            yield f"  {term.id:<26} {term.name:<34} {term.label}"


def _one(term: Term) -> Iterator[str]:
    yield f"{term.id}  {term.label}"
    yield f"  {term.help}"
    facts = {
        "Name": term.name,
        "Type": _TYPES.get(term.type, term.type),
        "Needed": "yes" if term.required else "no",
        "Choices": ", ".join(option.label for option in term.options),
        "Columns": " | ".join(column.label for column in term.columns),
        "At least": _end(term, term.hard_min),
        "At most": _end(term, term.hard_max),
        "Better for the customer": term.better_for_customer,
        "Customer's owners": ", ".join(term.owners_customer),
        "Vendor's owners": ", ".join(term.owners_vendor),
        "Drives": ", ".join(term.drives),
        "Checks": ", ".join(term.invariants),
    }
    yield from (f"  {name}: {said}" for name, said in facts.items() if said)
    default = show(term, term.default).replace("\n", "\n    ")
    yield f"  Default: {default}" if "\n" not in default else f"  Default:\n    {default}"


def _end(term: Term, value: Any) -> str:
    return "" if value is None else show(term, value) if term.type != "money" else str(value)
