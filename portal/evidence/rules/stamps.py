"""Time stamps (RFC 3161) over the notes of checkpoints, read from their tokens alone.

Whether one trusts the authority is for the reader to say: its name and certificate are shown.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


class BadStamp(Exception):
    """This is no time stamp over those bytes, or a list says that its authority is revoked."""

    def __init__(self, message: str, code: str = "stamp-broken") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Stamp:
    """Which authority saw the bytes, and when."""

    authority: str
    at: datetime
    certificates: tuple[x509.Certificate, ...]


def read_stamp(token: bytes, *, over: bytes) -> Stamp:
    """Return what a token says about these bytes, once its signature holds; or raise `BadStamp`."""
    try:
        return _read(token, over)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, InvalidSignature) as error:
        raise BadStamp("This is no time stamp over those bytes.") from error


def _read(token: bytes, over: bytes) -> Stamp:
    signed = cms.ContentInfo.load(token, strict=True)["content"]
    content = signed["encap_content_info"]["content"].contents
    info = tsp.TSTInfo.load(content)
    imprint = info["message_imprint"]
    if imprint["hashed_message"].native != hashlib.sha256(over).digest():
        raise ValueError("another imprint")
    signer = signed["signer_infos"][0]
    algorithm = HASHES[signer["digest_algorithm"]["algorithm"].native]
    said = {one["type"].native: one["values"][0].native for one in signer["signed_attrs"]}
    if said["message_digest"] != hashlib.new(algorithm.name, content).digest():
        raise ValueError("another content")
    named = signer["sid"].chosen
    own = [
        one.chosen.dump()
        for one in signed["certificates"]
        if one.chosen.serial_number == named["serial_number"].native
        and one.chosen.issuer.dump() == named["issuer"].dump()
    ]
    public = x509.load_der_x509_certificate(own[0])
    _verify(public, signer["signature"].native, signer["signed_attrs"].untag().dump(), algorithm)
    others = [x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"]]
    return Stamp(public.subject.rfc4514_string(), info["gen_time"].native, (public, *others))


def check_list(content: bytes, stamp: Stamp, roots: bytes) -> None:
    """Raise `BadStamp` unless a revocation list is of an issuer of the stamp's certificates, is
    signed by it, and does not name the one that signed the stamp."""
    try:
        found = x509.load_der_x509_crl(content)
        known = [*stamp.certificates, *(x509.load_pem_x509_certificates(roots) if roots else ())]
        own = [one for one in known if one.subject == found.issuer]
        signed = any(found.is_signature_valid(one.public_key()) for one in own)  # type: ignore[arg-type]
    except (ValueError, TypeError, InvalidSignature) as error:
        raise BadStamp("This is no revocation list.") from error
    if not signed:
        raise BadStamp("The list is not of those who certified the time stamp.")
    signer = stamp.certificates[0]
    listed = found.get_revoked_certificate_by_serial_number(signer.serial_number)
    if found.issuer == signer.issuer and listed is not None:
        raise BadStamp("The certificate of the time stamp was revoked.", "stamp-revoked")


def _verify(
    certificate: x509.Certificate,
    signature: bytes,
    attributes: bytes,
    algorithm: hashes.HashAlgorithm,
) -> None:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, attributes, ec.ECDSA(algorithm))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, attributes, padding.PKCS1v15(), algorithm)
    else:
        raise ValueError("unknown kind of key")
