"""The tests’ own PostgreSQL server: it is gone when whoever started it is, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster import PREFIX, clear_leftovers

ROOT = Path(__file__).parents[2]
START = "from tests.cluster import Cluster; print(Cluster().folder, flush=True); input()"


@pytest.mark.slow
@pytest.mark.postgres
def test_a_server_ends_with_the_process_that_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(process.pid, signal.SIGKILL)
    patience = time.monotonic() + 120
    while folder.exists() or Path("/proc", str(server)).exists():
        assert time.monotonic() < patience, "the server outlived its process"
        time.sleep(0.05)


def test_what_a_dead_process_left_is_removed_and_nothing_of_a_living_one(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, living = (tmp_path / f"{PREFIX}{pid}-x" for pid in (gone.pid, os.getpid()))
    for folder in (left, living):
        (folder / "data").mkdir(parents=True)
        # A number that names a process which is no server of this folder is left alone.
        (folder / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    clear_leftovers(tmp_path)
    assert not left.exists() and living.exists()
