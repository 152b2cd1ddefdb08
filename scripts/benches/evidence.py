"""Measures evidence: a checkpoint and a bundle over many entries, and both verifiers on it.

    .venv/bin/python scripts/benches/evidence.py [ENTRIES]

Prints seconds, and each as a ratio to hashing the same entries once, which is the least it can
cost.
"""

import hashlib
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from portal.app import create_app
from portal.audit import queries as log
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.signer import signer_of
from portal.cli.running import migrate_all
from portal.evidence.actions import keep_log
from portal.evidence.queries import Place, bundle_of
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.settings.rules import settings_from
from portal.signing.keys import root_pem
from tests.cast import load_cast
from tests.conftest import make_contract

ENTRIES = 10_000
VERIFIER = Path(__file__).resolve().parents[2] / "portal" / "evidence" / "data" / "verify.py"


def script() -> Any:
    """Load the one-file verifier."""
    spec = importlib.util.spec_from_file_location("bundle_verifier", VERIFIER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def filled(home: Path, entries: int) -> Iterator[tuple[Place, Any]]:
    """A home with one contract of this many entries, not yet under a checkpoint."""
    app = create_app(settings_from(home, {}, {}))
    migrate_all(app)
    with app.app_context():
        load_cast()
        regions = app.extensions["regions"]
        session, database = regions.session("eu"), regions["eu"]
        contract = make_contract(session, regions)
        at = clock.now()
        for number in range(entries):
            record(session, contract.id, "contract:step:finished", actor=PORTAL,
                   at=at + timedelta(seconds=number), facts={"step": number})  # fmt: skip
        session.commit()
        settings = app.config["SETTINGS"]
        signer = signer_of(settings, database.region)
        yield Place(session, database, signer, settings.operator, root_pem(settings)), contract


def seconds(work: Callable[[], Any]) -> float:
    """Return the processor time of one run."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Measure and print."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with tempfile.TemporaryDirectory() as folder, filled(Path(folder) / "home", entries) as found:
        place, contract = found
        bodies = [entry.body.encode() for entry in log.placed_of(place.session, contract.id)]
        place.session.rollback()
        least = seconds(lambda: [hashlib.sha256(body).digest() for body in bodies])
        rows = {"sign a checkpoint": seconds(
            lambda: keep_log(place.session, place.signer, at=clock.now(), now=True)
        )}  # fmt: skip
        bundle = bundle_of(place, contract)
        assert bundle is not None
        verifier = script()
        rows["write the bundle"] = seconds(lambda: bundle_of(place, contract))
        rows["counterpart verify (apart from a deed)"] = seconds(lambda: check_bundle(bundle))
        rows["verify.py"] = seconds(lambda: verifier.verify(bundle))
        assert check_bundle(bundle).ok and verifier.verify(bundle).ok
    print(f"{entries} entries, {len(bundle)} bytes; hashing them once takes {least:.3f} s")
    for name, took in rows.items():
        print(f"{name:40} {took:7.2f} s  {took / least:7.1f} times")


if __name__ == "__main__":
    main()
