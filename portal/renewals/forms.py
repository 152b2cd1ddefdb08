"""Forms of the renewals room: shape of the input only."""

from decimal import Decimal

from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    HiddenField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.renewals.rules.notices import CHOICE_WORDS

CODE = say("Type the six digits your authenticator shows now.")


class DecisionForm(Form):
    """What one side means to do; the other side never sees it."""

    choice = RadioField(
        say("What do you mean to do?"),
        choices=[SelectChoice(choice.value, words) for choice, words in CHOICE_WORDS.items()],
        validators=[InputRequired(say("Choose what you mean to do."))],
    )
    note = TextAreaField(
        say("Why"),
        filters=[trimmed],
        description=say("Only your side reads it."),
        validators=[Optional(), Length(max=2000, message=say("Use at most 2,000 characters."))],
    )


class NoticeForm(Form):
    """A notice, signed with a code. The kind and the day it ends the contract were shown."""

    kind = HiddenField(validators=[InputRequired(), Length(max=20)])
    seen_ends = HiddenField(validators=[InputRequired(), Length(min=10, max=10)])
    channel = RadioField(
        say("How the notice travels"),
        choices=[],
        validators=[InputRequired(say("Choose how the notice travels."))],
        validate_choice=False,
    )
    sent_on = DateField(
        say("Sent on"),
        description=say("Only for a notice sent outside the portal."),
        validators=[Optional()],
    )
    text = TextAreaField(
        say("What you want to say"),
        filters=[trimmed],
        description=say("No reason is needed. Both sides read it."),
        validators=[Optional(), Length(max=4000, message=say("Use at most 4,000 characters."))],
    )
    title = StringField(
        say("Your title"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Give your title, as it should stand under your name.")),
            Length(max=64, message=say("Use at most 64 characters.")),
        ],
    )
    intent = BooleanField(validators=[InputRequired(say("Tick the box if you give this notice."))])
    code = StringField(
        say("Code from your authenticator"),
        filters=[trimmed],
        description=say("Six digits. A code that was used before does not count again."),
        validators=[InputRequired(CODE)],
    )


class PriceForm(Form):
    """The fee of the next term, told with a code."""

    amount = DecimalField(
        say("New fee"),
        validators=[
            InputRequired(say("Write the new fee as a number, such as 1540.00.")),
            NumberRange(min=Decimal(0), message=say("A fee is not below zero.")),
        ],
    )
    index_change = DecimalField(
        say("Published change of the index"),
        validators=[
            Optional(),
            NumberRange(min=Decimal(-50), max=Decimal(200), message=say("Use -50 to 200 percent.")),
        ],
    )
    intent = BooleanField(validators=[InputRequired(say("Tick the box if you tell this price."))])
    code = StringField(
        say("Code from your authenticator"),
        filters=[trimmed],
        description=say("Six digits. A code that was used before does not count again."),
        validators=[InputRequired(CODE)],
    )


class ReceiptForm(Form):
    """A plain confirmation that a notice arrived."""
