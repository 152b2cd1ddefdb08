"""`counterpart serve` as an operator starts it: it tries a signature first, then answers."""

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from portal.signing.keys import PAIRS_FILE
from tests.command import beside
from tests.journeys.conftest import PATIENCE, environment, free_port, wait_for

pytestmark = pytest.mark.slow


def serve(home: Path, *words: str) -> "subprocess.Popen[str]":
    """Start the command over a home."""
    return subprocess.Popen(
        beside(Path(sys.executable).with_name("counterpart"), "serve", *words),
        env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def children(pid: int) -> int:
    """Count the processes a process started."""
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_it_tries_a_signature_serves_with_two_processes_and_stops_when_told(home: Path) -> None:
    port = free_port()
    process = serve(home, "--port", str(port))
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        assert children(process.pid) == 2
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert said.index("signing works") < said.index(f"Serving http://127.0.0.1:{port}")


def test_a_host_that_cannot_sign_says_why_and_serves_nothing(home: Path) -> None:
    (home / "keys" / PAIRS_FILE).write_text("{}")
    process = serve(home, "--port", str(free_port()))
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "The self-test of signing failed" in said
    assert "Traceback" not in said and "Serving" not in said
