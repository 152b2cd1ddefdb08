"""`counterpart work`: the worker beside the server, one or many."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import click
from flask import Flask
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.cli.jobs import JOBS, Job
from portal.cli.running import refuse_incomplete
from portal.kit import clock, logs
from portal.kit.away import leaving_out, silent_among
from portal.kit.db import alone_with, db, reading
from portal.kit.refs import new_id
from portal.notices.actions import note_bounce
from portal.notices.actions.beats import JobOutcome, beat, leave
from portal.notices.queries import Standing, lag_of, standing_of_work
from portal.notices.rules import bounced
from portal.residency.databases import regions
from portal.settings.rules import read_settings

LOG = logging.getLogger("counterpart.work")
BEAT = timedelta(seconds=15)
TOO_LATE = timedelta(minutes=10)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due and stop.")
@click.option("--every", default=2.0, show_default=True, help="Seconds between looks.")
@click.option("--status", is_flag=True, help="Say how far the work is behind, and stop.")
def work(*, once: bool, every: float, status: bool) -> None:
    """Do what waits: mail, digests, deeds, dates. Run as many as you like."""
    refuse_incomplete(read_settings())
    app = create_app()
    if status:
        sys.exit(say_status(app, at=clock.now()))
    if once:
        Worker(app).look()
        return
    logs.configure()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    worker = Worker(app)
    worker.beat()
    while not stop.is_set():
        worker.look(stop)
        worker.beat_now_and_then()
        stop.wait(every)
    worker.leave()


class Worker:
    """One worker: which jobs it ran when, and how they went."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.id = new_id(clock.now())
        self.place = f"{socket.gethostname()}:{os.getpid()}"
        self.ran: dict[str, float] = {}
        self.outcomes: dict[str, JobOutcome] = {}
        self.beaten = 0.0
        self.silent: frozenset[str] = frozenset()

    def look(self, stop: threading.Event | None = None) -> None:
        """Run every job whose turn it is, each by itself: one that fails stops no other.

        A region that is away stops no other's either, where the job is each region's own.
        """
        self._listen()
        for job in JOBS:
            if stop is not None and stop.is_set():
                return
            last = self.ran.get(job.name)
            if last is None or time.monotonic() - last >= job.every.total_seconds():
                self.run(job)

    def _listen(self) -> None:
        silent = silent_among(self.app.extensions["regions"].databases)
        for name in silent - self.silent:
            LOG.error("region %s does not answer: its work waits", name)
        self.silent = silent

    def run(self, job: Job) -> None:
        """Run one job in a context of its own, so that no open session outlives it.

        One that another worker is at, and that is not shared, is left to them.
        """
        started = self.ran[job.name] = time.monotonic()
        error = None
        try:
            left_out = self.silent if job.regional else frozenset()
            with self.app.app_context(), self._turn(job) as mine, leaving_out(left_out):
                if not mine:
                    return
                job.run(self.app)
        except Exception as caught:  # the top of a worker loop is the one place that may go on
            LOG.exception("the job “%s” failed", job.name)
            error = type(caught).__name__
        took = timedelta(seconds=time.monotonic() - started)
        self.outcomes[job.name] = JobOutcome(job.name, clock.now(), took, error)

    @contextmanager
    def _turn(self, job: Job) -> Iterator[bool]:
        if job.shared:
            yield True
            return
        with alone_with(db.engine, f"job {job.name}") as mine:
            yield mine

    def beat_now_and_then(self) -> None:
        """Write a sign of life four times a minute."""
        if time.monotonic() - self.beaten >= BEAT.total_seconds():
            self.beat()

    def beat(self) -> None:
        """Write that this worker lives, and how its jobs went; a beat that fails is only logged."""
        self.beaten = time.monotonic()
        try:
            with self.app.app_context():
                beat(db.session(), self.id, self.place, self.outcomes.values(), at=clock.now())
        except Exception:  # as above: the work goes on without its sign of life
            LOG.exception("the sign of life failed")

    def leave(self) -> None:
        """Take this worker off the list."""
        with self.app.app_context():
            leave(db.session(), self.id)


def work_once(app: Flask) -> None:
    """Do everything that is due."""
    Worker(app).look()


def say_status(app: Flask, *, at: datetime) -> int:
    """Print how the work stands; return 1 where somebody should look, for a monitor."""
    before = reading.set(True)
    try:
        return int(_say(app, at))
    finally:
        reading.reset(before)


def _say(app: Flask, at: datetime) -> bool:
    with app.app_context():
        found = standing_of_work(db.session(), at=at)
        wrong = _say_workers(found, at)
        places: dict[str, Session] = {"directory": db.session()}
        places |= {f"region {one.region.name}": session for one, session in regions().each()}
        for name, session in places.items():
            lag = lag_of(session, at=at)
            wrong |= lag.behind > TOO_LATE
            behind = int(lag.behind.total_seconds())
            click.echo(f"{name}: {lag.waiting} to send, {behind} s behind, {lag.given_up} given up")
    return wrong


def _say_workers(found: Standing, at: datetime) -> bool:
    click.echo(f"workers: {len(found.workers)} alive {', '.join(sorted(found.workers))}".rstrip())
    for job in found.jobs:
        ago = int((at - job.ran_at).total_seconds())
        state = f"failed ({job.error})" if job.error else f"took {job.took_ms} ms"
        click.echo(f"job “{job.name}”: {state}, {ago} s ago")
    return not found.workers or any(job.error for job in found.jobs)


@click.command()
def bounce() -> None:
    """Read a delivery report (RFC 3464) on standard input and show the mail it names as failed."""
    found = bounced(sys.stdin.buffer.read())
    if found is None:
        click.echo("This is no report of a mail that failed; nothing was changed.")
        return
    app = create_app()
    with app.app_context():
        sessions: list[Session] = [db.session(), *(one for _, one in regions().each())]
        if not any(note_bounce(one, *found, at=clock.now()) for one in sessions):
            sys.exit("No mail of this portal has that Message-ID.")
    click.echo("Noted. Whoever caused the mail is told.")
