"""Workers killed at any instant while people sign, deeds are sealed, checkpoints and mails go out.

What was said to be done stays done: no acknowledged signature is lost, no deed is sealed twice, no
mail goes out under two names, and the log verifies.
"""

import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.audit import queries as log
from portal.audit.signer import Signer, signer_of
from portal.contracts.models import Contract
from portal.contracts.queries import current_version, state
from portal.contracts.rules.life import State
from portal.evidence.actions import keep_log
from portal.kit import clock
from portal.notices.actions import deliver_due
from portal.notices.actions.delivery import Carrier
from portal.notices.models import RegionMail
from portal.notices.smtp import Relay
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from portal.signing import keys, queries
from portal.signing.models import Deed, Signature
from portal.signing.validation import validate
from tests import cast
from tests.conftest import close, make_contract, settings_for
from tests.evidence.conftest import THOROUGH
from tests.signing import stage

KILLS = 400 if THOROUGH else 6
LONGEST_LIFE = 2.5  # seconds after the first word: a whole contract takes about as long


class Portal:
    """A home opened by one process."""

    def __init__(self, home: Path) -> None:
        self.app = create_app(settings_for(home))
        self.context = self.app.app_context()
        self.context.push()
        self.regions: Regions = self.app.extensions["regions"]
        self.session: Session = self.regions.session("eu")
        self.settings: Settings = self.app.config["SETTINGS"]
        self.signer: Signer = signer_of(self.settings, self.regions["eu"].region)

    def contracts(self) -> list[str]:
        """Return every contract, oldest first."""
        found = list(self.session.scalars(select(Contract.id).order_by(Contract.created_at)))
        self.session.rollback()
        return found

    def contract(self, ref: str) -> Contract:
        """Read a contract anew."""
        self.session.rollback()
        self.session.expire_all()
        return self.session.get_one(Contract, ref)

    def work(self, ref: str) -> None:
        """Take a deed as far as it goes, whatever failed before."""
        later = clock.now() + timedelta(hours=2)
        stage.work(self.session, self.regions, self.contract(ref), at=later)
        self.session.rollback()

    def post(self) -> None:
        """Sign the checkpoints that are due and hand over every mail."""
        keep_log(self.session, self.signer, at=clock.now())
        self.session.rollback()
        with Relay(self.settings, self.settings.home / "mail") as relay:
            carrier = Carrier("Counterpart <p@portal.example>", relay.send, timedelta(seconds=2),
                              lambda person, event: "")  # fmt: skip
            deliver_due(self.session, carrier, now=lambda: clock.now() + timedelta(hours=3))
        self.session.rollback()

    def close(self) -> None:
        """Let the home go."""
        self.session.rollback()
        self.context.pop()
        close(self.app)


def next_signer(portal: Portal, ref: str) -> str | None:
    """Return who signs next, by their key in the cast."""
    contract = portal.contract(ref)
    version = current_version(contract)
    if version is None or state(contract, today=clock.now().date()) is not State.SIGNING:
        return None
    waiting = queries.open_now(portal.session, contract, version)
    return next(key for key in stage.SIGNERS if cast.actor(key).person_id == waiting[0].person_id)


def live(home: Path, said: int) -> None:
    """Sign, seal, checkpoint and mail, contract after contract, and say what was done.

    As in a worker's loop, a turn that fails is told and the next one begins.
    """
    portal = Portal(home)
    os.write(said, b"up\n")
    while True:
        try:
            turn(portal, said)
        except Exception as failure:
            traceback.print_exc()
            os.write(said, f"tripped {type(failure).__name__}\n".encode())
            portal.session.rollback()


def turn(portal: Portal, said: int) -> None:
    """Take the newest contract one signature further, or begin another one."""
    ref = portal.contracts()[-1]
    portal.work(ref)
    key = next_signer(portal, ref)
    if key is not None:
        at = clock.now()
        stage.consent(portal.session, portal.contract(ref), key, at=at)
        # Each person's codes grow whatever the clock of the last life said.
        step = time.time_ns() // 1_000_000
        row = stage.sign(portal.session, portal.contract(ref), key, at=at, step=step)
        os.write(said, f"signed {row.id}\n".encode())
        portal.work(ref)
        portal.post()
        return
    where = state(portal.contract(ref), today=clock.now().date())
    portal.session.rollback()
    if where in {State.COMPLETED, State.IN_FORCE}:
        os.write(said, f"completed {ref}\n".encode())
        portal.post()
        make_contract(portal.session, portal.regions)
    if where is State.DRAFT:
        stage.freeze(portal.session, portal.contract(ref))


def nursery(home: Path) -> None:
    """Start a life for each line on standard input, and say when it is born and gone.

    A process of its own, that never used the document store: its library has threads, and a fork
    would leave them behind.
    """
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            try:
                live(home, sys.stdout.fileno())
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.write(sys.stdout.fileno(), f"born {child}\n".encode())
        how = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(sys.stdout.fileno(), f"gone {how}\n".encode())


@contextmanager
def nursing(home: Path, complaints: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a nursery; what a life complains of on its standard error is kept."""
    order = "import sys; from tests.signing.test_kills import *; nursery(Path(sys.argv[1]))"
    with complaints.open("w") as stderr, subprocess.Popen(
        [sys.executable, "-c", order, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=stderr, text=True, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        yield process
        assert process.stdin is not None
        process.stdin.close()


def one_life(process: subprocess.Popen[str], word: str, seconds: float) -> list[str]:
    """Let a life begin, wait for a word and some time more, kill it; return all it said."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    said, born = [], 0
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith("born"):
            born = int(line.split()[1])
        if born and any(one.startswith(word) for one in said):
            break
        assert not line.startswith("gone"), f"a life ended by itself: {line}"
    time.sleep(seconds)
    os.kill(born, signal.SIGKILL)
    for line in process.stdout:
        if line.startswith("gone"):
            return said
        said.append(line.strip())
    raise AssertionError("the nursery ended by itself")


@pytest.mark.slow
def test_no_kill_loses_a_signature_seals_twice_or_breaks_the_log(home: Path) -> None:
    chance, told, complaints = random.Random(17), [], home.parent / "complaints.txt"
    with nursing(home, complaints) as process:
        for number in range(KILLS):
            # Most die at any instant after their first word; some have signed before, so that
            # however slow a machine is there is something to lose.
            word = "signed" if number % 4 == 0 else "up"
            try:
                told += one_life(process, word, chance.random() * LONGEST_LIFE)
            except AssertionError as sudden:
                raise AssertionError(f"{sudden}\n{complaints.read_text()}") from None
    assert told.count("up") == KILLS
    # A turn that the last life was torn out of never trips the next life.
    assert [line for line in told if line.startswith("tripped")] == [], complaints.read_text()
    portal = Portal(home)
    try:
        check(portal, told)
    finally:
        portal.close()


def check(portal: Portal, told: list[str]) -> None:
    """Let a life that nobody kills finish what is left, and look at everything."""
    said = [line.split() for line in told if " " in line]
    for ref in portal.contracts():
        portal.work(ref)
    # A mail whose hand-over was cut off waits until its lease is over.
    time.sleep(2.1)
    portal.post()
    session = portal.session
    signed = set(session.scalars(select(Signature.id)))
    acknowledged = {word for kind, word in said if kind == "signed"}
    assert acknowledged
    assert acknowledged <= signed
    # Each signature went into its deed exactly once, and each version was sealed at most once.
    applied = Counter(session.scalars(select(Deed.signature_id).where(Deed.kind == "signed")))
    assert applied == Counter(signed)
    seals = Counter(session.scalars(select(Deed.version_id).where(Deed.kind == "sealed")))
    assert set(seals.values()) <= {1}
    completed = {word for kind, word in said if kind == "completed"}
    for ref in portal.contracts():
        events = stage.events(session, portal.contract(ref))
        assert events.count("signing:deed:sealed") <= 1
        assert events.count("signing:signature:signed") == len(
            session.scalars(select(Signature.id).where(Signature.contract_id == ref)).all()
        )
        if ref in completed:
            assert events.count("signing:deed:sealed") == 1
    assert log.check(session)[1] == []
    assert log.check_tree(session, portal.signer, []) == []
    unsent = session.scalar(select(func.count()).where(RegionMail.sent_at.is_(None)))
    mails = set(session.scalars(select(RegionMail.id)))
    files = {path.stem for path in (portal.settings.home / "mail").glob("*.eml")}
    assert (unsent, files) == (0, mails)
    sound(portal)


def sound(portal: Portal) -> None:
    """Check the last sealed deed as anybody would."""
    deed = portal.session.scalars(
        select(Deed).where(Deed.kind == "sealed").order_by(Deed.made_at.desc())
    ).first()
    if deed is None:
        return
    pdf = read_document(
        portal.session, portal.regions["eu"], queries.document_of(portal.session, deed)
    )
    report = validate(
        pdf, root_pem=keys.root_pem(portal.settings), known_sha256=deed.sha256,
        at=clock.now() + timedelta(hours=3),
    )  # fmt: skip
    assert report.ok, report.errors()
