"""The shape of what is posted, and the one field in which a term is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import AnyOf, InputRequired, Length, ValidationError

from portal.kit.forms import Form, trimmed
from portal.kit.words import in_a_row, listed, say
from portal.negotiation.rules import LONGEST_COMMENT, Kind
from portal.terms.rules import Term, Unreadable, Value, edit_text, parse
from portal.terms.rules.clauses import LONGEST_TEXT, LONGEST_TITLE
from portal.terms.rules.text import clean_lines

LONGEST_REASON = 1_000
LONGEST_NOTE = 2_000

Typed = str | list[str]


def plain(form: Any, field: Any) -> None:
    """Clean the text in place; refuse what cannot be seen, for both sides rely on it."""
    try:
        field.data = clean_lines(field.data or "")
    except Unreadable as refusal:
        raise ValidationError(refusal.message) from refusal


class AnswerForm(Form):
    """An answer to one term; the value itself is read by the term's own type."""

    kind = StringField(
        say("Your answer"),
        validators=[AnyOf([*Kind], message=say("Choose how you answer."))],
    )
    seen_sha256 = HiddenField(filters=[trimmed])
    why = TextAreaField(
        filters=[trimmed],
        validators=[
            plain,
            Length(max=LONGEST_REASON, message=say("Write at most 1,000 characters.")),
        ],
    )
    reason = TextAreaField(
        filters=[trimmed],
        validators=[
            plain,
            Length(max=LONGEST_REASON, message=say("Write at most 1,000 characters.")),
        ],
    )

    topic = TextAreaField(
        filters=[trimmed],
        validators=[
            plain,
            Length(max=LONGEST_REASON, message=say("Write at most 1,000 characters.")),
        ],
    )
    then = HiddenField(filters=[trimmed])

    @property
    def given_reason(self) -> str | None:
        """The reason that belongs to the kind of answer chosen."""
        fields = {"reject": self.reason, "discuss": self.topic, "offer": self.why}
        field = fields.get(self.kind.data or "")
        return (field.data or None) if field is not None else None


class RestForm(Form):
    """Accepting all that is unanswered, as of a round that was seen."""

    seen_round = HiddenField(filters=[trimmed])


class SendForm(Form):
    """Sending the draft that was previewed, with a note."""

    seen_draft = HiddenField(filters=[trimmed])
    note = TextAreaField(
        say("Note to the other side"),
        filters=[trimmed],
        validators=[
            plain,
            Length(max=LONGEST_NOTE, message=say("Write at most 2,000 characters.")),
        ],
    )


class PackageForm(Form):
    """Tying answers together, or answering a package that came."""

    kind = HiddenField(filters=[trimmed])
    seen_round = HiddenField(filters=[trimmed])
    reason = TextAreaField(
        say("Reason"),
        filters=[trimmed],
        validators=[
            plain,
            Length(max=LONGEST_REASON, message=say("Write at most 1,000 characters.")),
        ],
    )


class ClauseForm(Form):
    """Proposing a special term."""

    title = StringField(
        say("Title"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Give the clause a title.")),
            plain,
            Length(max=LONGEST_TITLE),
        ],
    )
    text = TextAreaField(
        say("Clause"),
        validators=[InputRequired(say("Write the clause.")), plain, Length(max=LONGEST_TEXT)],
    )
    reason = TextAreaField(
        say("Why the contract needs it"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Say why the contract needs it: the other side will read this.")),
            plain,
            Length(max=LONGEST_REASON, message=say("Write at most 1,000 characters.")),
        ],
    )


class NoteForm(Form):
    """A remark, internal until it is shared."""

    text = TextAreaField(
        say("Note"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Write something first.")),
            plain,
            Length(max=LONGEST_COMMENT, message=say("Write at most 4,000 characters.")),
        ],
    )


class ApprovalForm(Form):
    """Approving a value that was seen."""

    seen_sha256 = HiddenField(filters=[trimmed])
    reason = TextAreaField(
        say("Reason for the override"),
        filters=[trimmed],
        validators=[
            plain,
            Length(max=LONGEST_REASON, message=say("Write at most 1,000 characters.")),
        ],
    )


class FreezeForm(Form):
    """Freezing the terms that were seen."""

    seen_agreed = HiddenField(filters=[trimmed])


@dataclass(frozen=True)
class ValueField:
    """How a term is edited: the widget, what stands in it, and what it offers."""

    widget: str
    value: Typed
    options: list[tuple[str, str]]
    rows: int
    hint: str


def value_field(term: Term, value: Value) -> ValueField:
    """Return the field that edits a term, filled with a value."""
    return typed_field(term, _typed(term, value))


def typed_field(term: Term, typed: Typed) -> ValueField:
    """Return the field that edits a term, filled with what a person typed."""
    lines = len(typed.split("\n")) if isinstance(typed, str) else 0
    rows = min(max(lines + 1, 3), 14)
    return ValueField(term.widget, typed, _options(term), rows, _hint(term))


def _typed(term: Term, value: Value) -> Typed:
    if term.widget == "checkboxes":
        return list(value or [])
    if term.type == "enum":
        return value or ""
    return edit_text(term, value)


CHOICES = frozenset({"radio", "select", "checkboxes"})


def _options(term: Term) -> list[tuple[str, str]]:
    if term.widget not in CHOICES:
        return []
    if term.type == "bool":
        options: list[tuple[str, str]] = [("yes", say("Yes")), ("no", say("No"))]
    else:
        options = [(option.code, option.label) for option in term.options]
    if term.widget != "checkboxes" and not term.required:
        options.append(("", say("None")))
    return options


def _hint(term: Term) -> str:
    if term.widget in CHOICES:
        return ""
    shape = _SHAPES.get(term.type, "")
    if term.type in ("table", "people"):
        shape = say(
            "One row a line, columns set apart by |: %(columns)s",
            columns=in_a_row([column.label for column in term.columns], " | "),
        )
    said: list[str] = [shape] if shape else []
    if term.options:
        options = listed([option.label for option in term.options], either=True)
        said.append(say("Or write: %(options)s.", options=options))
    if not term.required:
        said.append(say("Leave it empty for none."))
    return in_a_row(said, " ")


_SHAPES = {
    "clause": say("The title in the first line, the clause below it."),
    "dur": say("For example: 30 min, 4 h, 8 bh, 2 bd."),
    "pct": say("A percentage, such as 99.9 %."),
    "money": say("An amount with its currency, such as EUR 12,000."),
    "date": say("A date, such as 2027-01-01."),
    "sched": say("Days and hours with their time zone, such as Mo-Fr 09:00-17:00 Europe/Berlin."),
}


def typed_value(term: Term, form: Mapping[str, Any]) -> Typed:
    """Return what a person typed or ticked for a term."""
    if term.widget == "checkboxes":
        return list(form.getlist("value"))  # type: ignore[attr-defined]
    return str(form.get("value", ""))


def read_value(term: Term, typed: Typed) -> tuple[Value, list[str]]:
    """Read what was typed; return the value and what is wrong with the text."""
    try:
        return parse(term, typed), []
    except Unreadable as refusal:
        return None, [refusal.message]
