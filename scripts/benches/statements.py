"""A statement over 10,000 incidents, and a replay of two offers over them; process time."""

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.sla.rules.incident import Event, Happened, History
from portal.sla.rules.promises import promises_of
from portal.statements.rules.figures import figures
from portal.statements.rules.measured import MonthFacts
from portal.statements.rules.month import Month
from portal.statements.rules.replay import Past, replay
from portal.terms.rules import load_schema

COUNT = 10_000
SCHEMA = load_schema("1")
TERMS = SCHEMA.defaults() | {"A5": "2025-01-01"}
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def history(number: int, dice: random.Random, *, begin: datetime, days: int) -> History:
    """Return an incident of a random minute with an answer, updates and a resolution."""
    reported = begin + timedelta(minutes=dice.randrange(days * 1440))
    severity = dice.choices(["S1", "S2", "S3", "S4"], [5, 20, 50, 25])[0]
    events = [Event("r", Happened.REPORTED, reported, "customer", severity=severity)]
    answered = reported + timedelta(minutes=dice.choice([5, 20, 45, 200, 900]))
    events.append(Event("a", Happened.ACKNOWLEDGED, answered, "vendor"))
    for step in range(dice.randrange(3)):
        moment = answered + timedelta(hours=step + 1)
        events.append(Event(f"u{step}", Happened.UPDATE, moment, "vendor"))
    over = events[-1].at + timedelta(hours=dice.choice([1, 5, 20, 100]))
    events.append(Event("d", Happened.RESOLVED, over, "vendor"))
    return History.of(number, events)


def took(name: str, act: Any) -> float:
    """Run something once warm and print its process time."""
    act()
    began = time.process_time()
    act()
    seconds = time.process_time() - began
    print(f"{name:58} {seconds:6.2f} s")
    return seconds


def month() -> None:
    """Print what a statement over many incidents costs, and how that grows."""
    dice, promises = random.Random(7), promises_of(TERMS)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    told = [history(n, dice, begin=begin, days=30) for n in range(COUNT)]

    def statement(count: int) -> Any:
        pairs = [(promises, one) for one in told[:count]]
        start = datetime(2025, 1, 1).date()  # noqa: DTZ001
        return figures(MonthFacts(Month(2026, 1), TERMS, start, NOW, pairs))

    large = took(f"a statement over {COUNT:,} incidents", lambda: statement(COUNT))
    small = took(f"a statement over {COUNT // 10:,} incidents", lambda: statement(COUNT // 10))
    print(f"{'ten times the incidents take':58} {large / small:6.1f} times as long")


def replays() -> None:
    """Print what replays over many incidents cost."""
    dice = random.Random(8)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    year = [history(n, dice, begin=begin, days=365) for n in range(COUNT)]
    for name, changed in (
        ("one target (C4.S1.first_response)", {"C4.S1.first_response": _value("15 min, 24x7")}),
        ("a credit rule (K2)", {"K2": "10"}),
        ("a shape of credit (K2.shape)", {"K2.shape": "point"}),
        ("the calendar (B1), which moves every clock", {"B1": _hours()}),
    ):
        there = TERMS | changed
        took(f"a replay over {COUNT:,} incidents: {name}",
             lambda there=there: replay(Past(year), here=TERMS, there=there, now=NOW))  # fmt: skip


def _value(text: str) -> Any:
    from portal.terms.rules import parse

    return parse(SCHEMA.terms["C4.S1.first_response"], text)


def _hours() -> Any:
    from portal.terms.rules import parse

    return parse(SCHEMA.terms["B1"], "24x7 America/New_York")


if __name__ == "__main__":
    month()
    replays()
