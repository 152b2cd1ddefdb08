"""A door before a server on loopback, which can be shut, slow, or lose an answer."""

import re
import select
import socket
import threading
from contextlib import suppress

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
ANSWERS = {
    "full": b"HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "busy": b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(SLOW_DOWN), SLOW_DOWN),
}


def _hear_out(caller: socket.socket, said: bytes) -> None:
    """Read the rest of a request, so that its answer is heard."""
    head, _, body = said.partition(b"\r\n\r\n")
    named = re.search(rb"(?i)content-length: *([0-9]+)", head)
    left = int(named[1]) - len(body) if named else 0
    while left > 0:
        more = caller.recv(65536)
        if not more:
            return
        left -= len(more)


class Door:
    """A door before a server: open; shut (no one answers); slow (no answer comes); deaf (what is
    asked is done, and the answer is lost); giving (it gives files and takes none); or full, or
    busy, as a server itself says that it takes no file now. It remembers what was asked."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self.behind, self.manner = (host, int(port)), "open"
        self.ear = socket.create_server(("127.0.0.1", 0))
        self.held: list[socket.socket] = []
        self.heard = bytearray()
        self.keeper = threading.Thread(target=self._keep)
        self.keeper.start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.ear.getsockname()[1]}"

    def set(self, manner: str) -> None:
        """Change its manner; whoever is on the way now is cut off."""
        self.manner = manner
        for one in self.held:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let nobody in any more."""
        self.set("shut")
        with suppress(OSError):
            self.ear.shutdown(socket.SHUT_RDWR)
        self.keeper.join()
        self.ear.close()
        for one in self.held:
            one.close()

    def _keep(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self.ear.accept()
                self.held.append(caller)
                if self.manner == "shut":
                    caller.close()
                elif self.manner != "slow":
                    threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        server = socket.create_connection(self.behind)
        self.held.append(server)
        with suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([caller, server], [], [])
                for one in ready:
                    said = one.recv(65536)
                    lost = one is server and self.manner == "deaf"
                    if not said or lost or (self.manner == "giving" and said.startswith(b"PUT")):
                        raise OSError
                    if one is caller:
                        self.heard += said
                        if self.manner in ANSWERS and said.startswith(b"PUT"):
                            _hear_out(caller, said)
                            caller.sendall(ANSWERS[self.manner])
                            raise OSError
                    (server if one is caller else caller).sendall(said)
        for one in (caller, server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
