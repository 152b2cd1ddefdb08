"""Time stamps (RFC 3161): the portal's own unit, or an authority reached by HTTP.

A local time stamp proves the order of acts inside the portal, not the time against its operator.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import cms, core, keys, pem, tsp
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import Signer, SimpleSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from portal.kit.outward import ask, is_public
from portal.signing.certificates import TIME_STAMP_POLICY, KeyPair, to_stored

LARGEST_ANSWER_BYTES = 100_000
LARGEST_LIST_BYTES = 5_000_000
LARGEST_SKEW = timedelta(minutes=5)


class LocalTimeStamper(TimeStamper):  # type: ignore[misc]  # pyHanko's constructor is untyped
    """Answers with the portal's own unit and the time it is given."""

    def __init__(self, unit: KeyPair, *, at: datetime) -> None:
        super().__init__(include_nonce=True)
        self._signer = signer_of(unit, [])
        self._at = at.replace(microsecond=0)

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Sign what the request holds; never fails, as nothing leaves the process."""
        imprint = req["message_imprint"]
        info = {
            "version": "v1",
            "policy": TIME_STAMP_POLICY,
            "message_imprint": imprint,
            "serial_number": secrets.randbits(63),
            "gen_time": self._at,
        }
        if req["nonce"].native is not None:
            info["nonce"] = req["nonce"]
        token = await self._signer.async_sign_general_data(
            cms.EncapsulatedContentInfo(
                {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(tsp.TSTInfo(info).dump()),
                }
            ),
            "sha256",
            detached=False,
        )
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})


class HttpTimeStamper(TimeStamper):  # type: ignore[misc]  # pyHanko's constructor is untyped
    """Asks an authority the operator configured; never inside a database transaction."""

    def __init__(self, url: str, *, timeout_seconds: float = 10) -> None:
        super().__init__(include_nonce=True)
        if not url.startswith(("https://", "http://")):
            raise ValueError("a time-stamp authority is reached by http or https")
        self._url = url
        self._timeout_seconds = timeout_seconds
        # Whether it was found in the operator's own network: then what it names may lie there too.
        self.is_inside = False

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Post the request; `OSError` when the authority gives no time stamp."""
        return await asyncio.to_thread(self._ask, req.dump())

    def _ask(self, query: bytes) -> tsp.TimeStampResp:
        answer = ask(
            self._url, method="POST", body=query, most=LARGEST_ANSWER_BYTES, inside=True,
            headers={"Content-Type": "application/timestamp-query"}, seconds=self._timeout_seconds,
        )  # fmt: skip
        kind = {name.lower(): one for name, one in answer.headers.items()}.get("content-type", "")
        told = kind.partition(";")[0].strip().lower() == "application/timestamp-reply"
        if answer.status != 200 or not told:
            raise OSError("the time-stamp authority did not answer with a time stamp")
        self.is_inside = not is_public(answer.ip)
        return tsp.TimeStampResp.load(answer.content)


class NoTimeStamp(OSError):
    """An authority gave no time stamp that can be used; the message says why."""


@dataclass(frozen=True)
class Proof:
    """What proves an authority's stamp for years: its certificates and their revocation lists."""

    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...]
    ends: datetime


class CheckedTimeStamper(HttpTimeStamper):
    """Takes nothing from an authority that it did not check: nonce, imprint, signer, time."""

    def __init__(self, url: str, root_pem: bytes, *, at: datetime, timeout_seconds: float) -> None:
        super().__init__(url, timeout_seconds=timeout_seconds)
        self._root = asn1_x509.Certificate.load(pem.unarmor(root_pem)[2])
        self._at = at

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Ask for a stamp over a digest; `NoTimeStamp` unless everything about it is right."""
        try:
            token = await super().async_timestamp(message_digest, md_algorithm)
            await self._check(token, message_digest)
        except NoTimeStamp:
            raise
        except (OSError, ValueError, TypeError, KeyError, SigningError) as refused:
            raise NoTimeStamp(f"{self._url}: {refused}"[:200]) from refused
        return token

    async def _check(self, token: cms.ContentInfo, digest: bytes) -> None:
        info = token["content"]["encap_content_info"]["content"].parsed
        if info["message_imprint"]["hashed_message"].native != digest:
            raise NoTimeStamp(f"{self._url}: the stamp is over something else.")
        if abs(info["gen_time"].native - self._at) > LARGEST_SKEW:
            raise NoTimeStamp(f"{self._url}: its clock and ours are more than five minutes apart.")
        context = ValidationContext(
            trust_roots=[self._root], moment=self._at, revocation_mode="soft-fail",
            allow_fetching=False,
        )  # fmt: skip
        found = await validate_tst_signed_data(token["content"], context, lambda _: digest)
        status = TimestampSignatureStatus(**found)
        if not (status.intact and status.valid and status.trusted):
            raise NoTimeStamp(f"{self._url}: its certificate is not good ({status.summary()}).")

    async def proof(self) -> Proof:
        """Return what must be kept beside a stamp of this authority, learned from a trial stamp."""
        token = await self.async_dummy_response("sha256")
        found = [one.chosen for one in token["content"]["certificates"]]
        chain = [*found, self._root]
        lists = []
        for certificate in found:
            if certificate.self_signed == "no":
                lists.append(
                    await asyncio.to_thread(
                        _list_of, certificate, self._timeout_seconds, inside=self.is_inside
                    )
                )
        ends = min(one.not_valid_after for one in chain)
        return Proof(tuple(one.dump() for one in chain), tuple(lists), ends)


def own_proof(chain: Sequence[bytes], *, timeout_seconds: float = 10) -> Proof:
    """Return what proves an operator's own seal for years: its chain and its revocation lists."""
    found = [asn1_x509.Certificate.load(der) for der in chain]
    lists = [
        _list_of(one, timeout_seconds, inside=True) for one in found if one.self_signed == "no"
    ]
    return Proof(tuple(chain), tuple(lists), min(one.not_valid_after for one in found))


def lists_of(token: bytes, *, inside: bool, timeout_seconds: float = 10) -> list[bytes]:
    """Return the revocation lists that a token's certificates name; `OSError` if one is not got.

    `inside`: the authority itself lies in the operator's network, so its lists may lie there too.
    """
    held = cms.ContentInfo.load(token)["content"]["certificates"]
    named = [one.chosen for one in held if one.chosen.crl_distribution_points]
    return [_list_of(one, timeout_seconds, inside=inside) for one in named]


def _list_of(certificate: asn1_x509.Certificate, timeout_seconds: float, *, inside: bool) -> bytes:
    """Fetch the revocation list a certificate names: without it nothing is proven later."""
    for point in certificate.crl_distribution_points:
        url = point.url
        if url and url.startswith(("https://", "http://")):
            answer = ask(url, most=LARGEST_LIST_BYTES, seconds=timeout_seconds, inside=inside)
            if answer.status != 200:
                raise NoTimeStamp(f"No revocation list was given: {answer.status}.")
            asn1_crl.CertificateList.load(answer.content, strict=True)
            return answer.content
    subject = certificate.subject.human_friendly
    raise NoTimeStamp(f"No revocation list is named for the certificate of {subject}.")


def time_stamper(source: KeyPair | TimeStamper, *, at: datetime) -> TimeStamper:
    """Give the time stamper to use: the local unit told the time, or the authority as it is."""
    return LocalTimeStamper(source, at=at) if isinstance(source, KeyPair) else source


def signer_of(pair: KeyPair | Signer, chain: list[KeyPair]) -> Signer:
    """Give pyHanko's signer for a key pair, with the certificates above it; a signer as it is."""
    if not isinstance(pair, KeyPair):
        return pair
    _, key = to_stored(pair)
    store = SimpleCertificateStore.from_certs([as_asn1(link) for link in chain])
    return SimpleSigner(
        signing_cert=as_asn1(pair),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=store,
        embed_roots=False,
    )


def as_asn1(pair: KeyPair) -> asn1_x509.Certificate:
    """Give the certificate in the form pyHanko reads."""
    return asn1_x509.Certificate.load(pair.certificate.public_bytes(serialization.Encoding.DER))
