"""Certificates: root, one issuing authority a contract, seal, time-stamp unit, signers.

Nothing is stored here. A key pair travels as (certificate PEM, private key PKCS#8 DER); the caller
encrypts it at rest.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

# An arc anyone may take: ITU-T X.667 gives every UUID the arc 2.25.<the UUID as a number>.
ARC = f"2.25.{uuid.UUID('14e1e6f1-ad00-4182-9574-f3050966cc78').int}"
TOTP_POLICY = f"{ARC}.1.1"  # the person entered a fresh one-time code at this act
AUTHORITY_ATTRIBUTE = f"{ARC}.2.1"
CONSENT_ATTRIBUTE = f"{ARC}.2.2"
IDENTIFICATION_ATTRIBUTE = f"{ARC}.2.3"
TIME_STAMP_POLICY = (
    f"{ARC}.3.1"  # the portal's own clock: order inside the portal, no proof against its operator
)

DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
YEAR = timedelta(days=365.25)
ROOT_LIFE = 30 * YEAR
# Long, so that a deed renewed every few years stays provable: a validator cannot go back behind the
# end of the seal's own certificate. The operator takes a new key as often as they like; the old
# certificate lives on, its key need not.
CONTRACT_CA_LIFE = 25 * YEAR
SEAL_LIFE = 25 * YEAR
TIME_STAMP_UNIT_LIFE = 25 * YEAR
SIGNER_LIFE = timedelta(minutes=10)
FINAL_CRL_LIFE = 10 * YEAR
SKEW = timedelta(minutes=1)
# A certificate must declare where its status is told, or validators pass over the answer the file
# holds. No such host exists (RFC 6761); an operator who runs a responder names it instead.
STATUS_ADDRESS = "http://status.invalid/"
EXPIRED_ON_LIST = x509.ObjectIdentifier("2.5.29.60")  # ITU-T X.509, expiredCertsOnCRL
LONGEST_NAME_BYTES = (
    64  # X.520 bounds commonName, organizationName and title; the library counts UTF-8
)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and the private key it names."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """Give the certificate alone, fit to publish."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def to_stored(pair: KeyPair) -> tuple[bytes, bytes]:
    """Give (certificate PEM, private key PKCS#8 DER); encrypt the key before it is written."""
    key = pair.private_key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pair.certificate_pem, key


def from_stored(certificate_pem: bytes, private_key_der: bytes) -> KeyPair:
    """Read a key pair back; `ValueError` when the key is not the one the certificate names."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    key = serialization.load_der_private_key(private_key_der, password=None)
    if (
        not isinstance(key, ec.EllipticCurvePrivateKey)
        or key.public_key() != certificate.public_key()
    ):
        raise ValueError("the private key does not belong to the certificate")
    return KeyPair(certificate, key)


def create_root(operator: str, *, at: datetime) -> KeyPair:
    """Make the portal's root: P-384, thirty years, signs certificates and revocation lists only."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name(f"{operator} root", operator)
    builder = _authority(_builder(name, name, key, at, ROOT_LIFE), path_length=1)
    return KeyPair(builder.sign(key, hashes.SHA384()), key)


def create_contract_ca(root: KeyPair, ref: str, *, at: datetime) -> KeyPair:
    """Make the authority that issues for one contract only; destroy its key at completion."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Signatures of {ref}", _organisation(root))
    builder = _authority(_issued(root, name, key, at, CONTRACT_CA_LIFE), path_length=0)
    any_policy = x509.CertificatePolicies([x509.PolicyInformation(ANY_POLICY, None)])
    return _signed(builder.add_extension(any_policy, critical=False), root, key)


def create_seal(root: KeyPair, operator: str, *, at: datetime) -> KeyPair:
    """Make the seal: it certifies deeds before the first signature and closes them at the end."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _issued(root, _name(f"{operator} seal", operator), key, at, SEAL_LIFE)
    return _signed(_end_entity(builder, [DOCUMENT_SIGNING]), root, key)


def create_time_stamp_unit(root: KeyPair, operator: str, *, at: datetime) -> KeyPair:
    """Make the local time-stamp unit (RFC 3161): its use is the only one its key has."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _issued(
        root, _name(f"{operator} time-stamp unit", operator), key, at, TIME_STAMP_UNIT_LIFE
    )
    return _signed(_time_stamping(builder), root, key)


def signer_certificate(
    contract_ca: KeyPair,
    *,
    name: str,
    title: str,
    organisation: str,
    person_id: str,
    email: str,
    at: datetime,
    status_address: str = STATUS_ADDRESS,
) -> KeyPair:
    """Make a fresh P-256 key and its ten-minute certificate for one act of one person.

    Drop the key after the signature.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _issued(
        contract_ca, _person(name, title, organisation, person_id), key, at, SIGNER_LIFE
    )
    policy = x509.PolicyInformation(x509.ObjectIdentifier(TOTP_POLICY), None)
    builder = (
        _end_entity(builder, [DOCUMENT_SIGNING])
        .add_extension(x509.CertificatePolicies([policy]), critical=False)
        .add_extension(_status_access(status_address), critical=False)
    )
    address = _mail_address(email)
    if address is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return _signed(builder, contract_ca, key)


def status_answer(contract_ca: KeyPair, signer: KeyPair, *, at: datetime) -> bytes:
    """Give the authority's own OCSP answer (RFC 6960, DER) that a signer's certificate is good.

    It ends with the certificate to the second. Were it good for longer, a validator would never go
    back to the minutes of the act; did it end sooner, the deed could not be proven in between.
    """
    start = at.replace(microsecond=0)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=signer.certificate,
            issuer=contract_ca.certificate,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=start,
            next_update=signer.certificate.not_valid_after_utc,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, contract_ca.certificate)
    )
    answer = builder.sign(contract_ca.private_key, _hash_for(contract_ca))
    return answer.public_bytes(serialization.Encoding.DER)


def final_crl(issuer: KeyPair, *, at: datetime, life: timedelta = FINAL_CRL_LIFE) -> bytes:
    """Give the issuer's last revocation list (DER): nothing revoked, good for ten years."""
    start = at.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(start)
        .next_update(start + life)
        .add_extension(_key_identifier(issuer), critical=False)
        .add_extension(x509.CRLNumber(int(start.timestamp())), critical=False)
        .add_extension(_covers_expired(issuer), critical=False)
    )
    crl = builder.sign(issuer.private_key, _hash_for(issuer))
    return crl.public_bytes(serialization.Encoding.DER)


def bounded(text: str) -> str:
    """Cut a name to what a certificate holds; the deed carries the whole name."""
    return " ".join(text.split()).encode()[:LONGEST_NAME_BYTES].decode(errors="ignore").strip()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    at: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    start = at.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - SKEW)
        .not_valid_after(start + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _issued(
    issuer: KeyPair,
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    at: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    life = min(life, issuer.certificate.not_valid_after_utc - at)
    builder = _builder(subject, issuer.certificate.subject, key, at, life)
    return builder.add_extension(_key_identifier(issuer), critical=False)


def _signed(
    builder: x509.CertificateBuilder, issuer: KeyPair, key: ec.EllipticCurvePrivateKey
) -> KeyPair:
    return KeyPair(builder.sign(issuer.private_key, _hash_for(issuer)), key)


def _hash_for(issuer: KeyPair) -> hashes.SHA256 | hashes.SHA384:
    return hashes.SHA384() if issuer.private_key.key_size > 256 else hashes.SHA256()


def _authority(builder: x509.CertificateBuilder, *, path_length: int) -> x509.CertificateBuilder:
    constraint = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(constraint, critical=True).add_extension(
        _key_usage("key_cert_sign", "crl_sign"), critical=True
    )


def _end_entity(
    builder: x509.CertificateBuilder, uses: list[x509.ObjectIdentifier]
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature", "content_commitment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    )


def _time_stamping(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    """RFC 3161, 2.3: exactly one extended use, and critical."""
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    )


def _key_usage(*uses: str) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digital_signature" in uses,
        content_commitment="content_commitment" in uses,
        key_cert_sign="key_cert_sign" in uses,
        crl_sign="crl_sign" in uses,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(issuer: KeyPair) -> x509.AuthorityKeyIdentifier:
    own = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def _status_access(address: str) -> x509.AuthorityInformationAccess:
    place = x509.UniformResourceIdentifier(address)
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)]
    )


def _covers_expired(issuer: KeyPair) -> x509.UnrecognizedExtension:
    since = issuer.certificate.not_valid_before_utc.strftime("%Y%m%d%H%M%SZ").encode()
    return x509.UnrecognizedExtension(EXPIRED_ON_LIST, bytes((0x18, len(since))) + since)


def _name(common_name: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, bounded(organisation)),
            x509.NameAttribute(NameOID.COMMON_NAME, bounded(common_name)),
        ]
    )


def _person(name: str, title: str, organisation: str, person_id: str) -> x509.Name:
    parts = (
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.COMMON_NAME, name),
        (NameOID.TITLE, title),
        (NameOID.SERIAL_NUMBER, person_id),
    )
    return x509.Name(
        [x509.NameAttribute(kind, bounded(text)) for kind, text in parts if text.strip()]
    )


def _organisation(pair: KeyPair) -> str:
    return str(pair.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)


def _mail_address(email: str) -> x509.RFC822Name | None:
    """RFC 5280 mail names are ASCII; another address is left out and stays in the record."""
    return x509.RFC822Name(email) if email and email.isascii() else None
