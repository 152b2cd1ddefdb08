"""Workers that die at any instant: the log, its checkpoints and its receipts stay whole."""

import os
import random
import select
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select as query

from portal.app import create_app
from portal.audit import queries as log
from portal.audit.actions import record
from portal.audit.rules import open_note
from portal.audit.signer import demand_extends
from portal.contracts.models import Contract
from portal.evidence.actions import keep_log
from portal.kit import clock
from portal.kit.db import transaction
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import close, settings_for
from tests.evidence.conftest import THOROUGH, Scene

KILLS = 400 if THOROUGH else 16
WORKERS = 2


def work(home: Path, ref: str, said: int) -> None:
    """Write entries and sign checkpoints for ever, and say what is done once it is done."""
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        scene = Scene(session, regions, app.config["SETTINGS"], session.get_one(Contract, ref))
        session.commit()
        while True:
            with transaction(session):
                head = record(
                    session, ref, "contract:person:erased", actor=cast.actor("ada").log,
                    at=clock.now(), facts={"commitments": []},
                )  # fmt: skip
            os.write(said, f"entry {head}\n".encode())
            row = keep_log(session, scene.signer, at=clock.now())
            if row is not None:
                os.write(said, f"checkpoint {row.size}\n".encode())
            session.rollback()


def start(home: Path, ref: str) -> tuple[int, int]:
    """Start a worker; return its process and where it speaks."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ear)
        try:
            work(home, ref, mouth)
        finally:
            os._exit(1)
    os.close(mouth)
    return child, ear


def heard(ear: int) -> list[str]:
    """Return all whole lines a worker said before it died."""
    said = b""
    while chunk := os.read(ear, 65536):
        said += chunk
    os.close(ear)
    return said.decode().split("\n")[:-1]


@pytest.mark.slow
def test_no_kill_loses_an_entry_or_forks_the_log(drafted: Scene, home: Path) -> None:
    ref, chance = drafted.contract.id, random.Random(9)
    drafted.session.rollback()
    drafted.regions.dispose()
    told: list[str] = []
    for _ in range(KILLS // WORKERS):
        workers = [start(home, ref) for _ in range(WORKERS)]
        # The first words show that both are at work; then death comes at any instant.
        for _, ear in workers:
            select.select([ear], [], [], 60)
        time.sleep(chance.random() * 0.25)
        for child, _ in workers:
            os.kill(child, signal.SIGKILL)
        for child, ear in workers:
            os.waitpid(child, 0)
            told += heard(ear)
    check(home, ref, told)


def check(home: Path, ref: str, told: list[str]) -> None:
    """Open the home anew and hold it against what the dead workers had said."""
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        scene = Scene(session, regions, app.config["SETTINGS"], session.get_one(Contract, ref))
        keep_log(session, scene.signer, at=clock.now(), now=True)
        entries = {entry.hash for entry in log.placed_of(session, ref)}
        said = [line.split() for line in told]
        assert {word for kind, word in said if kind == "entry"} <= entries
        assert len(said) >= KILLS
        sizes = set(log.checkpoint_sizes(session))
        assert {int(word) for kind, word in said if kind == "checkpoint"} <= sizes
        assert log.check(session)[1] == []
        assert log.check_tree(session, scene.signer, scene.receipts()) == []
        tree = log.tree_of(session)
        for size in sizes:
            row = log.checkpoint_of(session, size)
            assert row is not None
            demand_extends(tree, open_note(row.note, scene.signer.vkey))
        mails = Counter(
            (mail.recipient, mail.subject) for mail in session.scalars(query(RegionMail))
        )
        assert set(mails.values()) == {1}
        assert len(mails) == 4 * len(entries)
        session.rollback()
    close(app)
