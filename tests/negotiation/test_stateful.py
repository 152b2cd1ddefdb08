"""A negotiation played at random by both sides, against the real actions and a real database.

Whatever is tried, in whatever order, the table stays honest. A run makes more than two thousand
steps, each of them one act of one person; COUNTERPART_THOROUGH=1 makes five times as many.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event

from portal.app import create_app
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import db
from portal.negotiation import actions, rules
from portal.negotiation.queries import (
    board_of,
    comments_of,
    marks_of,
    readiness,
    words_of,
)
from portal.negotiation.rules import Kind, Status
from portal.terms.rules import value_sha256
from tests import cast
from tests.cluster import copy_home
from tests.conftest import close, settings_for
from tests.negotiation.players import KEYS, LIMITS, PEOPLE, TEXTS, VALUES, Players

THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
RUNS, STEPS = 5, 150
LEAST_STEPS = 10_000 if THOROUGH else 2_000

WEIGHTED = [
    *["plays_a_whole_round"] * 6, *["comes_to_terms"] * 3, *["offers", "answers"] * 3,
    *["approves", "takes_back", "ties", "answers_a_package", "sends", "opens"] * 2,
    "offers_everything", "accepts_the_rest", "unties", "recalls", "notes", "shares", "settles",
    "freezes",
]  # fmt: skip

# After these the other side may see another table; a draft is nobody else's business.
TURNING = {"sends", "opens", "recalls", "freezes"}

terms = st.sampled_from(list(TEXTS))
people = st.sampled_from(PEOPLE)


def hurry(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="module")
def stage(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A portal whose two organisations have limits on D1."""
    home = copy_home(template_home, tmp_path_factory.mktemp("stateful") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        # What is on the disk after a power cut is no matter here, and waiting for it would be.
        event.listen(db.engine, "connect", hurry)
        event.listen(app.extensions["regions"]["eu"].engine, "connect", hurry)
        for side, key in ((Side.VENDOR, "nia"), (Side.CUSTOMER, "lena")):
            actions.set_limits(
                cast.actor(key), side, "D1", LIMITS[side], seen_number=0, at=clock.now()
            )
        yield app
    close(app)


class Play(Players, RuleBasedStateMachine):
    """One negotiation after the other, each looked at after every step."""

    steps = 0

    @initialize()
    def sit_down(self) -> None:
        self.take_seats()

    @rule(data=st.data())
    def step(self, data: Any) -> None:
        """One thing somebody tries: the next of what was planned, or something of its own."""
        Play.steps += 1
        if next(self.plan, "nothing planned") is None:
            return
        if self.over():
            # Nothing can move here any more: the next step is played at another table.
            self.leave()
            self.sit_down()
        act = data.draw(st.sampled_from(WEIGHTED))
        key = self.mover() if data.draw(st.integers(0, 3)) else data.draw(people)
        term = data.draw(terms)
        if act in ("plays_a_whole_round", "comes_to_terms"):
            self.plan = getattr(self, act)(data)
            next(self.plan)
        elif act == "offers":
            self.says(key, term, "offer", data.draw(st.sampled_from(VALUES[term])), self.token())
        elif act == "answers":
            kind = data.draw(st.sampled_from(["accept", "reject", "discuss", "park"]))
            self.says(key, term, kind, None, None if kind == "accept" else self.token())
        elif act == "ties":
            self.ties(key, data.draw(st.lists(terms, min_size=1, max_size=3)))
        elif act == "answers_a_package":
            self.answers_a_package(key, data.draw(st.sampled_from(["accept", "reject"])))
        elif act in ("takes_back", "notes"):
            getattr(self, act)(key, term)
        else:
            getattr(self, act)(key)

    def leave(self) -> None:
        self.what_was_sent_never_changes()
        for side in Side:
            self.nothing_internal_is_in_the_view_of(side.other)
        self.session.close()

    def teardown(self) -> None:
        if self.session is not None:
            self.leave()
        db.session.rollback()

    # What holds after every step. Where an act was refused nothing was written, so nothing can have
    # changed; what was let out once stays out, so the two sides are searched in turn.

    @invariant()
    def the_table_is_honest(self) -> None:
        if not self.moved:
            return
        self.moved = False
        self.looks += 1
        reader = list(Side)[self.looks // 2 % 2]
        self.agreed_means_two_sides_named_one_hash(reader)
        if self.looks % 2:
            self.nothing_internal_is_in_the_view_of(reader)
        if self.did in TURNING:
            self.it_is_never_the_turn_of_both()
            self.a_package_is_agreed_whole_or_not_at_all()
            self.what_was_sent_never_changes()

    def it_is_never_the_turn_of_both(self) -> None:
        assert not (self.at("ada").my_turn and self.at("cleo").my_turn)

    def agreed_means_two_sides_named_one_hash(self, reader: Side) -> None:
        for found in self.at(KEYS[reader][0]).standings.values():
            if found.status is Status.AGREED:
                last, offer = found.moves[-1], found.offer
                assert offer is not None and last.word.kind is Kind.ACCEPT
                assert last.word.sha256 == offer.word.sha256 == value_sha256(found.value)
                assert last.side is offer.side.other

    def a_package_is_agreed_whole_or_not_at_all(self) -> None:
        found = self.in_words()
        offered: dict[str, list[rules.Standing]] = {}
        for one in found.values():
            if one.offer is not None and one.offer.word.package:
                offered.setdefault(one.offer.word.package, []).append(one)
        for name, members in offered.items():
            agreed = [one for one in members if one.status is Status.AGREED]
            # Only the terms whose last offer is still the package's can be agreed by it.
            assert (
                not agreed
                or len(agreed) == len(members)
                or any(
                    m.offer is not None and m.offer.round > agreed[0].offer.round  # type: ignore[union-attr]
                    for m in found.values()
                )
            ), name

    def what_was_sent_never_changes(self) -> None:
        for row in self.sent_rows():
            words = words_of(row.answers)
            body = rules.round_bytes(
                self.contract.id, row.number, Side(row.side), words, note=row.note
            )
            kept = (row.sha256 or "", body.decode())
            assert hashlib.sha256(body).hexdigest() == row.sha256
            assert self.sent.setdefault(row.number, kept) == kept

    def nothing_internal_is_in_the_view_of(self, reader: Side) -> None:
        side = reader.other
        found = self.at(KEYS[reader][0])
        view = repr(
            (
                found.rounds, found.standings, found.words, found.waiting,
                comments_of(self.session, self.contract),
                marks_of(self.session, self.contract, reader),
                board_of(self.session, found), readiness(self.session, found),
            )
        )  # fmt: skip
        told = {t for r in found.rounds for w in r.words.values() if (t := w.reason or "")}
        hidden = self.secrets[side] | (self.pending[side] - told)
        assert [secret for secret in hidden if secret in view] == []
        authors = [cast.actor(k).person_id for k in KEYS[side]]
        words = repr([r.words for r in found.rounds if r.side is side])
        assert not any(author in words for author in authors)


@pytest.mark.slow
def test_a_negotiation_stays_honest_whatever_is_tried(stage: Any) -> None:
    Players.app, Players.done, Play.steps = stage, Counter(), 0
    while Play.steps < LEAST_STEPS:
        run_state_machine_as_test(
            Play,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert {"says", "sends", "opens"} <= set(Players.done)
