"""Looking at a negotiation: what changed, what differs, what one's role owns, and how it went."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import transaction
from portal.negotiation import actions, rules
from portal.negotiation.rules import Kind, SentRound, Word
from portal.negotiation.rules.course import BASE, LEFT, TOP, WIDTH
from portal.negotiation.rules.playbook import Limits
from portal.plans.queries import offer_of
from portal.residency.databases import Regions
from portal.terms.rules import parse
from tests import cast
from tests.conftest import make_contract
from tests.negotiation.table import SCHEMA, events, opens, say, send, settle

ClientAs = Callable[[str], FlaskClient]
CLEO = cast.actor("cleo")
TERMS = ["B1", "D1", "E4", "L9", "P6", "C4.S1.first_response"]


def value(term: str, text: str) -> Any:
    return parse(SCHEMA.terms[term], text)


@pytest.fixture
def contract(eu: Session, regions: Regions) -> Contract:
    """A contract over six terms from a tier of Northwind, with round 1 sent and opened."""
    catalogue = offer_of(cast.actor("ada").organisation_id)
    assert catalogue is not None
    settle(eu)
    contract = make_contract(eu, regions, terms=TERMS)
    with transaction(eu):
        contract.tier, contract.tier_sha256 = "northwind/4/Enterprise", catalogue.sha256
    offers = {term: SCHEMA.terms[term].default for term in TERMS}
    offers |= {"D1": value("D1", "99.5 %"), "L9": "It works as its documentation says."}
    actions.set_offers(eu, contract, cast.actor("ada"), offers, at=clock.now())
    send(eu, contract, "ada")
    return contract


@pytest.fixture
def read(client_as: ClientAs, context: Flask, eu: Session, contract: Contract) -> Any:
    """A reader of a page of the contract by one of the cast: the words a person reads."""

    def page(key: str, path: str, status: int = 200, **form: str) -> str:
        settle(eu)
        client, address = client_as(key), f"/contracts/{contract.id}/{path}"
        with context.app_context():
            answer = client.post(address, data=form) if form else client.get(address)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        main = answer.text.partition("<main")[2].partition("</main>")[0]
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())

    return page


def codes(page: str) -> list[str]:
    """Return the terms of the list in their order on the page."""
    labels = {SCHEMA.terms[term].label: term for term in TERMS}
    places = {term: page.find(f" {label} ") for label, term in labels.items()}
    return sorted((t for t, at in places.items() if at >= 0), key=lambda t: places[t])


@pytest.mark.slow
def test_what_changed_since_i_last_looked_is_mine_and_ends_when_i_say_so(
    eu: Session, contract: Contract, read: Any
) -> None:
    assert len(codes(read("cleo", "terms?show=changed"))) == len(TERMS)
    before = events(eu, contract)
    read("cleo", "look", 303, seen_round="1")
    assert events(eu, contract) == before, "what one has read is nobody else's business"
    assert "Nothing new since you last looked" in read("cleo", "terms?show=changed")
    assert len(codes(read("lena", "terms?show=changed"))) == len(TERMS), "each for themselves"
    say(eu, contract, "cleo", "P6", "offer", value("P6", "30 days"))
    send(eu, contract, "cleo")
    say(eu, contract, "ada", "P6", "accept")
    say(eu, contract, "ada", "D1", "offer", value("D1", "99.9 %"))
    send(eu, contract, "ada")
    assert set(codes(read("cleo", "terms?show=changed"))) == {"D1", "P6"}, "sending is looking"
    told = read("cleo", "compare")
    assert "from When I last looked (round 2) to Now : 1 term differs" in told
    assert "[removed: 99.5 % ] [added: 99.9 % ]" in told and "Better for Harbour Retail Inc" in told
    assert "another round has arrived" in read("cleo", "look", 409, seen_round="2").lower()
    read("cleo", "look", 303, seen_round="3")
    assert "Nothing differs" in read("cleo", "compare")


@pytest.mark.slow
def test_any_two_states_stand_against_each_other(
    eu: Session, contract: Contract, read: Any
) -> None:
    say(eu, contract, "cleo", "L9", "offer", "It works as agreed, and is mended within a week.")
    say(eu, contract, "cleo", "D1", "offer", value("D1", "99.95 %"))
    assert "[added: 99.95 % ]" in read("cleo", "compare?from=now&to=draft")
    read("ada", "compare?from=now&to=draft", 404)
    send(eu, contract, "cleo")
    rounds = read("ada", "compare?from=1&to=2")
    assert "[removed: 99.5 % ] [added: 99.95 % ]" in rounds and "Text and lists" in rounds
    assert "[added: It works as agreed, and is mended within a week. ]" in rounds
    back = read("ada", "compare?from=2&to=1")
    assert "[removed: 99.95 % ] [added: 99.5 % ]" in back
    tier = read("ada", "compare?from=tier&to=now")
    assert "The tier Enterprise" in tier and "[removed: 14 days ] [added: 7 days ]" in tier
    template = read("ada", "compare?from=template&to=1")
    assert "from The template to Round 1" in template and "[added: 99.5 % ]" in template
    assert "Nothing differs" in read("ada", "compare?from=2&to=2")
    for wrong in ("from=9", "to=-1", "from=now&to=x"):
        read("ada", f"compare?{wrong}", 404)


def test_the_list_keeps_to_what_needs_an_approval_or_what_a_role_looks_after(
    eu: Session, contract: Contract, read: Any
) -> None:
    own = Limits(value("P6", "30 days"), (), None, "legal")
    actions.set_limits(cast.actor("lena"), Side.CUSTOMER, "P6", own, seen_number=0, at=clock.now())
    assert "Nothing needs an approval" in read("cleo", "terms?show=approval")
    say(eu, contract, "cleo", "P6", "offer", value("P6", "90 days"))
    assert codes(read("cleo", "terms?show=approval")) == ["P6"]
    mine = [t for t in TERMS if "legal" in SCHEMA.terms[t].owners_customer]
    shown = codes(read("cleo", "terms?show=all&role=legal"))
    assert set(shown) == set(mine) and 0 < len(mine) < len(TERMS)
    assert set(codes(read("cleo", "terms?show=all&role=nobody"))) == set(TERMS)


@pytest.mark.slow
def test_a_note_is_shared_on_a_page_of_its_own_that_says_who_will_read_it(
    eu: Session, contract: Contract, read: Any
) -> None:
    note = actions.write_note(eu, contract, CLEO, text="Ask for a week", term="P6", at=clock.now())
    note_id = note.id
    assert "Only Harbour Retail Inc sees this" in read("cleo", "comments")
    assert "Ask for a week" not in read("ada", "comments")
    assert "Northwind Systems Ltd" in read("cleo", f"notes/{note_id}/sharing")
    assert "Ask for a week" not in read("ada", "comments"), "looking at the question shares nothing"
    read("ada", f"notes/{note_id}/sharing", 404)
    read("cleo", f"notes/{note_id}/sharing", 303, sure="yes")
    assert "Ask for a week" in read("ada", "comments?term=P6")


@pytest.mark.slow
def test_a_page_of_rounds_draws_and_tells_the_same_figures(
    eu: Session, contract: Contract, read: Any
) -> None:
    actions.accept_rest(eu, contract, CLEO, at=clock.now())
    settle(eu)
    say(eu, contract, "cleo", "D1", "offer", value("D1", "99.95 %"))
    send(eu, contract, "cleo")
    opens(eu, contract, "ada")
    told = read("ada", "rounds")
    assert "Terms still open after each round 6 1" in told
    assert re.search(r"1 Northwind Systems Ltd .{3,40} 0 6 2 Harbour Retail Inc .{3,40} 5 1", told)
    assert "With Northwind Systems Ltd" in told and "5 accepted, 1 countered" in told


COUNTS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 90)), min_size=1, max_size=12)


@given(COUNTS)
def test_the_picture_of_the_course_is_in_proportion(plan: list[tuple[int, int]]) -> None:
    start = datetime(2027, 1, 1, tzinfo=UTC)
    terms = [f"T{n}" for n in range(5)]
    sent, at, side = [], start, Side.VENDOR
    for number, (accepted, hours) in enumerate(plan, 1):
        at += timedelta(hours=hours)
        words = {
            term: Word(Kind.ACCEPT if number > 1 and n < accepted else Kind.OFFER, "a", "a")
            for n, term in enumerate(terms)
        }
        sent.append(SentRound(number, side, at, words))
        side = side.other
    until = at + timedelta(hours=5)
    told = rules.course(
        terms, sent, started_by=Side.VENDOR, started_at=start, turn=side, until=until, ended=False
    )
    assert sum((told.with_side(s) for s in Side), timedelta()) == until - start
    bars, band = rules.drawn(told)
    assert [bar.label for bar in bars if bar.label] == [str(after.open) for after in told.after]
    for opened, agreed, after in zip(bars[::2], bars[1::2], told.after, strict=True):
        assert abs(opened.height + agreed.height - (BASE - TOP)) < 0.2
        assert (opened.height == 0) == (after.open == 0) and (agreed.height == 0) == (
            after.agreed == 0
        )
    assert abs(sum(bar.width for bar in band) - (WIDTH - LEFT)) < 0.2 * len(band)
