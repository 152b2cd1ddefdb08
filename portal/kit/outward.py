"""One request over http.client to one address outside, which was looked up once and checked.

The name is resolved once, every address it has is judged, and the connection goes to the first of
them and to no other: a name that changes its mind between check and connect changes nothing. No
redirect is followed and no proxy of the environment asked. Answer and time are bounded, also where
a server sends a byte now and then.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Timer
from urllib.parse import urlsplit

Resolve = Callable[[str, int], list[str]]


class NotAsked(OSError):
    """Nothing was asked, or nothing came that can be used; the message says why, in few words."""


@dataclass(frozen=True)
class Reply:
    """What a server answered, and at which address it was."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    ip: str


def is_public(text: str) -> bool:
    """Return whether an address lies in the open internet, also the one it may lead on to."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return _is_open(found)
    inner = _embedded(found)
    return all(map(_is_open, inner)) and (found in _NAT64 or _is_open(found))


def is_askable_inside(text: str) -> bool:
    """Return whether an address may be asked where the operator named the host.

    Their own network may; not what answers a machine about itself (169.254.169.254 and its kin).
    """
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = _embedded(found) if isinstance(found, ipaddress.IPv6Address) else []
    return not any(
        one.is_link_local or one.is_multicast or one.is_unspecified
        for one in (found, *inner)
        if not one.is_loopback
    )


def _is_open(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    local = isinstance(found, ipaddress.IPv6Address) and found.is_site_local
    return found.is_global and not (found.is_multicast or found.is_reserved or local)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _embedded(found: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address leads to."""
    inner = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
    if found in _NAT64 or 1 < int(found) < 1 << 32:
        inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return [one for one in inner if one is not None]


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name; none where it is not known."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def connected(
    host: str, port: int, ip: str, *, tls: bool, timeout: float, trust: ssl.SSLContext | None = None
) -> http.client.HTTPConnection:
    """Return a connection to this very address; the certificate is held against the name."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    plain = socket.create_connection((ip, port), timeout=timeout)
    connection.sock = plain
    if tls:
        context = trust or ssl.create_default_context()
        try:
            connection.sock = context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
    return connection


def alarm_after(seconds: float, connection: http.client.HTTPConnection) -> Timer:
    """Begin to wait; when the time is over the connection is shut, whatever it is at.

    Each read has the timeout for itself; this one ends them all together.
    """
    alarm = Timer(max(0.01, seconds), _shut, [connection])
    alarm.start()
    return alarm


def _shut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def ask(
    url: str, *, most: int, seconds: float, inside: bool, method: str = "GET",
    body: bytes | str | None = None, headers: Mapping[str, str] | None = None,
    look_up: Resolve = resolve,
) -> Reply:  # fmt: skip
    """Ask once and return the answer, of at most `most` bytes in `seconds`; or raise `NotAsked`.

    `inside`: the operator named this host, so it may lie in their own network.
    """
    began = time.monotonic()
    host, port, path, tls = _taken_apart(url)
    found, judge = look_up(host, port), is_askable_inside if inside else is_public
    if not found:
        raise NotAsked("the name is not known")
    if not all(map(judge, found)):
        raise NotAsked("the address is not one that may be asked")
    try:
        connection = connected(host, port, found[0], tls=tls, timeout=seconds)
    except OSError as error:
        raise NotAsked(f"not reached: {type(error).__name__}") from error
    named = f"[{host}]" if ":" in host else host
    usual = port == (443 if tls else 80)
    sent = {name: one for name, one in (headers or {}).items() if name.lower() != "host"}
    sent |= {"Host": named if usual else f"{named}:{port}", "Accept-Encoding": "identity"}
    alarm = alarm_after(seconds - (time.monotonic() - began), connection)
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        content = answer.read(most + 1)
        told = dict(answer.getheaders())
        if alarm.finished.is_set() or (answer.length and len(content) <= most):
            raise NotAsked("the answer was not whole in time")
    except NotAsked:
        raise
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        raise NotAsked(f"the connection broke: {type(error).__name__}") from error
    finally:
        alarm.cancel()
        connection.close()
    if len(content) > most:
        raise NotAsked("the answer is larger than it should be")
    return Reply(answer.status, told, content, found[0])


def _taken_apart(url: str) -> tuple[str, int, str, bool]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAsked("not an address") from error
    host, tls = (parts.hostname or "").rstrip("."), parts.scheme == "https"
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if parts.scheme not in ("http", "https") or not host or not plain or parts.username is not None:
        raise NotAsked("not an address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port or (443 if tls else 80), path, tls
