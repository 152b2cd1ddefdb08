"""Two browsers at one table: from the first round to the freeze, with JavaScript and without."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import db
from portal.negotiation import actions
from portal.negotiation.rules.playbook import Limits, Rung
from portal.residency.databases import Regions
from portal.terms.rules import parse
from tests import cast
from tests.conftest import make_contract
from tests.journeys.conftest import DESK, Visitor
from tests.negotiation.table import SCHEMA

pytestmark = [pytest.mark.journey, pytest.mark.slow]

TERMS = [
    "A6", "A7", "B1", "B7", "B9", "C4.S1.first_response", "C4.S1.resolution",
    "C4.S2.first_response", "C5", "D1", "D4", "D11", "E4", "E5", "F6", "F8", "F14", "G3", "J11",
    "K7", "K8", "N10", "O6", "P1", "P6",
]  # fmt: skip


@pytest.fixture
def ref(context: Flask, eu: Session, regions: Regions) -> str:
    """A contract over 25 terms, its first draft filled, and the vendor's limits on the uptime."""
    contract = make_contract(eu, regions, terms=TERMS)
    values = {term: SCHEMA.terms[term].default for term in TERMS}
    actions.set_offers(eu, contract, cast.actor("ada"), values, at=clock.now())
    own = Limits(
        parse(SCHEMA.terms["D1"], "99.9 %"),
        (Rung(parse(SCHEMA.terms["D1"], "99.97 %"), "legal"),),
        None,
        "legal",
    )
    actions.set_limits(cast.actor("nia"), Side.VENDOR, "D1", own, seen_number=0, at=clock.now())
    ref = contract.id
    eu.close()
    db.session.remove()
    return ref


class Table:
    """The moves both sides make, through the pages."""

    def __init__(self, ref: str) -> None:
        self.at = f"/contracts/{ref}"
        self.looked_at: set[str] = set()

    def answer(
        self, who: Visitor, term: str, how: str, value: str | None = None, why: str | None = None
    ) -> None:
        """Answer one term on its own page."""
        if term in self.looked_at:
            who.page.goto(f"{who.url}{self.at}/terms/{term}")
        else:
            who.open(f"{self.at}/terms/{term}")
            self.looked_at.add(term)
        form = who.page.locator("form.answer__form")
        if form.get_by_label(how, exact=False).count():
            form.get_by_label(how, exact=False).first.check()
        if value is not None:
            form.locator("[name=value]").fill(value)
        if why is not None:
            field = {"Reject": "reason", "Discuss": "topic"}.get(how.split()[0].strip(":"), "why")
            form.locator(f"[name={field}]").fill(why)
        form.get_by_role("button", name="Save in my draft").click()
        expect(who.page.get_by_text("Private until you send").first).to_be_visible()

    def tie(self, who: Visitor, *labels: str) -> None:
        """Tie answers of the draft into a package."""
        who.open(f"{self.at}/packages/new")
        for label in labels:
            who.page.get_by_label(label, exact=False).first.check()
        who.press("Make it a package")
        expect(who.page.get_by_text("all or nothing").first).to_be_visible()

    def accept_rest(self, who: Visitor) -> None:
        """Read the list of what is left, then accept all of it."""
        who.open(f"{self.at}/answers")
        who.page.locator("#turn button").click()
        expect(who.page.get_by_text("accepted in your draft").first).to_be_visible()

    def send(self, who: Visitor, number: int) -> None:
        """Review the round and send it."""
        who.open(f"{self.at}/rounds/draft")
        who.page.get_by_role("button", name=f"Send round {number}").click()
        expect(who.page.get_by_text(f"Round {number} is sent").first).to_be_visible()
        who.inspect()

    def open_round(self, who: Visitor, number: int) -> None:
        """Open the round that came."""
        who.open(f"{self.at}/terms")
        who.page.get_by_role("button", name="Open").first.click()
        expect(who.page.get_by_role("heading", name=f"Round {number}", exact=True)).to_be_visible()
        who.inspect()

    def approve(self, who: Visitor) -> None:
        """Approve the one value that waits."""
        who.open(f"{self.at}/approvals")
        who.page.get_by_role("button", name="Approve").click()
        expect(who.page.get_by_text("Approved. It stands").first).to_be_visible()
        who.inspect()


@pytest.mark.parametrize("scripted", [True, False], ids=["with-js", "without-js"])
def test_two_sides_come_from_a_first_round_to_a_freeze(
    ref: str, visitor: Callable[..., Visitor], scripted: bool
) -> None:
    table, at = Table(ref), f"/contracts/{ref}"
    ada, nia = visitor("ada", scripted=scripted, size=DESK), visitor("nia", scripted=scripted)
    cleo = visitor("cleo", scripted=scripted)
    for one in (ada, nia, cleo):
        one.sign_in()

    # A recall: nobody has opened round 1, so it comes back; round 2 goes out.
    table.send(ada, 1)
    ada.open(f"{at}/terms")
    ada.press("Recall round 1")
    table.send(ada, 2)
    table.open_round(cleo, 2)

    # Harbour counters, ties two packages, notes something for itself, and accepts the rest.
    table.answer(cleo, "D1", "Counter", "99.95 %", "We sell all night")
    table.answer(cleo, "E4", "Counter", "21 days")
    table.answer(cleo, "P6", "Counter", "30 days")
    table.answer(cleo, "F8", "Counter", "21 days")
    table.answer(cleo, "F14", "Counter", "15 min")
    table.answer(cleo, "J11", "Discuss", None, "How many hours did the last release take?")
    cleo.open(f"{at}/terms/D1")
    cleo.page.get_by_text("Write an internal note").click()
    cleo.page.locator("textarea[name=text]").fill("INTERNAL: we would take 99.92")
    cleo.press("Note for Harbour Retail Inc only")
    expect(cleo.page.get_by_text("Only Harbour Retail Inc sees this").first).to_be_visible()
    labels = {t: SCHEMA.terms[t].label for t in ("E4", "P6", "F8", "F14")}
    table.tie(cleo, labels["E4"], labels["P6"])
    table.tie(cleo, labels["F8"], labels["F14"])
    table.accept_rest(cleo)
    table.send(cleo, 3)

    # Northwind takes one package whole and one only in part, which returns it.
    table.open_round(ada, 3)
    assert "INTERNAL" not in ada.page.content()
    late = ada.page.context.new_page()
    late.goto(f"{ada.url}{at}/terms/D1")
    ada.open(f"{at}/packages/P1")
    ada.page.locator("#turn button").click()
    expect(ada.page.get_by_text("Package P1 is accepted whole").first).to_be_visible()
    table.answer(ada, "F8", "Accept")
    table.answer(ada, "F14", "Counter", "20 min")
    table.answer(ada, "D1", "Counter", "99.92 %", "Our last word")
    table.answer(ada, "J11", "Offer another", "20")
    ada.open(f"{at}/rounds/draft")
    assert "P2" in ada.page.content() and "goes back" in ada.page.content()
    assert "needs an approval" in ada.page.content()
    table.approve(nia)
    table.send(ada, 4)
    ada.open(f"{at}/terms/D1")
    assert "INTERNAL" not in ada.page.content()

    # Harbour offers the returned part anew, and asks for a little more.
    table.open_round(cleo, 4)
    assert "approval" not in cleo.page.content().lower().replace("approvals", "")
    table.answer(cleo, "D1", "Counter", "99.93 %")
    table.answer(cleo, "F8", "Offer another", "21 days")
    table.accept_rest(cleo)
    table.send(cleo, 5)

    # A page left open since round 3 comes too late: both values are shown, nothing is changed.
    table.open_round(ada, 5)
    late.get_by_label("Accept their offer").first.check()
    late.get_by_role("button", name="Save in my draft").click()
    expect(late.get_by_text("This changed while you were looking").first).to_be_visible()
    assert "99.95" in late.content() and "99.93" in late.content()
    late.close()

    # The value moves, so the approval falls; it is given again.
    table.answer(ada, "D1", "Accept")
    nia.open(f"{at}/approvals")
    expect(nia.page.get_by_text("Fell: the value changed").first).to_be_visible()
    table.approve(nia)
    table.accept_rest(ada)
    table.send(ada, 6)

    # Both agree on all 25: either side freezes.
    table.open_round(cleo, 6)
    cleo.open(f"{at}/terms?show=agreed")
    expect(cleo.page.get_by_text("All 25 terms are agreed").first).to_be_visible()
    cleo.open(f"{at}/compare?from=2&to=now")
    printed = cleo.printed()
    assert labels["E4"] in printed and "99.93" in printed and "Better for" in printed
    assert "Sign out" not in printed and "What to compare" not in printed
    cleo.open(f"{at}/rounds")
    cleo.open(f"{at}/comments")
    cleo.open(f"{at}/freeze")
    cleo.press("Freeze the agreed terms")
    expect(cleo.page.get_by_text("The terms are frozen as version 1").first).to_be_visible()
    ada.open(f"{at}/agreement")
    assert "99.93" in ada.page.content()


def test_keys_move_through_the_list_and_accept(ref: str, visitor: Callable[..., Visitor]) -> None:
    table = Table(ref)
    ada, cleo = visitor("ada", size=DESK), visitor("cleo", size=DESK)
    ada.sign_in()
    cleo.sign_in()
    table.send(ada, 1)
    table.open_round(cleo, 1)
    cleo.open(f"{table.at}/terms")
    links = cleo.page.locator(".issue h3 a")
    links.nth(0).focus()
    cleo.page.keyboard.press("j")
    cleo.page.keyboard.press("j")
    expect(links.nth(2)).to_be_focused()
    cleo.page.keyboard.press("k")
    expect(links.nth(1)).to_be_focused()
    cleo.page.keyboard.press("a")
    expect(cleo.page.locator(".issue").nth(1).get_by_text("You accept")).to_be_visible()


def test_what_is_typed_is_checked_and_kept_while_drafting(
    ref: str, visitor: Callable[..., Visitor]
) -> None:
    table = Table(ref)
    ada, cleo = visitor("ada", size=DESK), visitor("cleo")
    ada.sign_in()
    cleo.sign_in()
    table.send(ada, 1)
    table.open_round(cleo, 1)
    cleo.open(f"{table.at}/terms/C4.S1.resolution")
    form = cleo.page.locator("form.answer__form")
    form.get_by_label("Counter", exact=False).first.check()
    form.locator("[name=value]").fill("10 min")
    expect(cleo.page.locator("#panel").get_by_text("Kept in your draft")).to_be_visible()
    expect(cleo.page.locator("#panel").get_by_text("Contradiction")).to_be_visible()
    expect(cleo.page.locator("#panel").get_by_text("Better for Harbour")).to_be_visible()
    cleo.open(f"{table.at}/terms/C4.S1.resolution")
    assert form.locator("[name=value]").input_value() == "10 minutes, round the clock"
    cleo.open(f"{table.at}/rounds/draft")
    cleo.fill("Note to the other side", "One point is left")
    expect(cleo.page.locator("#kept").get_by_text("Kept in your draft.")).to_be_visible()
    cleo.open(f"{table.at}/rounds/draft")
    assert cleo.page.get_by_label("Note to the other side").input_value() == "One point is left"
