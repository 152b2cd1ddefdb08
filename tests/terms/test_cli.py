"""`counterpart terms`: what it prints and how it exits."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.cli import main
from portal.terms.rules import load_schema, show

SCHEMA = load_schema()


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["terms", *arguments], input=stdin)


@pytest.fixture
def written(tmp_path: Path):
    def write(content: object) -> str:
        file = tmp_path / "draft.json"
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(json.dumps(content), encoding="utf-8")
        return str(file)

    return write


def found(result: Result) -> list[dict[str, object]]:
    return json.loads(result.output)["findings"]


def test_the_defaults_pass_as_structures(written):
    result = run("check", written(SCHEMA.defaults()))
    assert result.exit_code == 0
    assert result.output.endswith("0 errors, 1 warning.\n")


def test_the_defaults_pass_as_text_under_their_names(written):
    texts = {term.name: show(term, term.default) for term in SCHEMA.terms.values()}
    result = run("check", written(texts), "--json")
    assert result.exit_code == 0
    assert json.loads(result.output)["ok"] is True
    assert [f["check"] for f in found(result)] == ["C5"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_contract_document_is_read_at_its_terms(written, wrapped):
    values = SCHEMA.defaults() | {"P12": {"n": 10, "unit": "d", "clock": "24x7"}}
    terms = {i: {"value": v, "sha256": "x"} for i, v in values.items()} if wrapped else values
    result = run("check", written({"format": "x", "terms": terms, "signers": []}), "--json")
    assert result.exit_code == 1
    errors = [f for f in found(result) if f["level"] == "error"]
    assert [(f["check"], f["terms"]) for f in errors] == [("C7", ["P12", "P6"])]


def test_an_error_is_said_in_words(written):
    result = run("check", written({"notice_period": "60 d", "P12.price_notice": "30 days"}))
    assert result.exit_code == 1
    assert "error C7 [P12, P6] The new price is told 30 days before" in result.output
    assert result.output.endswith("1 error, 1 warning.\n")


def test_terms_that_are_missing_are_a_warning_only(written):
    result = run("check", written({}), "--json")
    assert result.exit_code == 0
    assert [(f["level"], f["check"]) for f in found(result)] == [("warning", "missing")]
    assert "A1" in found(result)[0]["terms"]


def test_a_missing_term_that_a_check_needs_is_an_error(written):
    result = run("check", written({"C4.S1.first_response": "4 bh"}), "--json")
    assert result.exit_code == 1
    assert ("error", "C2") in [(f["level"], f["check"]) for f in found(result)]


@pytest.mark.parametrize(
    ("draft", "check", "terms"),
    [
        ({"Z9": 1}, "unknown", ["Z9"]),
        ({"B1": "soon"}, "value", ["B1"]),
        ({"B1": None}, "value", ["B1"]),
        ({"D1": 101}, "value", ["D1"]),
        ({"A14": {"deep": [{}]}}, "value", ["A14"]),
        ({"B1": "24x7 UTC", "support_hours": "24x7 UTC"}, "twice", ["B1"]),
    ],
)
def test_what_cannot_be_read_is_an_error(written, draft, check, terms):
    result = run("check", written(draft), "--json")
    assert result.exit_code == 1
    assert (check, terms) in [(f["check"], f["terms"]) for f in found(result)]


def test_numbers_and_lists_are_taken_as_people_write_them(written):
    draft = {"D1": 99.9, "B7": 10, "K5": 50, "F1": ["patch", "Security"], "A14": True}
    result = run("check", written(draft), "--json")
    assert [f["check"] for f in found(result)] == ["missing"]


def test_a_value_out_of_range_is_still_compared_with_the_others(written):
    result = run("check", written({"P1": "12 mo", "P6": "400 d"}), "--json")
    assert {f["check"] for f in found(result)} == {"value", "missing", "C7"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"B7": ' + b"9" * 5_000 + b"}",
        b"{}" + b" " * 5_000_000,
    ],
    ids=["empty", "cut", "list", "text", "not_utf8", "deep", "long_number", "large"],
)
def test_a_file_that_cannot_be_read_exits_with_two(written, content):
    result = run("check", written(content))
    assert result.exit_code == 2
    assert "cannot be read" in result.output
    assert "Traceback" not in result.output


def test_a_file_that_is_not_there_exits_with_two(tmp_path):
    result = run("check", str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "No such file" in result.output
    assert run("check", str(tmp_path)).exit_code == 2


def test_a_draft_may_come_from_standard_input():
    result = run("check", "-", stdin='{"P6": "60 d", "P12": "10 d"}')
    assert result.exit_code == 1
    assert "error C7" in result.output


def test_the_schema_is_shown_whole():
    result = run("show")
    assert result.exit_code == 0
    assert SCHEMA.sha256 in result.output
    assert all(term.id in result.output for term in SCHEMA.terms.values())


@pytest.mark.parametrize("reference", ["B1", "support_hours"])
def test_one_term_is_shown(reference):
    result = run("show", reference)
    assert result.exit_code == 0
    assert result.output.startswith("B1  Support hours\n")
    assert "Default: Mo-Fr 07:00-20:00 America/New_York" in result.output


def test_every_term_can_be_shown():
    for term in SCHEMA.terms.values():
        assert run("show", term.id).exit_code == 0


def test_an_unknown_term_is_not_shown():
    result = run("show", "Z9")
    assert result.exit_code == 2
    assert "no term 'Z9'" in result.output
