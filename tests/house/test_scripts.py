"""What `scripts/test` and `scripts/run` answer, with other words for what they call."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def said_by(script: Path, text: str) -> None:
    """Write `text` as a shell script in the place of `script`."""
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)


@pytest.mark.parametrize(
    ("tests", "checks", "answer"),
    [
        ("sleep 0.2", "exit 0", 0),  # the checks end first, as in every whole run
        ("exit 0", "sleep 0.2", 0),
        ("exit 1", "exit 0", 1),
        ("exit 5", "sleep 0.2", 5),
        ("sleep 0.2", "echo out of line; exit 1", 1),
        ("exit 1", "sleep 0.2; exit 1", 1),
    ],
)
@pytest.mark.parametrize("called", ["scripts/test", ".ci/run"])
def test_a_run_answers_for_its_tests_and_its_checks_and_for_nothing_else(
    tmp_path: Path, called: str, tests: str, checks: str, answer: int
) -> None:
    for real in ("scripts/test", ".ci/run"):
        (tmp_path / real).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / real, tmp_path / real)
    said_by(tmp_path / "scripts/setup", "exit 0")
    said_by(tmp_path / "scripts/check", checks)
    said_by(tmp_path / ".venv/bin/pytest", tests)
    (tmp_path / "tmp").mkdir()
    run = subprocess.run(
        [tmp_path / called],
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == answer, run.stderr
    assert ("out of line" in run.stdout) == ("out of line" in checks)
    assert not list((tmp_path / "tmp").iterdir())


def started(tmp_path: Path, serve: str) -> subprocess.Popen[str]:
    """Start `scripts/run`; what stands for worker and server note when they begin and end."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/run", tmp_path / "scripts/run")
    said_by(tmp_path / "scripts/setup", "exit 0")
    rests = "trap 'touch $1.ended; kill $!; exit 0' TERM; sleep 300 & touch $1.begun; wait"
    said_by(
        tmp_path / ".venv/bin/counterpart",
        f'case "$1" in work) {rests};; serve) {serve or rests};; esac',
    )
    # Whoever runs the tests in the background hands on that an interrupt is ignored.
    return subprocess.Popen(
        ["env", "--default-signal=INT", tmp_path / "scripts/run"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(("sent", "answer"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_stops_the_run_stops_server_and_worker(
    tmp_path: Path, sent: signal.Signals, answer: int
) -> None:
    with started(tmp_path, "") as run:
        patience = time.monotonic() + 120
        while not all((tmp_path / f"{one}.begun").exists() for one in ("work", "serve")):
            assert time.monotonic() < patience
            time.sleep(0.01)
        run.send_signal(sent)
        assert run.wait(120) == answer
    assert {one.name for one in tmp_path.glob("*.ended")} == {"work.ended", "serve.ended"}


def test_a_server_that_does_not_start_ends_the_run_and_its_worker(tmp_path: Path) -> None:
    begun = "until [ -e work.begun ]; do sleep 0.01; done; exit 3"
    with started(tmp_path, begun) as run:
        assert run.wait(120) == 3
    assert (tmp_path / "work.ended").exists()
