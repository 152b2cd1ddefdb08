"""A draft written as plain JSON: terms by code or name, values as structures or as text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.kit.words import say, say_n
from portal.terms.rules.checks.facts import Finding
from portal.terms.rules.coherence import coherence
from portal.terms.rules.kinds import normal, parse, validate
from portal.terms.rules.schema import Schema
from portal.terms.rules.shape import Term, Unreadable, Value

_NAMES_SHOWN = 60


@dataclass(slots=True)
class Draft:
    """The values that could be read, by term code, and what was wrong with the others."""

    values: dict[str, Value] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)


def read_draft(schema: Schema, raw: Mapping[str, Any]) -> Draft:
    """Read a mapping of terms, or a contract document that holds one under "terms"."""
    terms = raw.get("terms")
    draft = Draft()
    for reference, written in (terms if isinstance(terms, Mapping) else raw).items():
        term = schema.find(reference)
        if term is None:
            said = reference[:_NAMES_SHOWN]
            message = say(
                "There is no term %(name)s in schema %(version)s.",
                name=repr(said), version=schema.version,
            )  # fmt: skip
            draft.problems.append(Finding("error", "unknown", 0, (said,), message))
        elif term.id in draft.values:
            message = say(
                "%(label)s (%(term)s) is there twice: keep one.", label=term.label, term=term.id
            )  # fmt: skip
            draft.problems.append(Finding("error", "twice", 0, (term.id,), message))
        else:
            draft.problems.extend(_take(draft, term, written))
    return draft


def _take(draft: Draft, term: Term, written: Any) -> Iterator[Finding]:
    """Put a value into the draft if it can be read; say what else is wrong with it."""
    if isinstance(written, Mapping) and "value" in written:
        written = written["value"]
    try:
        value = _read(term, written)
    except Unreadable as refusal:
        yield _invalid(term, refusal.message)
        return
    # A value out of its range is still compared with the others: both faults are worth knowing.
    draft.values[term.id] = value
    yield from (_invalid(term, problem) for problem in validate(term, value))


def _read(term: Term, written: Any) -> Value:
    texts = isinstance(written, list) and all(isinstance(part, str) for part in written)
    if isinstance(written, str) or (texts and term.type == "multi"):
        return parse(term, written)
    return normal(term, written)


def _invalid(term: Term, problem: str) -> Finding:
    return Finding(
        "error",
        "value",
        0,
        (term.id,),
        say("%(label)s (%(term)s): %(message)s", label=term.label, term=term.id, message=problem),
    )


def check_draft(schema: Schema, raw: Mapping[str, Any]) -> list[Finding]:
    """List everything that speaks against a draft: unreadable values first, then coherence."""
    draft = read_draft(schema, raw)
    return [*draft.problems, *_missing(schema, draft), *coherence(schema, draft.values)]


def _missing(schema: Schema, draft: Draft) -> Iterator[Finding]:
    refused = {term_id for problem in draft.problems for term_id in problem.terms}
    told = draft.values.keys() | refused
    missing = tuple(t.id for t in schema.terms.values() if t.required and t.id not in told)
    if missing:
        first = schema.terms[missing[0]]
        message = say_n(
            "%(num)s needed term is missing; the first is %(label)s (%(term)s).",
            "%(num)s needed terms are missing; the first is %(label)s (%(term)s).",
            len(missing), label=first.label, term=first.id,
        )  # fmt: skip
        yield Finding("warning", "missing", 0, missing, message)
