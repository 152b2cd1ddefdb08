"""What a contract asks while it lives: withdrawal, schedule changes, onboarding."""

from datetime import date
from typing import Any

from wtforms import DateField, Field, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from portal.contracts.forms.plain import Choices, PlainLines, choices_of
from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.terms.rules import Unreadable
from portal.terms.rules.text import clean_lines


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


class OnboardingForm(Form):
    """Who does an onboarding item, and by when."""

    owner = SelectField(say("Owner"), validators=[InputRequired(say("Choose who does it."))])
    due = StringField(
        say("Due"), filters=[trimmed], validators=[InputRequired(say("Give a date."))]
    )

    def offer(self, members: Choices) -> None:
        """Offer the members of both sides."""
        self.pairs = list(members)
        self.owner.choices = choices_of(members)

    def validate_due(self, field: Any) -> None:
        """A date that can be read."""
        try:
            date.fromisoformat(field.data or "")
        except ValueError:
            raise ValidationError(say("Write a date such as 2026-12-01.")) from None
