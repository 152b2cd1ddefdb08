"""A portal served as `counterpart serve` does, with one process, that says what each answer cost.

Every answer carries `X-Cost`: microseconds of processor time in the server's thread, and how many
statements went to databases. `/bare` is a Flask page beside it, on the same server and database,
with one query and one small template.
"""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
THREAD = threading.local()


class Costs:
    """The middleware that measures."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, and say in a header what it took until the last byte was made."""
        THREAD.queries, begun, kept = 0, time.thread_time_ns(), []
        found = self.app(environ, lambda *words: kept.append(words))
        body = b"".join(found)
        status, headers, *rest = kept[0]
        cost = (time.thread_time_ns() - begun) // 1000
        start_response(status, [*headers, ("X-Cost", f"{cost} {THREAD.queries}")], *rest)
        return _Body([body], getattr(found, "close", lambda: None))


@dataclass
class _Body:
    """The body, and what is done once it was sent."""

    parts: list[bytes]
    close: Any

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)


def _count(*_: object) -> None:
    THREAD.queries = getattr(THREAD, "queries", 0) + 1


def measured() -> Any:
    """Return the portal with the bare page beside it; programs may ask as often as they like."""
    from flask import Flask, render_template_string
    from sqlalchemy import Engine, event, text
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    from portal.accounts import rules
    from portal.accounts.actions import limits
    from portal.accounts.rules import Limit
    from portal.app import create_app

    limits.LIMITS = {**rules.LIMITS, "api:read": (Limit(10**9, timedelta(minutes=1)),)}
    event.listen(Engine, "before_cursor_execute", _count)
    app, bare = create_app(), Flask("bare")
    engine = next(iter(app.extensions["regions"].databases.values())).engine

    @bare.get("/")
    def page() -> str:
        with engine.connect() as connection:
            ref = connection.scalar(text("SELECT id FROM contracts ORDER BY id LIMIT 1"))
        return render_template_string(
            "<!doctype html><title>{{ ref }}</title><p>{{ ref }}", ref=ref
        )

    return Costs(DispatcherMiddleware(app, {"/bare": bare}))


def serve(port: int) -> None:
    """Serve until stopped: gunicorn as `counterpart serve` sets it, with one process."""
    from portal.cli.running import Server

    class One(Server):
        def load(self) -> Any:
            return measured()

    from flask import Flask

    One(Flask("none"), host="127.0.0.1", port=port, processes=1).run()


@dataclass
class Answer:
    """One answer: status, body, location, and what it took."""

    status: int
    body: str
    location: str
    wall: float
    cpu: float
    queries: int


@dataclass
class Browser:
    """Asks the served portal as one person, over one connection."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def ask(self, method: str, path: str, body: str | None = None) -> Answer:
        """Send one request and return what came."""
        headers = dict(self.headers)
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://127.0.0.1:{self.port}",
            }
        begun = time.perf_counter()
        self.line.request(method, path, body, headers)
        answer = self.line.getresponse()
        text = answer.read().decode("utf-8", "replace")
        wall = time.perf_counter() - begun
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie" and value.startswith("form="):
                known = self.headers["Cookie"].partition("; form=")[0]
                self.headers["Cookie"] = f"{known}; {value.partition(';')[0]}"
        cpu, queries = (answer.headers.get("X-Cost") or "0 0").split()
        location = answer.headers.get("Location", "")
        return Answer(answer.status, text, location, wall, int(cpu) / 1e6, int(queries))


@dataclass
class Served:
    """A running server: its port, and how much memory its process held at most."""

    port: int
    process: Any

    @property
    def worker(self) -> int:
        """The process that answers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0])

    @property
    def peak(self) -> float:
        """The most memory the answering process held, in megabytes."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def running(home: Path, port: int) -> Iterator[Served]:
    """Serve a home in a process of its own until the end."""
    environ = {**os.environ, "COUNTERPART_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, __file__, str(port)], env=environ, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        _await(port, process)
        yield Served(port, process)
    finally:
        process.terminate()
        process.wait(60)


def _await(port: int, process: Any) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise RuntimeError("the server did not start")
        try:
            if Browser(port).ask("GET", "/livez").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    serve(int(sys.argv[1]))
