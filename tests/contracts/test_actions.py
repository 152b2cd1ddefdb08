"""Starting, staffing and withdrawing: the state, exactly one entry, and refusals leave neither."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.audit.models import RegionEntry
from portal.contracts import actions, queries
from portal.contracts.actions import Pin, Pins
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side, State
from portal.contracts.rules.people import Signer
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import make_contract

PIN = Pin("a/1", "ab" * 32)
PINS = Pins(Pin("standard-support/1", "ab" * 32), PIN, PIN, None)


def entries(session: Session, chain: str) -> list[str]:
    """Return the events of a chain."""
    query = select(RegionEntry.event).where(RegionEntry.chain == chain)
    return list(session.scalars(query.order_by(RegionEntry.seq)))


def organisation(slug: str) -> Organisation:
    """Return one of the cast's organisations."""
    return db.session.scalars(select(Organisation).where(Organisation.slug == slug)).one()


def started(session: Session, regions: Regions, key: str = "ada", **changes: Any) -> Contract:
    """Start a contract between Northwind and Harbour."""
    given: dict[str, Any] = {
        "title": "CRM support 2027", "vendor": organisation("northwind"),
        "customer": organisation("harbour"), "pins": PINS, "at": clock.now(),
    }  # fmt: skip
    return actions.start_contract(session, regions["eu"], cast.actor(key), **{**given, **changes})


def named(session: Session, contract: Contract, key: str, functions: dict[str, str],
          signers: list[str]) -> None:  # fmt: skip
    """Name people of the cast on a contract."""
    actions.name_people(
        session, contract, cast.actor(key), at=clock.now(),
        functions={name: cast.actor(who).person_id for name, who in functions.items()},
        signers=[Signer(cast.actor(who).person_id, f"Title of {who}") for who in signers],
    )  # fmt: skip


def order(contract: Contract) -> list[tuple[int, str, str]]:
    """Return the slots as (position, side, name)."""
    slots = sorted(contract.slots, key=lambda slot: slot.position)
    return [(slot.position, slot.side, slot.name.split()[0]) for slot in slots]


@pytest.mark.slow
def test_a_started_contract_is_a_draft_with_its_own_key_and_one_entry(
    eu: Session, regions: Regions
) -> None:
    contract = started(eu, regions)
    assert contract.ref.startswith("eu-") and contract.title == "CRM support 2027"
    assert (contract.started_by_side, contract.step) == ("vendor", 1)
    assert queries.state(contract, today=clock.now().date()) is State.DRAFT
    assert entries(eu, contract.id) == ["contract:started"]


def test_a_customer_may_start_too(eu: Session, regions: Regions) -> None:
    assert started(eu, regions, "cleo").started_by_side == "customer"


@pytest.mark.parametrize(
    ("key", "refusal"), [("nia", NotAllowed), ("ben", NotAllowed), ("mal", NotFound)]
)
def test_who_may_not_start_leaves_no_contract_and_no_entry(
    eu: Session, regions: Regions, key: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        started(eu, regions, key)
    assert eu.scalar(select(func.count()).select_from(Contract)) == 0
    assert eu.scalar(select(func.count()).select_from(RegionEntry)) == 0


def test_a_region_one_side_does_not_allow_is_refused(eu: Session, regions: Regions) -> None:
    harbour = organisation("harbour")
    harbour.regions = "us"
    with pytest.raises(Refused, match=r"EU \(Frankfurt\) is not allowed"):
        started(eu, regions, customer=harbour)
    assert eu.scalar(select(func.count()).select_from(Contract)) == 0


def test_people_are_named_by_function_and_signers_in_one_sequence(
    eu: Session, regions: Regions
) -> None:
    contract = started(eu, regions)
    named(eu, contract, "cleo", {"owner": "cleo", "it": "dov"}, ["lena", "cleo"])
    named(eu, contract, "ada", {"owner": "ada", "legal": "nia"}, ["nia", "ada"])
    assert order(contract) == [
        (1, "vendor", "Nia"), (2, "vendor", "Ada"), (3, "customer", "Lena"), (4, "customer", "Cleo")
    ]  # fmt: skip
    people = {(p.side, p.function): p.name for p in contract.stakeholders}
    assert people[("vendor", "owner")] == "Ada Keane" and people[("customer", "it")] == "Dov Amsel"
    assert entries(eu, contract.id)[1:] == ["contract:people:changed"] * 2


def test_naming_again_reorders_replaces_and_closes_the_gap(eu: Session, contract: Contract) -> None:
    kept = {slot.person_id: slot.id for slot in contract.slots}
    named(eu, contract, "ada", {"owner": "ada"}, ["nia"])
    assert order(contract) == [
        (1, "vendor", "Nia"), (2, "customer", "Cleo"), (3, "customer", "Lena")
    ]  # fmt: skip
    nia = cast.actor("nia").person_id
    slot = next(slot for slot in contract.slots if slot.person_id == nia)
    assert (slot.id, slot.title) == (kept[nia], "Title of nia")
    named(eu, contract, "cleo", {"owner": "dov"}, ["lena", "cleo"])
    assert [name for _, _, name in order(contract)] == ["Nia", "Lena", "Cleo"]
    assert [p.name for p in contract.stakeholders if p.side == "customer"] == ["Dov Amsel"]


@pytest.mark.parametrize(
    ("functions", "signers"),
    [
        ({"legal": "nia"}, ["ada"]),
        ({"owner": "ada"}, []),
        ({"owner": "ada"}, ["ben"]),
        ({"owner": "cleo"}, ["ada"]),
        ({"owner": "ada"}, ["ada", "ada"]),
    ],
)
@pytest.mark.slow
def test_refused_people_change_nothing(
    eu: Session, contract: Contract, functions: dict[str, str], signers: list[str]
) -> None:
    before = order(contract)
    with pytest.raises(Refused):
        named(eu, contract, "ada", functions, signers)
    eu.expire_all()
    assert order(contract) == before and entries(eu, contract.id) == []


def test_after_a_freeze_nobody_is_named_any_more(eu: Session, contract: Contract) -> None:
    with transaction(eu):
        actions.add_fact(eu, contract, "frozen", person_id="x", side=Side.VENDOR, at=clock.now())
    with pytest.raises(Refused, match="frozen"):
        named(eu, contract, "ada", {"owner": "ada"}, ["ada"])
    assert entries(eu, contract.id) == []


def test_a_finished_step_is_remembered_and_never_goes_back(eu: Session, regions: Regions) -> None:
    contract = started(eu, regions)
    for step, next_step in (("people", 2), ("metrics", 5), ("people", 5)):
        actions.finish_step(eu, contract, cast.actor("ada"), step=step, at=clock.now())
        assert contract.step == next_step
    assert entries(eu, contract.id)[1:] == ["contract:step:finished"] * 3


def test_only_the_side_that_started_prepares_round_1(eu: Session, contract: Contract) -> None:
    with pytest.raises(Refused, match="Northwind Systems Ltd prepares"):
        actions.finish_step(eu, contract, cast.actor("cleo"), step="scope", at=clock.now())
    with transaction(eu):
        actions.add_fact(
            eu, contract, "round_sent", person_id="x", side=Side.VENDOR, at=clock.now()
        )
    with pytest.raises(Refused, match="Round 1 was sent"):
        actions.finish_step(eu, contract, cast.actor("ada"), step="scope", at=clock.now())
    assert entries(eu, contract.id) == []


def withdrawn(session: Session, contract: Contract, key: str, reason: str = "Retired") -> None:
    """Withdraw a contract."""
    actions.withdraw(session, contract, cast.actor(key), reason=reason, at=clock.now())


@pytest.mark.parametrize("key", ["ada", "lena"])
def test_either_side_withdraws_once_and_both_are_told(
    eu: Session, contract: Contract, key: str
) -> None:
    withdrawn(eu, contract, key)
    assert queries.state(contract, today=clock.now().date()) is State.WITHDRAWN
    ended = queries.ended(contract)
    assert ended is not None and ended.reason == "Retired"
    assert entries(eu, contract.id) == ["contract:withdrawn"]
    told = set(eu.scalars(select(RegionMail.recipient)))
    assert told == {"ada@northwind.example", "cleo@harbour.example"} - {cast.actor(key).email}
    with pytest.raises(Refused, match="no longer"):
        withdrawn(eu, contract, key)


@pytest.mark.slow
def test_a_side_that_named_nobody_is_told_through_its_negotiators(
    eu: Session, regions: Regions
) -> None:
    contract = started(eu, regions)
    withdrawn(eu, contract, "ada")
    told = set(eu.scalars(select(RegionMail.recipient)))
    assert {"cleo@harbour.example", "dov@harbour.example", "lena@harbour.example"} <= told
    assert "ada@northwind.example" not in told


@pytest.mark.parametrize(
    ("key", "reason", "refusal"),
    [("ben", "Why", NotAllowed), ("mal", "Why", NotFound), ("ada", "  ", Refused)],
)
@pytest.mark.slow
def test_a_refused_withdrawal_leaves_no_fact_no_entry_and_no_mail(
    eu: Session, contract: Contract, key: str, reason: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        withdrawn(eu, contract, key, reason)
    eu.expire_all()
    assert contract.facts == [] and entries(eu, contract.id) == []
    assert eu.scalar(select(func.count()).select_from(RegionMail)) == 0


def test_a_contract_signed_by_all_is_no_longer_withdrawn(eu: Session, contract: Contract) -> None:
    with transaction(eu):
        for kind in ("round_sent", "frozen", "deed_prepared"):
            actions.add_fact(eu, contract, kind, person_id="x", side=Side.VENDOR, at=clock.now())
    with pytest.raises(Refused, match="void the signing instead"):
        withdrawn(eu, contract, "ada")
    with transaction(eu):
        actions.add_fact(
            eu, contract, "all_signed", person_id="x", side=Side.VENDOR, at=clock.now()
        )
    with pytest.raises(Refused, match="no longer"):
        withdrawn(eu, contract, "ada")


def test_the_next_signer_is_the_first_who_has_not_signed_since_the_freeze(
    eu: Session, contract: Contract
) -> None:
    at = clock.now() - timedelta(hours=1)
    ada, nia = (cast.actor(key).person_id for key in ("ada", "nia"))
    facts = [("signed", ada), ("reopened", ada), ("frozen", ada)]
    with transaction(eu):
        for minute, (kind, person) in enumerate(facts):
            actions.add_fact(
                eu, contract, kind, person_id=person, side=Side.VENDOR,
                at=at + timedelta(minutes=minute),
            )  # fmt: skip
    slot = next(iter(queries.seats_to_sign(contract)), None)
    assert slot is not None and slot.person_id == ada
    with transaction(eu):
        actions.add_fact(
            eu, contract, "signed", person_id=ada, side=Side.VENDOR,
            at=at + timedelta(minutes=9),
        )  # fmt: skip
    slot = next(iter(queries.seats_to_sign(contract)), None)
    assert slot is not None and slot.person_id == nia


@pytest.fixture
def statements(eu: Session) -> Callable[[], int]:
    """Return a counter of the statements sent to the region."""
    seen: list[str] = []
    event.listen(
        eu.get_bind(), "before_cursor_execute", lambda c, cur, text, *rest: seen.append(text)
    )
    return lambda: len(seen)


def test_a_list_costs_the_same_number_of_queries_for_one_and_for_many(
    eu: Session, regions: Regions, contract: Contract, statements: Callable[[], int]
) -> None:
    def cost() -> int:
        eu.expunge_all()
        eu.info["cipher_of"] = regions["eu"].cipher_for(eu)
        before = statements()
        rows, _ = queries.page_of_contracts(
            [eu], cast.actor("ada"), today=clock.now().date(), after=None, limit=50
        )
        assert all(row.title for row in rows)
        return statements() - before

    one = cost()
    for number in range(4):
        make_contract(eu, regions, title=f"Contract {number}")
    assert cost() == one == 8
