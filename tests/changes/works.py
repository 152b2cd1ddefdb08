"""Plans and outages to work with. Times are those of New York, where the windows are."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.changes import actions
from portal.changes.models import ChangeRow, OutageRow
from portal.changes.rules.plan import Effect, Kind, Plan, Sort
from portal.contracts.models import Contract
from portal.terms.rules import load_schema, parse
from tests import cast

NEW_YORK = ZoneInfo("America/New_York")
FROM = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
SCHEMA = load_schema("1")
TESTS = frozenset(row["activity"] for row in SCHEMA.defaults()["F9"])
NOTES = dict.fromkeys(SCHEMA.defaults()["F7"], "Written.")


def terms_with(typed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The default terms with some typed anew; an empty text is none."""
    typed = {"A5": "2026-09-01", "C4.S1.attainment": "95", **(typed or {})}
    return SCHEMA.defaults() | {
        key: parse(SCHEMA.terms[key], text) if text else None for key, text in typed.items()
    }


TERMS = terms_with()


def wall(day: int, hour: int, minute: int = 0, *, month: int = 10) -> datetime:
    """A wall time of New York in 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


def plan(
    begin: datetime | None = None, *, minutes: int = 180, kind: Kind = Kind.MAINTENANCE,
    sort: Sort = Sort.NORMAL, **more: Any,
) -> Plan:  # fmt: skip
    """A sound plan: Sunday 11 October 02:00 to 05:00, unless said otherwise."""
    begin = begin or wall(11, 2)
    ready: dict[str, Any] = {
        "title": "Database upgrade", "tests": TESTS, "backup": True,
        "rollback": "Restore the backup.", "decide_minutes": 30, "notes": NOTES,
    }  # fmt: skip
    return Plan(kind, sort, begin, begin + timedelta(minutes=minutes), **{**ready, **more})


def announced(
    session: Session, contract: Contract, wanted: Plan | None = None, *, at: datetime = NOW
) -> ChangeRow:
    """An announced change."""
    row = actions.plan_change(session, contract, cast.actor("ben"), wanted or plan(), at=at)
    actions.announce(session, contract, cast.actor("ben"), row, at=at)
    return row


def outage(
    session: Session, contract: Contract, key: str = "dov", *, begin: datetime | None = None,
    minutes: int | None = 60, effect: Effect = Effect.DOWN, modules: tuple[str, ...] = (),
    at: datetime = NOW,
) -> OutageRow:  # fmt: skip
    """A recorded outage."""
    begin = begin or at - timedelta(hours=5)
    return actions.report_outage(
        session, contract, cast.actor(key), effect=effect, modules=modules, begin=begin,
        end=None if minutes is None else begin + timedelta(minutes=minutes),
        seen="Nobody can sign in.", at=at,
    )  # fmt: skip
