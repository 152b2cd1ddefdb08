"""A time-stamp authority on loopback (RFC 3161) with a root of its own; it can misbehave."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = timedelta(days=365)


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Issuer:
    """A root of somebody else: issues certificates that name a revocation list on loopback."""

    name: str
    at: datetime
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        self.certificate = self._built(
            name_of(self.name), self.key, self.at - YEAR, self.at + 30 * YEAR
        ).add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True).add_extension(
            usage("key_cert_sign", "crl_sign"), critical=True
        ).sign(self.key, hashes.SHA256())  # fmt: skip

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def _built(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(name_of(self.name))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
        )  # fmt: skip

    def issue(
        self, name: str, *, crl: str | None, ends: datetime, purpose: x509.ObjectIdentifier
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Issue a certificate for one purpose; `crl` is where its revocation list is."""
        key = ec.generate_private_key(ec.SECP256R1())
        stamps = purpose == ExtendedKeyUsageOID.TIME_STAMPING
        builder = (
            self._built(name_of(name), key, self.at - YEAR, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage("digital_signature", "content_commitment"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=stamps)
        )
        if crl is not None:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return builder.sign(self.key, hashes.SHA256()), key

    def revocation_list(self, *revoked: int) -> bytes:
        """Give a list that revokes these serial numbers or nothing, good for ten years."""
        rows = [
            x509.RevokedCertificateBuilder().serial_number(one)
            .revocation_date(self.at - timedelta(minutes=2)).build()
            for one in revoked
        ]  # fmt: skip
        made = (
            x509.CertificateRevocationListBuilder(revoked_certificates=rows).issuer_name(name_of(self.name))
            .last_update(self.at - timedelta(minutes=1)).next_update(self.at + 10 * YEAR)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
            .add_extension(x509.CRLNumber(1), False)
            .sign(self.key, hashes.SHA256())
        )  # fmt: skip
        return made.public_bytes(serialization.Encoding.DER)


def usage(*uses: str) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in uses for name in names})


@dataclass
class Server:
    """What the loopback server answers; `fault` names how it misbehaves."""

    issuer: Issuer
    url: str = ""
    fault: str = ""
    asked: int = 0
    come_back: Callable[[], None] = lambda: None

    @property
    def crl_url(self) -> str:
        return f"{self.url}/list.crl"

    def answer(self, query: bytes) -> bytes:
        """Answer a time-stamp query as the fault says."""
        self.asked += 1
        request = tsp.TimeStampReq.load(query)
        if self.fault == "refuses":
            return bytes(tsp.TimeStampResp({"status": {"status": "rejection"}}).dump())
        now = datetime.now(UTC).replace(microsecond=0)
        imprint = request["message_imprint"].copy()
        if self.fault == "another imprint":
            imprint["hashed_message"] = b"\x01" * 32
        info = {
            "version": "v1",
            "policy": "1.2.3.4.1",
            "message_imprint": imprint,
            "serial_number": self.asked,
            "gen_time": now + (timedelta(minutes=10) if self.fault == "clock" else timedelta()),
            "nonce": 12345 if self.fault == "another nonce" else request["nonce"].native,
        }
        return bytes(
            tsp.TimeStampResp(
                {"status": {"status": "granted"}, "time_stamp_token": self._token(info)}
            ).dump()
        )

    def _token(self, info: dict[str, object]) -> cms.ContentInfo:
        ends = self.issuer.at + 2 * YEAR
        if self.fault == "expired":
            ends = self.issuer.at - timedelta(days=1)
        signer = self.issuer
        if self.fault == "foreign":
            signer = Issuer("Somebody else", self.issuer.at)
        certificate, key = signer.issue(
            "Stamps of the test", crl=None if self.fault == "no list" else self.crl_url, ends=ends,
            purpose=ExtendedKeyUsageOID.TIME_STAMPING,
        )  # fmt: skip
        der = certificate.public_bytes(serialization.Encoding.DER)
        content = tsp.TSTInfo(info).dump()
        loaded = asn1_x509.Certificate.load(der)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(content)
        own = hashes.Hash(hashes.SHA256())
        own.update(der)
        named = tsp.SigningCertificateV2({"certs": [{"cert_hash": own.finalize()}]})
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [digest.finalize()]}),
                cms.CMSAttribute(
                    {
                        "type": "signing_certificate_v2",
                        "values": [named],
                    }
                ),
            ]
        )  # fmt: skip
        signature = key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        signer_info = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    {
                        "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                            {"issuer": loaded.issuer, "serial_number": loaded.serial_number}
                        )
                    }
                ),
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                "signature": signature,
            }
        )
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(content),
                },
                "certificates": [cms.CertificateChoices("certificate", loaded)],
                "signer_infos": [signer_info],
            }
        )
        return cms.ContentInfo({"content_type": "signed_data", "content": signed})


@contextmanager
def serving(fault: str = "", *, away: bool = False) -> Iterator[Server]:
    """Run the authority on a free port of loopback while the block runs.

    One that is `away` refuses every connection until it is told to come back.
    """
    server = Server(Issuer("Root of a time-stamp authority", datetime.now(UTC)), fault=fault)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if server.fault == "slow":
                time.sleep(1.5)
            if server.fault == "broken":
                self._send(b"<html>", "text/html")
            else:
                self._send(server.answer(query), "application/timestamp-reply")

        def do_GET(self) -> None:
            if server.fault == "list gone":
                self.send_error(404)
                return
            self._send(server.issuer.revocation_list(), "application/pkix-crl")

        def _send(self, content: bytes, kind: str) -> None:
            try:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the test reads what counts."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    http.server_bind()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)

    def come_back() -> None:
        http.server_activate()
        thread.start()

    server.come_back = come_back
    if not away:
        come_back()
    try:
        yield server
    finally:
        if thread.ident is not None:
            http.shutdown()
            thread.join()
        http.server_close()


def root_file(server: Server, folder: Path) -> Path:
    """Write the authority's root where the settings can name it."""
    path = folder / f"root-{server.url.rsplit(':', 1)[1]}.pem"
    path.write_bytes(server.issuer.pem)
    return path
