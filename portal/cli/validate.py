"""`counterpart validate`: the validation pack of this installation, for 21 CFR Part 11."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from flask import Flask

from portal.app import create_app
from portal.kit import clock
from portal.kit.db import reading
from portal.operations.actions.checking import check_logs
from portal.operations.queries import Subject, every_check
from portal.operations.queries.validation import installation, requirements, source_hashes
from portal.operations.rules import Level
from portal.residency.databases import regions
from portal.signing.jobs import SelfTestFailed, altered_deeds_found, self_test

ALTERED = 10
README = """Validation pack of an installation of Counterpart, for 21 CFR Part 11

Made {at} by `counterpart validate` on the installation itself. It holds no contract and no person.

installation.json   installation qualification: what is installed, its versions and hashes
source.sha256       every file the portal runs from; `sha256sum -c source.sha256` compares them
requirements.json   what the rule asks, how the portal answers, and the test that shows each
requirements.txt    the same, to read
self-check.json     operational qualification: what was tried here just now, and how it came out
self-check.txt      the same, to read
MANIFEST.sha256     the hash of every file of this pack

The tests named are those of the release whose hash installation.json names: run `scripts/test` on a
copy of it and keep its report beside this pack. What is marked as yours no software fulfils.
Performance qualification, for your own use and people, is yours as well.
"""


@click.command()
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new folder."
)
def validate(out: Path) -> None:
    """Write what is installed, what shows each requirement, and a self-check."""
    if out.exists() and any(out.iterdir()):
        sys.exit(f"{out} is not empty: name a new folder.")
    app = create_app()
    with app.app_context():
        subject = Subject(app.config["SETTINGS"], regions(), clock.now())
        found = list(_checks(app, subject))
        facts = {"made_at": clock.stamp(subject.at), **installation(subject)}
    files = {
        "README.txt": README.format(at=clock.stamp(subject.at)),
        "installation.json": _json(facts),
        "source.sha256": "".join(f"{sha}  {path}\n" for path, sha in source_hashes().items()),
        "requirements.json": _json(requirements()),
        "requirements.txt": "\n".join(_requirement_words(row) for row in requirements()),
        "self-check.json": _json(found),
        "self-check.txt": "".join(_check_words(row) for row in found),
    }
    _write(out, files)
    failed = [row["check"] for row in found if row["outcome"] == "failed"]
    click.echo(f"{out}: {len(files) + 1} files, {len(found)} checks, {len(failed)} failed.")
    sys.exit(1 if failed else 0)


def _checks(app: Flask, subject: Subject) -> Iterator[dict[str, Any]]:
    """Yield each check as it came out: passed, warning or failed."""
    yield _signs(app)
    found, tried = altered_deeds_found(app, ALTERED)
    yield _row("altered deeds are discerned", f"{found} of {tried}", holds=found == tried)
    wrong = check_logs(subject)
    said = "; ".join(wrong) or "every chain, tree and checkpoint holds"
    yield _row("the logs hold", said, holds=not wrong)
    installed = installation(subject)["packages"]
    off = [one["name"] for one in installed if one["installed"] != one["locked"]]
    said = f"{len(installed)} locked, other or missing: {', '.join(off) or 'none'}"
    yield _row("installed packages are the locked ones", said, holds=not off)
    before = reading.set(True)
    try:
        for check in every_check(subject):
            outcome = {Level.GOOD: "passed", Level.WARNING: "warning", Level.ERROR: "failed"}
            yield {"check": check.name, "outcome": outcome[check.level], "found": check.said}
    finally:
        reading.reset(before)


def _signs(app: Flask) -> dict[str, Any]:
    name = "a deed is made, signed, sealed and checked"
    try:
        took = self_test(app)
    except SelfTestFailed as failure:
        return _row(name, str(failure), holds=False)
    return _row(name, f"in {took.total_seconds():.1f} s", holds=True)


def _row(check: str, found: str, *, holds: bool) -> dict[str, Any]:
    return {"check": check, "outcome": "passed" if holds else "failed", "found": found}


def _requirement_words(row: Mapping[str, Any]) -> str:
    lines = [f"{row['id']}  {row['asks']}"]
    if row.get("yours"):
        return f"{lines[0]}\n    Yours: no software fulfils it.\n"
    shown = [f"    Shown by: {one}" for one in row["shown_by"]]
    return "\n".join([*lines, f"    Here: {row['here']}", *shown, ""])


def _check_words(row: Mapping[str, Any]) -> str:
    return f"{row['outcome']:8}{row['check']}: {row['found']}\n"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _write(out: Path, files: Mapping[str, str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    sums = ""
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
        sums += f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"
    (out / "MANIFEST.sha256").write_text(sums, encoding="utf-8")
