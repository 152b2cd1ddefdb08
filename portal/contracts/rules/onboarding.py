"""The checklist between completion and service start: who does what by when, what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from portal.contracts.rules.life import Side
from portal.kit.words import say

REMIND_BEFORE = timedelta(days=3)
USUAL_TIME = timedelta(days=14)


@dataclass(frozen=True)
class Item:
    """One thing on the list: its words, which function usually owns it, and how many days before
    service start it is due."""

    key: str
    label: str
    hint: str
    side: Side
    function: str
    days_before: int


ITEMS: Mapping[str, Item] = {
    item.key: item
    for item in (
        Item(
            "handoff",
            say("Technical handoff"),
            say(
                "The vendor’s support knows this installation: "
                "versions, integrations, what was customised."
            ),
            Side.VENDOR,
            "support",
            10,
        ),
        Item(
            "access",
            say("Access"),
            say("Accounts, remote access and second factors work for the people of support."),
            Side.CUSTOMER,
            "it",
            7,
        ),
        Item(
            "runbooks",
            say("Runbooks attached"),
            say("How to restart, back up and roll back, attached here."),
            Side.VENDOR,
            "support",
            7,
        ),
        Item(
            "contacts",
            say("Contacts confirmed"),
            say("Everyone on the escalation path was reached; the named contacts are chosen."),
            Side.CUSTOMER,
            "it",
            5,
        ),
        Item(
            "test_incident",
            say("Test incident run"),
            say("One trial report went the whole way: reported, acknowledged, resolved, closed."),
            Side.CUSTOMER,
            "it",
            2,
        ),
    )
}


@dataclass(frozen=True)
class Tick:
    """When a side ticked an item, and who did."""

    at: datetime
    by: str


@dataclass(frozen=True)
class State:
    """An item as it stands."""

    item: Item
    owner_id: str | None
    due: date
    ticks: Mapping[Side, Tick]

    @property
    def is_done(self) -> bool:
        """Whether both sides have ticked it."""
        return set(self.ticks) == set(Side)

    def is_late(self, today: date) -> bool:
        """Whether it is past its date and not done."""
        return not self.is_done and self.due < today

    def waits_for(self) -> list[Side]:
        """The sides that have not ticked it."""
        return [side for side in Side if side not in self.ticks]


def usual_due(item: Item, *, completed: date, start: date | None) -> date:
    """When an item is due unless somebody chose another day: before service start, and not before
    the day after completion."""
    begins = start or completed + USUAL_TIME
    return max(begins - timedelta(days=item.days_before), completed + timedelta(days=1))


def is_ready(states: Sequence[State]) -> bool:
    """Whether nothing is missing."""
    return all(state.is_done for state in states)


def reminder_due(due: date, *, reminded: int, today: date) -> int | None:
    """Which reminder an open item needs now: 1 some days before its date, 2 on it; None for none.

    After a stop only the later of two is sent.
    """
    if today >= due and reminded < 2:
        return 2
    if today >= due - REMIND_BEFORE and reminded < 1:
        return 1
    return None
