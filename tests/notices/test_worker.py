"""The worker: killed and started as one likes, each job by itself, and its lag in words."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.cli import jobs, working
from portal.cli.working import Worker, say_status
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.notices.actions import write_mail
from portal.notices.actions.beats import JobOutcome, beat
from portal.notices.models import JobRun, RegionMail
from portal.notices.models import Worker as WorkerRow
from tests.command import beside
from tests.notices.office import HOST, Office, opened
from tests.notices.test_delivery import REPORT

THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
MAILS, KILLS = (2000, 50) if THOROUGH else (90, 3)
PATIENCE = 240  # s: a busy machine starts a worker late


def fill(session: Session, count: int) -> set[str]:
    """Put mails into the outbox; return their Message-IDs."""
    at = clock.now()
    with transaction(session):
        for number in range(count):
            write_mail(
                session, chain="eu-TEST", dedupe=f"mail.{number}", name="Cleo Marsh",
                recipient="cleo@harbour.example", subject=f"Mail {number}", text="Hello.\n", at=at,
            )  # fmt: skip
    keys = set(session.scalars(select(RegionMail.id)))
    session.rollback()
    return {f"<{key}@counterpart.example>" for key in keys}


def unsent(app: Flask) -> int:
    """Count the mails nobody has marked as sent: one taken from a killed worker is among them."""
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        left = select(func.count()).select_from(RegionMail).where(RegionMail.sent_at.is_(None))
        found = session.scalar(left)
        session.rollback()
        return int(found or 0)


class Crew:
    """Workers as processes of their own, three at a time."""

    def __init__(self, home: Path, office: Office) -> None:
        self.environment = {
            **os.environ, "COUNTERPART_HOME": str(home), "SSL_CERT_FILE": str(office.certificate),
        }  # fmt: skip
        with (home / "counterpart.toml").open("a") as file:
            file.write(f'\n[mail]\nhost = "{HOST}"\nport = {office.port}\nlease_seconds = 4\n')
        self.log = (home.parent / "work.log").open("wb")
        self.hands = [self.hire() for _ in range(3)]

    def hire(self) -> "subprocess.Popen[bytes]":
        """Start one worker."""
        command = beside(Path(sys.executable).with_name("counterpart"), "work", "--every", "0.2")
        return subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log)

    def kill_one(self, dice: random.Random) -> None:
        """Kill one of them outright and start another."""
        gone = self.hands.pop(dice.randrange(len(self.hands)))
        gone.send_signal(signal.SIGKILL)
        gone.wait(10)
        self.hands.append(self.hire())

    def stop(self) -> list[int]:
        """Ask all to stop; return how they ended."""
        for hand in self.hands:
            hand.terminate()
        ends = [hand.wait(60) for hand in self.hands]
        self.log.close()
        return ends


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened(tmp_path) as found:
        yield found


@pytest.mark.slow
def test_killed_workers_lose_no_mail_and_double_only_what_was_under_way(
    home: Path, app: Flask, office: Office
) -> None:
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        sent = fill(session, MAILS)
    office.pause = 0.02
    dice, crew = random.Random(7), Crew(home, office)
    ends: list[int] = []
    try:
        for _ in range(KILLS):
            before, patience = len(office.taken), time.monotonic() + PATIENCE
            while len(office.taken) < before + MAILS // (KILLS + 2):
                assert time.monotonic() < patience, "nobody works"
                time.sleep(0.01)
            crew.kill_one(dice)
        patience = time.monotonic() + PATIENCE
        while set(office.ids) != sent or unsent(app):
            assert time.monotonic() < patience, f"{len(sent - set(office.ids))} lost"
            time.sleep(0.1)
    finally:
        ends = crew.stop()
    assert 0 in ends and set(ends) <= {0, -signal.SIGTERM}, "asked to stop, also while starting"
    doubled = sum(office.ids.values()) - len(sent)
    print(f"{len(sent)} mails, {KILLS} kills: 0 lost, {doubled} resent under the same Message-ID")
    assert doubled <= KILLS


def test_a_job_that_fails_stops_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def broken(app: Flask) -> None:
        db.session.add(WorkerRow(id="half", place="done", started_at=clock.now()))
        raise RuntimeError("Zanzibar-Secret")

    def works(app: Flask) -> None:
        ran.append("works")

    mine = (jobs.Job("breaks", broken, jobs.EACH_LOOK), jobs.Job("works", works, jobs.EACH_LOOK))
    monkeypatch.setattr(working, "JOBS", mine)
    worker = Worker(app)
    worker.look()
    worker.look()
    worker.beat()
    assert ran == ["works", "works"]
    with app.app_context():
        found = {row.name: row.error for row in db.session.scalars(select(JobRun))}
        assert found == {"breaks": "RuntimeError", "works": None}
        assert [row.id for row in db.session.scalars(select(WorkerRow))] == [worker.id]


@pytest.mark.slow
def test_a_job_runs_no_oftener_than_it_says(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    often = jobs.Job("often", lambda app: ran.append("often"), jobs.EACH_LOOK)
    seldom = jobs.Job("seldom", lambda app: ran.append("seldom"), timedelta(hours=1))
    monkeypatch.setattr(working, "JOBS", (often, seldom))
    worker = Worker(app)
    for _ in range(3):
        worker.look()
    assert (ran.count("often"), ran.count("seldom")) == (3, 1)


def test_the_last_run_of_a_job_is_told_whichever_worker_speaks_last(context: Flask) -> None:
    now, session = clock.now(), db.session()
    for worker, ended, error in (("A", now, None), ("B", now - timedelta(minutes=1), "OSError")):
        said = JobOutcome("deliver mail", ended, timedelta(seconds=2), error)
        beat(session, worker, "here", [said], at=now)
    found = session.scalars(select(JobRun)).one()
    assert (found.ran_at, found.error, found.took_ms) == (now, None, 2000)


def test_every_job_has_a_name_of_its_own_and_words() -> None:
    names = [job.name for job in jobs.JOBS]
    assert len(names) == len(set(names))
    assert all(job.run.__doc__ for job in jobs.JOBS)


def test_the_worker_says_how_far_it_is_behind(
    app: Flask, eu: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say_status(app, at=clock.now()) == 1, "nobody works"
    assert "workers: 0 alive" in capsys.readouterr().out
    worker = Worker(app)
    worker.look()
    worker.beat()
    assert say_status(app, at=clock.now()) == 0
    said = capsys.readouterr().out
    assert "workers: 1 alive" in said and "region eu: 0 to send, 0 s behind, 0 given up" in said
    assert "job “deliver mail”: took" in said
    fill(eu, 2)
    assert say_status(app, at=clock.now() + timedelta(minutes=1)) == 0
    assert "region eu: 2 to send, 60 s behind" in capsys.readouterr().out
    assert say_status(app, at=clock.now() + timedelta(minutes=11)) == 1
    worker.leave()
    assert say_status(app, at=clock.now()) == 1


def test_the_command_does_what_is_due_and_stops(
    home: Path, app: Flask, eu: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(eu, 3)
    monkeypatch.setenv("COUNTERPART_HOME", str(home))
    answer: Any = CliRunner().invoke(working.work, ["--once"])
    assert answer.exit_code == 0, answer.output
    assert len(list((home / "regions" / "eu" / "mail").glob("*.eml"))) == 3


def test_a_report_on_standard_input_marks_the_mail(
    home: Path, app: Flask, eu: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = fill(eu, 1)
    monkeypatch.setenv("COUNTERPART_HOME", str(home))
    report = REPORT.format(action="failed", key=name[1:27], kind="message/rfc822")
    assert "is told" in CliRunner().invoke(working.bounce, input=report).output
    eu.rollback()
    assert eu.scalars(select(RegionMail.last_error)).one().startswith("Came back: smtp; 550")
    stranger = CliRunner().invoke(working.bounce, input=report.replace(name[1:27], "X" * 26))
    assert stranger.exit_code == 1
    assert "no report" in CliRunner().invoke(working.bounce, input="Subject: hi\n\nhi\n").output
