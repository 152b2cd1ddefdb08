"""One POST to the one address that was looked up and checked (`kit.outward`), told in words.

A redirect is an answer like any other: nothing is followed.
"""

import http.client
import ssl
import time
from dataclasses import dataclass

from portal.kit.outward import Resolve, alarm_after, connected, is_public, resolve
from portal.kit.words import say
from portal.webhooks.rules import TIMEOUT, Address

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
        connection = connected(
            address.host, address.port, pinned(address, look_up), tls=address.tls, trust=trust,
            timeout=timeout,
        )  # fmt: skip
    except NotSent as error:
        return answer(None, str(error))
    except (OSError, ssl.SSLError) as error:
        return answer(None, _words(error))
    alarm = alarm_after(timeout - (time.monotonic() - began), connection)
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
