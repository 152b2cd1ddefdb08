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
from portal.plans.queries import pinned_text
from portal.residency.actions import read_document
from portal.residency.databases import RegionDatabase
from portal.residency.models import Document
from portal.signing.models import Consent, Deed, Signature
from portal.signing.pdf import seen
from portal.signing.queries import CLOSED, document_of
from portal.signing.rules import load_disclosure
from portal.templates.rules import shipped_texts
from portal.terms.rules import load_schema
from portal.terms.rules.schema import schema_text
from portal.terms.rules.standard import load_standard_terms, standard_text

PARTS = ("README.html", "verify.html", "verify.py")
MOST_ATTACHED = 50_000_000  # bytes; verifiers take no bundle over 200 MB


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
    proofs = _proofs(place.session, covered)
    named = _named(place, contract, entries)
    if rules.DEED in named or any(path.startswith("stamps/") for path in proofs):
        proofs[rules.ROOT] = place.root_pem
    found = {
        rules.ENTRIES: "".join(f"{entry.body}\n" for entry in covered).encode(),
        **_people(place.session, contract.id, covered),
        **proofs,
        **named,
        **rules.certification_files(facts),
        **_keys(place.signer),
        **{name: _part(name) for name in PARTS},
    }
    return rules.build(found, contract=contract.id, entries=len(covered))


def _keys(signer: Signer) -> dict[str, bytes]:
    """Give the log's public keys, and how each handed over to the next."""
    notes = {
        rules.transition_path(number): note.encode()
        for number, note in enumerate(signer.transitions, 1)
    }
    return {rules.LOG_KEYS: signer.keys.text.encode(), **notes}


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
        for place, content in enumerate(map(base64.b64decode, json.loads(stamp.lists)), 1):
            found[f"stamps/{stamp.size}-{number}-{place}.crl"] = content
    return found


def _plain(path: list[bytes]) -> list[str]:
    return [base64.b64encode(step).decode() for step in path]


def _named(place: Place, contract: Contract, entries: list[dict[str, Any]]) -> dict[str, bytes]:
    named = rules.named_files(entries)
    found = {
        **_rounds(place.session, contract, named),
        **_versions(place, contract, named),
        **_acts(place.session, contract, named),
        **_attachments(place, contract, named),
    }
    if rules.DEED in named:
        row = place.session.scalars(
            select(Deed).where(Deed.contract_id == contract.id, Deed.sha256 == named[rules.DEED],
                               Deed.kind.in_(CLOSED))
        ).one()  # fmt: skip
        document = document_of(place.session, row)
        found[rules.DEED] = read_document(place.session, place.database, document)
    return found


def _attachments(place: Place, contract: Contract, named: dict[str, str]) -> dict[str, bytes]:
    """Give the files that were attached, in the order of their entries, as far as there is room."""
    wanted = [sha256 for path, sha256 in named.items() if path.startswith(rules.ATTACHMENTS)]
    kept = select(Document).where(Document.contract_id == contract.id, Document.sha256.in_(wanted))
    rows = {row.sha256: row for row in place.session.scalars(kept)} if wanted else {}
    found, room = {}, MOST_ATTACHED
    for sha256 in wanted:
        row = rows.get(sha256)
        if row is not None and row.size <= room:
            room -= row.size
            content = read_document(place.session, place.database, row)
            found[rules.attachment_path(sha256)] = content
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
            found.update(_pinned(version.canonical["pins"]))
    return found


def _pinned(pins: dict[str, dict[str, str] | None]) -> dict[str, bytes]:
    """Give the texts that terms are pinned to, as far as both sides may read them.

    An organisation's own template also says what it would have taken: it is named by its hash.
    """
    found = {}
    for kind, pin in pins.items():
        text = _text(kind, pin["name"], pin["sha256"]) if pin else None
        if pin and text is not None and rules.sha256(text) == pin["sha256"]:
            found[rules.text_path(pin["sha256"])] = text
    return found


def _text(kind: str, name: str, sha256: str) -> bytes | None:
    match kind:
        case "schema":
            return schema_text(name)
        case "standard":
            return standard_text(name)
        case "tier":
            return pinned_text(sha256)
    return shipped_texts().get(sha256)


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
