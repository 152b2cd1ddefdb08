"""`counterpart renewals when`, as a machine uses it."""

import json
from typing import Any

from click.testing import CliRunner

from portal.cli import main
from tests.renewals.test_rules import CASES


def when(text: str) -> tuple[int, list[Any], str]:
    """Run the command on some lines; return its exit code, answers and complaints."""
    done = CliRunner().invoke(main, ["renewals", "when"], input=text)
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_every_line_is_answered_in_order() -> None:
    code, answers, complaints = when("\n".join(json.dumps(case) for case in CASES))
    assert (code, complaints) == (0, "")
    assert [one["id"] for one in answers] == [case["id"] for case in CASES]
    assert [one["notice_by"] for one in answers] == [case["notice_by"] for case in CASES]


def test_a_malformed_line_is_named_and_the_rest_go_on() -> None:
    good = json.dumps(CASES[0])
    deep = "[" * 100_000
    code, answers, complaints = when(f"{good}\n{{oops\n\n[1]\n{deep}\n{{}}\n{good}\n")
    assert code == 1
    assert len(answers) == 2
    assert [line.split(":")[0] for line in complaints.splitlines()] == [
        "line 2", "line 4", "line 5", "line 6",
    ]  # fmt: skip
