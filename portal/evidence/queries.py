"""Gathering the evidence of a contract. Whoever calls has found the contract as its party."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import pairwise
from typing import Any

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.audit import queries as log
from portal.audit.rules import PORTAL, read_note
from portal.audit.signer import Signer
from portal.contracts.models import Contract, Version
from portal.contracts.rules.document import canonical_bytes
from portal.contracts.rules.life import Side
from portal.contracts.rules.plain import plain_text
from portal.contracts.rules.reading import deed_context
from portal.evidence import rules
from portal.negotiation.models import Round
from portal.negotiation.queries import words_of
from portal.negotiation.rules import Kind, round_bytes
from portal.residency.actions import read_document
from portal.residency.databases import RegionDatabase
from portal.signing.models import Consent, Deed, Signature
from portal.signing.pdf import seen
from portal.signing.queries import CLOSED, document_of
from portal.signing.rules import load_disclosure
from portal.terms.rules import load_schema
from portal.terms.rules.standard import load_standard_terms

PARTS = ("README.html", "verify.html", "verify.py")


@dataclass(frozen=True)
class Coverage:
    """How far the checkpoints reach into a contract's entries."""

    covered: list[log.Placed]
    total: int
    newest: int | None
    signed_at: datetime | None
    root: str = ""


@dataclass(frozen=True)
class Place:
    """Where a contract's evidence comes from, and the public keys it is checked with."""

    session: Session
    database: RegionDatabase
    signer: Signer
    operator: str
    root_pem: bytes


def coverage(session: Session, ref: str) -> Coverage:
    """Return the entries of a contract that a checkpoint covers, and how many there are."""
    last = log.last_checkpoint(session)
    size = last.size if last else 0
    entries = log.placed_of(session, ref)
    covered = [entry for entry in entries if entry.place < size]
    root = read_note(last.note)[0].root.hex() if last else ""
    return Coverage(covered, len(entries), size or None, last.at if last else None, root)


def bundle_of(place: Place, contract: Contract) -> bytes | None:
    """Return the evidence bundle of a contract, or None before its first checkpoint.

    It depends on nothing but the covered entries, what they name, and who was erased: not on who
    asks, nor on when.
    """
    covered = coverage(place.session, contract.id).covered
    if not covered:
        return None
    entries = [json.loads(entry.body) for entry in covered]
    facts = rules.certification(
        entries, contract=contract.id, operator=place.operator,
        last_entry=covered[-1].body.encode(),
    )  # fmt: skip
    found = {
        rules.ENTRIES: "".join(f"{entry.body}\n" for entry in covered).encode(),
        **_people(place.session, contract.id, covered),
        **_proofs(place.session, covered),
        **_named(place, contract, entries),
        **rules.certification_files(facts),
        rules.LOG_KEY: f"{place.signer.vkey}\n".encode(),
        **{name: _part(name) for name in PARTS},
    }
    return rules.build(found, contract=contract.id, entries=len(covered))


def _part(name: str) -> bytes:
    return files("portal.evidence").joinpath("data", name).read_bytes()


def _people(session: Session, ref: str, covered: list[log.Placed]) -> dict[str, bytes]:
    """Open the commitments of those who acted; list the ones whose person was erased since."""
    used = {json.loads(entry.body)["actor"] for entry in covered} - {PORTAL.person}
    opened = [
        {"commitment": mark, "salt": salt, "identity": identity}
        for mark, salt, identity in log.openings(session, ref)
        if mark in used
    ]
    hidden = sorted(used - {one["commitment"] for one in opened})
    return {rules.PEOPLE: rfc8785.dumps(opened), rules.REDACTIONS: rfc8785.dumps(hidden)}


def _proofs(session: Session, covered: list[log.Placed]) -> dict[str, bytes]:
    """Prove the last entry, and each that matters by itself, under the first checkpoint that
    covers it; and that each of these checkpoints extends the one before."""
    sizes, tree = log.checkpoint_sizes(session), log.tree_of(session)
    proven = [entry for entry in covered[:-1] if entry.event in rules.PROVEN] + [covered[-1]]
    under = {entry.place: rules.covering(entry.place, sizes) or 0 for entry in proven}
    used = sorted(set(under.values()))
    notes = {size: row.note for size in used if (row := log.checkpoint_of(session, size))}
    consistency: list[dict[str, Any]] = [
        {"from": first, "to": second, "path": _plain(tree.consistency(first, second))}
        for first, second in pairwise(used)
    ]
    found = {rules.CONSISTENCY: rfc8785.dumps(consistency)}
    for entry in proven:
        size = under[entry.place]
        path = tree.inclusion(entry.place, size)
        found[rules.proof_path(entry.seq)] = rules.write_proof(entry.place, path, notes[size])
    for size, note in notes.items():
        found[rules.checkpoint_path(size)] = note.encode()
    for number, stamp in enumerate(log.stamps_of(session, used), 1):
        found[f"stamps/{stamp.size}-{number}.tst"] = stamp.token
    return found


def _plain(path: list[bytes]) -> list[str]:
    return [base64.b64encode(step).decode() for step in path]


def _named(place: Place, contract: Contract, entries: list[dict[str, Any]]) -> dict[str, bytes]:
    named = rules.named_files(entries)
    found = {
        **_rounds(place.session, contract, named),
        **_versions(place, contract, named),
        **_acts(place.session, contract, named),
    }
    if rules.DEED in named:
        row = place.session.scalars(
            select(Deed).where(Deed.contract_id == contract.id, Deed.sha256 == named[rules.DEED],
                               Deed.kind.in_(CLOSED))
        ).one()  # fmt: skip
        document = document_of(place.session, row)
        found[rules.DEED] = read_document(place.session, place.database, document)
        found[rules.ROOT] = place.root_pem
    return found


def _rounds(session: Session, contract: Contract, named: dict[str, str]) -> dict[str, bytes]:
    found = {}
    rows = session.scalars(
        select(Round)
        .where(Round.contract_id == contract.id, Round.sent_at.is_not(None))
        .options(selectinload(Round.answers))
    )
    for row in rows:
        if rules.round_path(row.number) in named:
            words = words_of(row.answers)
            found[rules.round_path(row.number)] = round_bytes(
                contract.id, row.number, Side(row.side), words, note=row.note
            )
            found[rules.values_path(row.number)] = rfc8785.dumps(
                {term: word.value for term, word in words.items() if word.kind is Kind.OFFER}
            )
    return found


def _versions(place: Place, contract: Contract, named: dict[str, str]) -> dict[str, bytes]:
    found = {}
    for version in contract.versions:
        if rules.terms_path(version.number) in named:
            found[rules.terms_path(version.number)] = canonical_bytes(version.canonical)
            text = plain_text(seen(words_of_version(version, place.operator, place.database)))
            found[f"terms/{version.number}.txt"] = text.encode()
    return found


def words_of_version(version: Version, operator: str, database: RegionDatabase) -> dict[str, Any]:
    """Return a frozen version in words, as page and deed show it."""
    pins = version.canonical["pins"]
    return deed_context(
        version.canonical, load_schema(pins["schema"]["name"]),
        load_standard_terms(pins["standard"]["name"]), sha256=version.sha256,
        operator=operator, region_label=database.region.label, entry_head=None,
    )  # fmt: skip


def _acts(session: Session, contract: Contract, named: dict[str, str]) -> dict[str, bytes]:
    found = {}
    for row in session.scalars(select(Signature).where(Signature.contract_id == contract.id)):
        if f"signatures/{row.id}.json" in named:
            found[f"signatures/{row.id}.json"] = rfc8785.dumps(row.identification)
    texts = select(Consent.disclosure).where(Consent.contract_id == contract.id).distinct()
    for disclosure in session.scalars(texts):
        if f"consents/{disclosure}.toml" in named:
            found[f"consents/{disclosure}.toml"] = load_disclosure(disclosure).content
    return found
