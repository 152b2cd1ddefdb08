"""What makes a signed file a finished deed, beyond each signature holding on its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from portal.signing.certificates import TOTP_POLICY, bounded
from portal.signing.validation import Finding, SignatureReport

if TYPE_CHECKING:
    from portal.signing.pades_check import DeedFile

FOREIGN = {"NO_CERTIFICATE_CHAIN_FOUND", "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"}
TERMS_ONLY = ("terms.json",)


def check(
    signatures: Sequence[SignatureReport], file: DeedFile, terms_sha256: str | None
) -> list[Finding]:
    """Give every finding about the file, errors before notes."""
    if not signatures:
        return [_error("no-signatures", "The file holds no signature.")]
    return [
        *_each(signatures),
        *_order(signatures),
        *_completeness(signatures, file),
        *_updates(signatures, file),
        *_persons(signatures, file),
        *_terms(file, terms_sha256),
        *_clock(signatures),
    ]


def _each(signatures: Sequence[SignatureReport]) -> Iterator[Finding]:
    last = signatures[-1]
    for one in signatures:
        who = one.name or one.field
        if not (one.intact and one.valid):
            yield _error("broken", f"{who}: the file is not the one this signature was made for.")
        elif one.sub_indication in FOREIGN:
            yield _error(
                "unrecognised", f"{who}: unrecognised. The certificate is not of this portal."
            )
        elif not one.trusted and (one.kind != "archive" or one is last):
            yield _error(
                "not-proven", f"{who}: cannot be proven as of this check ({one.sub_indication})."
            )
        if not one.unmodified:
            yield _error(
                "changed",
                f"{who}: the file was changed after this signature in a way no deed allows.",
            )


def _order(signatures: Sequence[SignatureReport]) -> Iterator[Finding]:
    kinds = [one.kind for one in signatures]
    if kinds[0] != "certification" or kinds.count("certification") != 1:
        yield _error(
            "no-certification", "The portal did not certify this file before the first signature."
        )
    if kinds.count("seal") != 1:
        yield _error("no-seal", "The file has no seal: the deed is not complete.")
    elif "signer" in kinds[kinds.index("seal") :]:
        yield _error("seal-too-early", "A signature was added after the seal.")
    elif kinds[-1] != "archive":
        yield _error(
            "no-archive", "No time stamp covers the sealed deed: its last step is missing."
        )


def _completeness(signatures: Sequence[SignatureReport], file: DeedFile) -> Iterator[Finding]:
    for name in file.unsigned_fields:
        yield _error("missing-signature", f"{file.labels.get(name) or name}: not signed.")
    if not any(one.kind == "signer" for one in signatures):
        yield _error("no-signer", "Nobody has signed this file.")
    if not file.certified_for_forms:
        yield _error(
            "certification-loose", "The certification allows more than filling signature fields."
        )


def _updates(signatures: Sequence[SignatureReport], file: DeedFile) -> Iterator[Finding]:
    if not signatures[-1].covers_whole_file:
        yield _error("bytes-after", "There are bytes after the last signature.")
    if file.signed_revisions != frozenset(range(1, file.revisions)):
        yield _error("foreign-update", "The file holds an update that nobody signed.")
    if not file.information_unchanged:
        yield _error("information-changed", "The title and description of the file were changed.")
    for name in file.loose_gaps:
        yield _error(
            "loose-bytes", f"{file.labels.get(name) or name}: bytes hide beside the signature."
        )


def _persons(signatures: Sequence[SignatureReport], file: DeedFile) -> Iterator[Finding]:
    signers = [one for one in signatures if one.kind == "signer"]
    for one in signers:
        if TOTP_POLICY not in file.policies[one.field]:
            yield _error(
                "no-code",
                f"{one.name}: the certificate does not say that a one-time code was entered.",
            )
        if not _is_slot_of(one, file.labels.get(one.field, "")):
            yield _error("other-person", f"{one.name}: signed in the place of another person.")
        elif one.in_place_of:
            message = f"{one.name} signed in place of {one.in_place_of}, by a dated handover."
            yield Finding("note", "delegated", message)
    if len({file.issuers[one.field] for one in signers}) > 1:
        yield _error("mixed-issuers", "The signatures were issued for different contracts.")
    own = {file.issuers[one.field] for one in signatures if one.kind in ("certification", "seal")}
    if own & {file.issuers[one.field] for one in signers}:
        yield _error(
            "mixed-issuers", "A signer's certificate stands in for the portal's, or the reverse."
        )


def _is_slot_of(one: SignatureReport, label: str) -> bool:
    """The page names the person of each field; certificates cut very long names.

    A delegate's signature names, among what it binds, the person whose place it is in.
    """
    words = " ".join(label.split())
    before, _, organisation = words.removeprefix("Signature of ").rpartition(" for ")
    named = one.name if not one.in_place_of else bounded(one.in_place_of)
    return (bounded(before), bounded(organisation)) == (named, one.organisation)


def _terms(file: DeedFile, terms_sha256: str | None) -> Iterator[Finding]:
    if terms_sha256 is None or file.attachments != TERMS_ONLY:
        yield _error("terms-missing", "The file does not hold its terms as its one attachment.")
    elif file.printed_sha256 != terms_sha256:
        yield _error("terms-differ", "The attached terms are not the ones whose hash is printed.")


def _clock(signatures: Sequence[SignatureReport]) -> Iterator[Finding]:
    if any(one.time_source == "the portal's own clock" for one in signatures):
        message = "Times are the portal's own: they prove the order of the acts, "
        yield Finding("note", "own-clock", message + "not the time against its operator.")


def _error(code: str, message: str) -> Finding:
    return Finding("error", code, message)
