"""Packages, discussion, parking, recall and special terms: by the rules, and against a database."""

import json

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import state, turn
from portal.contracts.rules.life import Side, State
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.negotiation import actions, rules
from portal.negotiation.models import Round, RoundFate
from portal.negotiation.rules import Kind, Status, Word
from portal.notices.models import RegionNotice
from tests import cast
from tests.negotiation.table import (
    RESPONSE,
    SCHEMA,
    agree_all,
    at_table,
    events,
    offer_all,
    opens,
    say,
    send,
)
from tests.negotiation.test_actions import refused, value
from tests.negotiation.test_rules import CUSTOMER, VENDOR, accept, reject, sent

ADA, CLEO = cast.actor("ada"), cast.actor("cleo")
A = rules.offer("1")
B, C = rules.offer("2", package="P1"), rules.offer("3", package="P1")
TERMS = ["B1", "C1", "D1"]


def after(*rounds: dict[str, Word]) -> dict[str, rules.Standing]:
    made = [sent(n, words) for n, words in enumerate(rounds, 1)]
    return rules.standings(TERMS, made, started_by=VENDOR)


FIRST = dict.fromkeys(TERMS, A)
PACKED = {"B1": B, "C1": C}


# By the rules


def test_a_package_accepted_whole_is_agreed() -> None:
    found = after(FIRST, PACKED, {"B1": accept(B), "C1": accept(C)})
    assert [found[t].status for t in ("B1", "C1")] == [Status.AGREED] * 2
    assert rules.packages_of(found) == {}


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ({"B1": accept(B)}, (Status.RETURNED, Status.RETURNED)),
        ({"B1": accept(B), "C1": rules.offer("9")}, (Status.RETURNED, Status.OPEN)),
        ({"B1": accept(B), "C1": reject(C)}, (Status.RETURNED, Status.REJECTED)),
        ({"B1": accept(B), "C1": Word(Kind.PARK, C.sha256)}, (Status.RETURNED, Status.PARKED)),
        ({"B1": accept(B), "C1": accept(B)}, (Status.RETURNED, Status.RETURNED)),
    ],
)
def test_a_partial_answer_returns_the_package(
    answer: dict[str, Word], left: tuple[Status, Status]
) -> None:
    found = after(FIRST, PACKED, answer)
    assert (found["B1"].status, found["C1"].status) == left
    assert found["B1"].awaited is CUSTOMER and found["B1"].lapsed
    assert rules.why_not(found["B1"], accept(B), side=VENDOR) is not None
    assert rules.why_not(found["B1"], rules.offer("2"), side=CUSTOMER) is None


def test_a_package_nobody_answers_stays_open() -> None:
    found = after(FIRST, PACKED, {"D1": accept(A)})
    assert rules.packages_of(found) == {"P1": ["B1", "C1"]}
    later = after(FIRST, PACKED, {"D1": A}, {}, {"B1": accept(B), "C1": accept(C)})
    assert later["C1"].status is Status.AGREED


def test_who_offers_one_of_its_terms_anew_takes_the_package_back() -> None:
    found = after(FIRST, PACKED, {"D1": rules.offer("7")}, {"B1": rules.offer("8")})
    assert (found["B1"].status, found["C1"].status) == (Status.OPEN, Status.RETURNED)


def test_what_a_returned_package_leaves_is_counted_open() -> None:
    before = after(FIRST, PACKED)
    counted = rules.summary({"B1": accept(B)}, before)
    assert (counted.accepted, counted.returned, counted.open) == (0, 1, 3)
    assert rules.summary({"B1": accept(B), "C1": accept(C)}, before).open == 1


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (["B1"], "at least two"),
        (["B1", "B1"], "at least two"),
        (["B1", "D1"], "no offer"),
        (["B1", "C1"], "in package P1 already"),
    ],
)
def test_what_cannot_be_tied(chosen: list[str], said: str) -> None:
    words = {"B1": rules.offer("5"), "C1": rules.offer("6", package="P1")}
    problem = rules.package_problem(chosen, words, after(FIRST))
    assert problem is not None and said in problem


def test_a_part_of_their_package_cannot_be_tied_into_mine() -> None:
    words = {"B1": accept(B), "D1": rules.offer("9")}
    problem = rules.package_problem(["B1", "D1"], words, after(FIRST, PACKED))
    assert problem is not None and "A package cannot hold another" in problem


def test_a_package_changes_the_hash_of_a_round_and_nothing_else_does() -> None:
    plain, tied = {"B1": rules.offer("2")}, {"B1": B}
    assert rules.words_sha256(plain) != rules.words_sha256(tied)
    signed = {"B1": rules.offer("2", author="PER-1")}
    assert rules.words_sha256(plain) == rules.words_sha256(signed)


def test_discussion_passes_to_and_fro_and_parking_awaits_nobody() -> None:
    ask = Word(Kind.DISCUSS, A.sha256, reason="why?")
    found = after(FIRST, {"B1": ask, "C1": Word(Kind.PARK, A.sha256)})
    assert (found["B1"].status, found["B1"].awaited) == (Status.DISCUSSED, VENDOR)
    assert (found["C1"].status, found["C1"].awaited) == (Status.PARKED, None)
    assert rules.why_not(found["B1"], ask, side=CUSTOMER) is not None
    assert rules.why_not(found["B1"], ask, side=VENDOR) is None
    agreed = after(FIRST, {"C1": Word(Kind.PARK, A.sha256)}, {}, {"C1": accept(A)})
    assert agreed["C1"].status is Status.AGREED


# Against a database


@pytest.mark.slow
def test_two_answers_are_tied_and_the_other_side_takes_them_whole(
    eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("15 min"))
    say(eu, contract, "cleo", "D1", "accept")
    name = actions.make_package(eu, contract, CLEO, [RESPONSE, "D1"], at=clock.now())
    assert name == "P1"
    send(eu, contract, "cleo")
    found = at_table(eu, contract, "ada")
    assert found.standings["D1"].status is Status.OPEN
    actions.answer_package(eu, contract, ADA, "P1", kind="accept", seen_round=2, at=clock.now())
    send(eu, contract, "ada")
    found = at_table(eu, contract, "ada")
    assert {found.standings[t].status for t in (RESPONSE, "D1")} == {Status.AGREED}


@pytest.mark.slow
def test_packages_are_not_nested(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    for term in (RESPONSE, "D1", "P6"):
        say(eu, contract, "cleo", term, "accept")
    actions.make_package(eu, contract, CLEO, [RESPONSE, "D1"], at=clock.now())
    error = refused(
        eu, contract,
        lambda: actions.make_package(eu, contract, CLEO, ["D1", "P6"], at=clock.now()),
    )  # fmt: skip
    assert "A package cannot hold another" in error.message


@pytest.mark.slow
def test_an_untied_package_leaves_its_answers(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("15 min"))
    say(eu, contract, "cleo", "D1", "accept")
    actions.make_package(eu, contract, CLEO, [RESPONSE, "D1"], at=clock.now())
    actions.dissolve_package(eu, contract, CLEO, "P1", at=clock.now())
    words = at_table(eu, contract, "cleo").words
    assert (words["D1"].kind, words[RESPONSE].kind) == (Kind.ACCEPT, Kind.OFFER)
    assert rules.packages_in(words) == {}
    with pytest.raises(NotFound):
        actions.dissolve_package(eu, contract, CLEO, "P1", at=clock.now())


# Recalling and opening


@pytest.mark.slow
def test_a_round_is_recalled_until_it_is_opened(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("15 min"), "we sell at night")
    send(eu, contract, "cleo", opened=False)
    assert actions.recall_round(eu, contract, CLEO, at=clock.now()) == 2
    assert turn(contract) is Side.CUSTOMER
    found = at_table(eu, contract, "cleo")
    word = found.words[RESPONSE]
    assert (word.value, word.reason) == (value("15 min"), "we sell at night")
    assert (found.next_number, found.last_sent) == (3, 1)
    assert events(eu, contract)[-1] == "negotiation:round:recalled"
    told = eu.scalars(select(RegionNotice.event)).all()
    assert "negotiation:round:recalled" in told
    eu.commit()
    seen = at_table(eu, contract, "ada")
    assert (seen.waiting, seen.last_sent, seen.next_number) == (None, 1, 3)
    assert "we sell at night" not in repr((seen.rounds, seen.standings, seen.words))
    row = send(eu, contract, "cleo")
    assert row.number == 3 and at_table(eu, contract, "ada").last_sent == 3


@pytest.mark.slow
def test_an_opened_round_is_not_recalled(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("15 min"))
    send(eu, contract, "cleo", opened=False)
    assert opens(eu, contract, "ada") == 2 and opens(eu, contract, "ada") is None
    refused(eu, contract, lambda: actions.recall_round(eu, contract, CLEO, at=clock.now()))


def test_recalling_round_1_makes_the_contract_a_draft_again(
    eu: Session, contract: Contract
) -> None:
    actions.set_offers(eu, contract, ADA, SCHEMA.defaults(), at=clock.now())
    send(eu, contract, "ada", opened=False)
    assert state(contract, today=clock.now().date()) is State.NEGOTIATION
    actions.recall_round(eu, contract, ADA, at=clock.now())
    assert state(contract, today=clock.now().date()) is State.DRAFT
    assert turn(contract) is Side.VENDOR


def test_the_database_gives_a_round_one_fate(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    row = eu.scalars(select(Round)).one()
    eu.add(
        RoundFate(
            id=new_id(clock.now()), region="eu", contract_id=contract.id, round_id=row.id,
            kind="recalled", at=clock.now(), person_id=ADA.person_id,
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="round_fates"):
        eu.flush()
    eu.rollback()
    with pytest.raises(DatabaseError, match="never changed"):
        eu.execute(update(RoundFate).values(kind="recalled"))
    eu.rollback()


@pytest.mark.slow
def test_whoever_answers_an_unopened_round_opens_it(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", "D1", "accept")
    send(eu, contract, "cleo", opened=False)
    actions.draft_of(eu, contract, ADA, at=clock.now())
    assert events(eu, contract)[-1] == "negotiation:round:opened"


# Special terms

CLAUSE = {"title": "Acquired stores", "text": "Stores we acquire join at no charge."}


def propose(
    session: Session, contract: Contract, key: str = "cleo", reason: str = "We grow"
) -> str:
    return actions.propose_clause(
        session, contract, cast.actor(key), value=CLAUSE, reason=reason, at=clock.now()
    )


@pytest.mark.slow
def test_a_special_term_is_offered_accepted_and_frozen(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    assert propose(eu, contract) == "X1"
    actions.accept_rest(eu, contract, CLEO, at=clock.now())
    send(eu, contract, "cleo")
    found = at_table(eu, contract, "ada")
    assert found.schema.terms["X1"].label == "Acquired stores"
    assert found.standings["X1"].awaited is Side.VENDOR and not found.all_agreed
    say(eu, contract, "ada", "X1", "accept")
    send(eu, contract, "ada")
    version = actions.freeze(eu, contract, ADA, at=clock.now())
    assert version.canonical["special_terms"] == [{"number": "X1", **CLAUSE}]
    assert "X1" not in version.canonical["terms"]


@pytest.mark.slow
def test_a_special_term_that_is_left_out_is_not_in_the_document(
    eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    propose(eu, contract)
    actions.accept_rest(eu, contract, CLEO, at=clock.now())
    send(eu, contract, "cleo")
    say(eu, contract, "ada", "X1", "offer", None, "Let us keep to the standard")
    send(eu, contract, "ada")
    say(eu, contract, "cleo", "X1", "accept")
    send(eu, contract, "cleo")
    version = actions.freeze(eu, contract, CLEO, at=clock.now())
    assert version.canonical["special_terms"] == []


@pytest.mark.parametrize("reason", ["", "  "])
@pytest.mark.slow
def test_a_special_term_takes_a_reason(eu: Session, contract: Contract, reason: str) -> None:
    offer_all(eu, contract)
    refused(eu, contract, lambda: propose(eu, contract, reason=reason))


def test_a_special_term_needs_a_title_and_a_text(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    bad = {"title": "", "text": "x"}
    with pytest.raises(rules.Incomplete):
        actions.propose_clause(eu, contract, CLEO, value=bad, reason="why", at=clock.now())
    assert at_table(eu, contract, "cleo").words == {}


@pytest.mark.slow
def test_a_freeze_waits_for_parked_terms(eu: Session, contract: Contract) -> None:
    agree_all(eu, contract)
    say(eu, contract, "ada", RESPONSE, "offer", value("1 h"), "We lost people")
    send(eu, contract, "ada")
    say(eu, contract, "cleo", RESPONSE, "park")
    send(eu, contract, "cleo")
    with pytest.raises(Refused, match="Every term is agreed"):
        actions.freeze(eu, contract, ADA, at=clock.now())
    assert json.dumps(events(eu, contract)).count("round:sent") == 4
