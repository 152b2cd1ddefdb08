"""Time stamps (RFC 3161): the portal's own unit, or an authority reached by HTTP.

A local time stamp proves the order of acts inside the portal, not the time against its operator.
"""

from __future__ import annotations

import asyncio
import secrets
import urllib.request
from datetime import datetime

from asn1crypto import cms, core, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from portal.signing.certificates import TIME_STAMP_POLICY, KeyPair, to_stored

LARGEST_ANSWER_BYTES = 100_000


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

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Post the request; `OSError` when the authority gives no time stamp."""
        return await asyncio.to_thread(self._ask, req.dump())

    def _ask(self, query: bytes) -> tsp.TimeStampResp:
        request = urllib.request.Request(  # noqa: S310  the scheme is checked above
            self._url, data=query, headers={"Content-Type": "application/timestamp-query"}
        )
        with urllib.request.urlopen(request, timeout=self._timeout_seconds) as answer:  # noqa: S310
            if answer.headers.get_content_type() != "application/timestamp-reply":
                raise OSError("the time-stamp authority did not answer with a time stamp")
            return tsp.TimeStampResp.load(answer.read(LARGEST_ANSWER_BYTES))


def time_stamper(source: KeyPair | TimeStamper, *, at: datetime) -> TimeStamper:
    """Give the time stamper to use: the local unit told the time, or the authority as it is."""
    return LocalTimeStamper(source, at=at) if isinstance(source, KeyPair) else source


def signer_of(pair: KeyPair, chain: list[KeyPair]) -> SimpleSigner:
    """Give pyHanko's signer for a key pair, with the certificates above it."""
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
