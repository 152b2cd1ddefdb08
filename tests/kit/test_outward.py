"""Asking outside: which places, how much, how long, and where an answer may not lead."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from portal.kit.outward import NotAsked, ask, is_askable_inside, is_public
from tests.webhooks.test_guard import CASES, INSIDE, numeric

JSON = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def answering(*said: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve each of these bytes to one visitor, then hang; yield the address and what was asked."""
    ear, asked, held = socket.create_server(("127.0.0.1", 0)), [], []

    def serve() -> None:
        for one in said:
            caller, _ = ear.accept()
            held.append(caller)
            asked.append(caller.recv(65536))
            caller.sendall(one)

    keeper = threading.Thread(target=serve, daemon=True)
    keeper.start()
    try:
        yield f"http://127.0.0.1:{ear.getsockname()[1]}", asked
    finally:
        ear.close()
        for one in held:
            one.close()


def look(*found: str) -> Callable[[str, int], list[str]]:
    return lambda host, port: list(found)


def test_no_notation_of_a_place_inside_is_asked_where_nobody_named_it() -> None:
    refused = 0
    for host in CASES:
        with pytest.raises(NotAsked) as no:
            ask(f"https://{host}/", most=10, seconds=0.2, inside=False, look_up=numeric_or_none)
        refused += str(no.value) in {
            "the address is not one that may be asked", "the name is not known", "not an address",
        }  # fmt: skip
    assert refused == len(CASES) > 300


def numeric_or_none(host: str, port: int) -> list[str]:
    try:
        return numeric(host, port)
    except Exception:
        return []


def test_what_tells_a_machine_about_itself_is_never_asked() -> None:
    for text in ("169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "::",
                 "224.0.0.1", "2002:a9fe:a9fe::1", "x"):  # fmt: skip
        assert not is_askable_inside(text), text
        with pytest.raises(NotAsked, match="may be asked"):
            ask("http://idp.example/", most=10, seconds=1, inside=True, look_up=look(text))
    for text in ("10.0.0.1", "192.168.1.9", "127.0.0.1", "::1", "fd12::1", "1.1.1.1"):
        assert is_askable_inside(text), text
    assert not any(map(is_public, INSIDE))


def test_one_address_inside_among_others_is_enough_to_refuse() -> None:
    with pytest.raises(NotAsked, match="may be asked"):
        ask("https://x.example/", most=9, seconds=1, inside=False, look_up=look("1.1.1.1", "::1"))
    with pytest.raises(NotAsked, match="not known"):
        ask("https://x.example/", most=9, seconds=1, inside=False, look_up=look())


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://x.example/", "http://", "http://u:p@x.example/", "//x.example/",
     "http://x.example\\@y.example/", "http://x.example/\r\nX: y", "http://x.example:port/",
     "http://ü.example/"],
)  # fmt: skip
def test_what_is_no_plain_address_is_not_looked_up(url: str) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    with pytest.raises(NotAsked, match="not an address"):
        ask(url, most=10, seconds=1, inside=True, look_up=never)


def test_the_connection_goes_to_the_address_that_was_judged_under_the_name() -> None:
    with answering(JSON) as (address, asked):
        port = address.rpartition(":")[2]
        url = f"http://idp.example:{port}/x?y=1"
        reply = ask(url, most=10, seconds=60, inside=True, look_up=look("127.0.0.1"))
        assert (reply.status, reply.content, reply.ip) == (200, b"{}", "127.0.0.1")
        assert (
            b"GET /x?y=1 HTTP/1.1" in asked[0] and f"Host: idp.example:{port}".encode() in asked[0]
        )


def test_a_redirect_is_an_answer_and_an_endless_or_silent_server_an_end() -> None:
    there = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"x" * 99
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx"
    with answering(there, large, b"no HTTP\r\n\r\n", cut) as (address, asked):
        assert ask(address, most=10, seconds=60, inside=True).status == 302
        with pytest.raises(NotAsked, match="larger"):
            ask(address, most=10, seconds=60, inside=True)
        with pytest.raises(NotAsked, match="broke"):
            ask(address, most=10, seconds=60, inside=True)
        with pytest.raises(NotAsked, match=r"broke|whole"):  # it never sends the rest: time ends it
            ask(address, most=99, seconds=0.3, inside=True)
        assert len(asked) >= 3
