"""A backup of 10,000 contracts, put back into an empty home and verified.

Contracts are copies of really signed ones (`copies`), each with a chain of its own and a file for
every document; the files are 24 kB of noise instead of deeds of about 1.3 MB, so that a disk holds
them, and their hashes are true. Prints seconds of processor and wall for each step, and how
that compares with fifteen minutes. CONTRACTS=1000 sets the count.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

import homes  # noqa: E402

COUNT, BYTES, GOAL = int(os.environ.get("CONTRACTS", "10000")), 24_000, 15 * 60


def main() -> None:
    """Fill, back up, put back, verify."""
    with tempfile.TemporaryDirectory(prefix="restore-bench-") as name:
        folder = Path(name)
        source = Path(os.environ.get("SEED") or folder / "seed")
        if not (source / homes.FILE).exists():
            homes.seed(source)
        app, _ = homes.open_home(source, folder / "home", regions=("eu",))
        patterns = homes.read_patterns(source)
        os.environ["COUNTERPART_HOME"] = str(folder / "home")
        homes.fill(app, patterns, COUNT, content=os.urandom(BYTES))
        homes.close(app)
        secret = folder / "elsewhere.key"
        recipient = run(folder / "home", "backup-key", "--out", str(secret))[0].strip()
        back = str(folder / "backup")
        _, kept = run(folder / "home", "backup", "--out", back, "--to", recipient, "--with-keys")
        homes.forget(folder / "home")
        said, taken = run(
            folder / "again", "restore", back, "--identity", str(secret), "--verify", "--json"
        )
        report = json.loads(said)
        assert report["ok"], report["findings"][:3]
        size = sum(path.stat().st_size for path in Path(back).iterdir()) / 1e9
        print(f"{COUNT:,} contracts, {report['entries']:,} entries, {report['documents']:,} "
              f"documents, {size:.1f} GB")  # fmt: skip
        for step, (cpu, wall) in (("backup", kept), ("restore and verify", taken)):
            print(f"{step}: {cpu:.0f} s of processor, {wall:.0f} s by the clock, "
                  f"{wall / GOAL:.2f} of fifteen minutes")  # fmt: skip
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"most memory of one of these processes: {peak:.0f} MB")


def run(home: Path, *words: str) -> tuple[str, tuple[float, float]]:
    """Run a command of the portal over a home; return what it said, and its seconds."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    code = "from portal.cli import main; main()"
    environ = {**os.environ, "COUNTERPART_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=environ, cwd=ROOT, stdout=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout, (cpu, time.perf_counter() - begun)


if __name__ == "__main__":
    main()
