"""The list of contracts: every filter page by page, what is counted, searched and waits."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.contracts import actions, queries
from portal.contracts.models import Contract
from portal.contracts.queries import Wanted, listing
from portal.contracts.queries.listing import EVERY
from portal.contracts.rules.life import Side
from portal.contracts.rules.listing import FILTERS, Count, Place
from portal.kit import clock
from portal.kit.db import transaction
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import make_contract

TODAY = clock.now().date()
LIVES = [
    ("draft", ()),
    ("negotiation", ("round_sent",)),
    ("signing", ("round_sent", "frozen", "deed_prepared")),
    ("signed", ("frozen", "all_signed", "completed")),
    ("ended", ("withdrawn",)),
    ("archive", ("completed", "ended")),
]


def live(session: Session, contract: Contract, kinds: tuple[str, ...]) -> None:
    """Give a contract a life that began two years ago."""
    with transaction(session):
        for number, kind in enumerate(kinds):
            at = clock.now() - timedelta(days=700 - number)
            actions.add_fact(session, contract, kind, person_id="x", side=Side.VENDOR, at=at)


@pytest.fixture
def lives(regions: Regions) -> list[Session]:
    """Two contracts of every stage in each of two regions."""
    sessions = [regions.session("eu"), regions.session("us")]
    for number in range(2):
        for session in sessions:
            for name, kinds in LIVES:
                live(session, make_contract(session, regions, f"{name} {number}"), kinds)
    return sessions


def paged(sessions: list[Session], wanted: Wanted, key: str = "ada") -> list[str]:
    """Walk a list three at a time; return the titles."""
    titles, after = [], None
    for _ in range(30):
        rows, after = queries.page_of_contracts(
            sessions, cast.actor(key), today=TODAY, after=after, limit=3, wanted=wanted
        )
        titles += [row.title for row in rows]
        if after is None:
            return titles
    raise AssertionError("the list does not end")


@pytest.mark.slow
def test_every_filter_shows_each_of_its_contracts_once_page_by_page(lives: list[Session]) -> None:
    names = [name for name, _ in LIVES]
    for name in names:
        assert Counter(paged(lives, Wanted(name))) == {f"{name} {n}": 2 for n in range(2)}
        assert paged(lives, Wanted(name), "mal") == []
    assert len(paged(lives, EVERY)) == 4 * len(names)
    assert not [title for title in paged(lives, Wanted()) if title.startswith("archive")]
    assert {title[:-2] for title in paged(lives, Wanted("yours"))} == {"draft"}
    assert {title[:-2] for title in paged(lives, Wanted("yours"), "cleo")} == {"negotiation"}
    counts = queries.counted(lives, cast.actor("cleo"), today=TODAY)
    assert {name: str(counts[name]) for name in names} == dict.fromkeys(names, "4")
    assert (str(counts[None]), str(counts["yours"])) == ("20", "4")
    assert set(queries.counted(lives, cast.actor("mal"), today=TODAY).values()) == {Count(0)}
    waiting = queries.waiting_contracts(lives, cast.actor("ada"), today=TODAY, limit=20)
    assert {row.title[:-2] for row in waiting} == {"draft", "signing"}
    waiting = queries.waiting_contracts(lives, cast.actor("nia"), today=TODAY, limit=20)
    assert {row.title[:-2] for row in waiting} == {"draft"}, "nia signs after ada"
    between = queries.contracts_between(
        lives, cast.actor("ada"), cast.actor("cleo").organisation_id, today=TODAY
    )
    assert {row.title[:-2] for row in between} == {"signed"}


@pytest.mark.slow
def test_a_search_opens_a_bounded_number_of_titles_and_goes_on(
    lives: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "OPENED", 7)

    def search(words: str, after: Place | None = None, limit: int = 50) -> queries.Found:
        return queries.search_contracts(
            lives, cast.actor("ada"), words, today=TODAY, after=after, limit=limit, wanted=EVERY
        )

    for limit in (1, 2, 50):
        titles, after, asked = [], None, 0
        while asked == 0 or after:
            found = search("HARBOUR signed", after, limit)
            assert found.opened <= 7 and len(found.rows) <= limit
            titles += [row.title for row in found.rows]
            after, asked = found.following, asked + 1
        assert sorted(titles) == ["signed 0", "signed 0", "signed 1", "signed 1"]
    oldest, _ = queries.page_of_contracts(
        lives, cast.actor("ada"), today=TODAY, after=None, limit=50
    )
    ref = oldest[-1].ref
    assert [row.ref for row in search(ref.lower()).rows] == [ref], "found beyond the titles opened"
    assert search("signed", limit=50).reached is not None


def test_contracts_from_before_places_were_kept_are_placed(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    live(eu, contract, ("completed", "ended"))
    kept = (contract.stage, contract.turn, contract.archived_on)
    assert kept[0] in FILTERS and kept[2] is not None
    contract.stage = contract.turn = contract.archived_on = None
    eu.commit()
    assert actions.place_all(eu, today=TODAY) == 1
    again = eu.get_one(Contract, contract.id)
    assert (again.stage, again.turn, again.archived_on) == kept
    assert actions.place_all(eu, today=TODAY) == 0
