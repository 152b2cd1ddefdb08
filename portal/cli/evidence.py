"""Checking an evidence bundle from the console: what `counterpart verify BUNDLE.zip` says."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from portal.audit.rules import BadReceipt, Receipt, read_receipt
from portal.evidence import rules
from portal.evidence.rules.reading import Bundle, Finding, check_bundle
from portal.signing.validation import Report, validate

UNREADABLE = 2
LEVEL_WORDS = {"error": "PROBLEM", "warning": "warning", "note": "note"}
LIMITS = (
    "Who somebody is was established by the portal’s sign-in; signatures/ says how.",
    "Times are the portal’s own unless a time stamp of an authority outside is named above.",
    "Nothing shows what came after the last entry in here, and only a receipt you hold shows that "
    "the log was not put back to an earlier state.",
)


def is_bundle(content: bytes) -> bool:
    """Say whether a file is to be read as an evidence bundle: a zip file."""
    return content.startswith(b"PK")


def read_receipts(paths: Sequence[Path]) -> list[Receipt]:
    """Read the receipts somebody holds; end with 2 where one cannot be read."""
    found = []
    for path in paths:
        try:
            found.append(read_receipt(path.read_bytes()))
        except (OSError, BadReceipt) as error:
            _give_up(f"{path}: {error}")
    return found


def _give_up(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(UNREADABLE)


def examine(
    content: bytes,
    *,
    receipts: Sequence[Receipt] = (),
    root: bytes | None = None,
    log_key: str | None = None,
    at: datetime | None = None,
) -> tuple[Bundle, Report | None]:
    """Check a bundle and the signatures inside its deed; `root` and `log_key` pin the keys."""
    found = check_bundle(content, receipts=receipts, log_key=log_key)
    own = found.files.get(rules.ROOT, b"")
    if root is not None and own and _first(root) != _first(own):
        found.error("key-differs", "The portal’s root is not the one you gave.")
    deed = found.files.get(rules.DEED)
    if deed is None or not found.entries:
        return found, None
    report = validate(
        deed, root_pem=root or own, known_sha256=found.named.get(rules.DEED, ""), at=at
    )
    found.findings += [Finding(one.level, one.code, one.message) for one in report.findings]
    if report.terms not in [found.files.get(path) for path in _terms(found)]:
        found.error("terms-differ", "The terms in the deed are not those the parties froze.")
    return found, report


def _first(pem: bytes) -> bytes:
    """The portal's own root; after it stand those of time-stamp authorities and of its seal."""
    return pem.partition(b"-----END")[0].strip()


def _terms(found: Bundle) -> list[str]:
    return [path for path in found.named if path.startswith("terms/")]


def tell(found: Bundle, report: Report | None, *, as_json: bool) -> None:
    """Print what was checked, by whom and with which limits, and end with 0 or 1."""
    if as_json:
        click.echo(json.dumps(_plain(found, report), ensure_ascii=False, indent=2))
    else:
        for line in _words(found, report):
            click.echo(line)
    sys.exit(0 if found.ok else 1)


def _checked(found: Bundle, report: Report | None) -> list[str]:
    lines = [
        f"{len(found.entries)} entries, each naming the hash of the one before it",
        f"{len(found.checkpoints)} signed checkpoints, each extending the one before",
        f"{len(found.named)} files that the entries name, by their hash",
    ]
    if report is not None:
        lines.append(f"{len(report.signatures)} signatures inside the deed, and what changed since")
    return lines


def _signers(report: Report | None) -> list[dict[str, str]]:
    kinds = ("name", "title", "organisation", "at", "identified")
    return [
        {kind: getattr(one, kind) for kind in kinds}
        for one in (report.signatures if report else ())
        if one.kind == "signer"
    ]


def _plain(found: Bundle, report: Report | None) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "verifier": f"counterpart verify ({rules.FORMAT})",
        "contract": found.contract,
        "entries": len(found.entries),
        "checked": _checked(found, report),
        "signers": _signers(report),
        "findings": [asdict(finding) for finding in found.findings],
        "limits": list(LIMITS),
    }


def _words(found: Bundle, report: Report | None) -> list[str]:
    rows = [("checked", line) for line in _checked(found, report)]
    rows += [
        ("signed", f"{one['name']}, {one['title']}, {one['organisation']}, at {one['at']}")
        for one in _signers(report)
    ]
    rows += [(LEVEL_WORDS[one.level], one.message) for one in found.findings]
    rows += [("limit", line) for line in LIMITS]
    verdict = "Everything that was checked holds." if found.ok else "Do not rely on this bundle."
    return [
        f"Contract {found.contract}, checked by counterpart verify ({rules.FORMAT})",
        *(f"  {label:8} {line}" for label, line in rows),
        verdict,
    ]
