"""A door before a server on loopback, which can be shut, slow, or lose an answer."""

import select
import socket
import threading
from contextlib import suppress


class Door:
    """A door before a server: open; shut (no one answers); slow (no answer comes); deaf (what is
    asked is done, and the answer is lost); or giving (it gives files and takes none).
    It remembers what was asked."""

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
                    (server if one is caller else caller).sendall(said)
        for one in (caller, server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
