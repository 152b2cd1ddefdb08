"""docs/api.md, run as it is written: real curl against a real port."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from portal.oauth import actions
from portal.oauth.rules import SCOPES, Kind
from portal.residency.databases import Regions
from tests import cast

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def machine(key: str) -> tuple[str, str]:
    """Register a machine that acts for one of the cast."""
    member = f"MEM{cast.actor(key).person_id[3:]}"
    row, secret = actions.add_client(
        cast.as_admin(key), name="Example", kind=Kind.MACHINE, addresses="", scopes=list(SCOPES),
        membership_id=member, at=clock.now(),
    )  # fmt: skip
    found = row.id, secret or ""
    db.session.remove()
    return found


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The portal on a port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_the_ten_tasks_run_as_they_are_written(app: Flask, served: str, tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.S | re.M)
    assert len(re.findall(r"^## \d+\.", text, flags=re.M)) == 10 and len(blocks) == 11
    with app.app_context():
        machines = {"VENDOR": machine("ada"), "DESK": machine("ben"), "CUSTOMER": machine("cleo")}
    known = {f"{name}_ID": found[0] for name, found in machines.items()}
    known |= {f"{name}_SECRET": found[1] for name, found in machines.items()}
    script = "set -euo pipefail\n" + "\n".join(blocks) + "\necho finished\n"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=900,
        env={"PATH": os.environ["PATH"], "PORTAL": served, "no_proxy": "127.0.0.1", **known},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    assert done.stdout.endswith("finished\n")
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        titles = sorted(row.title for row in session.query(Contract))
        assert titles == ["CRM support 2027", "CRM support 2027"]
        regions.close()
