"""A planned change as the rules see it, and its life derived from dated events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.contracts.rules.life import Side
from portal.kit.words import say


class Kind(StrEnum):
    """What a change is for."""

    MAINTENANCE = "maintenance"
    RELEASE = "release"
    SECURITY = "security"


class Sort(StrEnum):
    """How a change is agreed (term F11)."""

    STANDARD = "standard"
    NORMAL = "normal"
    EMERGENCY = "emergency"


class Effect(StrEnum):
    """What users notice while the work runs, or of an outage."""

    DOWN = "down"
    DEGRADED = "degraded"
    NONE = "none"


KIND_WORDS = {
    Kind.MAINTENANCE: say("Maintenance"),
    Kind.RELEASE: say("Release"),
    Kind.SECURITY: say("Security patch"),
}
SORT_WORDS = {
    Sort.STANDARD: say("Standard"),
    Sort.NORMAL: say("Normal"),
    Sort.EMERGENCY: say("Emergency"),
}
# The same inside a sentence.
SORT_IN_TEXT = {
    Sort.STANDARD: say("standard"),
    Sort.NORMAL: say("normal"),
    Sort.EMERGENCY: say("emergency"),
}
EFFECT_WORDS = {
    Effect.DOWN: say("Down"),
    Effect.DEGRADED: say("Degraded"),
    Effect.NONE: say("Nothing is noticed"),
}
NOTE_WORDS = {
    "changes": say("Changes"),
    "known_issues": say("Known issues"),
    "migration": say("Migration steps"),
    "impact": say("Impact"),
    "test_evidence": say("Test evidence"),
}
TEST_WORDS = {
    "unit": say("Unit tests"),
    "regression": say("Regression tests"),
    "integration": say("Integration tests"),
    "performance": say("Performance tests"),
    "acceptance": say("Acceptance tests"),
    "security": say("Security tests"),
    "sign_off": say("Sign-off"),
}


@dataclass(frozen=True)
class Plan:
    """What is going to be done, when, and what stands ready if it fails.

    `tests` are the kinds of tests that are done; `notes` the parts of the release notes by name;
    `decide_minutes` says how long after the start the decision to roll back falls.
    """

    kind: Kind
    sort: Sort
    begin: datetime
    end: datetime
    title: str = ""
    description: str = ""
    modules: tuple[str, ...] = ()
    effect: Effect = Effect.DOWN
    tests: frozenset[str] = frozenset()
    backup: bool = False
    rollback: str = ""
    decide_minutes: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    contact: str = ""

    @property
    def length(self) -> timedelta:
        """How long the work takes as planned."""
        return self.end - self.begin


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return the content of a plan as it is stored, without its times."""
    return {
        "title": plan.title,
        "description": plan.description,
        "modules": list(plan.modules),
        "effect": plan.effect.value,
        "tests": sorted(plan.tests),
        "backup": plan.backup,
        "rollback": plan.rollback,
        "decide_minutes": plan.decide_minutes,
        "notes": {name: text for name, text in plan.notes.items() if text},
        "contact": plan.contact,
    }


def plan_from_json(
    stored: Mapping[str, Any], *, kind: str, sort: str, begin: datetime, end: datetime
) -> Plan:
    """Return a plan as the rules read it."""
    return Plan(
        kind=Kind(kind),
        sort=Sort(sort),
        begin=begin,
        end=end,
        title=stored["title"],
        description=stored["description"],
        modules=tuple(stored["modules"]),
        effect=Effect(stored["effect"]),
        tests=frozenset(stored["tests"]),
        backup=stored["backup"],
        rollback=stored["rollback"],
        decide_minutes=stored["decide_minutes"],
        notes=stored["notes"],
        contact=stored["contact"],
    )


class Stage(StrEnum):
    """Where a change stands."""

    DRAFT = "draft"
    ANNOUNCED = "announced"
    STARTED = "started"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"


STAGE_WORDS = {
    Stage.DRAFT: say("Draft"),
    Stage.ANNOUNCED: say("Announced"),
    Stage.STARTED: say("Under way"),
    Stage.COMPLETED: say("Completed"),
    Stage.ROLLED_BACK: say("Rolled back"),
    Stage.WITHDRAWN: say("Withdrawn"),
}
EVENT_WORDS = {
    "announced": say("Announced"),
    "approved": say("Approved"),
    "excepted": say("Allowed in the freeze"),
    "postponed": say("Postponed"),
    "started": say("Started"),
    "completed": say("Completed"),
    "rolled_back": say("Rolled back"),
    "withdrawn": say("Withdrawn"),
}
STAGE_KINDS = {
    Stage.DRAFT: "",
    Stage.ANNOUNCED: "open",
    Stage.STARTED: "yours",
    Stage.COMPLETED: "good",
    Stage.ROLLED_BACK: "bad",
    Stage.WITHDRAWN: "",
}
OVER = frozenset({Stage.COMPLETED, Stage.ROLLED_BACK, Stage.WITHDRAWN})


@dataclass(frozen=True)
class Event:
    """One dated fact about a change; `at` is when it happened, `recorded_at` when it was said.

    A postponement carries the new `begin` and `end`.
    """

    kind: str
    at: datetime
    recorded_at: datetime
    side: Side | None = None
    begin: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Change:
    """A change with its plan as it now stands and everything that follows from its events."""

    ref: str
    plan: Plan
    events: tuple[Event, ...]

    def _first(self, *kinds: str) -> Event | None:
        return next((event for event in self.events if event.kind in kinds), None)

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        for stage in (Stage.WITHDRAWN, Stage.ROLLED_BACK, Stage.COMPLETED, Stage.STARTED):
            if self._first(stage.value):
                return stage
        return Stage.ANNOUNCED if self._first("announced") else Stage.DRAFT

    @property
    def announced_at(self) -> datetime | None:
        """When the plan that stands was announced: a postponement counts from the first one."""
        event = self._first("announced")
        return event.at if event else None

    @property
    def begun_at(self) -> datetime | None:
        """When the work began."""
        event = self._first("started")
        return event.at if event else None

    @property
    def over_at(self) -> datetime | None:
        """When the work was over, completed or rolled back."""
        event = self._first("completed", "rolled_back")
        return event.at if event else None

    @property
    def approved_by(self) -> frozenset[Side]:
        """Which sides approved the plan that stands."""
        return self._sides("approved")

    @property
    def excepted_by(self) -> frozenset[Side]:
        """Which sides allowed it in a freeze."""
        return self._sides("excepted")

    @property
    def postponed(self) -> int:
        """How many times the customer moved it."""
        return sum(event.kind == "postponed" for event in self.events)

    def _sides(self, kind: str) -> frozenset[Side]:
        # An approval holds for the change as described (clause 7.8): moving it asks anew.
        moved = max((n for n, e in enumerate(self.events) if e.kind == "postponed"), default=-1)
        later = self.events[moved + 1 :]
        return frozenset(e.side for e in later if e.kind == kind and e.side is not None)

    @property
    def overrun(self) -> timedelta:
        """How long the work ran past its announced end."""
        over = self.over_at
        return max(timedelta(0), over - self.plan.end) if over else timedelta(0)


def change_of(ref: str, plan: Plan, events: Sequence[Event]) -> Change:
    """Return a change from its first plan and its events in the order they were recorded."""
    ordered = tuple(sorted(events, key=lambda event: event.recorded_at))
    moved = [event for event in ordered if event.kind == "postponed"]
    if moved and moved[-1].begin and moved[-1].end:
        plan = replace(plan, begin=moved[-1].begin, end=moved[-1].end)
    return Change(ref, plan, ordered)
