"""What `scripts/test` answers, asked of the script itself with other words for what it calls."""

import os
import shutil
import subprocess
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
