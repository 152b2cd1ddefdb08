"""A real OpenID provider on loopback, in a process of its own, and a person's browser at it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import requests

PATIENCE = 240  # s


@contextmanager
def serving(port: int) -> Iterator[str]:
    """Run the provider and yield its issuer; what its library warns of is not ours."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until:
            try:
                requests.get(address, timeout=5).close()
                break
            except requests.RequestException:
                assert process.poll() is None
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def keep(address: str, subject: str, **claims: object) -> None:
    """Give an account at the provider its claims; they go into every token as they are."""
    requests.put(f"{address}/users/{subject}", json=claims, timeout=5).raise_for_status()


def agree(way_there: str, subject: str) -> str:
    """Say yes at the provider as one of its accounts; return the way back, with its code."""
    answer = requests.post(way_there, data={"sub": subject}, allow_redirects=False, timeout=5)
    assert answer.status_code in {302, 303}, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def asked(way_there: str) -> dict[str, str]:
    """Return what the portal asks the provider."""
    return {name: values[0] for name, values in parse_qs(urlsplit(way_there).query).items()}
