"""One POST over http.client, to the one address that was looked up and checked.

The name is resolved once; every address it has must lie in the open internet; the connection goes
to the first of them and to no other, so a name that changes its mind between check and connect
changes nothing. A redirect is an answer like any other: nothing is followed.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Timer

from portal.kit.words import say
from portal.webhooks.rules import TIMEOUT, Address, is_public

Resolve = Callable[[str, int], list[str]]
MOST_READ = 2_000


@dataclass(frozen=True)
class Answer:
    """What came of one try: a status, or why there was none; and how long it took."""

    status: int | None
    problem: str | None
    milliseconds: int

    @property
    def good(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


class NotSent(Exception):
    """Nothing was sent; the message says why, in a few words."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSent(say("the name is not known")) from None
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def pinned(address: Address, look_up: Resolve = resolve) -> str:
    """Return the one IP address to connect to; `NotSent` where any of the name's is not open."""
    found = look_up(address.host, address.port)
    if not found:
        raise NotSent(say("the name is not known"))
    if not address.inside and not all(map(is_public, found)):
        raise NotSent(say("the address is not in the open internet"))
    return found[0]


def post(
    address: Address, headers: dict[str, str], body: bytes, *, look_up: Resolve = resolve,
    trust: ssl.SSLContext | None = None, timeout: float = TIMEOUT.total_seconds(),
) -> Answer:  # fmt: skip
    """Send once and return the answer; it never raises, and never takes longer than the timeout."""
    began = time.monotonic()

    def answer(status: int | None, problem: str | None) -> Answer:
        return Answer(status, problem, int((time.monotonic() - began) * 1000))

    try:
        connection = _connected(address, pinned(address, look_up), trust, timeout)
    except NotSent as error:
        return answer(None, str(error))
    except (OSError, ssl.SSLError) as error:
        return answer(None, _words(error))
    # Each read has the timeout for itself; this one ends them all together.
    alarm = Timer(max(0.01, timeout - (time.monotonic() - began)), _shut, [connection])
    alarm.start()
    try:
        connection.request("POST", address.path, body, {**headers, "Host": address.authority})
        response = connection.getresponse()
        response.read(MOST_READ)
        return answer(response.status, None)
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        late = time.monotonic() - began >= timeout
        return answer(None, say("no answer in time") if late else _words(error))
    finally:
        alarm.cancel()
        connection.close()


def _connected(
    address: Address, ip: str, trust: ssl.SSLContext | None, timeout: float
) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=timeout)
    plain = socket.create_connection((ip, address.port), timeout=timeout)
    connection.sock = plain
    if address.tls:
        context = trust or ssl.create_default_context()
        try:
            connection.sock = context.wrap_socket(plain, server_hostname=address.host)
        except BaseException:
            plain.close()
            raise
    return connection


def _shut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _words(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return say("the certificate is not trusted")
        case ssl.SSLError():
            return say("no secure connection")
        case TimeoutError():
            return say("no answer in time")
        case ConnectionRefusedError():
            return say("the connection was refused")
    return say("the connection broke")
