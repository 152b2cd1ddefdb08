"""Reads the signatures of a deed with pyHanko and holds them against the rules of a finished deed.

Runs in the process `validation` starts, never in a request: the file is hostile until shown
otherwise.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, parser, pem, x509
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.generic import EncryptedObjAccess
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffPolicy
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.general import find_cms_attribute_iter, find_unique_cms_attribute
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, read_certification_data
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv import ades_past, poe
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from portal.kit.awaiting import finish
from portal.signing import asn1_length
from portal.signing.certificates import (
    AUTHORITY_ATTRIBUTE,
    CONSENT_ATTRIBUTE,
    IDENTIFICATION_ATTRIBUTE,
    TIME_STAMP_POLICY,
    TOTP_POLICY,
)
from portal.signing.deed_rules import check
from portal.signing.validation import Finding, Kind, Report, SignatureReport

SEAL_FIELD = "sig_seal"
TERMS_NAME = "terms.json"
PRINTED_HASH = re.compile(r"terms ([0-9a-f]{64})")


@dataclass(frozen=True)
class DeedFile:
    """What the rules need to know of a file besides its signatures."""

    revisions: int
    signed_revisions: frozenset[int]
    unsigned_fields: tuple[str, ...]
    labels: dict[str, str]
    issuers: dict[str, str]
    policies: dict[str, tuple[str, ...]]
    certified_for_forms: bool
    information_unchanged: bool
    printed_sha256: str | None
    attachments: tuple[str, ...]
    loose_gaps: tuple[str, ...]


def examine(pdf: bytes, *, root_pem: bytes, at: datetime) -> Report:
    """Report on a file as of `at`; a file that cannot be read gives a report that says so."""
    logging.disable(logging.CRITICAL)
    asn1_length.mend()
    _tell_time(at)
    file_sha256 = hashlib.sha256(pdf).hexdigest()
    try:
        return finish(_examined(pdf, root_pem, at, file_sha256))
    except Exception as reason:
        message = f"The file is damaged or is not a deed: {type(reason).__name__}."
        return Report(False, file_sha256, findings=[Finding("error", "damaged", message)])


async def _examined(pdf: bytes, root_pem: bytes, at: datetime, file_sha256: str) -> Report:
    reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    embedded = sorted(reader.embedded_signatures, key=lambda one: int(one.signed_revision))
    judge = _Judge(reader, embedded, _roots(root_pem), at)
    signatures = [await judge.report(one) for one in embedded]
    terms = _attachments(reader).get(TERMS_NAME)
    terms_sha256 = None if terms is None else hashlib.sha256(terms).hexdigest()
    findings = check(signatures, _facts(pdf, reader, embedded), terms_sha256)
    ok = all(finding.level != "error" for finding in findings)
    return Report(ok, file_sha256, signatures, findings, terms_sha256, terms)


class _Judge:
    """Holds what is the same for every signature of one file: root, moment, embedded data."""

    def __init__(
        self,
        reader: PdfFileReader,
        embedded: list[EmbeddedPdfSignature],
        roots: list[x509.Certificate],
        at: datetime,
    ) -> None:
        # A person's signature is trusted under the portal's root alone; the others are roots of
        # time-stamp authorities and of the operator's own seal.
        known = _knowledge(reader)
        self._of_persons = _spec(roots[:1], roots, known)
        self._of_others = _spec(roots, roots, known)
        self._timing = ValidationTimingInfo(at, at, True)
        # Comparing revisions is nearly all the work; a file whose bytes are not the signed ones is
        # refused without it.
        whole = all(_digest_fits(one) for one in embedded)
        self._differences = _RememberedDifferences(embedded) if whole else None

    async def report(self, one: EmbeddedPdfSignature) -> SignatureReport:
        one.compute_integrity_info(self._differences, skip_diff=self._differences is None)
        if one.sig_object_type == "/DocTimeStamp":
            result: Any = await ades.ades_timestamp_validation(
                one.signed_data, self._of_others, one.compute_digest, timing_info=self._timing
            )
            moment = _stamp_time(one.signed_data)
        else:
            trust = self._of_persons if _kind(one) == "signer" else self._of_others
            spec = PdfSignatureValidationSpec(trust, diff_policy=self._differences)
            result = await ades.ades_lta_validation(one, spec, timing_info=self._timing)
            moment = result.best_signature_time
        return _described(one, result, moment, compared=self._differences is not None)


class _RememberedDifferences(DiffPolicy):  # type: ignore[misc]  # pyHanko's base is untyped
    """The validator asks for the same comparison for every signature; it is made once.

    What was changed since an intermediate time stamp was changed since the signature before it too,
    and that comparison is at least as strict, so it answers for both.
    """

    def __init__(self, embedded: list[EmbeddedPdfSignature]) -> None:
        self._known: dict[tuple[int, str], Any] = {}
        self._answers_for: dict[int, int] = {}
        compared = 0
        for one in embedded:
            compared = one.signed_revision if one.sig_object_type != "/DocTimeStamp" else compared
            self._answers_for[one.signed_revision] = compared or one.signed_revision

    def apply(self, old: Any, new: Any, field_mdp_spec: Any = None, doc_mdp: Any = None) -> Any:
        return DEFAULT_DIFF_POLICY.apply(old, new, field_mdp_spec, doc_mdp)

    def review_file(
        self, reader: Any, base_revision: Any, field_mdp_spec: Any = None, doc_mdp: Any = None
    ) -> Any:
        asked = base_revision if isinstance(base_revision, int) else base_revision.revision
        number = self._answers_for.get(asked, asked)
        key = (number, f"{doc_mdp} {field_mdp_spec}")
        if key not in self._known:
            self._known[key] = DEFAULT_DIFF_POLICY.review_file(
                reader, number, field_mdp_spec, doc_mdp
            )
        return self._known[key]


def _digest_fits(one: EmbeddedPdfSignature) -> bool:
    if one.sig_object_type == "/DocTimeStamp":
        stamped = one.signed_data["encap_content_info"]["content"].parsed["message_imprint"]
        return bool(stamped["hashed_message"].native == one.compute_digest())
    signed = find_unique_cms_attribute(one.signer_info["signed_attrs"], "message_digest")
    return bool(signed.native == one.compute_digest())


def _described(
    one: EmbeddedPdfSignature, result: Any, moment: datetime, *, compared: bool
) -> SignatureReport:
    status = result.api_status
    differences = one.summarise_integrity_info()
    subject = one.signer_cert.subject.native
    claims = dict(_claims(one))
    kind = _kind(one)
    return SignatureReport(
        field=str(one.field_name),
        kind=kind,
        name=_text(subject.get("common_name")),
        title=_text(subject.get("title")),
        organisation=_text(subject.get("organization_name")),
        at=moment.isoformat(),
        time_source=_time_source(one),
        intact=bool(status and status.intact),
        valid=bool(status and status.valid),
        trusted=result.ades_subindic == AdESPassed.OK,
        unmodified=compared and differences["docmdp_ok"] is not False,
        covers_whole_file=differences["coverage"] == SignatureCoverageLevel.ENTIRE_FILE,
        sub_indication=getattr(result.ades_subindic, "name", str(result.ades_subindic)),
        identified=_identified(one.signer_cert, claims) if kind == "signer" else "",
        authority=claims.get(AUTHORITY_ATTRIBUTE, ""),
        consent_sha256=claims.get(CONSENT_ATTRIBUTE, ""),
        certificate=f"{one.signer_cert.serial_number:x}",
        issuer=_text(one.signer_cert.issuer.native.get("common_name")),
        in_place_of=_in_place_of(claims) if kind == "signer" else "",
    )


def _kind(one: EmbeddedPdfSignature) -> Kind:
    if one.sig_object_type == "/DocTimeStamp":
        return "archive"
    if one.field_name == SEAL_FIELD:
        return "seal"
    return "certification" if _certifies(one) else "signer"


def _certifies(one: EmbeddedPdfSignature) -> bool:
    certified = read_certification_data(one.reader)
    return (
        certified is not None and certified.author_sig.container_ref == one.sig_object.container_ref
    )


def _identified(certificate: x509.Certificate, claims: dict[str, str]) -> str:
    how = (
        "One-time code (TOTP) entered at this act"
        if TOTP_POLICY in _policies(certificate)
        else "The certificate names no one-time code"
    )
    facts = json.loads(claims.get(IDENTIFICATION_ATTRIBUTE) or "{}")
    return "; ".join([how, *(f"{key}: {value}" for key, value in sorted(facts.items()))])


def _in_place_of(claims: dict[str, str]) -> str:
    facts = json.loads(claims.get(IDENTIFICATION_ATTRIBUTE) or "{}")
    return str(facts.get("in_place_of", ""))


def _claims(one: EmbeddedPdfSignature) -> Iterator[tuple[str, str]]:
    """Read the facts the portal bound into the signed attributes."""
    for value in find_cms_attribute_iter(one.signer_info["signed_attrs"], "signer_attributes_v2"):
        for claim in value["claimed_attributes"]:
            native = cms.AttCertAttribute.load(claim.dump())["values"][0].parse().native
            yield claim["type"].dotted, native.hex() if isinstance(native, bytes) else str(native)


def _time_source(one: EmbeddedPdfSignature) -> str:
    tokens = [one.signed_data] if one.sig_object_type == "/DocTimeStamp" else _tokens(one)
    for token in tokens:
        info = token["encap_content_info"]["content"].parsed
        if info["policy"].dotted == TIME_STAMP_POLICY:
            return "the portal's own clock"
        return "a time-stamp authority"
    return "none: the time of the check"


def _tokens(one: EmbeddedPdfSignature) -> list[cms.SignedData]:
    attributes = one.signer_info["unsigned_attrs"]
    found = find_cms_attribute_iter(attributes, "signature_time_stamp_token")
    return [token["content"] for token in found]


def _stamp_time(token: cms.SignedData) -> datetime:
    moment: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
    return moment


def _policies(certificate: x509.Certificate) -> tuple[str, ...]:
    value = certificate.certificate_policies_value
    return tuple(p["policy_identifier"].dotted for p in value or ())


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _facts(pdf: bytes, reader: PdfFileReader, embedded: list[EmbeddedPdfSignature]) -> DeedFile:
    fields = list(enumerate_sig_fields(reader))
    certified = read_certification_data(reader)
    return DeedFile(
        revisions=reader.total_revisions,
        signed_revisions=frozenset(one.signed_revision for one in embedded),
        unsigned_fields=tuple(name for name, value, _ in fields if value is None),
        labels={name: _text(ref.get_object().get("/TU")) for name, _, ref in fields},
        issuers={one.field_name: one.signer_cert.issuer.hashable for one in embedded},
        policies={one.field_name: _policies(one.signer_cert) for one in embedded},
        certified_for_forms=certified is not None and certified.permission == MDPPerm.FILL_FORMS,
        information_unchanged=_information_unchanged(reader),
        printed_sha256=_printed_sha256(reader),
        attachments=tuple(_attachments(reader)),
        loose_gaps=tuple(one.field_name for one in embedded if not _gap_is_exact(pdf, one)),
    )


def _information_unchanged(reader: PdfFileReader) -> bool:
    """The difference analysis lets the Info dictionary change; a deed never does."""
    now = reader.trailer.raw_get("/Info")
    first = reader.get_historical_resolver(0).trailer_view.raw_get("/Info")
    return bool(
        now.reference == first.reference and reader.xrefs.get_last_change(now.reference) == 0
    )


def _printed_sha256(reader: PdfFileReader) -> str | None:
    found = PRINTED_HASH.search(str(reader.trailer["/Info"].get("/Subject", "")))
    return found.group(1) if found else None


def _attachments(reader: PdfFileReader) -> dict[str, bytes]:
    try:
        names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    except KeyError:
        return {}
    files = [names[i].get_object() for i in range(1, len(names), 2)]
    return {str(one["/UF"]): one["/EF"]["/F"].data for one in files}


def _gap_is_exact(pdf: bytes, one: EmbeddedPdfSignature) -> bool:
    """The bytes no signature covers hold it in upper-case hex, then zeros, and nothing else."""
    _, before, after, _ = (int(number) for number in one.byte_range)
    content = one.sig_object.raw_get("/Contents", decrypt=EncryptedObjAccess.RAW).original_bytes
    length = parser.peek(content)
    return pdf[before:after] == b"<" + content.hex().upper().encode() + b">" and not any(
        content[length:]
    )


def _roots(root_pem: bytes) -> list[x509.Certificate]:
    """Read the roots of a bundle; the portal's own stands first."""
    return [x509.Certificate.load(der) for _, _, der in pem.unarmor(root_pem, multiple=True)]


def _spec(
    roots: list[x509.Certificate], stamp_roots: list[x509.Certificate], knowledge: LocalKnowledge
) -> SignatureValidationSpec:
    rule = (
        RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
        if knowledge.known_crls
        else RevocationCheckingRule.NO_CHECK
    )
    policies = [
        CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build(trust_roots=trusted),
            revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(rule, rule)),
        )
        for trusted in (roots, stamp_roots)
    ]
    return SignatureValidationSpec(
        policies[0],
        ts_cert_validation_policy=policies[1],
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
            certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
        ),
        local_knowledge=knowledge,
    )


def _knowledge(reader: PdfFileReader) -> LocalKnowledge:
    """Gather the certificates, lists and answers the file carries; a certified deed has none."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return LocalKnowledge()
    lists = [ref.get_object().read_data(DecodePurpose.CRL) for ref in store.crls]
    answers = [ref.get_object().read_data(DecodePurpose.OCSP_RESPONSE) for ref in store.ocsps]
    loaded = map(asn1_ocsp.OCSPResponse.load, answers)
    return LocalKnowledge(
        known_crls=[CRLContainer(asn1_crl.CertificateList.load(crl)) for crl in lists],
        known_ocsps=[part for answer in loaded for part in OCSPContainer.load_multi(answer)],
        known_certs=list(store.load_certs()),
    )


def _tell_time(at: datetime) -> None:
    """Two modules of the validator read the clock; here the moment of the check is the time."""

    class Moment(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return at.astimezone(tz)

    poe.datetime = Moment
    ades_past.datetime = Moment
