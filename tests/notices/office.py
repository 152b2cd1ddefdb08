"""A real SMTP server on loopback, with STARTTLS, that answers as a test's script says."""

import asyncio
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
# What a script may say of a mail: an answer of the server, or one of these.
DROP, TAKE_AND_DROP, SLOW = "drop", "take and drop", "slow"


@dataclass
class Office:
    """What arrived, and what to answer next; `pause` is how long each mail takes."""

    port: int
    certificate: Path
    script: list[str] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    pause: float = 0
    slow: float = 30
    taken: list[Message] = field(default_factory=list)
    plain: int = 0
    come_back: Callable[[], None] = lambda: None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        envelope.rcpt_tos.append(address)
        return self.rcpt.get(address, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail, or do as the script says."""
        said = self.script.pop(0) if self.script else "250 OK"
        self.plain += session.ssl is None
        if said == SLOW:
            await asyncio.sleep(self.slow)
            return "451 too late"
        if self.pause:
            await asyncio.sleep(self.pause)
        if said in (TAKE_AND_DROP, "250 OK"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.taken.append(message_from_bytes(content, policy=default))
        if said in (DROP, TAKE_AND_DROP):
            assert server.transport is not None
            server.transport.abort()
        return said

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(str(mail["Message-ID"]) for mail in self.taken)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now().astimezone()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = (folder / "server.pem", folder / "server.key")
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    return paths


class _Counter(Controller):
    """Serves at a door that was there before: nobody else can take its port meanwhile."""

    def __init__(self, office: Office, door: socket.socket, **words: Any) -> None:
        super().__init__(office, hostname=HOST, port=office.port, **words)
        self.door = door

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.door)


@contextmanager
def opened(folder: Path, *, tls: bool = True, away: bool = False) -> Iterator[Office]:
    """Serve SMTP until the end of the block; with `tls` it takes no mail before STARTTLS.

    One that is `away` refuses every connection until it is told to come back.
    """
    certificate, key = make_certificate(folder)
    with socket.socket() as door:
        door.bind((HOST, 0))
        office = Office(int(door.getsockname()[1]), certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        words: dict[str, Any] = {"tls_context": context, "require_starttls": True} if tls else {}
        counters: list[_Counter] = []

        def come_back() -> None:
            counters.append(_Counter(office, door, **words))
            counters[0].start()

        office.come_back = come_back
        if not away:
            come_back()
        try:
            yield office
        finally:
            for counter in counters:
                counter.stop()


@contextmanager
def dripping() -> Iterator[int]:
    """Serve something that greets one byte at a time and never ends; yield its port."""
    import threading

    server = socket.create_server((HOST, 0))
    stop = threading.Event()

    def drip() -> None:
        server.settimeout(0.1)
        while not stop.is_set():
            try:
                client, _ = server.accept()
            except TimeoutError:
                continue
            with client:
                try:
                    while not stop.wait(0.05):
                        client.sendall(b"2")
                except OSError:
                    pass

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        stop.set()
        thread.join()
        server.close()


@dataclass
class Hand:
    """A clock a test moves."""

    at: datetime

    def now(self) -> datetime:
        """Return the test's instant."""
        return self.at

    def on(self, **later: float) -> None:
        """Let time pass."""
        self.at += timedelta(**later)


Now = Callable[[], datetime]
