"""The people of a negotiation played at random: what they try, and what they may expect.

Each act goes through the real actions; the rules may refuse any of it. Whether a freeze must
succeed is worked out here a second time, from the rows themselves.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.rules.life import Side, State
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotFound, Refused
from portal.negotiation import actions, rules
from portal.negotiation.models import Approval, Comment, Note, Round, RoundFate
from portal.negotiation.queries import board_of, comments_of, negotiation_of, words_of
from portal.negotiation.rules import Kind, Status
from portal.negotiation.rules.playbook import Limits, Rung
from portal.terms.rules import favours, parse, value_sha256
from tests import cast
from tests.conftest import make_contract
from tests.negotiation.table import SCHEMA

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


def side_of_key(key: str) -> Side:
    return Side.VENDOR if key in KEYS[Side.VENDOR] else Side.CUSTOMER


class Players:
    """Two people a side at one table over four terms, and everything they can do there."""

    app: Any = None
    session: Any = None
    done: Counter[str] = Counter()

    def take_seats(self) -> None:
        """Sit down at a new table, with the vendor's first round opened."""
        regions = self.app.extensions["regions"]
        self.session = regions["eu"].open_session()
        self.contract = make_contract(self.session, regions, terms=list(TEXTS))
        self.sent: dict[int, tuple[str, str]] = {}
        self.secrets: dict[Side, set[str]] = {Side.VENDOR: set(), Side.CUSTOMER: set()}
        self.pending: dict[Side, set[str]] = {Side.VENDOR: set(), Side.CUSTOMER: set()}
        self.count = 0
        self.views: dict[Side, Any] = {}
        self.plan: Iterator[None] = iter(())
        self.moved, self.did, self.looks = True, "", 0
        self.offers_everything("ada")
        self.sends("ada")
        self.opens("cleo")

    def mover(self) -> str:
        """Somebody of the side whose turn it is: random people mostly wait."""
        return KEYS[self.at("ada").turn][self.count % 2]

    def over(self) -> bool:
        return state(self.contract, today=clock.now().date()) is State.AGREED

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
        self.views, self.moved = {}, True
        self.did = sys._getframe(1).f_code.co_name
        self.done[self.did] += 1
        return True

    def at(self, key: str) -> Any:
        """The table as somebody sees it; it is looked at anew once anything was done."""
        side = side_of_key(key)
        if side not in self.views:
            self.views[side] = negotiation_of(
                self.session, self.contract, cast.actor(key), at=clock.now()
            )
        return self.views[side]

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

    def plays_a_whole_round(self, data: Any) -> Iterator[None]:
        """Answer every term somehow, perhaps tie two answers, send, and let it be opened or not."""
        key = self.mover()
        kinds = {t: data.draw(st.sampled_from(["offer", "offer", "accept", "accept", *Kind, None]))
                 for t in TEXTS}  # fmt: skip
        values = {term: data.draw(st.sampled_from(VALUES[term])) for term in TEXTS}
        whole = data.draw(st.sampled_from(["accept", "reject", "in part"]))
        tied = data.draw(st.booleans())
        then = data.draw(st.sampled_from(["open", "open", "recall", "wait"]))
        if whole != "in part" and rules.packages_of(self.at(key).standings):
            self.answers_a_package(key, whole)
            yield
        for term, kind in kinds.items():
            if kind is not None:
                value = values[term] if kind == "offer" else None
                self.says(key, term, kind, value, None if kind == "accept" else self.token())
                yield
        if tied:
            self.ties(key, [t for t, w in self.at(key).words.items() if w.kind is Kind.OFFER])
            yield
        self.sends(key)
        yield
        if then == "open":
            self.opens(KEYS[side_of_key(key).other][0])
        if then == "recall":
            self.recalls(key)
        yield

    def comes_to_terms(self, data: Any) -> Iterator[None]:
        """Let both sides answer until nothing is open, then try to freeze."""
        settled = data.draw(st.booleans())
        for _ in range(6):
            if self.at("ada").all_agreed:
                break
            key = self.mover()
            self.opens(key)
            yield
            if rules.packages_of(self.at(key).standings):
                self.answers_a_package(key, "accept")
                yield
            self.accepts_the_rest(key)
            yield
            for term in self.not_answered(key):
                self.says(key, term, "offer", VALUES[term][self.count % 2], self.token())
                self.says(key, term, "accept", None, None)
                yield
            self.sends(key)
            yield
        self.opens(self.mover())
        if settled:
            for key in ("nia", "lena"):
                self.approves(key)
                yield
            self.settles("cleo")
            yield
        self.freezes(self.mover())
        yield

    def not_answered(self, key: str) -> list[str]:
        found = self.at(key)
        return [
            term
            for term, one in found.standings.items()
            if one.status is not Status.AGREED and term not in found.words
        ]

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
        gone = set(self.recalled())
        sent = [
            rules.SentRound(r.number, Side(r.side), r.sent_at, words_of(r.answers))
            for r in self.sent_rows()
            if r.id not in gone and r.sent_at is not None
        ]
        return rules.standings(TEXTS, sent, started_by=Side.VENDOR)

    def sent_rows(self) -> list[Round]:
        """Every round that was sent, read from the database again."""
        return list(
            self.session.scalars(
                select(Round)
                .where(Round.contract_id == self.contract.id, Round.sent_at.is_not(None))
                .order_by(Round.number)
                .options(selectinload(Round.answers))
                .execution_options(populate_existing=True)
            )
        )

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
