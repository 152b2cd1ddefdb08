"""Forms of the contracts room: shape of the input only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    Field,
    FileField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    Optional,
    Regexp,
    ValidationError,
)

from portal.contracts.rules.people import APPROVING, FUNCTION_WORDS, MOST_SIGNERS, OWNER, Signer
from portal.kit.forms import Form, plain_hash, trimmed
from portal.kit.words import say
from portal.templates.rules.template import Template, outside_allowed
from portal.terms.rules import Term, Unreadable, Value, edit_text, parse, validate
from portal.terms.rules.text import clean_line, clean_lines

Choices = list[tuple[str, str]]


def _choices(pairs: Choices) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


class PlainLine:
    """Refuse hidden and control characters: an agreement shows all it says."""

    def __call__(self, form: Any, line: Field) -> None:
        """Clean the line in place, or say what to remove."""
        try:
            line.data = clean_line(line.data or "")
        except Unreadable as refusal:
            raise ValidationError(refusal.message) from refusal


class PlainLines:
    """Refuse hidden and control characters in a text of several lines."""

    def __call__(self, form: Any, line: Field) -> None:
        """Clean the text in place, or say what to remove."""
        try:
            line.data = clean_lines(line.data or "")
        except Unreadable as refusal:
            raise ValidationError(refusal.message) from refusal


class NewContractForm(Form):
    """What a contract needs before its first step."""

    title = StringField(
        say("Title"),
        filters=[trimmed],
        description=say("Both sides see it, for example “CRM support 2027”."),
        validators=[
            DataRequired(say("Write a title.")),
            PlainLine(),
            Length(min=3, max=120, message=say("Use 3 to 120 characters.")),
        ],
    )
    counterparty = SelectField(
        say("Contract with"), validators=[DataRequired(say("Choose the other organisation."))]
    )
    side = RadioField(
        say("Your side"),
        choices=[
            SelectChoice("vendor", say("Vendor: we give support")),
            SelectChoice("customer", say("Customer: we receive it")),
        ],
        validators=[DataRequired(say("Choose your side."))],
    )
    template = SelectField(say("Template"), validators=[DataRequired(say("Choose a template."))])
    tier = SelectField(
        say("Plan tier"),
        description=say(
            "A tier of the vendor’s catalogue pre-fills the terms. Each can still change."
        ),
        validators=[Optional()],
    )
    region = RadioField(
        say("Keep it in"),
        description=say("Terms, documents and the log of this contract stay in this region."),
        validators=[DataRequired(say("Choose a region."))],
    )

    def offer(
        self, *, counterparties: Choices, templates: Choices, tiers: Choices, regions: Choices
    ) -> None:
        """Fill the lists people choose from."""
        self.counterparty.choices = _choices([("", say("Choose an organisation")), *counterparties])
        self.template.choices = _choices(templates)
        self.tier.choices = _choices([("", say("No tier: start from the template")), *tiers])
        self.region.choices = _choices(regions)


class BroughtContractForm(NewContractForm):
    """What a contract needs that starts from the terms of another one."""

    tier = None
    title = StringField(
        say("Title"),
        filters=[trimmed],
        description=say("Leave it empty for the title the file names."),
        validators=[
            Optional(),
            PlainLine(),
            Length(min=3, max=120, message=say("Use 3 to 120 characters.")),
        ],
    )
    file = FileField(
        say("Evidence bundle or canonical terms"),
        description=say("The zip a party downloads from a contract’s log, or the JSON inside it."),
    )
    sha256 = StringField(
        say("SHA-256 you expect"),
        filters=[plain_hash],
        description=say("As printed on the deed. With it, any other document is refused."),
        validators=[
            Optional(),
            Regexp(
                r"[0-9a-f]{64}$", message=say("A SHA-256 has 64 digits from 0 to 9 and a to f.")
            ),
        ],
    )

    def offer_all(self, *, counterparties: Choices, templates: Choices, regions: Choices) -> None:
        """Fill the lists people choose from."""
        self.counterparty.choices = _choices([("", say("Choose an organisation")), *counterparties])
        self.template.choices = _choices(templates)
        self.region.choices = _choices(regions)


class PeopleForm(Form):
    """One person a function, and the signers in order."""

    owner = SelectField(
        FUNCTION_WORDS[OWNER],
        description=say("Coordinates your side and gets every mail."),
        validators=[DataRequired(say("Choose the owner: one person who coordinates your side."))],
    )
    sales = SelectField(FUNCTION_WORDS["sales"], validators=[Optional()])
    it = SelectField(FUNCTION_WORDS["it"], validators=[Optional()])
    legal = SelectField(FUNCTION_WORDS["legal"], validators=[Optional()])
    procurement = SelectField(FUNCTION_WORDS["procurement"], validators=[Optional()])
    support = SelectField(FUNCTION_WORDS["support"], validators=[Optional()])
    signer_1 = SelectField(
        say("First signer"),
        validators=[DataRequired(say("Name at least one person who signs for you."))],
    )
    signer_2 = SelectField(say("Second signer"), validators=[Optional()])
    signer_3 = SelectField(say("Third signer"), validators=[Optional()])
    signer_4 = SelectField(say("Fourth signer"), validators=[Optional()])
    title_1 = StringField(say("Title of the first signer"), filters=[trimmed])
    title_2 = StringField(say("Title of the second signer"), filters=[trimmed])
    title_3 = StringField(say("Title of the third signer"), filters=[trimmed])
    title_4 = StringField(say("Title of the fourth signer"), filters=[trimmed])
    together_2 = BooleanField(say("Asked at the same time as the signer before"))
    together_3 = BooleanField(say("Asked at the same time as the signer before"))
    together_4 = BooleanField(say("Asked at the same time as the signer before"))
    approves_sales = BooleanField(say("Approves before anyone signs"))
    approves_it = BooleanField(say("Approves before anyone signs"))
    approves_legal = BooleanField(say("Approves before anyone signs"))
    approves_procurement = BooleanField(say("Approves before anyone signs"))

    def offer(self, members: Choices, signatories: Choices) -> None:
        """Fill the lists people choose from."""
        for name in FUNCTION_WORDS:
            first = say("Choose a person") if name == OWNER else say("Nobody")
            self[name].choices = _choices([("", first), *members])
        for number in range(1, MOST_SIGNERS + 1):
            self[f"signer_{number}"].choices = _choices([("", say("Nobody")), *signatories])

    def pairs(self) -> list[tuple[Field, Field]]:
        """Return the fields of each signer: person and title."""
        places = range(1, MOST_SIGNERS + 1)
        return [(self[f"signer_{place}"], self[f"title_{place}"]) for place in places]

    def together(self, number: int) -> Field | None:
        """Return the box that asks a signer together with the one before; the first has none."""
        return self[f"together_{number}"] if number > 1 else None

    def approving(self) -> list[str]:
        """Return the functions whose person approves before anybody signs."""
        return [name for name in APPROVING if self[name].data and self[f"approves_{name}"].data]

    def functions(self) -> dict[str, str]:
        """Return the chosen person of each function that has one."""
        return {name: self[name].data for name in FUNCTION_WORDS if self[name].data}

    def signers(self) -> list[Signer]:
        """Return the signers in order."""
        return [
            Signer(who.data, title.data, bool((box := self.together(number)) and box.data))
            for number, (who, title) in enumerate(self.pairs(), 1)
            if who.data
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for the title each signer signs under, and name each signer once."""
        good: bool = super().validate(extra_validators)
        seen: set[str] = set()
        for who, title in self.pairs():
            if not who.data:
                continue
            problem = _title_problem(title)
            if problem:
                title.errors = [*title.errors, problem]
            if who.data in seen:
                who.errors = [*who.errors, say("Name each signer once.")]
            good = good and not problem and who.data not in seen
            seen.add(who.data)
        return good


def _title_problem(title: Field) -> str | None:
    try:
        title.data = clean_line(title.data or "", 120)
    except Unreadable as refusal:
        return refusal.message
    return (
        None if title.data else say("Write the title this person signs under, such as “Director”.")
    )


class WithdrawalForm(Form):
    """Why a contract is withdrawn."""

    reason = TextAreaField(
        say("Reason"),
        filters=[trimmed],
        description=say("The other side reads it."),
        validators=[
            DataRequired(say("Write a reason: the other side will read it.")),
            Length(max=2000, message=say("Use at most 2,000 characters.")),
        ],
    )

    def validate_reason(self, line: Field) -> None:
        """Refuse hidden characters."""
        try:
            line.data = clean_lines(line.data or "")
        except Unreadable as refusal:
            raise ValidationError(refusal.message) from refusal


class InterimForm(Form):
    """Another value for one schedule: from when, until when, why; the value is read by its term."""

    starts = DateField(
        say("From"),
        description=say("The first day it holds. A change never reaches back."),
        validators=[DataRequired(say("Choose the first day."))],
    )
    last = DateField(
        say("Until"),
        description=say("The last day it holds. Empty: until it is changed again."),
        validators=[Optional()],
    )
    reason = TextAreaField(
        say("Why"),
        filters=[trimmed],
        description=say("Optional. The other side reads it."),
        validators=[Length(max=1000, message=say("Use at most 1,000 characters.")), PlainLines()],
    )


class InterimAnswerForm(Form):
    """An answer to a proposed change, as it was seen."""

    seen_sha256 = HiddenField(filters=[trimmed])
    reason = TextAreaField(
        say("Reason"),
        filters=[trimmed],
        description=say("The other side reads it."),
        validators=[Length(max=1000, message=say("Use at most 1,000 characters.")), PlainLines()],
    )


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


class OnboardingForm(Form):
    """Who does an onboarding item, and by when."""

    owner = SelectField(say("Owner"), validators=[InputRequired(say("Choose who does it."))])
    due = StringField(
        say("Due"), filters=[trimmed], validators=[InputRequired(say("Give a date."))]
    )

    def offer(self, members: Choices) -> None:
        """Offer the members of both sides."""
        self.pairs = list(members)
        self.owner.choices = _choices(members)

    def validate_due(self, field: Any) -> None:
        """A date that can be read."""
        try:
            date.fromisoformat(field.data or "")
        except ValueError:
            raise ValidationError(say("Write a date such as 2026-12-01.")) from None
