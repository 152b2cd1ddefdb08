"""What people read and do on the pages of the negotiation, as both sides."""

import gzip
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit import clock
from portal.negotiation import actions
from portal.negotiation.forms import read_value, value_field
from portal.negotiation.models import Answer
from portal.residency.databases import Regions
from portal.terms.rules import Term, parse
from tests import cast
from tests.incidents import desk
from tests.negotiation.table import (
    RESPONSE,
    SCHEMA,
    agree_all,
    at_table,
    events,
    offer_all,
    say,
    send,
    settle,
)

ClientAs = Callable[[str], FlaskClient]


@pytest.fixture
def client_as(client_as: ClientAs, context: Flask, eu: Session) -> ClientAs:
    """Clients whose every request has a context of its own, as requests have outside of tests."""

    return desk.each_apart(client_as, context, eu)


def value(words: str, term: str = RESPONSE) -> Any:
    return parse(SCHEMA.terms[term], words)


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, f"{path}: {answer.status_code}"
    return unescape(answer.text)


@pytest.mark.slow
def test_the_note_of_a_round_is_kept_in_the_draft_and_seen_by_nobody_else(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    say(eu, contract, "cleo", RESPONSE, "offer", value("10 min"))
    here, before = f"/contracts/{contract.id}/rounds/draft", events(eu, contract)
    cleo = client_as("cleo")
    assert "Kept in your draft" not in read(cleo, here)
    answer = cleo.post(f"{here}/note", data={"note": "Half of it is settled"})
    assert answer.status_code == 303 and answer.location.endswith("/rounds/draft")
    page = read(cleo, here)
    assert "Half of it is settled" in page and "Kept in your draft." in page
    assert events(eu, contract) == before
    wrong = cleo.post(f"{here}/note", data={"note": "x" * 2001})
    assert wrong.status_code == 422 and "at most 2,000 characters" in unescape(wrong.text)
    assert client_as("ada").post(f"{here}/note", data={"note": "mine"}).status_code == 409
    assert "Half of it" not in read(client_as("ada"), f"/contracts/{contract.id}/terms?show=all")
    assert "Half of it" in read(client_as("lena"), here), "the side's draft is one"
    form = {"seen_draft": hidden(page, "seen_draft"), "note": "Half of it is settled"}
    assert cleo.post(f"/contracts/{contract.id}/rounds", data=form).status_code == 303


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no hidden {name}"
    return found[1]


def words(page: str) -> str:
    """Return the text a person reads, tags and repeated white space left out."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.fixture
def at(eu: Session, contract: Contract) -> str:
    """The address of the contract."""
    settle(eu)
    return f"/contracts/{contract.ref}"


@pytest.fixture
def offered(eu: Session, contract: Contract) -> Contract:
    """A contract whose first round was sent: it is Harbour's turn."""
    offer_all(eu, contract)
    return contract


# The list


@pytest.mark.slow
def test_the_list_opens_on_what_is_mine_to_answer(
    offered: Contract, at: str, client_as: ClientAs
) -> None:
    page = read(client_as("cleo"), f"{at}/terms")
    assert "Yours to answer" in page and "Severities, response and resolution" in page
    total = len(SCHEMA.terms)
    assert f"Your turn: 0 answered, {total} left." in words(page)
    assert f"Accept the {total} offers left" in words(page)
    assert "Review and send round 2" in page


@pytest.mark.slow
def test_the_side_that_waits_reads_whose_turn_it_is(
    offered: Contract, at: str, client_as: ClientAs
) -> None:
    page = words(read(client_as("ada"), f"{at}/terms"))
    assert "Harbour Retail Inc’s turn. Round 1 was sent" in page
    assert "For Harbour Retail Inc" in page and "Accept the" not in page


def test_before_round_1_the_other_side_is_told_to_wait(
    contract: Contract, at: str, client_as: ClientAs
) -> None:
    page = words(read(client_as("cleo"), f"{at}/terms"))
    assert "Northwind Systems Ltd is preparing round 1" in page


@pytest.mark.parametrize(
    "show", ["mine", "open", "agreed", "changed", "approval", "all", "nonsense"]
)
@pytest.mark.slow
def test_filters_live_in_the_address(
    offered: Contract, at: str, client_as: ClientAs, show: str
) -> None:
    page = read(client_as("cleo"), f"{at}/terms?show={show}")
    assert page.count('aria-current="true"') == 1
    rows = page.count('class="issue issue--')
    assert rows == (0 if show in ("agreed", "approval") else len(SCHEMA.terms))


@pytest.mark.slow
def test_contradictions_are_listed_and_lead_to_their_terms(
    eu: Session, offered: Contract, at: str, client_as: ClientAs
) -> None:
    say(eu, offered, "cleo", "C4.S1.resolution", "offer", value("10 min", "C4.S1.resolution"))
    page = read(client_as("cleo"), f"{at}/terms")
    assert "to settle before freezing" in page
    assert f'href="{at}/terms/C4.S1.resolution"' in page


@pytest.mark.slow
def test_the_whole_list_is_light_and_reads_the_database_a_fixed_number_of_times(
    eu: Session, offered: Contract, at: str, client_as: ClientAs, regions: Regions
) -> None:
    cleo = client_as("cleo")
    asked: list[str] = []
    count = lambda *args: asked.append(args[2])  # noqa: E731
    event.listen(regions["eu"].engine, "before_cursor_execute", count)

    def queries() -> int:
        asked.clear()
        size = len(gzip.compress(cleo.get(f"{at}/terms?show=all").data))
        assert size <= 60_000
        return len(asked)

    early = queries()
    for key, new in (("cleo", "15 min"), ("ada", "20 min"), ("cleo", "18 min"), ("ada", "19 min")):
        say(eu, offered, key, RESPONSE, "offer", value(new))
        send(eu, offered, key)
    late = queries()
    event.remove(regions["eu"].engine, "before_cursor_execute", count)
    assert 0 < early == late <= 18


# Answering


@pytest.mark.slow
def test_a_term_is_answered_on_a_plain_page(
    offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo = client_as("cleo")
    page = read(cleo, f"{at}/terms/{RESPONSE}")
    assert "Accept their offer" in page and "How it came here" in page
    assert "Standard Support Terms 1.0, clause" in page
    assert 'value="30 minutes, round the clock"' in page
    answer = cleo.post(
        f"{at}/terms/{RESPONSE}/answer",
        data={
            "kind": "offer", "value": "15 min", "why": "We sell at night",
            "seen_sha256": hidden(page, "seen_sha256"),
        },
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, f"{at}/terms/{RESPONSE}/answer")
    after = words(read(cleo, answer.location))
    assert "You counter" in after and "15 minutes" in after and "Next:" in after
    again = read(cleo, f"{at}/terms/{RESPONSE}")
    assert 'value="15 minutes, round the clock"' in again and "We sell at night" in again
    removed = cleo.post(f"{at}/terms/{RESPONSE}/answer/removal")
    assert "Your draft has no answer" in read(cleo, removed.location)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Choose how you answer."),
        ({"kind": "offer", "value": "soonish"}, "Write a time such as"),
        ({"kind": "offer", "value": "30 min"}, "Accept it instead."),
        ({"kind": "offer", "value": ""}, "This is needed"),
        ({"kind": "reject", "reason": " "}, "Say why you reject it."),
        ({"kind": "reject", "reason": "no\u202e"}, "hidden or control character"),
        ({"kind": "offer", "value": "15 min", "why": "x" * 1001}, "at most 1,000"),
    ],
)
@pytest.mark.slow
def test_a_mistake_comes_back_with_what_was_typed(
    eu: Session, offered: Contract, at: str, client_as: ClientAs, data: dict[str, str], said: str
) -> None:
    cleo = client_as("cleo")
    seen = hidden(read(cleo, f"{at}/terms/{RESPONSE}"), "seen_sha256")
    answer = cleo.post(f"{at}/terms/{RESPONSE}/answer", data={**data, "seen_sha256": seen})
    page = unescape(answer.text)
    assert answer.status_code == 422 and said in page and "Error: " in page
    if data.get("value") and data["kind"] == "offer":
        assert f'value="{data["value"]}"' in page
    assert at_table(eu, offered, "cleo").words == {}


@pytest.mark.parametrize("term", list(SCHEMA.terms.values()), ids=lambda term: term.id)
def test_every_field_reads_back_the_value_it_shows(term: Term) -> None:
    field = value_field(term, term.default)
    assert read_value(term, field.value) == (term.default, [])
    if field.options:
        shown = field.value if isinstance(field.value, list) else [field.value]
        assert set(shown) <= {code for code, _ in field.options}


@pytest.mark.slow
def test_a_stale_answer_shows_both_values_and_keeps_what_was_typed(
    eu: Session, offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo = client_as("cleo")
    seen = hidden(read(cleo, f"{at}/terms/{RESPONSE}"), "seen_sha256")
    say(eu, offered, "cleo", RESPONSE, "offer", value("15 min"))
    send(eu, offered, "cleo")
    say(eu, offered, "ada", RESPONSE, "offer", value("20 min"))
    send(eu, offered, "ada")
    answer = cleo.post(
        f"{at}/terms/{RESPONSE}/answer",
        data={"kind": "offer", "value": "17 min", "why": "Typed words", "seen_sha256": seen},
    )
    page = unescape(answer.text)
    assert answer.status_code == 409
    for both in ("30 minutes, round", "17 min", "20 minutes, round", "Typed words"):
        assert both in page
    assert at_table(eu, offered, "cleo").words == {}
    again = cleo.post(
        f"{at}/terms/{RESPONSE}/answer",
        data={"kind": "offer", "value": "17 min", "seen_sha256": hidden(page, "seen_sha256")},
    )
    assert again.status_code == 303


@pytest.mark.slow
def test_a_wrong_turn_shows_both_values_and_offers_no_form(
    eu: Session, offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo = client_as("cleo")
    seen = hidden(read(cleo, f"{at}/terms/{RESPONSE}"), "seen_sha256")
    say(eu, offered, "cleo", "D1", "accept")
    send(eu, offered, "cleo")
    answer = cleo.post(
        f"{at}/terms/{RESPONSE}/answer",
        data={"kind": "offer", "value": "17 min", "seen_sha256": seen},
    )
    page = unescape(answer.text)
    assert answer.status_code == 409 and "It is not your turn" in page
    assert "17 min" in page and "30 minutes, round the clock" in page
    assert "Save in my draft" not in page


def test_a_reader_of_the_side_sees_the_draft_and_no_form(
    eu: Session, contract: Contract, at: str, client_as: ClientAs
) -> None:
    actions.set_offers(eu, contract, cast.actor("ada"), SCHEMA.defaults(), at=clock.now())
    settle(eu)
    ben = client_as("ben")
    page = read(ben, f"{at}/terms/{RESPONSE}")
    assert "Your role reads the terms" in page and "Save in my draft" not in page
    refused = ben.post(f"{at}/terms/{RESPONSE}/answer", data={"kind": "offer", "value": "1 h"})
    assert refused.status_code == 403


# The round


@pytest.mark.slow
def test_a_round_is_reviewed_sent_and_read_by_the_other_side(
    eu: Session, offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo, ada = client_as("cleo"), client_as("ada")
    say(eu, offered, "cleo", RESPONSE, "offer", value("15 min"), "We sell at night")
    say(eu, offered, "cleo", "C2", "reject", reason="We know best")
    say(eu, offered, "cleo", "D1", "accept")
    preview = read(cleo, f"{at}/rounds/draft")
    counted = f"1 accepted, 1 countered, 1 rejected, {len(SCHEMA.terms) - 3} unchanged"
    assert counted in preview
    answer = cleo.post(
        f"{at}/rounds",
        data={"seen_draft": hidden(preview, "seen_draft"), "note": "With kind regards"},
    )
    assert (answer.status_code, answer.location) == (303, f"{at}/rounds/2")
    waiting = read(ada, f"{at}/rounds/2")
    assert "Round 2 has arrived" in waiting and counted in waiting
    for hidden_yet in ("We sell at night", "With kind regards"):
        assert hidden_yet not in waiting + read(ada, f"{at}/terms?show=all")
    opened = ada.post(f"{at}/rounds/opening")
    assert (opened.status_code, opened.location) == (303, f"{at}/rounds/2")
    page = read(ada, f"{at}/rounds/2")
    changes = re.compile(r'<div id="changes".*?</div>\s*</section>', re.S)
    assert changes.findall(page) == changes.findall(preview) != []
    for said in (counted, "We sell at night", "We know best", "With kind regards", "Cleo Marsh"):
        assert said in page
    assert "Better for Harbour Retail Inc" in page
    rounds = read(ada, f"{at}/rounds")
    assert "Read round 1" in rounds and "Read round 2" in rounds
    assert "A note from Harbour Retail Inc" in read(ada, f"{at}/terms")
    assert ada.get(f"{at}/rounds/3").status_code == 404


@pytest.mark.slow
def test_a_draft_that_changed_after_the_preview_is_not_sent(
    eu: Session, offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo = client_as("cleo")
    say(eu, offered, "cleo", "D1", "accept")
    seen = hidden(read(cleo, f"{at}/rounds/draft"), "seen_draft")
    say(eu, offered, "cleo", RESPONSE, "accept")
    answer = cleo.post(f"{at}/rounds", data={"seen_draft": seen, "note": "Keep this note"})
    page = unescape(answer.text)
    assert answer.status_code == 409 and "Nothing was sent" in page and "Keep this note" in page
    assert events(eu, offered) == ["negotiation:round:sent", "negotiation:round:opened"]
    assert hidden(page, "seen_draft") != seen


@pytest.mark.slow
def test_the_rest_is_accepted_with_one_press(
    eu: Session, offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo = client_as("cleo")
    page = read(cleo, f"{at}/answers")
    assert page.count('<tr><th scope="row">') == len(SCHEMA.terms)
    answer = cleo.post(f"{at}/answers", data={"seen_round": hidden(page, "seen_round")})
    assert (answer.status_code, answer.location) == (303, f"{at}/rounds/draft")
    assert len(at_table(eu, offered, "cleo").words) == len(SCHEMA.terms)
    assert cleo.post(f"{at}/answers", data={"seen_round": "0"}).status_code == 409


# Freezing


@pytest.mark.slow
def test_agreed_terms_are_frozen_by_either_side(
    eu: Session, contract: Contract, at: str, client_as: ClientAs
) -> None:
    agree_all(eu, contract)
    cleo = client_as("cleo")
    assert "Freeze the agreed terms" in read(cleo, f"{at}/terms")
    page = read(cleo, f"{at}/freeze")
    answer = cleo.post(f"{at}/freeze", data={"seen_agreed": hidden(page, "seen_agreed")})
    assert (answer.status_code, answer.location) == (303, at)
    assert events(eu, contract)[-1] == "negotiation:version:frozen"
    assert "Frozen as version 1" in read(client_as("ada"), f"{at}/terms")
    assert "frozen already, as version 1" in read(cleo, f"{at}/freeze")
    again = cleo.post(f"{at}/freeze", data={})
    assert again.status_code == 409 and "frozen already" in again.text


@pytest.mark.slow
def test_what_a_freeze_lacks_is_listed_and_no_button_is_drawn(
    offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo = client_as("cleo")
    page = read(cleo, f"{at}/freeze")
    assert f"0 of {len(SCHEMA.terms)}" in page and 'name="seen_agreed"' not in page
    assert cleo.post(f"{at}/freeze", data={}).status_code == 409


# Who may look


PAGES = [
    "terms", "terms?show=all", f"terms/{RESPONSE}", f"terms/{RESPONSE}/answer", "rounds/draft",
    "rounds", "rounds/1", "freeze",
]  # fmt: skip
POSTS = [
    f"terms/{RESPONSE}/answer", f"terms/{RESPONSE}/answer/removal", "answers", "rounds", "freeze",
]  # fmt: skip


@pytest.mark.slow
def test_another_vendor_finds_nothing(offered: Contract, at: str, client_as: ClientAs) -> None:
    mal = client_as("mal")
    for path in PAGES:
        read(mal, f"{at}/{path}", 404)
    for path in POSTS:
        assert mal.post(f"{at}/{path}", data={"kind": "accept"}).status_code == 404


def test_an_unknown_term_is_not_found(offered: Contract, at: str, client_as: ClientAs) -> None:
    cleo = client_as("cleo")
    read(cleo, f"{at}/terms/Z9", 404)
    assert cleo.post(f"{at}/terms/Z9/answer", data={"kind": "accept"}).status_code == 404


PLANT = "PLANTED-7K3Q"


def blind(page: str) -> str:
    """Leave out what differs from one answer to the next by itself."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


@pytest.mark.slow
def test_nothing_the_other_side_gets_depends_on_a_draft(
    eu: Session, offered: Contract, at: str, client_as: ClientAs
) -> None:
    ada = client_as("ada")

    def everything() -> dict[str, tuple[int, str]]:
        got = {path: ada.get(f"{at}/{path}") for path in PAGES}
        got["contract"] = ada.get(at)
        for path in POSTS:
            data = {"kind": "offer", "value": "1 h", "seen_sha256": "0" * 64, "seen_round": "1"}
            got[f"POST {path}"] = ada.post(f"{at}/{path}", data=data)
        return {path: (r.status_code, blind(r.text)) for path, r in got.items()}

    before = everything()
    say(eu, offered, "cleo", RESPONSE, "offer", value("11 min"), PLANT)
    say(eu, offered, "cleo", "C2", "reject", reason=PLANT)
    actions.accept_rest(eu, offered, cast.actor("cleo"), at=clock.now())
    assert eu.scalar(select(func.count()).select_from(Answer)) == 2 * len(SCHEMA.terms)
    settle(eu)
    assert PLANT in client_as("cleo").get(f"{at}/rounds/draft").text
    after = everything()
    assert all(PLANT not in text and "11 minutes" not in text for _, text in after.values())
    assert after == before


@pytest.mark.slow
def test_reading_writes_nothing(
    app: Flask, offered: Contract, at: str, client_as: ClientAs
) -> None:
    cleo = client_as("cleo")
    regions: Regions = app.extensions["regions"]
    wrote: list[str] = []

    def watch(*args: Any) -> None:
        if args[2].split()[0] in {"INSERT", "UPDATE", "DELETE"}:
            wrote.append(args[2])

    event.listen(regions["eu"].engine, "before_cursor_execute", watch)
    for path in PAGES:
        cleo.get(f"{at}/{path}")
    event.remove(regions["eu"].engine, "before_cursor_execute", watch)
    assert wrote == []
