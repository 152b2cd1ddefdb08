"""`counterpart verify`: check a deed or an evidence bundle in words, against root and log."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal.audit.models import RegionEntry
from portal.audit.rules import check_chain
from portal.cli import evidence
from portal.residency.databases import Regions, WrongRegion
from portal.settings.rules import Settings, read_settings
from portal.signing.keys import ROOT_FILE, root_pem
from portal.signing.queries import (
    CLOSED,
    KnownFile,
    known_file,
    sealed_deed_of_terms,
    sealed_entries,
)
from portal.signing.validation import Finding, Report, SignatureReport, concluded, validate

FAILED, UNREADABLE = 1, 2
KIND_WORDS = {
    "certification": "Certified by the portal",
    "signer": "Signed",
    "seal": "Sealed by the portal",
    "archive": "Time stamp",
}
LEVEL_WORDS = {"error": "PROBLEM", "warning": "Warning", "note": "Note"}


@dataclass(frozen=True)
class Log:
    """What the log of this portal knows of a file: which one it is, and what is wrong with that."""

    known: KnownFile | None
    findings: list[Finding]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The portal's public root (root.pem), for a check away from the portal's home.",
)
@click.option("--no-log", is_flag=True, help="Judge the signatures alone, without the log.")
@click.option(
    "--receipt", "held", multiple=True, type=click.Path(path_type=Path),
    help="For a bundle: a receipt you hold (a saved mail). May be given more than once.",
)  # fmt: skip
@click.option("--key", type=click.Path(path_type=Path), help="For a bundle: the log’s public key.")
@click.option("--terms", type=click.Path(path_type=Path), help="Write the terms in the deed here.")
def verify(
    file: Path, root: Path | None, held: tuple[Path, ...], key: Path | None, terms: Path | None,
    *, as_json: bool, no_log: bool,
) -> None:  # fmt: skip
    """Check a signed deed (PDF), or the evidence of a contract (evidence.zip).

    A bundle needs no portal and no log: everything is inside it, and a --receipt you hold shows
    whether anything was changed, dropped or cut off since you got it.

    In the portal's home, the file is also held against the log: which contract it belongs to, and
    whether it is the sealed original, byte for byte. Away from it (--root), the log cannot be
    asked: the check then fails for that reason, unless --no-log says that this is accepted.

    Ends with 0 if everything holds, 1 if something does not, 2 if a file cannot be read.
    """
    settings = read_settings()
    pdf = _read(file)
    if evidence.is_bundle(pdf):
        log_key = _read(key).decode("utf-8", "replace") if key else None
        receipts = evidence.read_receipts(held)
        pinned = _read(root) if root else None
        evidence.tell(
            *evidence.examine(pdf, receipts=receipts, root=pinned, log_key=log_key),
            as_json=as_json,
        )
    kept = settings.keys / ROOT_FILE
    pem = root_pem(settings) if root is None and kept.exists() else _read(root or kept)
    if b"BEGIN CERTIFICATE" not in pem:
        _give_up(f"{root}: this is not a certificate in PEM form.")
    report = validate(pdf, root_pem=pem)
    log = _no_log(accepted=no_log) if no_log or root else _ask_log(settings, report)
    # The log's own findings say more than "not compared".
    own = [finding for finding in report.findings if finding.code != "not-compared"]
    report = concluded(replace(report, findings=own), log.findings)
    if terms is not None:
        terms.write_bytes(report.terms or b"")
    click.echo(_as_json(report, log.known) if as_json else _in_words(report, log.known, file))
    sys.exit(0 if report.ok else FAILED)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if path.name == ROOT_FILE:
            _give_up(f"{path}: no root here. Give COUNTERPART_HOME, or --root root.pem.")
        _give_up(f"{path}: cannot be read ({error.strerror}).")


def _give_up(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(UNREADABLE)


def _no_log(*, accepted: bool) -> Log:
    message = "The file was not compared with the portal's log."
    if accepted:
        return Log(None, [Finding("warning", "not-compared", message)])
    message += " Run this in the portal's home, or accept that with --no-log."
    return Log(None, [Finding("error", "not-compared", message)])


def _ask_log(settings: Settings, report: Report) -> Log:
    regions = Regions(settings)
    try:
        for database in regions.databases.values():
            with database.open_session() as session:
                log = _look_up(session, report)
            if log is not None:
                return log
    except (OperationalError, WrongRegion) as error:
        message = f"The log could not be read: {type(error).__name__}."
        return Log(None, [Finding("error", "log-unreadable", message)])
    finally:
        regions.dispose()
    message = "The log of this portal knows neither this file nor its terms."
    return Log(None, [Finding("error", "not-in-log", message)])


def _look_up(session: Session, report: Report) -> Log | None:
    known = known_file(session, report.file_sha256)
    if known is not None:
        return Log(known, _held_against(session, known, report))
    original = sealed_deed_of_terms(session, report.terms_sha256 or "")
    if original is None:
        return None
    message = (
        f"This is not the file the log knows for {original.contract_id}: that one has the SHA-256 "
        f"{original.sha256}."
    )
    return Log(None, [Finding("error", "hash-differs", message)])


def _held_against(session: Session, known: KnownFile, report: Report) -> list[Finding]:
    findings = []
    entries = [json.loads(body)["facts"] for body in sealed_entries(session, known.ref)]
    logged = [facts for facts in entries if facts["deed_sha256"] == report.file_sha256]
    if known.kind not in CLOSED:
        message = f"This is an earlier state of the deed of {known.ref}, not the sealed original."
        findings.append(Finding("error", "not-final", message))
    elif not logged:
        message = f"No entry of the log of {known.ref} records the sealing of this file."
        findings.append(Finding("error", "not-logged", message))
    else:
        message = "The whole file is the one the log knows, byte for byte."
        findings.append(Finding("note", "hash-known", message))
    if report.terms_sha256 != known.version_sha256 or any(
        facts["sha256"] != known.version_sha256 for facts in logged
    ):
        message = f"The terms are not those of version {known.version} of {known.ref}."
        findings.append(Finding("error", "terms-differ", message))
    return findings + _chain_findings(session, known.ref)


def _chain_findings(session: Session, ref: str) -> list[Finding]:
    rows = session.execute(
        select(RegionEntry.seq, RegionEntry.hash, RegionEntry.body)
        .where(RegionEntry.chain == ref)
        .order_by(RegionEntry.seq)
    ).all()
    wrong = check_chain(ref, [(row[0], row[1], row[2]) for row in rows])
    return [Finding("error", "log-broken", f"The log of {ref}: {one.message}.") for one in wrong]


def _as_json(report: Report, known: KnownFile | None) -> str:
    shown = {
        "ok": report.ok,
        "file_sha256": report.file_sha256,
        "terms_sha256": report.terms_sha256,
        "known": asdict(known) if known else None,
        "signatures": [asdict(one) for one in report.signatures],
        "findings": [asdict(finding) for finding in report.findings],
    }
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _in_words(report: Report, known: KnownFile | None, file: Path) -> str:
    lines = [f"{file.name}", f"SHA-256 {report.file_sha256}"]
    if known is not None:
        lines.append(f"Deed of {known.ref}, version {known.version}, kept in {known.region}")
    if report.terms_sha256:
        lines.append(f"Terms   {report.terms_sha256}, as attached to the deed")
        if known is not None and known.version_sha256 == report.terms_sha256:
            lines.append("        the same in the log, on the page, and printed in the deed")
    for one in report.signatures:
        lines += ["", *_signature_words(one)]
    if report.findings:
        lines.append("")
    lines += [f"{LEVEL_WORDS[finding.level]}: {finding.message}" for finding in report.findings]
    verdict = "Everything holds." if report.ok else "Do not rely on this file."
    return "\n".join([*lines, "", verdict])


def _signature_words(one: SignatureReport) -> list[str]:
    who = ", ".join(part for part in (one.name, one.title, one.organisation) if part)
    lines = [f"{KIND_WORDS[one.kind]}: {who}", f"  when        {one.at}, by {one.time_source}"]
    if one.identified:
        lines.append(f"  identified  {one.identified}")
    if one.authority:
        lines.append(f"  authority   {one.authority}")
    lines += [
        f"  intact      {_yes(holds=one.intact and one.valid)}",
        f"  trusted     {_yes(holds=one.trusted)} ({one.sub_indication.lower()})",
        f"  since then  {'only what a deed allows' if one.unmodified else 'CHANGED'}",
    ]
    return lines


def _yes(*, holds: bool) -> str:
    return "yes" if holds else "NO"
