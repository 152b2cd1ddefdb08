"""The validation pack: what is installed, which test shows what, and a self-check that was run."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from portal.cli import main
from portal.operations.queries.validation import requirements
from tests.house.test_asvs import is_there

ROOT = Path(__file__).resolve().parents[2]
# 21 CFR 11.10 (a) to (k), 11.30, 11.50, 11.70, 11.100, 11.200(a), 11.300.
ASKED = {
    *(f"11.10({letter})" for letter in "abcdefghijk"), "11.30", "11.50", "11.70",
    *(f"11.100({letter})" for letter in "abc"), *(f"11.200(a)({number})" for number in (1, 2, 3)),
    *(f"11.300({letter})" for letter in "abcde"),
}  # fmt: skip


def test_each_requirement_names_a_test_that_is_there_or_is_yours() -> None:
    rows = requirements()
    assert len(rows) == len(ASKED) and {row["id"] for row in rows} == ASKED
    for row in rows:
        if row.get("yours"):
            assert set(row) == {"id", "asks", "yours"}, row["id"]
            continue
        assert row["here"] and row["shown_by"], row["id"]
        assert [one for one in row["shown_by"] if not is_there(one)] == [], row["id"]


@pytest.mark.slow
def test_the_pack_holds_together_and_names_no_tenant(context: Flask, tmp_path: Path) -> None:
    home, out = context.config["SETTINGS"].home, tmp_path / "pack"
    run = CliRunner(env={"COUNTERPART_HOME": str(home)})
    done = run.invoke(main, ["validate", "--out", str(out)])
    held = {path.name: path.read_bytes() for path in out.iterdir()}
    sums = dict(
        line.split("  ")[::-1] for line in held.pop("MANIFEST.sha256").decode().split("\n")[:-1]
    )
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in held.items()}
    found = {row["check"]: row for row in json.loads(held["self-check.json"])}
    assert found["a deed is made, signed, sealed and checked"]["outcome"] == "passed"
    assert found["altered deeds are discerned"]["found"] == "10 of 10"
    assert found["the logs hold"]["outcome"] == "passed" and len(found) > 40
    failed = [row["check"] for row in found.values() if row["outcome"] == "failed"]
    assert done.exit_code == (1 if failed else 0), done.output
    facts = json.loads(held["installation.json"])
    assert facts["databases"]["region eu"]["migration"] and facts["source_files"] > 500
    assert {"flask", "cryptography"} <= {one["name"] for one in facts["packages"]}
    path, digest = "portal/cli/validate.py", hashlib.sha256
    line = f"{digest((ROOT / path).read_bytes()).hexdigest()}  {path}"
    assert line in held["source.sha256"].decode().splitlines()
    for content in held.values():
        assert b"northwind.example" not in content and b"Harbour" not in content
    again = run.invoke(main, ["validate", "--out", str(out)])
    assert again.exit_code == 1 and "not empty" in again.output
