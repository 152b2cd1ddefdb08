"""The three steps of a deed: prepared from the frozen terms, signed slot by slot, sealed."""

import base64
import hashlib
from typing import Any

from portal.audit.actions import record
from portal.audit.queries import head
from portal.audit.rules import PORTAL
from portal.contracts.actions import add_fact, note_amendment
from portal.contracts.models import SignerSlot, Version
from portal.contracts.rules.document import canonical_bytes, slot_field
from portal.contracts.rules.reading import deed_context
from portal.kit import clock
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.residency.actions import fetch_document
from portal.signing import queries
from portal.signing.actions import Post, everyone, invite_open
from portal.signing.certificates import (
    FINAL_CRL_LIFE,
    KeyPair,
    create_contract_ca,
    final_crl,
    from_stored,
    to_stored,
)
from portal.signing.jobs.bench import Bench, CannotSeal, Made
from portal.signing.keys import root_pem
from portal.signing.models import Deed, IssuingKey, Signature
from portal.signing.pades import SignerFacts, archive, certify, seal, sign_slot
from portal.signing.pdf import render_deed
from portal.signing.queries import PREPARED, SEALED, SEALED_EVENT, SIGNED
from portal.signing.rules import meaning_words
from portal.signing.timestamp import own_proof
from portal.signing.validation import Report, validate
from portal.terms.rules import load_schema
from portal.terms.rules.standard import load_standard_terms

# The deed as it was frozen.


def deed_of(
    version: Version,
    *,
    operator: str,
    region_label: str,
    entry_head: str | None,
) -> dict[str, Any]:
    """Return the deed's words: the frozen document with the texts it is pinned to.

    Raises `CannotSeal` where this host holds other texts under the pinned names.
    """
    document = version.canonical
    pins = document["pins"]
    schema = load_schema(pins["schema"]["name"])
    standard = load_standard_terms(pins["standard"]["name"])
    for name, sha256 in (("schema", schema.sha256), ("standard", standard.sha256)):
        if pins[name]["sha256"] != sha256:
            raise CannotSeal(f"The {name} texts of this portal are not the ones that were agreed.")
    return deed_context(
        document, schema, standard, sha256=version.sha256, operator=operator,
        region_label=region_label, entry_head=entry_head,
    )  # fmt: skip


def prepare(bench: Bench, before: Deed | None) -> Made:
    """Set and certify the deed, and make the authority that issues for it alone."""
    session, version = bench.session, bench.version
    canonical = canonical_bytes(version.canonical)
    if hashlib.sha256(canonical).hexdigest() != version.sha256:
        raise CannotSeal(say("The frozen terms do not have the hash they were frozen with."))
    deed = deed_of(
        version, operator=bench.settings.operator,
        region_label=bench.database.region.label, entry_head=head(session, bench.contract.id),
    )  # fmt: skip
    name = f"{bench.contract.id} version {version.number}"
    session.commit()
    keys = bench.keys()
    content = certify(render_deed(deed, canonical), keys.seal, at=bench.at, tsu=keys.unit)
    authority = create_contract_ca(keys.root, name, at=bench.at)
    return Made(PREPARED, content, lambda where, row: _prepared(where, row, authority))


def _prepared(bench: Bench, deed: Deed, authority: KeyPair) -> None:
    session, contract, version = bench.session, bench.contract, bench.version
    certificate, key = to_stored(authority)
    row = IssuingKey(
        id=new_id(bench.at), region=contract.region, contract_id=contract.id,
        version_id=version.id, certificate=certificate,
    )  # fmt: skip
    put(session, row, key=base64.b64encode(key).decode())
    add_fact(session, contract, "deed_prepared", person_id=PORTAL.person, side=None, at=bench.at)
    record(
        session, contract.id, "signing:deed:prepared", actor=PORTAL, at=bench.at,
        facts={
            "version": version.number, "sha256": version.sha256, "deed_sha256": deed.sha256,
            "slots": len(contract.slots),
        },
    )  # fmt: skip
    session.flush()
    invite_open(Post(session, contract, bench.at), version)


# A signer's field.


def apply_signature(bench: Bench, before: Deed | None) -> Made:
    """Fill the next signed slot's field with a PAdES signature made for that act."""
    if before is None:
        raise CannotSeal(say("There is no deed to sign yet."))
    slot, signature = _to_apply(bench)
    # All is read before the store is asked: read later, it would hold the lock while we sign.
    facts, field, applied = (
        _signer_facts(slot, signature), slot_field(slot.side, slot.position), signature.id,
    )  # fmt: skip
    authority = _authority(bench)
    previous = _content(bench, before)
    bench.session.commit()
    keys = bench.keys()
    content = sign_slot(
        previous, field, facts, contract_ca=authority, root=keys.root, tsu=keys.unit, at=bench.at
    )
    return Made(SIGNED, content, lambda where, row: _applied(where, row, signature), applied)


def _to_apply(bench: Bench) -> tuple[SignerSlot, Signature]:
    signature = queries.signature_to_apply(bench.session, bench.version)
    if signature is None:
        raise CannotSeal(say("There is no signature to put into the deed."))
    return bench.session.get_one(SignerSlot, signature.slot_id), signature


def _signer_facts(slot: SignerSlot, signature: Signature) -> SignerFacts:
    known = signature.identification
    shown = ("factor", "step", "factor_enrolled_at", "session_started_at", "signed_at")
    return SignerFacts(
        name=known["name"],
        title=known["title"],
        organisation=known["organisation"],
        person_id=signature.person_id,
        email=known["email"],
        authority=known["authority"],
        consent_sha256=known["disclosure_sha256"],
        in_place_of=known.get("in_place_of", ""),
        strokes=signature.strokes or (),
        meaning=meaning_words(known),
        identification={
            **{name: str(known[name]) for name in shown},
            "signature": signature.id,
            "terms": signature.version_sha256,
            **{name: known[name] for name in ("in_place_of", "meaning") if name in known},
        },
    )


def _applied(bench: Bench, deed: Deed, signature: Signature) -> None:
    record(
        bench.session, bench.contract.id, "signing:deed:signed", actor=PORTAL, at=bench.at,
        facts={
            "version": bench.version.number, "signature": signature.id,
            "revision": deed.revision, "deed_sha256": deed.sha256,
        },
    )  # fmt: skip


def _authority(bench: Bench) -> KeyPair:
    row = queries.issuing_key(bench.session, bench.version)
    if row.key is None:
        raise CannotSeal(say("The issuing key of this contract is already destroyed."))
    return from_stored(row.certificate, base64.b64decode(row.key))


def _content(bench: Bench, deed: Deed) -> bytes:
    return fetch_document(bench.session, bench.database, queries.document_of(bench.session, deed))


# The seal.


def seal_deed(bench: Bench, before: Deed | None) -> Made:
    """Seal and archive the deed everyone signed, and let nothing pass that does not validate."""
    if before is None:
        raise CannotSeal(say("There is no deed to seal yet."))
    authority, terms = _authority(bench), bench.version.sha256
    previous = _content(bench, before)
    bench.session.commit()
    keys, at = bench.keys(), bench.at
    lists = [final_crl(authority, at=at), final_crl(keys.root, at=at)]
    proofs = [own_proof(keys.seal_chain)] if keys.seal_chain else []
    sealed = archive(
        seal(previous, keys.seal, keys.unit, at=at), keys.root, authority, lists, keys.unit,
        at=at, proofs=proofs,
    )  # fmt: skip
    report = validate(sealed, root_pem=root_pem(bench.settings), at=at)
    demand_sound(report, version_sha256=terms)
    ends = min([at + FINAL_CRL_LIFE, *(proof.ends for proof in proofs)])
    return Made(
        SEALED, sealed, _completed, renew_by=ends, stamp_due=bool(bench.settings.authorities),
        beside=(("final_crl", lists[0]),),
    )  # fmt: skip


def demand_sound(report: Report, *, version_sha256: str) -> None:
    """Raise `CannotSeal` unless the file passes its own check and holds these terms."""
    if not report.ok:
        first = report.errors()[0].message if report.errors() else "no reason given"
        raise CannotSeal(f"The sealed deed did not pass its own check: {first}")
    if report.terms_sha256 != version_sha256:
        raise CannotSeal(say("The sealed deed does not hold the agreed terms."))


def _completed(bench: Bench, deed: Deed) -> None:
    session, contract, at = bench.session, bench.contract, bench.at
    issuing = queries.issuing_key(session, bench.version)
    issuing.key, issuing.destroyed_at = None, at
    add_fact(session, contract, "completed", person_id=PORTAL.person, side=None, at=at)
    entry = record(
        session, contract.id, SEALED_EVENT, actor=PORTAL, at=at,
        facts={
            "version": bench.version.number, "sha256": bench.version.sha256,
            "deed_sha256": deed.sha256, "revision": deed.revision, "issuing_key": "destroyed",
        },
    )  # fmt: skip
    note_amendment(session, contract, at=at)
    post = Post(session, contract, at)
    for person in everyone(session, contract):
        post.write(
            SEALED_EVENT, deed.id, person, sealed_at=clock.stamp(at),
            deed_sha256=deed.sha256, sha256=bench.version.sha256, head=entry,
        )  # fmt: skip
