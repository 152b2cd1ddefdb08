"""The forms of incidents."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf.file import MultipleFileField
from werkzeug.datastructures import FileStorage
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, DateInput, ListWidget

from portal.incidents.rules.files import ACCEPTED, MOST_FILES, file_problem, kept_name
from portal.kit.forms import Form, trimmed
from portal.kit.words import say

LONGEST = 8000
FACT_FIELDS = ("function", "impact", "users", "start", "steps", "logs", "error", "reference")


def plain(form: Any, field: Any) -> None:
    """Refuse hidden control characters."""
    if any(ord(c) < 32 and c not in "\r\n\t" for c in field.data or ""):
        raise ValidationError(say("Remove the hidden characters."))


def _text(label: str, *, most: int = 600, **more: Any) -> StringField:
    return StringField(
        label,
        filters=[trimmed],
        validators=[
            plain,
            Length(max=most, message=say("Write at most %(most)s characters.", most=most)),
        ],
        **more,
    )


def _area(label: str, **more: Any) -> TextAreaField:
    limit = Length(max=LONGEST, message=say("Write at most 8,000 characters."))
    return TextAreaField(label, filters=[trimmed], validators=[plain, limit], **more)


def offered(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """Return (value, label) pairs as the choices of a field."""
    return [SelectChoice(value, label) for value, label in pairs]


class Files(MultipleFileField):  # type: ignore[misc]
    """Files beside what is said: a few, of known kinds, each looked into."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            say("Files (optional, up to %(most_files)s)", most_files=MOST_FILES),
            description=say("pdf, png, jpg, txt, csv, log or zip, up to 20 MB each."),
            render_kw={"accept": ACCEPTED},
            **kwargs,
        )
        self.read: list[tuple[str, bytes]] = []

    def pre_validate(self, form: Any) -> None:
        """Read each file once and keep what was read."""
        self.read = []
        sent = [one for one in self.data or [] if isinstance(one, FileStorage) and one.filename]
        if len(sent) > MOST_FILES:
            raise ValidationError(
                say("Choose at most %(most_files)s files.", most_files=MOST_FILES)
            )
        for one in sent:
            name, content = kept_name(one.filename or ""), one.read()
            problem = file_problem(name, content)
            if problem:
                raise ValidationError(problem)
            self.read.append((name, content))


class ReportForm(Form):
    """Reporting an incident; which facts are asked for is the contract's choice (H2)."""

    title = StringField(
        say("What is wrong, in one line"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Say in one line what is wrong.")),
            plain,
            Length(max=160, message=say("Write at most 160 characters.")),
        ],
    )
    severity = RadioField(
        say("How bad is it for the business?"),
        validators=[InputRequired(say("Choose how bad it is."))],
    )
    module = SelectField(
        say("Affected module"), validators=[InputRequired(say("Choose a module."))]
    )
    environment = RadioField(
        say("Where"),
        choices=offered([("production", say("Production")), ("test", say("Test"))]),
        default="production",
    )
    function = _text(say("Affected function"))
    impact = _area(say("Business impact"))
    users = _text(say("Users affected"), most=200)
    start = _text(say("When it began"), most=200)
    steps = _area(say("Steps to see it"))
    logs = _area(say("Logs"))
    error = _area(say("Error text"))
    reference = _text(say("Earlier incident"), most=100)
    security = BooleanField(say("This may be a security weakness"))
    trial = BooleanField(say("This is a trial run: it never counts"))
    channel = SelectField(say("It reached us by"))
    called_at = _text(say("When the customer called (YYYY-MM-DD HH:MM, UTC)"), most=40)
    files = Files()

    def ask(
        self,
        *,
        severities: list[tuple[str, str]],
        modules: list[str],
        channels: list[tuple[str, str]],
        needed: set[str],
    ) -> None:
        """Offer what the contract offers, and need what it needs.

        Without channels nobody is asked how it reached us: a customer uses the portal.
        """
        self.severity.choices = offered(severities)
        self.module.choices = offered([*((m, m) for m in modules), ("", say("Something else"))])
        self.module.validators = []
        self.needed = needed
        if channels:
            self.channel.choices = offered(channels)
        else:
            del self.channel, self.called_at

    def validate(self, extra_validators: Any = None) -> bool:
        """Also ask for each fact the contract needs."""
        sound: bool = super().validate(extra_validators)
        for name in FACT_FIELDS:
            field = self[name]
            if name in self.needed and not field.data:
                field.errors = [
                    *field.errors,
                    say("The contract asks for this: %(text)s.", text=field.label.text),
                ]
                sound = False
        if self.called_at and self.called_at.data and self.called() is None:
            self.called_at.errors = [say("Write it as 2026-11-25 14:30.")]
            sound = False
        return sound

    def called(self) -> datetime | None:
        """When the customer called, if that was said and can be read."""
        return read_moment(self.called_at.data, ZoneInfo("UTC")) if self.called_at else None

    def facts(self) -> dict[str, str]:
        """What was said beside title and severity."""
        return {name: self[name].data for name in FACT_FIELDS if self[name].data}


def read_moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant a person wrote as 2026-11-25 14:30 in a zone, or None."""
    try:
        local = datetime.strptime((text or "").replace("T", " "), "%Y-%m-%d %H:%M")  # noqa: DTZ007
    except ValueError:
        return None
    return local.replace(tzinfo=zone).astimezone(UTC)


class SaidForm(Form):
    """Saying something about an incident. Which fields are asked for depends on what is said."""

    words = _area(say("Words"))
    about = HiddenField(filters=[trimmed])
    choice = RadioField(say("Choice"), validate_choice=False)
    from_report = BooleanField(say("It was wrong from the beginning: count it from the report"))
    ends_pause = BooleanField(say("This is what the other side waits for: let the clocks run"))
    files = Files()

    def need(self, *, words: bool, choices: list[tuple[str, str]] | None) -> bool:
        """Check what this verb needs; errors stand beside the fields."""
        sound = True
        if words and not self.words.data:
            self.words.errors = [say("Write a few words: the other side reads them.")]
            sound = False
        if choices is not None and self.choice.data not in {key for key, _ in choices}:
            self.choice.errors = [say("Choose one.")]
            sound = False
        return sound


class NoteForm(Form):
    """Writing a note for one's own side."""

    note = TextAreaField(
        say("Note"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Write the note.")),
            plain,
            Length(max=LONGEST, message=say("Write at most 8,000 characters.")),
        ],
    )


class ContactsForm(Form):
    """Who may open incidents."""

    people = SelectMultipleField(
        say("People who may open incidents"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class ReasonForm(Form):
    """Asking for the next level, with the reason it reads."""

    reason = TextAreaField(
        say("Why the next level is needed"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Give the reason: the next level reads it.")),
            plain,
            Length(max=2000, message=say("Write at most 2,000 characters.")),
        ],
    )


class LevelForm(Form):
    """Confirming for a level."""

    level = HiddenField(filters=[trimmed], validators=[InputRequired()])


class AccountForm(Form):
    """Writing the account of a cause."""

    kind = RadioField(say("Which account is this?"), validators=[InputRequired(say("Choose one."))])
    timeline = _area(say("What happened, and when"))
    cause = _area(say("Why it happened"))
    impact = _area(say("What it did to the business"))

    def content(self) -> dict[str, str]:
        """What was written, by field."""
        return {name: self[name].data or "" for name in ("timeline", "cause", "impact")}

    def lack(self, lacking: Mapping[str, str]) -> None:
        """Put what is missing beside its field."""
        for name, message in lacking.items():
            field = self[name] if name in self._fields else self.kind
            field.errors = [*field.errors, message]


class ReviewForm(Form):
    """The customer's review of a full account."""

    answer = RadioField(
        say("Does it answer your questions?"),
        choices=offered([("accept", say("Yes, accept it")), ("return", say("No, return it"))]),
        validators=[InputRequired(say("Choose one."))],
    )
    reason = _area(say("What it lacks"))

    def validate(self, extra_validators: Any = None) -> bool:
        """A return needs its reason."""
        sound: bool = super().validate(extra_validators)
        if self.answer.data == "return" and not self.reason.data:
            self.reason.errors = [say("Say what it lacks: the vendor mends it by your words.")]
            return False
        return sound


class MeasureForm(Form):
    """An action that follows from a cause."""

    words = TextAreaField(
        say("What will be done"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Say what will be done.")),
            plain,
            Length(max=1000, message=say("Write at most 1,000 characters.")),
        ],
    )
    owner = StringField(
        say("Who answers for it"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Name one person.")),
            plain,
            Length(max=120, message=say("Write at most 120 characters.")),
        ],
    )
    side = RadioField(
        say("Whose is it?"),
        choices=offered([("vendor", say("The vendor’s")), ("customer", say("The customer’s"))]),
        default="vendor",
    )
    due = StringField(
        say("Due"),
        filters=[trimmed],
        validators=[InputRequired(say("Give a date."))],
        widget=DateInput(),
    )

    def validate_due(self, field: Any) -> None:
        """A date that can be read."""
        try:
            date.fromisoformat(field.data or "")
        except ValueError:
            raise ValidationError(say("Write a date such as 2026-12-01.")) from None


class OutcomeForm(Form):
    """What an executive review decided."""

    outcome = TextAreaField(
        say("What was decided"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Write down what was decided, who does it and by when.")),
            plain,
            Length(max=LONGEST, message=say("Write at most 8,000 characters.")),
        ],
    )
