"""A negotiation played at random by both sides, against the real actions and a real database.

Whatever is tried, in whatever order, the table stays honest. A run has some two hundred steps;
COUNTERPART_THOROUGH=1 raises it to two thousand and more.
"""

import os
import shutil
from collections.abc import Callable, Iterator
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
from sqlalchemy import select

from portal.app import create_app
from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.rules.life import Side, State
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotFound, Refused
from portal.negotiation import actions, rules
from portal.negotiation.models import Approval, Comment, Note, Round, RoundFate
from portal.negotiation.queries import (
    board_of,
    comments_of,
    marks_of,
    negotiation_of,
    readiness,
    words_of,
)
from portal.negotiation.rules import Kind, Status
from portal.negotiation.rules.playbook import Limits, Rung
from portal.terms.rules import favours, parse, value_sha256
from tests import cast
from tests.conftest import close, make_contract, settings_for
from tests.negotiation.table import SCHEMA

THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
RUNS, STEPS = (100, 21) if THOROUGH else (10, 14)

TEXTS = {
    "D1": ["99.5 %", "99.9 %", "99.95 %", "99 %"],
    "E4": ["7 days", "14 days", "21 days"],
    "P6": ["30 days", "60 days", "90 days"],
    "F8": ["7 days", "14 days"],
}
VALUES = {t: [parse(SCHEMA.terms[t], text) for text in texts] for t, texts in TEXTS.items()}
KEYS = {Side.VENDOR: ("ada", "nia"), Side.CUSTOMER: ("cleo", "lena")}
PEOPLE = [*KEYS[Side.VENDOR], *KEYS[Side.CUSTOMER]]
LIMITS = {
    Side.VENDOR: Limits(VALUES["D1"][0], (Rung(VALUES["D1"][1], "legal"),), None, "legal"),
    Side.CUSTOMER: Limits(VALUES["D1"][2], (Rung(VALUES["D1"][1], "legal"),), None, "legal"),
}

WEIGHTED = [
    *["plays_a_whole_round"] * 6, *["comes_to_terms"] * 2, *["offers", "answers", "approves"] * 2,
    "offers_everything", "accepts_the_rest", "takes_back", "ties", "unties", "answers_a_package",
    "sends", "opens", "recalls", "notes", "shares", "settles", "freezes",
]  # fmt: skip

terms = st.sampled_from(list(TEXTS))
people = st.sampled_from(PEOPLE)


def side_of_key(key: str) -> Side:
    return Side.VENDOR if key in KEYS[Side.VENDOR] else Side.CUSTOMER


@pytest.fixture(scope="module")
def stage(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A portal whose two organisations have limits on D1."""
    home = Path(shutil.copytree(template_home, tmp_path_factory.mktemp("stateful") / "home"))
    app = create_app(settings_for(home))
    with app.app_context():
        for side, key in ((Side.VENDOR, "nia"), (Side.CUSTOMER, "lena")):
            actions.set_limits(
                cast.actor(key), side, "D1", LIMITS[side], seen_number=0, at=clock.now()
            )
        yield app
    close(app)


class Play(RuleBasedStateMachine):
    """One negotiation over four terms."""

    app: Any = None

    session: Any = None

    @initialize()
    def sit_down(self) -> None:
        regions = self.app.extensions["regions"]
        self.session = regions["eu"].open_session()
        self.contract = make_contract(self.session, regions, terms=list(TEXTS))
        self.sent: dict[int, tuple[str, str]] = {}
        self.secrets: dict[Side, set[str]] = {Side.VENDOR: set(), Side.CUSTOMER: set()}
        self.pending: dict[Side, set[str]] = {Side.VENDOR: set(), Side.CUSTOMER: set()}
        self.count = 0
        self.offers_everything("ada")
        self.sends("ada")
        self.opens("cleo")

    def mover(self) -> str:
        """Somebody of the side whose turn it is: random people mostly wait."""
        found = self.at("ada")
        return KEYS[found.turn][self.count % 2]

    @rule(data=st.data())
    def step(self, data: Any) -> None:
        """One thing somebody tries, mostly somebody of the side whose turn it is."""
        if state(self.contract, today=clock.now().date()) is State.AGREED:
            # Nothing can move here any more: the next step is played at another table.
            self.session.close()
            self.sit_down()
        act = data.draw(st.sampled_from(WEIGHTED))
        key = self.mover() if data.draw(st.integers(0, 3)) else data.draw(people)
        term = data.draw(terms)
        if act in ("plays_a_whole_round", "comes_to_terms"):
            getattr(self, act)(data)
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

    def teardown(self) -> None:
        if self.session is not None:
            self.session.close()
        db.session.rollback()

    # What people try; the rules may refuse any of it.

    def tries(self, act: Callable[[], Any]) -> bool:
        try:
            act()
        except (Refused, NotFound):
            self.session.rollback()
            return False
        finally:
            db.session.rollback()
        self.session.expire_all()
        self.contract = self.session.get_one(Contract, self.contract.id)
        return True

    def at(self, key: str) -> Any:
        return negotiation_of(self.session, self.contract, cast.actor(key), at=clock.now())

    def token(self) -> str:
        self.count += 1
        return f"TOKEN-{self.count:05d}-"

    def says(self, key: str, term: str, kind: str, value: Any, reason: str | None) -> None:
        found = self.at(key)
        if term not in found.standings:
            return
        done = self.tries(
            lambda: actions.answer(
                self.session, self.contract, cast.actor(key), term, kind=kind, value=value,
                seen_sha256=found.standings[term].sha256, reason=reason, at=clock.now(),
            )
        )  # fmt: skip
        if done and reason:
            self.pending[side_of_key(key)].add(reason)

    def offers_everything(self, key: str) -> None:
        values = {term: values[0] for term, values in VALUES.items()}
        self.tries(
            lambda: actions.set_offers(
                self.session, self.contract, cast.actor(key), values, at=clock.now()
            )
        )

    def plays_a_whole_round(self, data: Any) -> None:
        """Answer every term somehow, perhaps tie two answers, send, and let it be opened or not."""
        key = self.mover()
        for term in TEXTS:
            kind = data.draw(st.sampled_from(["offer", "accept", "accept", *Kind, None]))
            if kind == "offer":
                self.says(key, term, kind, data.draw(st.sampled_from(VALUES[term])), self.token())
            elif kind is not None:
                self.says(key, term, kind, None, None if kind == "accept" else self.token())
        if data.draw(st.booleans()):
            self.ties(key, ["D1", data.draw(st.sampled_from(["E4", "P6"]))])
        self.sends(key)
        then = data.draw(st.sampled_from(["open", "open", "recall", "wait"]))
        if then == "open":
            self.opens(KEYS[side_of_key(key).other][0])
        if then == "recall":
            self.recalls(key)

    def comes_to_terms(self, data: Any) -> None:
        """Let both sides answer until nothing is open, then try to freeze."""
        for _ in range(6):
            key = self.mover()
            self.opens(key)
            for name in list(rules.packages_of(self.at(key).standings)):
                found = self.at(key)
                self.tries(
                    lambda name=name, found=found, key=key: actions.answer_package(
                        self.session, self.contract, cast.actor(key), name, kind="accept",
                        seen_round=found.last_sent, at=clock.now(),
                    )
                )  # fmt: skip
            self.accepts_the_rest(key)
            for term, one in self.at(key).standings.items():
                if one.status is not Status.AGREED and term not in self.at(key).words:
                    self.says(key, term, "offer", VALUES[term][self.count % 2], self.token())
                    self.says(key, term, "accept", None, None)
            self.sends(key)
        if data.draw(st.booleans()):
            self.approves("nia")
            self.approves("lena")
            self.settles("cleo")
        self.freezes(self.mover())

    def accepts_the_rest(self, key: str) -> None:
        self.tries(
            lambda: actions.accept_rest(
                self.session, self.contract, cast.actor(key), at=clock.now()
            )
        )

    def takes_back(self, key: str, term: str) -> None:
        self.tries(
            lambda: actions.clear_answer(
                self.session, self.contract, cast.actor(key), term, at=clock.now()
            )
        )

    def ties(self, key: str, chosen: list[str]) -> None:
        self.tries(
            lambda: actions.make_package(
                self.session, self.contract, cast.actor(key), chosen, at=clock.now()
            )
        )

    def unties(self, key: str) -> None:
        for name in rules.packages_in(self.at(key).words):
            self.tries(
                lambda name=name: actions.dissolve_package(
                    self.session, self.contract, cast.actor(key), name, at=clock.now()
                )
            )

    def answers_a_package(self, key: str, kind: str) -> None:
        found = self.at(key)
        for name in rules.packages_of(found.standings):
            self.tries(
                lambda name=name: actions.answer_package(
                    self.session, self.contract, cast.actor(key), name, kind=kind, reason="whole",
                    seen_round=found.last_sent, at=clock.now(),
                )
            )  # fmt: skip

    def sends(self, key: str) -> None:
        seen = rules.words_sha256(self.at(key).words)
        self.tries(
            lambda: actions.send_round(
                self.session, self.contract, cast.actor(key), seen_draft_sha256=seen,
                at=clock.now(),
            )
        )  # fmt: skip

    def opens(self, key: str) -> None:
        self.tries(
            lambda: actions.open_round(self.session, self.contract, cast.actor(key), at=clock.now())
        )

    def recalls(self, key: str) -> None:
        self.tries(
            lambda: actions.recall_round(
                self.session, self.contract, cast.actor(key), at=clock.now()
            )
        )

    def notes(self, key: str, term: str) -> None:
        secret = self.token()
        done = self.tries(
            lambda: actions.write_note(
                self.session, self.contract, cast.actor(key), text=secret, term=term,
                at=clock.now(),
            )
        )  # fmt: skip
        if done:
            self.secrets[side_of_key(key)].add(secret)

    def shares(self, key: str) -> None:
        side = side_of_key(key)
        note = self.session.scalar(
            select(Note).where(
                Note.contract_id == self.contract.id, Note.side == side.value,
                Note.shared_at.is_(None),
            )
        )  # fmt: skip
        if note is not None:
            text = note.text
            if self.tries(
                lambda: actions.share_note(
                    self.session, self.contract, cast.actor(key), note.id, at=clock.now()
                )
            ):
                self.secrets[side].discard(text)

    def settles(self, key: str) -> None:
        for said in comments_of(self.session, self.contract):
            self.tries(
                lambda said=said: actions.resolve(
                    self.session, self.contract, cast.actor(key), said.id, at=clock.now()
                )
            )

    def approves(self, key: str) -> None:
        for need in board_of(self.session, self.at(key)).outstanding:
            reason = self.token()
            done = self.tries(
                lambda need=need, reason=reason: actions.approve(
                    self.session, self.contract, cast.actor(key), need.term,
                    seen_sha256=need.sha256, reason=reason, at=clock.now(),
                )
            )  # fmt: skip
            assert not (done and need.proposer == cast.actor(key).person_id)
            if done:
                self.secrets[side_of_key(key)].add(reason)

    def freezes(self, key: str) -> None:
        ready = self.may_be_frozen()
        done = self.tries(
            lambda: actions.freeze(self.session, self.contract, cast.actor(key), at=clock.now())
        )
        assert done == ready

    def may_be_frozen(self) -> bool:
        """The conditions of a freeze, worked out by themselves and not by the rules."""
        if state(self.contract, today=clock.now().date()) is not State.NEGOTIATION:
            return False
        last = self.in_words()
        if set(last) != set(TEXTS) or not all(s.status is Status.AGREED for s in last.values()):
            return False
        unresolved = self.session.scalar(
            select(Comment).where(
                Comment.contract_id == self.contract.id, Comment.resolved_at.is_(None)
            )
        )
        return unresolved is None and all(self.approved(side, last["D1"]) for side in Side)

    def in_words(self) -> dict[str, rules.Standing]:
        """The standings over every round that was not recalled, whoever has opened it."""
        rows = self.session.scalars(
            select(Round)
            .where(Round.contract_id == self.contract.id, Round.sent_at.is_not(None))
            .order_by(Round.number)
        ).all()
        gone = set(self.recalled())
        sent = [
            rules.SentRound(r.number, Side(r.side), r.sent_at, words_of(r.answers))
            for r in rows
            if r.id not in gone and r.sent_at is not None
        ]
        return rules.standings(TEXTS, sent, started_by=Side.VENDOR)

    def recalled(self) -> list[str]:
        return list(
            self.session.scalars(
                select(RoundFate.round_id).where(
                    RoundFate.contract_id == self.contract.id, RoundFate.kind == "recalled"
                )
            )
        )

    def approved(self, side: Side, standing: rules.Standing) -> bool:
        standard = LIMITS[side].standard
        kept = favours(SCHEMA.terms["D1"], standard, standing.value) in ("same", side.value)
        given = self.session.scalar(
            select(Approval).where(
                Approval.contract_id == self.contract.id, Approval.side == side.value,
                Approval.term == "D1", Approval.value_sha256 == value_sha256(standing.value),
            )
        )  # fmt: skip
        return kept or given is not None

    # What holds after every step.

    @invariant()
    def it_is_never_the_turn_of_both(self) -> None:
        assert not (self.at("ada").my_turn and self.at("cleo").my_turn)

    @invariant()
    def agreed_means_two_sides_named_one_hash(self) -> None:
        for key in ("ada", "cleo"):
            for found in self.at(key).standings.values():
                if found.status is Status.AGREED:
                    last, offer = found.moves[-1], found.offer
                    assert offer is not None and last.word.kind is Kind.ACCEPT
                    assert last.word.sha256 == offer.word.sha256 == value_sha256(found.value)
                    assert last.side is offer.side.other

    @invariant()
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

    @invariant()
    def what_was_sent_never_changes(self) -> None:
        self.session.expire_all()
        rows = self.session.scalars(
            select(Round).where(Round.contract_id == self.contract.id, Round.sent_at.is_not(None))
        )
        for row in rows:
            words = words_of(row.answers)
            body = rules.round_bytes(
                self.contract.id, row.number, Side(row.side), words, note=row.note
            )
            kept = (row.sha256 or "", body.decode())
            assert self.sent.setdefault(row.number, kept) == kept

    @invariant()
    def nothing_internal_is_in_the_other_sides_view(self) -> None:
        for side in Side:
            key = KEYS[side.other][0]
            found = self.at(key)
            view = repr(
                (
                    found.rounds, found.standings, found.words, found.waiting,
                    comments_of(self.session, self.contract),
                    marks_of(self.session, self.contract, side.other),
                    board_of(self.session, found), readiness(self.session, found),
                )
            )  # fmt: skip
            told = {t for r in found.rounds for w in r.words.values() if (t := w.reason or "")}
            hidden = self.secrets[side] | (self.pending[side] - told)
            leaked = [secret for secret in hidden if secret in view]
            assert leaked == []
            authors = [cast.actor(k).person_id for k in KEYS[side]]
            words = repr([r.words for r in found.rounds if r.side is side])
            assert not any(author in words for author in authors)


@pytest.mark.slow
def test_a_negotiation_stays_honest_whatever_is_tried(stage: Any) -> None:
    Play.app = stage
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
