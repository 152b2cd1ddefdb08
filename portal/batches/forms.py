"""Forms of the batches room: shape of the input only."""

from collections.abc import Sequence
from typing import Any

from wtforms import FileField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from portal.kit.forms import Form, trimmed

Choices = Sequence[tuple[str, str]]


class BatchForm(Form):
    """A sheet, and what every row of it starts from."""

    once = HiddenField(filters=[trimmed], validators=[DataRequired(), Length(min=16, max=64)])
    template = SelectField("Template", validators=[DataRequired("Choose a template.")])
    tier = SelectField("Plan tier", validators=[Optional()])
    region = RadioField("Keep them in", validators=[DataRequired("Choose a region.")])
    owner = SelectField("Owner on your side", validators=[DataRequired("Choose the owner.")])
    signer = SelectField("Who signs for you", validators=[DataRequired("Choose a signer.")])
    signer_title = StringField(
        "Title of the signer",
        filters=[trimmed],
        validators=[DataRequired("Write the title they sign under."), Length(max=120)],
    )
    sends = RadioField(
        "When it is confirmed",
        choices=[
            SelectChoice("draft", "Start drafts: each round 1 is reviewed and sent by hand"),
            SelectChoice("send", "Start and send round 1 of each"),
        ],
        validators=[DataRequired("Choose what happens.")],
    )
    file = FileField("Sheet (CSV)", description="Columns: customer, title, and any term by its id.")
    sheet = TextAreaField(
        "Or paste the sheet",
        description="For example: customer,title,A5,D1",
        validators=[Length(max=400_000, message="Use at most 400,000 characters.")],
    )

    def offer(
        self, *, templates: Choices, tiers: Choices, regions: Choices, members: Choices,
        signers: Choices,
    ) -> None:  # fmt: skip
        """Fill the lists people choose from."""
        pairs: Any = {
            self.template: templates,
            self.tier: [("", "No tier: start from the template"), *tiers],
            self.region: regions,
            self.owner: [("", "Choose a person"), *members],
            self.signer: [("", "Choose a person"), *signers],
        }
        for field, choices in pairs.items():
            field.choices = [SelectChoice(value, label) for value, label in choices]
