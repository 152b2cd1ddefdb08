"""Counts and durations for Prometheus. Labels name what was asked for, never by whom or of what.

Several processes share their counts through files of one folder, which `prepare` names before
the library is loaded.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import current_app, has_app_context

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def prepare(folder: Path, *, empty: bool) -> None:
    """Let the processes started from here share their counts in a folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if empty:
        for path in folder.glob("*.db"):
            path.unlink()
    os.environ[FOLDER] = str(folder)


@contextmanager
def appending() -> Iterator[None]:
    """Time one entry of the log, where an app counts."""
    began = time.perf_counter()
    yield
    counts = current_app.extensions.get("counts") if has_app_context() else None
    if counts is not None:
        counts.appends.observe(time.perf_counter() - began)


class Counts:
    """What the web processes count. Loaded when the app is made, after `prepare`."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        registry = self.registry = CollectorRegistry()
        self.durations = Histogram(
            "http_request_duration_seconds", "How long an answer took", ["method", "endpoint"],
            registry=registry, buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )  # fmt: skip
        self.answers = Counter(
            "http_answers", "Answers by their kind", ["status"], registry=registry
        )
        self.signs = Counter("sign", "Acts of signing, by outcome", ["outcome"], registry=registry)
        self.codes = Counter("totp_fail", "Codes that did not count", registry=registry)
        self.denied = Counter("authz_denied", "Answers 403", registry=registry)
        self.appends = Histogram(
            "audit_append_seconds", "How long an entry of the log took", registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        )  # fmt: skip

    def note(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.durations.labels(method, endpoint).observe(seconds)
        self.answers.labels(f"{status // 100}xx").inc()
        if status == 403:
            self.denied.inc()
        if method != "POST":
            return
        if endpoint == "signing.add_signature":
            self.signs.labels("signed" if status == 303 else f"{status // 100}xx").inc()
        if endpoint == "accounts.give_code" and status in {422, 429}:
            self.codes.inc()
