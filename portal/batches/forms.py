"""Forms of the batches room: shape of the input only."""

from collections.abc import Sequence
from typing import Any

from wtforms import FileField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from portal.kit.forms import Form, trimmed
from portal.kit.words import say

Choices = Sequence[tuple[str, str]]


class BatchForm(Form):
    """A sheet, and what every row of it starts from."""

    once = HiddenField(filters=[trimmed], validators=[DataRequired(), Length(min=16, max=64)])
    template = SelectField(say("Template"), validators=[DataRequired(say("Choose a template."))])
    tier = SelectField(say("Plan tier"), validators=[Optional()])
    region = RadioField(say("Keep them in"), validators=[DataRequired(say("Choose a region."))])
    owner = SelectField(
        say("Owner on your side"), validators=[DataRequired(say("Choose the owner."))]
    )
    signer = SelectField(
        say("Who signs for you"), validators=[DataRequired(say("Choose a signer."))]
    )
    signer_title = StringField(
        say("Title of the signer"),
        filters=[trimmed],
        validators=[DataRequired(say("Write the title they sign under.")), Length(max=120)],
    )
    sends = RadioField(
        say("When it is confirmed"),
        choices=[
            SelectChoice("draft", say("Start drafts: each round 1 is reviewed and sent by hand")),
            SelectChoice("send", say("Start and send round 1 of each")),
        ],
        validators=[DataRequired(say("Choose what happens."))],
    )
    file = FileField(
        say("Sheet (CSV)"), description=say("Columns: customer, title, and any term by its id.")
    )
    sheet = TextAreaField(
        say("Or paste the sheet"),
        description=say("For example: customer,title,A5,D1"),
        validators=[Length(max=400_000, message=say("Use at most 400,000 characters."))],
    )

    def offer(
        self, *, templates: Choices, tiers: Choices, regions: Choices, members: Choices,
        signers: Choices,
    ) -> None:  # fmt: skip
        """Fill the lists people choose from."""
        pairs: Any = {
            self.template: templates,
            self.tier: [("", say("No tier: start from the template")), *tiers],
            self.region: regions,
            self.owner: [("", say("Choose a person")), *members],
            self.signer: [("", say("Choose a person")), *signers],
        }
        for field, choices in pairs.items():
            field.choices = [SelectChoice(value, label) for value, label in choices]
