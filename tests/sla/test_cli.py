"""`counterpart sla due`, line by line."""

import json
from datetime import datetime

import pytest
from click.testing import CliRunner

from portal.cli.sla import sla
from portal.sla.rules import tzdata_version

from .test_vectors import LINES, VECTORS

OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
GOOD = {
    "id": "a",
    "calendar": {"tz": "Europe/London", "weekly": OFFICE},
    "start": "2026-03-27T16:30:00Z",
    "target_minutes": 60,
}


def _due(*lines):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return CliRunner().invoke(sla, ["due"], input=text)


def test_every_vector_is_answered_on_its_own_line():
    result = _due(*LINES)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "")
    assert [answer["id"] for answer in answers] == [vector["id"] for vector in VECTORS]
    for answer, vector in zip(answers, VECTORS, strict=True):
        if "end" in vector:
            assert answer["elapsed_seconds"] == vector["expected_elapsed_seconds"]
        elif vector["expected_due"] is None:
            assert answer["due"] is None
        else:
            expected = datetime.fromisoformat(vector["expected_due"])
            assert datetime.fromisoformat(answer["due"]) == expected


def test_a_line_shows_its_working():
    (line,) = _due(GOOD).stdout.splitlines()
    assert json.loads(line) == {
        "id": "a",
        "due": "2026-03-30T08:30:00Z",
        "intervals": [
            {
                "kind": "open",
                "from": "2026-03-27T16:30:00Z",
                "to": "2026-03-27T17:00:00Z",
                "seconds": 1800,
            },
            {
                "kind": "closed",
                "from": "2026-03-27T17:00:00Z",
                "to": "2026-03-30T08:00:00Z",
                "seconds": 0,
            },
            {
                "kind": "open",
                "from": "2026-03-30T08:00:00Z",
                "to": "2026-03-30T08:30:00Z",
                "seconds": 1800,
            },
        ],
        "tzdata": tzdata_version(),
    }


def test_a_part_of_a_second_is_kept():
    line = {**GOOD, "end": "2026-03-27T16:30:01.25Z"}
    assert json.loads(_due(line).stdout)["elapsed_seconds"] == 1.25


BAD = {
    "not JSON": "{",
    "not an object": "[1]",
    "no id": {key: value for key, value in GOOD.items() if key != "id"},
    "an id that is a list": {**GOOD, "id": []},
    "no target": {key: value for key, value in GOOD.items() if key != "target_minutes"},
    "a negative target": {**GOOD, "target_minutes": -1},
    "a target that is a word": {**GOOD, "target_minutes": "soon"},
    "a target without end": {**GOOD, "target_minutes": 10**12},
    "half a business day": {**GOOD, "target_minutes": None, "target_business_days": 0.5},
    "NaN": '{"id": "a", "calendar": {}, "start": "", "target_minutes": NaN}',
    "no offset": {**GOOD, "start": "2026-03-27T16:30:00"},
    "no time": {**GOOD, "start": 5},
    "a date out of reach": {**GOOD, "start": "0001-01-01T00:00:00Z"},
    "an endless pause": {**GOOD, "pauses": [["2026-03-27T16:00:00Z", None]]},
    "a pause of one time": {**GOOD, "pauses": [["2026-03-27T16:00:00Z"]]},
    "pauses that are a number": {**GOOD, "pauses": 3},
    "an unknown zone": {**GOOD, "calendar": {"tz": "Mars/Base", "weekly": OFFICE}},
    "a zone that is a path": {**GOOD, "calendar": {"tz": "../zones", "weekly": OFFICE}},
    "an unknown day": {**GOOD, "calendar": {"tz": "UTC", "weekly": {"xyz": []}}},
    "25 o'clock": {**GOOD, "calendar": {"tz": "UTC", "weekly": {"mon": [["09:00", "25:00"]]}}},
    "an unclear window": {
        **GOOD,
        "calendar": {"tz": "UTC", "weekly": {"mon": [["09:00", "09:00"]]}},
    },
    "a holiday that is no date": {
        **GOOD,
        "calendar": {"tz": "UTC", "weekly": OFFICE, "holidays": ["2026-02-30"]},
    },
    "exceptions in a list": {
        **GOOD,
        "calendar": {"tz": "UTC", "weekly": OFFICE, "exceptions": [1]},
    },
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_malformed_line_is_named_and_the_rest_go_on(bad):
    result = _due(GOOD, bad, "", {**GOOD, "id": "b"})
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "b"]
    assert result.stderr.startswith("line 2: ")
    assert len(result.stderr.splitlines()) == 1
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
