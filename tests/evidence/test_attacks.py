"""Nine attacks by an operator who may do anything to the database, each over many histories.

Without the log's key they are found with nothing in hand; with it (and the signer's memory) they
are found by one receipt that somebody holds, in the portal's home and in the bundle, by both
verifiers.
"""

import base64
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.audit import queries as log
from portal.audit.actions import record
from portal.audit.rules import Checkpoint, Receipt, Tree, leaf_hash, read_note, sign_note
from portal.contracts.models import Contract
from portal.evidence.actions import keep_log
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.kit.db import transaction
from portal.residency.databases import Regions
from tests import cast
from tests.cluster import copy_home
from tests.conftest import close, make_contract, settings_for
from tests.evidence.conftest import THOROUGH, Scene, as_told
from tests.tampering import walls_down

SEEDS = 50 if THOROUGH else 5
MINOR, MAJOR = "contract:step:finished", "contract:person:erased"

Body = dict[str, Any]
History = list[Body]


@pytest.fixture(scope="module")
def attacked_home(
    template_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """A home with three contracts, forty entries and a dozen checkpoints with receipts."""
    home = copy_home(template_home, tmp_path_factory.mktemp("attacked") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session, chance = regions.session("eu"), random.Random(5)
        refs = [make_contract(session, regions).id for _ in range(3)]
        scene = Scene(session, regions, app.config["SETTINGS"], session.get_one(Contract, refs[0]))
        for number in range(42):
            event = MAJOR if number % 3 == 2 else MINOR
            grow(scene, refs[number % 3] if number < 3 else chance.choice(refs), event, number)
        for ref in refs:
            grow(scene, ref, MAJOR, 99)
        regions.close()
    close(app)
    return home, refs


def grow(scene: Scene, chain: str, event: str, number: int) -> None:
    """Let the portal go on: one more entry, and a checkpoint where it is due."""
    facts: dict[str, Any] = {"commitments": [], "number": number}
    with transaction(scene.session):
        record(scene.session, chain, event, actor=cast.actor("ada").log, at=clock.now(),
               facts=facts)  # fmt: skip
    if event == MAJOR:
        keep_log(scene.session, scene.signer, at=clock.now())


@dataclass
class Operator:
    """Whoever runs the portal, with all rights over its database, and perhaps its key."""

    scene: Scene
    refs: list[str]
    chance: random.Random
    key: bool
    held: Receipt

    @property
    def session(self) -> Session:
        return self.scene.session

    def history(self) -> History:
        """Read all entries in their order."""
        return [json.loads(entry.body) for entry in log.placed_since(self.session, 0)]

    def reach(self) -> int:
        """Return how many entries the held receipt's checkpoint covers."""
        assert self.held.note is not None
        return int(self.held.note.split("\n")[1])

    def write(self, history: History) -> None:
        """Put this history in the place of the true one, every hash and leaf made to fit.

        With the key, checkpoints and the signer's memory are made to fit too. Without it, the
        checkpoints that still fit are kept, and either all others are dropped or all are kept.
        """
        rows, leaves = rechained(history)
        session = self.session
        notes = session.execute(text("SELECT size, region, note, at FROM checkpoints")).all()
        with walls_down(session) as connection:
            for table in ("checkpoint_stamps", "checkpoints", "leaves", "entries"):
                connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(
                text("INSERT INTO entries VALUES (:chain,:seq,:prev,:hash,:at,:event,:body)"), rows
            )
            connection.execute(
                text("INSERT INTO leaves VALUES (:place,'eu',:chain,:seq,:leaf)"), rows
            )
            tree = Tree(leaves)
            for size, region, note, at in self.checkpoints(notes, tree):
                connection.execute(
                    text("INSERT INTO checkpoints VALUES (:s, :r, :n, :a)"),
                    {"s": size, "r": region, "n": note, "a": at},
                )
        if self.key:
            self.scene.signer.memory.write_text(self.signed(tree, tree.size), "utf-8")
            keep_log(session, self.scene.signer, at=clock.now(), now=True)
        session.expire_all()

    def checkpoints(self, rows: Sequence[Any], tree: Tree) -> Iterator[tuple[int, str, str, str]]:
        """Make checkpoints fit; without the key some cannot, and are left, or all are dropped."""
        drop = self.chance.random() < 0.5
        for size, region, note, at in rows:
            if size <= tree.size and self.key:
                yield size, region, self.signed(tree, size), at
            elif size <= tree.size and (not drop or read_note(note)[0].root == tree.root(size)):
                yield size, region, note, at

    def signed(self, tree: Tree, size: int) -> str:
        """Sign any tree at all: whoever has the key file need not ask the signer."""
        stored = json.loads(self.scene.signer.key_file.read_text("utf-8"))
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored["key"]))
        return sign_note(Checkpoint(stored["origin"], size, tree.root(size)), key)


def rechained(history: History) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Give every entry the place, number and hash that this history would have given it."""
    heads: dict[str, tuple[int, str]] = {}
    rows, leaves = [], []
    for place, body in enumerate(history):
        seq, prev = heads.get(body["chain"], (0, "0" * 64))
        body = {**body, "seq": seq + 1, "prev": prev}
        content = rfc8785.dumps(body)
        digest = hashlib.sha256(content).hexdigest()
        heads[body["chain"]] = (seq + 1, digest)
        leaves.append(leaf_hash(content))
        rows.append({**body, "place": place, "hash": digest, "body": content.decode(),
                     "leaf": leaves[-1].hex()})  # fmt: skip
    return rows, leaves


Attack = Callable[[Operator], None]


def edit(operator: Operator) -> None:
    history = operator.history()
    body = history[operator.chance.randrange(operator.reach())]
    body["facts"] = {**body["facts"], "number": 1000 + operator.chance.randrange(9)}
    operator.write(history)


def delete(operator: Operator) -> None:
    history = operator.history()
    del history[operator.chance.randrange(operator.reach())]
    operator.write(history)


def insert(operator: Operator) -> None:
    history = operator.history()
    place = operator.chance.randrange(operator.reach())
    history.insert(place, {**operator.chance.choice(history), "event": "contract:people:changed"})
    operator.write(history)


def reorder(operator: Operator) -> None:
    history = operator.history()
    place = operator.chance.randrange(operator.reach() - 1)
    history[place], history[place + 1] = history[place + 1], history[place]
    operator.write(history)


def cut_the_tail(operator: Operator) -> None:
    operator.write(operator.history()[: operator.chance.randrange(3, operator.reach())])


def drop_a_contract(operator: Operator) -> None:
    gone = operator.chance.choice(operator.refs)
    operator.write([body for body in operator.history() if body["chain"] != gone])


def restore_a_snapshot(operator: Operator) -> None:
    """Go back to an earlier state, and then go on as if nothing had been."""
    cut_the_tail(operator)
    if operator.key:
        for number in range(operator.chance.randrange(30)):
            grow(operator.scene, operator.chance.choice(operator.refs), MAJOR, number)
    else:
        with transaction(operator.session):
            record(operator.session, operator.refs[0], MINOR, actor=cast.actor("ada").log,
                   at=clock.now())  # fmt: skip


def rebuild(operator: Operator) -> None:
    """Make everything anew, on other dates."""
    operator.write([{**body, "at": f"2020{body['at'][4:]}"} for body in operator.history()])


def show_two_views(operator: Operator) -> None:
    """Fork: the same beginning, then something else for the other side to see."""
    history = operator.history()
    fork = operator.chance.randrange(operator.reach())
    for body in history[fork:]:
        body["actor"] = "portal"
    operator.write(history)


ATTACKS: dict[str, Attack] = {
    one.__name__.replace("_", " "): one
    for one in (edit, delete, insert, reorder, cut_the_tail, drop_a_contract, restore_a_snapshot,
                rebuild, show_two_views)
}  # fmt: skip


@pytest.fixture
def stage(
    attacked_home: tuple[Path, list[str]], tmp_path: Path
) -> Iterator[Callable[..., Operator]]:
    """Return a maker of operators, each before a fresh copy of the home."""
    home, refs = attacked_home
    apps = []

    def make(seed: str, *, key: bool) -> Operator:
        copy = copy_home(home, tmp_path / f"home-{len(apps)}")
        app = create_app(settings_for(copy))
        apps.append((app, app.app_context()))
        apps[-1][1].push()
        regions: Regions = app.extensions["regions"]
        chance = random.Random(seed)
        session = regions.session("eu")
        contract = session.get_one(Contract, chance.choice(refs))
        scene = Scene(session, regions, app.config["SETTINGS"], contract)
        held = [r for r in scene.receipts() if int((r.note or "").split("\n")[1]) > 6]
        return Operator(scene, refs, chance, key, chance.choice(held))

    yield make
    for app, context in reversed(apps):
        Regions.close()
        context.pop()
        close(app)


def is_honest(operator: Operator) -> bool:
    """Say whether the portal's own check finds nothing, without anything held."""
    session = operator.session
    wrong = [*log.check(session)[1], *log.check_tree(session, operator.scene.signer)]
    session.commit()
    return not wrong


@pytest.mark.slow
def test_before_any_attack_everything_holds(
    stage: Callable[..., Operator], script: ModuleType
) -> None:
    operator = stage("honest", key=False)
    assert is_honest(operator)
    for receipt in operator.scene.receipts():
        bundle = operator.scene.bundle()
        assert check_bundle(bundle, receipts=[receipt]).ok
        assert script.verify(bundle, [as_told(receipt)]).ok
    assert log.check_tree(operator.session, operator.scene.signer, operator.scene.receipts()) == []


@pytest.mark.slow
def test_the_history_written_back_unchanged_holds(stage: Callable[..., Operator]) -> None:
    operator = stage("unchanged", key=True)
    operator.write(operator.history())
    assert is_honest(operator)
    assert check_bundle(operator.scene.bundle(), receipts=[operator.held]).ok


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.slow
def test_without_the_key_an_attack_is_found_with_nothing_in_hand(
    stage: Callable[..., Operator], attack: str
) -> None:
    missed = []
    for seed in range(SEEDS):
        operator = stage(f"{attack} {seed}", key=False)
        before = operator.history()
        ATTACKS[attack](operator)
        if operator.history() != before and is_honest(operator):
            missed.append(seed)
    assert missed == []


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.slow
def test_with_the_key_an_attack_is_found_by_one_held_receipt(
    stage: Callable[..., Operator], script: ModuleType, attack: str
) -> None:
    missed = []
    for seed in range(SEEDS):
        operator = stage(f"{attack} {seed}", key=True)
        before = operator.history()
        ATTACKS[attack](operator)
        if rechained(operator.history())[0] == rechained(before)[0]:
            continue
        scene, held = operator.scene, operator.held
        found = bool(log.check_tree(operator.session, scene.signer, [held]))
        operator.session.commit()
        found = found and is_found_in_the_bundle(scene, held, script)
        if not found:
            missed.append(seed)
    assert missed == []


def is_found_in_the_bundle(scene: Scene, held: Receipt, script: ModuleType) -> bool:
    """Say whether both verifiers refuse what the portal now hands out; no bundle is an answer."""
    if log.head(scene.session, scene.contract.id) is None:
        scene.session.commit()
        return True
    bundle = scene.bundle()
    ours, theirs = check_bundle(bundle, receipts=[held]), script.verify(bundle, [as_told(held)])
    assert ours.ok == theirs.ok
    return not ours.ok
