"""Checks a deed that may come from anybody: a report in plain words, from a process with limits.

`validate` never raises for what the file holds. Without the hash of the log it cannot see a file
rolled back to an earlier valid state, nor a change inside the bytes that hold a signature; it says
so.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[2]
LARGEST_FILE_BYTES = 40_000_000
MEMORY_BYTES = 2 << 30
CPU_SECONDS = 60
# A busy host gives the process less than its share; the bound is for one that hangs.
WALL_SECONDS = 300

Level = Literal["error", "warning", "note"]
Kind = Literal["certification", "signer", "seal", "archive"]


@dataclass(frozen=True)
class Finding:
    """One thing to know about the file; an error means that the deed must not be relied on."""

    level: Level
    code: str
    message: str


@dataclass(frozen=True)
class SignatureReport:
    """What one signature or time stamp says and how far it holds.

    `intact`: the signed bytes are these bytes. `valid`: the signature over them is right.
    `trusted`: it was made under the portal's root while its certificate was good. `unmodified`:
    every later update is one a deed allows.
    """

    field: str
    kind: Kind
    name: str
    title: str
    organisation: str
    at: str
    time_source: str
    intact: bool
    valid: bool
    trusted: bool
    unmodified: bool
    covers_whole_file: bool
    sub_indication: str
    identified: str
    authority: str = ""
    consent_sha256: str = ""
    certificate: str = ""
    issuer: str = ""
    in_place_of: str = ""

    @property
    def holds(self) -> bool:
        """Say whether everything about this signature is as it must be."""
        return self.intact and self.valid and self.trusted and self.unmodified


@dataclass(frozen=True)
class Report:
    """The outcome of a check; `terms` are the attached canonical terms as they are in the file."""

    ok: bool
    file_sha256: str
    signatures: list[SignatureReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    terms_sha256: str | None = None
    terms: bytes | None = None

    def as_json(self) -> str:
        """Write the report without the terms themselves."""
        shown = {key: value for key, value in asdict(self).items() if key != "terms"}
        return json.dumps(shown, ensure_ascii=False, sort_keys=True)

    def errors(self) -> list[Finding]:
        """Give the findings that forbid relying on the file."""
        return [finding for finding in self.findings if finding.level == "error"]


def validate(
    pdf: bytes,
    *,
    root_pem: bytes,
    known_sha256: str | None = None,
    at: datetime | None = None,
) -> Report:
    """Check a deed as of `at` (or now) against the portal's root and the hash the log knows."""
    file_sha256 = hashlib.sha256(pdf).hexdigest()
    if not pdf.startswith(b"%PDF-"):
        return _refused(file_sha256, "not-pdf", "This file is not a PDF.")
    if len(pdf) > LARGEST_FILE_BYTES:
        return _refused(
            file_sha256, "too-large", "This file is larger than any deed of the portal."
        )
    report = _examined_apart(pdf, root_pem, at or datetime.now(UTC), file_sha256)
    return with_log(report, known_sha256)


def with_log(report: Report, known_sha256: str | None) -> Report:
    """Add what the log knows about the whole file."""
    if known_sha256 is None:
        finding = Finding("warning", "not-compared", "The file was not compared with a log.")
    elif known_sha256.lower() == report.file_sha256:
        finding = Finding(
            "note", "hash-known", "The whole file is the one the log knows, byte for byte."
        )
    else:
        finding = Finding(
            "error",
            "hash-differs",
            "This is not the file the log knows: it differs by at least one byte.",
        )
    return concluded(report, [finding])


def concluded(report: Report, more: Iterable[Finding]) -> Report:
    """Give the report with more findings; it is ok only while none of them is an error."""
    findings = [*report.findings, *more]
    ok = report.ok and all(finding.level != "error" for finding in findings)
    return Report(
        ok, report.file_sha256, report.signatures, findings, report.terms_sha256, report.terms
    )


def _refused(file_sha256: str, code: str, message: str) -> Report:
    return Report(ok=False, file_sha256=file_sha256, findings=[Finding("error", code, message)])


def _examined_apart(pdf: bytes, root_pem: bytes, at: datetime, file_sha256: str) -> Report:
    """Run the check in its own process: whatever the file does to it, a report comes back."""
    order = {"root": root_pem.decode(), "at": at.isoformat()}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "portal.signing.validation"],
            input=json.dumps(order).encode() + b"\n" + pdf,
            capture_output=True,
            timeout=WALL_SECONDS,
            cwd=ROOT,
            env={"LANG": "C.UTF-8"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _refused(file_sha256, "too-slow", "The file took too long to check.")
    try:
        return _read(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        return _refused(
            file_sha256, "unreadable", "The file broke off the check; it is damaged or hostile."
        )


def written(report: Report) -> bytes:
    """Write a report for the process that waits for it."""
    shown = asdict(report)
    shown["terms"] = None if report.terms is None else base64.b64encode(report.terms).decode()
    return json.dumps(shown).encode()


def _read(shown: dict[str, Any]) -> Report:
    terms = shown.pop("terms")
    return Report(
        ok=shown["ok"],
        file_sha256=shown["file_sha256"],
        signatures=[SignatureReport(**one) for one in shown["signatures"]],
        findings=[Finding(**one) for one in shown["findings"]],
        terms_sha256=shown["terms_sha256"],
        terms=None if terms is None else base64.b64decode(terms),
    )


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def main() -> None:
    """Check the file on standard input and write the report to standard output."""
    _limit()
    # One file is checked and the process ends. To look for rings among its hundred thousand objects
    # would take a third of the time, and free next to nothing before that end.
    gc.disable()
    # Imported here, so that a caller who only asks does not load the library that parses hostile
    # files.
    from portal.signing.pades_check import examine

    order = json.loads(sys.stdin.buffer.readline())
    pdf = sys.stdin.buffer.read()
    report = examine(pdf, root_pem=order["root"].encode(), at=datetime.fromisoformat(order["at"]))
    sys.stdout.buffer.write(written(report))


if __name__ == "__main__":
    main()
