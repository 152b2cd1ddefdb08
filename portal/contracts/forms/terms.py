"""Terms as fields of a form, and what was typed into them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from portal.contracts.forms.plain import Choices
from portal.kit.words import say
from portal.templates.rules.template import Template, outside_allowed
from portal.terms.rules import Term, Unreadable, Value, edit_text, parse, validate


@dataclass
class TermAnswers:
    """What came back from a page of terms: values that may stand, and what is wrong beside them."""

    values: dict[str, Value] = field(default_factory=dict)
    typed: dict[str, str | list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def read_terms(terms: Iterable[Term], form: MultiDict[str, str], template: Template) -> TermAnswers:
    """Read what was typed, term by term; what cannot stand keeps its text and says why."""
    answers = TermAnswers()
    for term in terms:
        many = term.type == "multi"
        typed = form.getlist(term.id) if many else form.get(term.id, "")
        answers.typed[term.id] = typed
        try:
            value = parse(term, typed)
        except Unreadable as refusal:
            answers.errors[term.id] = refusal.message
            continue
        problem = next(iter(validate(term, value)), None)
        if problem := problem or outside_allowed(template, term, value):
            answers.errors[term.id] = problem
        else:
            answers.values[term.id] = value
    return answers


def field_id(term_id: str) -> str:
    """Return the id of a term's field on the page."""
    return "term-" + term_id.replace(".", "-")


def term_field(term: Term, value: Value, answers: TermAnswers) -> dict[str, Any]:
    """Return what the page needs to draw a term's field, with what was typed where it came back."""
    typed = answers.typed.get(term.id, _typed(term, value))
    return {
        "id": field_id(term.id),
        "name": term.id,
        "label": term.label,
        "hint": _hint(term),
        "value": typed,
        "error": answers.errors.get(term.id),
        "widget": term.widget,
        "options": _options(term),
        "rows": _rows(term, typed),
    }


def _typed(term: Term, value: Value) -> str | list[str]:
    if term.type == "multi":
        return list(value or [])
    if term.type == "enum":
        return "" if value is None else str(value)
    return edit_text(term, value)


def _options(term: Term) -> Choices:
    if term.type == "bool":
        choices = [("yes", say("Yes")), ("no", "No")]
    else:
        choices = [(option.code, option.label) for option in term.options]
    if term.type == "multi" or term.required:
        return choices
    return [*choices, ("", "none")]


def _hint(term: Term) -> str:
    if not term.columns:
        return term.help
    columns = " | ".join(column.label for column in term.columns)
    return say("%(help)s One row a line: %(columns)s.", help=term.help, columns=columns)


def _rows(term: Term, typed: str | list[str]) -> int:
    lines = typed.count("\n") + 1 if isinstance(typed, str) else 1
    return max(2 if term.type != "prose" else 3, min(lines + (1 if term.columns else 0), 12))


def problems_of(terms: Mapping[str, Term], answers: TermAnswers) -> list[tuple[str, str]]:
    """Return (field id, message) for the summary at the top of the page."""
    return [
        (_first_id(terms[term_id]), f"{terms[term_id].label}: {message}")
        for term_id, message in answers.errors.items()
    ]


def _first_id(term: Term) -> str:
    return field_id(term.id)
