"""What a signing costs: the whole chain of deeds, as the self-test of `serve` runs it.

Prints the median of some runs, and each beside a bare SHA-256 chain of the same machine, so that
figures of two machines compare as ratios.
"""

import hashlib
import os
import statistics
import tempfile
import time

RUNS = 5


def unit() -> float:
    """Return the seconds of 200,000 chained SHA-256 hashes: this machine's yardstick."""
    start, value = time.process_time(), b""
    for _ in range(200_000):
        value = hashlib.sha256(value).digest()
    return time.process_time() - start


def main() -> None:
    """Run the self-test of signing a few times and print the ratio."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["COUNTERPART_HOME"] = home
        from portal.app import create_app
        from portal.cli.running import migrate_all
        from portal.signing import jobs

        app = create_app()
        migrate_all(app)
        taken = [jobs.self_test(app).total_seconds() for _ in range(RUNS)]
    median, yard = statistics.median(taken), unit()
    print(f"deed rendered, certified, signed, sealed, checked: {median:.2f} s (median of {RUNS})")
    print(f"ratio to 200,000 chained SHA-256: {median / yard:.0f}")


if __name__ == "__main__":
    main()
