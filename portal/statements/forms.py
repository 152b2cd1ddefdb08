"""The shape of what people say to a statement, and of an import for replays."""

from collections.abc import Iterable
from typing import Any

from flask_wtf.file import FileField
from wtforms import IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from portal.kit.forms import Form, trimmed
from portal.kit.words import say


def _said(label: str, most: int, needed: str = "") -> dict[str, Any]:
    rules: list[Any] = [
        Length(max=most, message=say("Use at most %(most)s characters.", most=most))
    ]
    if needed:
        rules.insert(0, InputRequired(needed))
    return {"label": label, "validators": rules, "filters": [trimmed]}


class RevisionForm(Form):
    """Which revision of the figures the person read."""

    revision = IntegerField(widget=HiddenInput(), validators=[InputRequired(say("Read it again."))])


class ConfirmForm(RevisionForm):
    """The vendor's word: it stands by the figures, or objects."""

    word = RadioField(
        say("Are these figures right?"),
        choices=[
            SelectChoice(value="confirm", label=say("Yes: we stand by them")),
            SelectChoice(value="object", label=say("No: we object")),
        ],
        validators=[InputRequired(say("Confirm the figures or object to them."))],
    )
    objection = TextAreaField(**_said(say("What is wrong, if you object"), 2000))


class DisputeForm(RevisionForm):
    """The customer's dispute of one figure."""

    figure = SelectField(say("Which figure"), choices=())
    reason = TextAreaField(**_said(say("Why"), 2000, say("Say why: the other side will read it.")))

    def offer(self, figures: Iterable[tuple[str, str]]) -> None:
        """Offer the figures of the statement."""
        self.figure.choices = [SelectChoice(value=code, label=words) for code, words in figures]


class AnswerForm(Form):
    """The vendor's answer to a dispute."""

    reply = TextAreaField(**_said(say("Your answer"), 2000, say("Write an answer.")))


class PaymentForm(Form):
    """How a credit was paid."""

    how = StringField(
        **_said(say("Invoice or refund"), 120, say("Name the invoice or the refund."))
    )


class ImportForm(Form):
    """A file of past incidents for one's own replays."""

    name = StringField(**_said(say("Name"), 80, say("Give the import a name.")))
    file = FileField(
        say("CSV file"),
        description=say(
            "Columns: reported, severity, responded, resolved; workaround if you have it. Times as "
            "2026-03-02T10:00:00Z."
        ),
    )
