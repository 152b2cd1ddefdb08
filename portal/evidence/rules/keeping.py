"""When a checkpoint is due, and what a receipt says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from portal.contracts.rules.life import RUNNING, State
from portal.kit.words import say

HOURLY = timedelta(hours=1)
WEEK = timedelta(weeks=1)
# Entries that are covered by a checkpoint at once and whose receipt goes to both sides.
RECEIPTS = frozenset(
    {
        "negotiation:round:sent",
        "signing:signature:signed",
        "signing:deed:sealed",
        "contract:person:erased",
    }
)
# What a bundle proves by itself, beside its last entry: these, and every entry with a receipt.
PROVEN = RECEIPTS | {
    "contract:started",
    "negotiation:version:frozen",
    "signing:version:approved",
    "signing:deed:stamped",
    "signing:deed:renewed",
}


def checkpoint_due(events: Sequence[str], *, last: datetime | None, at: datetime) -> bool:
    """Say whether new entries with these events need a checkpoint now."""
    if not events:
        return False
    return last is None or at - last >= HOURLY or any(event in RECEIPTS for event in events)


def week_before(at: datetime) -> tuple[datetime, datetime]:
    """Return the last whole week (Monday to Sunday, UTC) before an instant: begin and end."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = day - timedelta(days=day.weekday())
    return end - WEEK, end


def week_name(begin: datetime) -> str:
    """Return the name of the week that begins then, by ISO 8601."""
    year, week, _ = begin.isocalendar()
    return f"{year}-W{week:02}"


AnyLine = TypeVar("AnyLine", bound=Any)


# States in which nothing waits for anybody any more, or ever again.
OVER = frozenset({State.AMENDS, State.RENEWED, State.ENDED, State.DECLINED, State.WITHDRAWN})
SIGNED = OVER | {State.COMPLETED} | RUNNING


def is_needed(state: State, *, owns: bool) -> bool:
    """Say whether a contract still needs one of its signers, or the owner of one of its sides."""
    return state not in (OVER if owns else SIGNED)


def nameless(line: AnyLine) -> AnyLine:
    """Return a line that names the organisation only, fit for a thin mail."""
    return replace(line, name=line.organisation or line.name, organisation="")


def receipt_hashes(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the hashes an entry holds, as (label, SHA-256), for people to compare."""
    labels = {
        "sha256": say("Agreement") if "version" in facts else say("Round"),
        "deed_sha256": say("Deed (PDF)"),
    }
    return [(label, str(facts[name])) for name, label in labels.items() if facts.get(name)]
