"""Answering, sending and freezing against a real database."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract, Fact, Version
from portal.contracts.queries import state, turn
from portal.contracts.rules.document import canonical_bytes, sha256_of
from portal.contracts.rules.life import Side, State
from portal.kit import clock
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.negotiation import actions, rules
from portal.negotiation.models import Answer, Round
from portal.negotiation.rules import Kind, Status
from portal.notices.models import RegionMail
from portal.terms.rules import parse
from tests import cast
from tests.negotiation.table import (
    RESPONSE,
    SCHEMA,
    agree_all,
    at_table,
    events,
    offer_all,
    say,
    send,
)

pytestmark = pytest.mark.both_engines

ADA, CLEO = cast.actor("ada"), cast.actor("cleo")


def value(words: str, term: str = RESPONSE) -> Any:
    return parse(SCHEMA.terms[term], words)


def footprint(session: Session, contract: Contract) -> tuple[int, ...]:
    """Count everything an action could leave behind."""
    session.expire_all()
    return (
        *(session.scalar(select(func.count()).select_from(t)) or 0
          for t in (Round, Answer, Fact, Version, RegionMail)),
        len(lines(session, contract.id)),
    )  # fmt: skip


def refused(
    session: Session, contract: Contract, act: Callable[[], Any], kind: type[Exception] = Refused
) -> Any:
    """Assert that an act is refused and leaves nothing; return the refusal."""
    before = footprint(session, contract)
    with pytest.raises(kind) as caught:
        act()
    assert footprint(session, contract) == before
    return caught.value


# Drafting


def test_a_draft_takes_the_next_number_and_is_made_once(eu: Session, contract: Contract) -> None:
    one = actions.draft_of(eu, contract, ADA, at=clock.now())
    two = actions.draft_of(eu, contract, ADA, at=clock.now())
    assert (one.id, one.number, one.side, one.sent_at) == (two.id, 1, "vendor", None)


def test_a_private_draft_writes_nothing_on_the_shared_chain(
    eu: Session, contract: Contract
) -> None:
    actions.set_offers(eu, contract, ADA, SCHEMA.defaults(), at=clock.now())
    assert events(eu, contract) == []
    assert len(at_table(eu, contract, "ada").words) == len(SCHEMA.terms)
    assert at_table(eu, contract, "cleo").words == {}
    assert at_table(eu, contract, "cleo").draft is None


def test_a_draft_may_lack_a_needed_value_but_a_round_may_not(
    eu: Session, contract: Contract
) -> None:
    values = {**SCHEMA.defaults(), RESPONSE: None}
    actions.set_offers(eu, contract, ADA, values, at=clock.now())
    error = refused(eu, contract, lambda: send(eu, contract, "ada"), rules.Incomplete)
    assert list(error.problems) == [RESPONSE]


def test_a_value_that_cannot_stand_stores_none_of_the_set(eu: Session, contract: Contract) -> None:
    values = {**SCHEMA.defaults(), RESPONSE: {"n": "soon"}}
    error = refused(
        eu, contract,
        lambda: actions.set_offers(eu, contract, ADA, values, at=clock.now()),
        rules.Incomplete,
    )  # fmt: skip
    assert list(error.problems) == [RESPONSE]


def test_the_side_that_waits_cannot_draft(eu: Session, contract: Contract) -> None:
    def draft() -> Round:
        return actions.draft_of(eu, contract, CLEO, at=clock.now())

    refused(eu, contract, draft, rules.WrongTurn)
    actions.draft_of(eu, contract, ADA, at=clock.now())
    refused(eu, contract, draft, rules.WrongTurn)


def test_support_engineers_read_but_do_not_answer(eu: Session, contract: Contract) -> None:
    ben = cast.actor("ben")
    refused(eu, contract, lambda: actions.draft_of(eu, contract, ben, at=clock.now()), NotAllowed)


def test_another_vendor_has_no_negotiation_here(eu: Session, contract: Contract) -> None:
    mal = cast.actor("mal")
    refused(eu, contract, lambda: actions.draft_of(eu, contract, mal, at=clock.now()), NotFound)


# Answering


@pytest.mark.slow
def test_an_answer_replaces_the_one_before_and_can_be_taken_back(
    eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("15 min"), "we sell all night")
    say(eu, contract, "cleo", RESPONSE, "reject", reason="too slow")
    word = at_table(eu, contract, "cleo").words[RESPONSE]
    assert (word.kind, word.value, word.reason) == (Kind.REJECT, None, "too slow")
    actions.clear_answer(eu, contract, CLEO, RESPONSE, at=clock.now())
    assert at_table(eu, contract, "cleo").words == {}
    assert events(eu, contract) == ["negotiation:round:sent", "negotiation:round:opened"]


@pytest.mark.slow
def test_an_answer_to_an_offer_that_moved_on_is_stale(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    seen = at_table(eu, contract, "cleo").standings[RESPONSE].sha256
    say(eu, contract, "cleo", RESPONSE, "offer", value("15 min"))
    send(eu, contract, "cleo")
    say(eu, contract, "ada", RESPONSE, "offer", value("20 min"))
    send(eu, contract, "ada")

    def accept_what_was_seen() -> None:
        actions.answer(
            eu, contract, CLEO, RESPONSE, kind="accept", seen_sha256=seen, at=clock.now()
        )

    error = refused(eu, contract, accept_what_was_seen, rules.Stale)
    assert error.term == RESPONSE


def test_an_answer_out_of_turn_is_refused(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    error = refused(
        eu, contract,
        lambda: say(eu, contract, "ada", RESPONSE, "offer", value("15 min")),
        rules.WrongTurn,
    )  # fmt: skip
    assert "Harbour Retail Inc's turn" in error.message


@pytest.mark.parametrize(
    ("kind", "words", "reason"),
    [("offer", "30 min", None), ("reject", None, None), ("reject", None, "  ")],
)
@pytest.mark.slow
def test_what_the_rules_forbid_is_refused(
    eu: Session, contract: Contract, kind: str, words: str | None, reason: str | None
) -> None:
    offer_all(eu, contract)
    new = value(words) if words else None
    refused(eu, contract, lambda: say(eu, contract, "cleo", RESPONSE, kind, new, reason))


@pytest.mark.slow
def test_the_rest_is_accepted_without_touching_what_was_answered(
    eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("15 min"))
    count = actions.accept_rest(eu, contract, CLEO, at=clock.now(), seen_round=1)
    found = at_table(eu, contract, "cleo")
    assert count == len(SCHEMA.terms) - 1 and found.words[RESPONSE].kind is Kind.OFFER
    refused(eu, contract, lambda: actions.accept_rest(eu, contract, CLEO, at=clock.now()))


def test_accepting_the_rest_of_a_round_not_seen_is_stale(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    refused(
        eu, contract,
        lambda: actions.accept_rest(eu, contract, CLEO, at=clock.now(), seen_round=0),
        rules.Stale,
    )  # fmt: skip


# Sending


@pytest.mark.slow
def test_sending_passes_the_turn_with_one_entry_and_a_thin_mail(
    eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    before = footprint(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("17 min"), "SECRET-REASON")
    row = send(eu, contract, "cleo", opened=False)
    assert turn(contract) is Side.VENDOR and row.number == 2 and row.sent_by == CLEO.person_id
    last = lines(eu, contract.id)[-1]
    assert (last.event, last.name) == ("negotiation:round:sent", "Cleo Marsh")
    assert last.facts == {
        "number": 2, "offered": 0, "accepted": 0, "countered": 1, "rejected": 0,
        "open": len(SCHEMA.terms), "sha256": row.sha256,
    }  # fmt: skip
    after = footprint(eu, contract)
    # The entry, the fact and the mail of the round; its look is the sender's own.
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1, 0, 1, 1]
    mail = eu.scalars(select(RegionMail).order_by(RegionMail.id.desc())).first()
    assert mail is not None and mail.recipient == "ada@northwind.example"
    assert f"0 accepted, 1 countered, {len(SCHEMA.terms)} open" in mail.text
    assert f"/contracts/{contract.ref}/terms" in mail.text
    for content in ("17 min", "SECRET-REASON", contract.title, SCHEMA.terms[RESPONSE].label):
        assert content not in mail.text + mail.subject


def test_the_first_round_offers_every_term(eu: Session, contract: Contract) -> None:
    values = SCHEMA.defaults()
    del values[RESPONSE]
    actions.set_offers(eu, contract, ADA, values, at=clock.now())
    error = refused(eu, contract, lambda: send(eu, contract, "ada"), rules.Incomplete)
    assert list(error.problems) == [RESPONSE]


def test_an_empty_draft_is_not_sent(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    refused(eu, contract, lambda: send(eu, contract, "cleo"))


@pytest.mark.slow
def test_a_draft_other_than_the_one_previewed_is_not_sent(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "accept")
    seen = rules.words_sha256(at_table(eu, contract, "cleo").words)
    say(eu, contract, "cleo", "D1", "accept")

    def send_what_was_seen() -> None:
        actions.send_round(eu, contract, CLEO, seen_draft_sha256=seen, at=clock.now())

    refused(eu, contract, send_what_was_seen, rules.Stale)


@pytest.mark.slow
def test_a_round_is_sent_once(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "accept")
    seen = rules.words_sha256(at_table(eu, contract, "cleo").words)
    actions.send_round(eu, contract, CLEO, seen_draft_sha256=seen, at=clock.now())

    def again() -> None:
        actions.send_round(eu, contract, CLEO, seen_draft_sha256=seen, at=clock.now())

    refused(eu, contract, again, rules.WrongTurn)


@pytest.mark.slow
def test_the_hash_of_a_round_can_be_redone_from_what_was_sent(
    eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    sent = at_table(eu, contract, "cleo").rounds[0]
    body = rules.round_bytes(contract.ref, 1, Side.VENDOR, sent.words, note=sent.note)
    assert sha256_of(body) == sent.sha256


@pytest.mark.parametrize("change", ["round", "answer", "removal"])
def test_the_database_refuses_to_change_a_sent_round(
    eu: Session, contract: Contract, change: str
) -> None:
    offer_all(eu, contract)
    statement = {
        "round": update(Round).values(sha256="0" * 64),
        "answer": update(Answer).values(value_sha256="0" * 64),
        "removal": text("DELETE FROM answers"),
    }[change]
    with pytest.raises(DatabaseError, match=r"immutable|sent"):
        eu.execute(statement)
    eu.rollback()


@pytest.mark.slow
def test_reopening_an_agreed_term_takes_a_reason(eu: Session, contract: Contract) -> None:
    agree_all(eu, contract)
    refused(eu, contract, lambda: say(eu, contract, "ada", RESPONSE, "offer", value("1 h")))
    say(eu, contract, "ada", RESPONSE, "offer", value("1 h"), "We lost two people")
    send(eu, contract, "ada")
    found = at_table(eu, contract, "cleo")
    assert found.standings[RESPONSE].status is Status.OPEN and not found.all_agreed


# Freezing


@pytest.mark.slow
def test_a_freeze_pins_the_agreed_values_under_one_hash(eu: Session, contract: Contract) -> None:
    agree_all(eu, contract)
    before = footprint(eu, contract)
    version = actions.freeze(eu, contract, CLEO, at=clock.now())
    assert state(contract, today=clock.now().date()) is State.AGREED
    assert version.canonical["terms"] == SCHEMA.defaults()
    assert version.sha256 == sha256_of(canonical_bytes(version.canonical))
    assert [s["name"] for s in version.canonical["signers"]][:1] == ["Ada Keane"]
    assert "Company no. 4711230" in json.dumps(version.canonical["parties"])
    last = lines(eu, contract.id)[-1]
    assert (last.event, last.facts) == (
        "negotiation:version:frozen", {"number": 1, "sha256": version.sha256},
    )  # fmt: skip
    after = footprint(eu, contract)
    assert [b - a for a, b in zip(before, after, strict=True)] == [0, 0, 1, 1, 1, 1]


def test_an_open_term_blocks_the_freeze(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    error = refused(eu, contract, lambda: actions.freeze(eu, contract, ADA, at=clock.now()))
    assert "Every term is agreed (0 of" in error.message


@pytest.mark.slow
def test_a_contradiction_blocks_the_freeze(eu: Session, contract: Contract) -> None:
    values = {**SCHEMA.defaults(), "C4.S1.resolution": value("10 min", "C4.S1.resolution")}
    actions.set_offers(eu, contract, ADA, values, at=clock.now())
    send(eu, contract, "ada")
    actions.accept_rest(eu, contract, CLEO, at=clock.now())
    send(eu, contract, "cleo")
    error = refused(eu, contract, lambda: actions.freeze(eu, contract, ADA, at=clock.now()))
    assert "contradict" in error.message


@pytest.mark.slow
def test_a_side_without_a_signer_blocks_the_freeze(eu: Session, contract: Contract) -> None:
    agree_all(eu, contract)
    for slot in list(contract.slots):
        if slot.side == "customer":
            eu.delete(slot)
    eu.commit()
    eu.expire_all()
    error = refused(eu, contract, lambda: actions.freeze(eu, contract, ADA, at=clock.now()))
    assert "Harbour Retail Inc has named who signs" in error.message


@pytest.mark.slow
def test_terms_that_moved_since_they_were_read_are_not_frozen(
    eu: Session, contract: Contract
) -> None:
    agree_all(eu, contract)
    refused(
        eu, contract,
        lambda: actions.freeze(eu, contract, ADA, at=clock.now(), seen_sha256="0" * 64),
        rules.Stale,
    )  # fmt: skip


@pytest.mark.slow
def test_frozen_terms_take_no_more_answers_and_no_second_freeze(
    eu: Session, contract: Contract
) -> None:
    agree_all(eu, contract)
    actions.freeze(eu, contract, ADA, at=clock.now())
    for act in (
        lambda: say(eu, contract, "ada", RESPONSE, "offer", value("1 h"), "late"),
        lambda: actions.clear_answer(eu, contract, ADA, RESPONSE, at=clock.now()),
        lambda: actions.accept_rest(eu, contract, ADA, at=clock.now()),
        lambda: actions.freeze(eu, contract, CLEO, at=clock.now()),
    ):
        refused(eu, contract, act, rules.Frozen)
