"""PAdES signatures: the portal certifies, each signer fills a field, the portal seals and archives.

Every step is bytes in, bytes out, and adds one incremental update; nothing already signed is
rewritten.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import cms, core
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.ades.api import CAdESSignedAttrSpec, GenericCommitment, SignerAttrSpec
from pyhanko.sign.fields import (
    InvisSigSettings,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    enumerate_sig_fields,
)
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, PdfTimeStamper, Signer
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko.stamp import BaseStampStyle

from portal.kit.awaiting import finish
from portal.signing import asn1_length
from portal.signing.appearance import HAND, PRINT, Line, LinesStyle, Strokes
from portal.signing.certificates import (
    AUTHORITY_ATTRIBUTE,
    CONSENT_ATTRIBUTE,
    IDENTIFICATION_ATTRIBUTE,
    STATUS_ADDRESS,
    KeyPair,
    final_crl,
    signer_certificate,
    status_answer,
)
from portal.signing.timestamp import Proof, as_asn1, signer_of, time_stamper
from portal.signing.typesetter import SEAL_FIELD

CERTIFICATION_FIELD = "certification"
ARCHIVE_FIELD = "archive_"
DIGEST = "sha256"
# Outside the page, not hidden: PDF/A forbids hidden annotations and PDF/UA wants visible ones
# tagged.
OUTSIDE = InvisSigSettings(set_print_flag=True, set_hidden_flag=False, box_out_of_bounds=True)


@dataclass(frozen=True)
class SignerFacts:
    """Who signs, for whom, by what authority, and how the portal knew them.

    `identification` holds the facts of the second factor as text, such as
    `{"factor": "totp", "step": "58812345"}`.
    """

    name: str
    title: str
    organisation: str
    person_id: str
    email: str
    authority: str
    consent_sha256: str
    identification: Mapping[str, str] = field(default_factory=dict)
    in_place_of: str = ""
    strokes: Strokes = ()
    meaning: str = ""


class _DeedWriter(IncrementalPdfFileWriter):  # type: ignore[misc]  # pyHanko's constructor is untyped
    """Writes updates that leave the description of the deed as it was set."""

    def _update_meta(self) -> None:
        """Do nothing: a rewrite would drop the PDF/UA claim and touch the catalog every time."""


class _DeedSigner(PdfSigner):  # type: ignore[misc]  # pyHanko counts as untyped
    """Signs at the time it is given and leaves the catalog as the typesetter wrote it."""

    def __init__(
        self,
        meta: PdfSignatureMetadata,
        key: KeyPair | Signer,
        chain: Sequence[KeyPair],
        *,
        at: datetime,
        stamper: TimeStamper | None = None,
        style: BaseStampStyle | None = None,
        new_field: SigFieldSpec | None = None,
    ) -> None:
        super().__init__(
            meta,
            signer_of(key, list(chain)),
            timestamper=stamper,
            stamp_style=style,
            new_field_spec=new_field,
        )
        self._at = at

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:
        """Do nothing: the deed declares its extensions itself, and PDF/A-3 stays PDF 1.7."""

    def init_signing_session(
        self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False
    ) -> PdfSigningSession:
        """Open the session with the act's own time."""
        session = super().init_signing_session(pdf_out, existing_fields_only=existing_fields_only)
        session.system_time = self._at
        return session


def certify(
    pdf: bytes,
    seal_key: KeyPair | Signer,
    *,
    at: datetime,
    tsu: KeyPair | TimeStamper | None = None,
) -> bytes:
    """Certify a deed as set: from here on only signature fields may be filled (DocMDP 2)."""
    asn1_length.mend()
    meta = PdfSignatureMetadata(
        field_name=CERTIFICATION_FIELD,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.FILL_FORMS,
        reason="Certified as set, before the first signature",
    )
    new_field = SigFieldSpec(CERTIFICATION_FIELD, on_page=0, invis_sig_settings=OUTSIDE)
    stamper = time_stamper(tsu, at=at) if tsu is not None else None
    signer = _DeedSigner(meta, seal_key, (), at=at, stamper=stamper, new_field=new_field)
    return _written(pdf, signer, existing_fields_only=False)


def sign_slot(
    pdf: bytes,
    field_name: str,
    signer: SignerFacts,
    *,
    contract_ca: KeyPair,
    root: KeyPair,
    tsu: KeyPair | TimeStamper,
    at: datetime,
    status_address: str = STATUS_ADDRESS,
) -> bytes:
    """Fill one signer's field with a PAdES signature by a key made for this act and then dropped.

    The signature carries a time stamp; a second update adds the authority's answer that the
    certificate was good and a document time stamp, all within the certificate's ten minutes, so
    that the act stands alone.
    """
    asn1_length.mend()
    key = signer_certificate(
        contract_ca,
        name=signer.name,
        title=signer.title,
        organisation=signer.organisation,
        person_id=signer.person_id,
        email=signer.email,
        at=at,
        status_address=status_address,
    )
    meta = PdfSignatureMetadata(
        field_name=field_name,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        name=signer.name,
        reason=f"I sign for {signer.organisation}. {signer.authority}".strip(),
        cades_signed_attr_spec=_signed_facts(signer),
    )
    act = _DeedSigner(
        meta,
        key,
        (contract_ca, root),
        at=at,
        stamper=time_stamper(tsu, at=at),
        style=LinesStyle(lines=_signature_lines(signer, key, at), strokes=signer.strokes),
    )
    signed = _written(pdf, act, existing_fields_only=True)
    answer = status_answer(contract_ca, key, at=at)
    return _stamped(signed, (root, contract_ca), [final_crl(root, at=at)], [answer], tsu, at=at)


def seal(
    pdf: bytes, seal_key: KeyPair | Signer, tsu: KeyPair | TimeStamper, *, at: datetime
) -> bytes:
    """Seal a deed everyone has signed; the lock lets nothing but time stamps follow."""
    asn1_length.mend()
    operator = _common_name(seal_key).removesuffix(" seal")
    meta = PdfSignatureMetadata(
        field_name=SEAL_FIELD,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        name=operator,
        reason=f"Sealed by {operator}",
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    act = _DeedSigner(
        meta,
        seal_key,
        (),
        at=at,
        stamper=time_stamper(tsu, at=at),
        style=LinesStyle(lines=_seal_lines(operator, seal_key, at)),
    )
    return _written(pdf, act, existing_fields_only=True)


def archive(
    pdf: bytes,
    root: KeyPair,
    contract_ca: KeyPair,
    crls: Sequence[bytes],
    tsu: KeyPair | TimeStamper,
    *,
    at: datetime,
    proofs: Sequence[Proof] = (),
) -> bytes:
    """Embed the root's final revocation list and time-stamp the whole deed (PAdES B-LTA).

    Lists of other issuers are left out: next to a fresh list of the contract's authority a
    validator no longer goes back to the minutes of each act, and finds the ten-minute certificates
    expired. Keep that list with the evidence instead. Call it again years later, with a fresh list,
    to renew the proof. `proofs` are those of an outside authority or of an operator's own seal.
    """
    asn1_length.mend()
    issuer = as_asn1(root).subject
    lists = [crl for crl in crls if asn1_crl.CertificateList.load(crl).issuer == issuer]
    return _stamped(pdf, (root, contract_ca), lists, [], tsu, at=at, proofs=proofs)


def _stamped(
    pdf: bytes,
    chain: Sequence[KeyPair],
    crls: Sequence[bytes],
    answers: Sequence[bytes],
    tsu: KeyPair | TimeStamper,
    *,
    at: datetime,
    proofs: Sequence[Proof] = (),
) -> bytes:
    """Add validation data and a document time stamp over it, in one update."""
    writer = _DeedWriter(io.BytesIO(pdf))
    own_unit = (tsu,) if isinstance(tsu, KeyPair) else ()
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[
            *(as_asn1(pair) for pair in (*chain, *own_unit)),
            *(asn1_x509.Certificate.load(der) for one in proofs for der in one.certificates),
        ],
        crls=[
            asn1_crl.CertificateList.load(crl)
            for crl in (*crls, *(der for one in proofs for der in one.lists))
        ],
        ocsps=[asn1_ocsp.OCSPResponse.load(answer) for answer in answers],
    )
    stamper = PdfTimeStamper(
        time_stamper(tsu, at=at),
        field_name=_next_archive_field(writer.prev),
        invis_settings=OUTSIDE,
        readable_field_name="Time stamp over the deed and its validation data",
    )
    out = io.BytesIO()
    finish(stamper.async_timestamp_pdf(writer, DIGEST, output=out))
    return out.getvalue()


def _written(pdf: bytes, signer: _DeedSigner, *, existing_fields_only: bool) -> bytes:
    writer = _DeedWriter(io.BytesIO(pdf))
    out = io.BytesIO()
    finish(signer.async_sign_pdf(writer, existing_fields_only=existing_fields_only, output=out))
    return out.getvalue()


def _signed_facts(signer: SignerFacts) -> CAdESSignedAttrSpec:
    facts = json.dumps(dict(signer.identification), sort_keys=True, ensure_ascii=False)
    claims = (
        (AUTHORITY_ATTRIBUTE, core.UTF8String(signer.authority)),
        (CONSENT_ATTRIBUTE, core.OctetString(bytes.fromhex(signer.consent_sha256))),
        (IDENTIFICATION_ATTRIBUTE, core.UTF8String(facts)),
    )
    attributes = [
        cms.AttCertAttribute({"type": kind, "values": [core.Any(value)]}) for kind, value in claims
    ]
    return CAdESSignedAttrSpec(
        commitment_type=GenericCommitment.PROOF_OF_APPROVAL.asn1,
        signer_attributes=SignerAttrSpec(claimed_attrs=attributes, certified_attrs=[]),
    )


def _signature_lines(signer: SignerFacts, key: KeyPair, at: datetime) -> tuple[Line, ...]:
    office = ", ".join(part for part in (signer.title, signer.organisation) if part)
    return (
        Line(signer.name, HAND, 17, "Signed by the person named beside"),
        Line(office, PRINT, 8, "Title and organisation as beside"),
        *_place_lines(signer),
        *_meaning_lines(signer),
        Line(f"Signed {_moment(at)}", PRINT, 7.5),
        Line(f"Certificate {key.certificate.serial_number:x}", PRINT, 6),
        Line("Simple electronic signature (SES)", PRINT, 6),
    )


def _place_lines(signer: SignerFacts) -> tuple[Line, ...]:
    """A delegate's signature says whose place it is in."""
    if not signer.in_place_of:
        return ()
    return (Line(f"in place of {signer.in_place_of}", PRINT, 7, "In place of the person beside"),)


def _meaning_lines(signer: SignerFacts) -> tuple[Line, ...]:
    """A signature of the regulated profile says what it means (21 CFR 11.50)."""
    if not signer.meaning:
        return ()
    return (Line(f"Meaning: {signer.meaning}", PRINT, 7.5),)


def _seal_lines(operator: str, key: KeyPair | Signer, at: datetime) -> tuple[Line, ...]:
    return (
        Line(f"Sealed by {operator}", HAND, 13, "Sealed by the operator named beside"),
        Line(f"Sealed {_moment(at)}", PRINT, 7.5),
        Line(f"Certificate {_certificate(key).serial_number:x}", PRINT, 6),
    )


def _moment(at: datetime) -> str:
    """Legal times always carry their offset."""
    return at.isoformat(sep=" ", timespec="seconds")


def _certificate(source: KeyPair | Signer) -> asn1_x509.Certificate:
    return as_asn1(source) if isinstance(source, KeyPair) else source.signing_cert


def _common_name(source: KeyPair | Signer) -> str:
    return str(_certificate(source).subject.native["common_name"])


def _next_archive_field(reader: PdfFileReader) -> str:
    names = {name for name, _, _ in enumerate_sig_fields(reader)}
    return next(
        f"{ARCHIVE_FIELD}{n}" for n in range(1, 10_000) if f"{ARCHIVE_FIELD}{n}" not in names
    )
