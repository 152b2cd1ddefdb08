"""Where a webhook may be sent: 300 ways to name a place inside, and none gets through."""

import ipaddress
import socket
from collections.abc import Iterator

import pytest

from portal.kit.errors import Refused
from portal.kit.outward import is_public
from portal.webhooks import rules
from portal.webhooks.http_client import NotSent, pinned, post

INSIDE = [
    "127.0.0.1", "127.8.9.1", "10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.1",
    "192.168.0.1", "192.168.255.254", "169.254.169.254", "169.254.0.1", "100.64.0.1", "0.0.0.0",
    "0.1.2.3", "192.0.0.1", "192.0.2.7", "198.18.0.1", "198.51.100.4", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
INSIDE_V6 = [
    "::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "fec0::1",
    "64:ff9b:1::1", "100::1", "2002:7f00:1::", "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip


def notations() -> Iterator[str]:
    """Write each address in every way a resolver or a library may take it."""
    for text in INSIDE:
        whole = int(ipaddress.IPv4Address(text))
        a, b, c, d = (whole >> shift & 255 for shift in (24, 16, 8, 0))
        yield from (
            text, f"{whole}", f"0x{whole:08x}", f"0{whole:o}", f"{a}.{b}.{(c << 8) + d}",
            f"{a}.{(b << 16) + (c << 8) + d}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
            f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"[::ffff:{text}]",
            f"[::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}]",
            f"[64:ff9b::{text}]", f"[::{text}]", f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]",
        )  # fmt: skip
    for text in INSIDE_V6:
        yield f"[{text}]"
        yield f"[{ipaddress.IPv6Address(text).exploded}]"


CASES = list(notations())


def numeric(host: str, port: int) -> list[str]:
    """Look a number up as the system does, and no name: the tests ask no name server."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except OSError:
        raise NotSent("the name is not known") from None
    return [str(row[4][0]) for row in found]


def test_there_are_three_hundred_of_them() -> None:
    assert len(set(CASES)) >= 300


@pytest.mark.parametrize("host", CASES)
def test_no_notation_of_a_place_inside_gets_through(host: str) -> None:
    try:
        address = rules.read_address(f"https://{host}/hook")
    except Refused:
        return
    answer = post(address, {}, b"{}", look_up=numeric, timeout=0.2)
    assert answer.status is None
    assert answer.problem in {
        "the address is not in the open internet", "the name is not known",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_the_open_internet_is_open(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://crm.example/", "ftp://crm.example/", "https://", "https:///x", "crm.example",
        "https://user@crm.example/", "https://user:x@crm.example/", "https://crm.example/#x",
        "https://crm.example:22/", "https://crm.example:5432/", "https://crm.example:0/",
        "https://crm.example:99999/", "https://crm.example\\@evil.example/", "https://a b/",
        "https://crm.example/\r\nX: y", "https://①②⑦.⓪.⓪.①/", "https://crm。example/", "file:///etc",
        "gopher://crm.example/", "https://" + "a" * 600, "javascript:alert(1)",
    ],
)  # fmt: skip
def test_an_address_that_is_no_plain_https_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        rules.read_address(text)


def test_a_host_the_operator_named_may_be_inside_and_no_other() -> None:
    inside = {"crm.internal:8080"}
    assert rules.read_address("http://crm.internal:8080/x", inside=inside).inside
    for other in ("http://crm.internal/x", "http://crm.internal:8081/x", "http://other:8080/"):
        with pytest.raises(Refused):
            rules.read_address(other, inside=inside)


def test_a_name_with_one_address_inside_is_refused_whole() -> None:
    address = rules.read_address("https://crm.example/")
    for found in (["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::1", "1.1.1.1"], []):
        with pytest.raises(NotSent):
            pinned(address, lambda host, port, found=found: found)


def test_a_name_that_changes_between_check_and_connect_changes_nothing() -> None:
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["1.1.1.1"] if len(asked) == 1 else ["127.0.0.1"]

    address = rules.read_address("https://crm.example/")
    assert pinned(address, look_up) == "1.1.1.1" and asked == ["crm.example"]
    assert post(address, {}, b"{}", look_up=look_up).problem == (
        "the address is not in the open internet"
    )
