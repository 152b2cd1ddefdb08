"""The 155 cases other systems were caught on, one test each."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from portal.sla.rules import (
    NeverOpens,
    Target,
    back_from,
    calendar_from_json,
    due_at,
    elapsed,
)

LINES = (Path(__file__).parent / "sla_vectors.jsonl").read_text(encoding="utf-8").splitlines()
VECTORS = [json.loads(line) for line in LINES]


def _times(pairs):
    return [tuple(datetime.fromisoformat(time) for time in pair) for pair in pairs]


def _target(vector):
    if "target_minutes" in vector:
        return Target.of(vector["target_minutes"], "min")
    return Target.of(vector["target_business_days"], "bd", end_of_day=vector["end_of_day"])


def test_every_case_is_here():
    assert len({vector["id"] for vector in VECTORS}) == 155


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v.get("expected_due")], ids=lambda v: v["id"]
)
def test_due(vector):
    start, calendar = (
        datetime.fromisoformat(vector["start"]),
        calendar_from_json(vector["calendar"]),
    )
    pauses, target = _times(vector["pauses"]), _target(vector)
    if vector.get("direction") == "before":
        found = back_from(start, span=target, calendar=calendar, pauses=pauses)
    else:
        found = due_at(start, target=target, calendar=calendar, pauses=pauses)
    assert found == datetime.fromisoformat(vector["expected_due"])


@pytest.mark.parametrize("vector", [v for v in VECTORS if "end" in v], ids=lambda v: v["id"])
def test_elapsed(vector):
    start, end = (datetime.fromisoformat(vector[key]) for key in ("start", "end"))
    calendar, pauses = calendar_from_json(vector["calendar"]), _times(vector["pauses"])
    counted = elapsed(start, end=end, calendar=calendar, pauses=pauses)
    assert counted == timedelta(seconds=vector["expected_elapsed_seconds"])


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if "never-opens" in v["tags"]], ids=lambda v: v["id"]
)
def test_a_calendar_that_never_opens_is_refused(vector):
    with pytest.raises(NeverOpens):
        calendar_from_json(vector["calendar"])
