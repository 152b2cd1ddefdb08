"""Entries as sentences."""

from datetime import UTC, datetime

import pytest

from portal.audit.queries import Line
from portal.audit.sentences import WORDINGS, by_day, sentence, told
from portal.kit.tongues import tongue
from portal.kit.words import in_tongue


def line(seq: int, event: str, *, day: int = 23, **facts: object) -> Line:
    """Return an entry of ada's."""
    at = datetime(2026, 11, day, 9, seq, tzinfo=UTC)
    return Line(seq, at, event, "Ada Keane", "Northwind Systems Ltd", facts, f"{seq:064x}")


@pytest.mark.parametrize("event", sorted(WORDINGS))
def test_every_worded_event_is_told_even_without_facts(event: str) -> None:
    words = told(event, {}, who="Ada")
    assert words.startswith("Ada ") and words[-1] == "." and "recorded" not in words


def test_a_round_is_told_with_what_it_did() -> None:
    said = sentence(line(2, "negotiation:round:sent", number=3, accepted=4, countered=1, open=2))
    assert said == (
        "Ada Keane (Northwind Systems Ltd) sent round 3: 4 accepted, 1 countered, 2 still open."
    )


def test_an_unknown_event_is_told_by_its_name() -> None:
    said = told("incident:clock:paused_twice", {}, who="Ada")
    assert said == "Ada recorded “incident clock paused twice”."


def test_one_of_a_thing_is_not_told_as_many() -> None:
    facts = {"side": "vendor", "stakeholders": 3, "signers": 1}
    said = told("contract:people:changed", facts, who="Ada")
    assert said.endswith("3 functions, 1 signer.")


def test_an_entry_is_told_in_the_language_of_its_reader() -> None:
    said = sentence(line(2, "negotiation:round:sent", number=3, accepted=4, open=2))
    assert said.startswith("Ada Keane (Northwind Systems Ltd) sent round 3")
    assert in_tongue(said, tongue("de")) == (
        "Ada Keane (Northwind Systems Ltd) hat Runde 3 gesendet: 4 angenommen, 2 noch offen."
    )


def test_days_and_entries_come_newest_first() -> None:
    days = by_day([line(1, "contract:started", day=22), line(2, "contract:withdrawn")])
    assert [day for day, _ in days] == ["23 November 2026", "22 November 2026"]
    both = by_day([line(1, "contract:started"), line(2, "contract:withdrawn")])[0][1]
    assert [entry.ref[:1] for entry in both] == ["2", "1"]
