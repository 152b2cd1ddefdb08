"""The shape of what is asked of a profile."""

from wtforms import DateField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, Optional

from portal.kit.forms import Form, trimmed
from portal.profiles.rules import LONGEST_REFERENCE, Profile


class TurnForm(Form):
    """Which profile, on or off; and for HIPAA the signed agreement."""

    profile = StringField(validators=[AnyOf([*Profile])])
    on = RadioField(
        choices=[SelectChoice("yes", "On"), SelectChoice("no", "Off")],
        validators=[InputRequired()],
    )
    reference = StringField(
        "Signed business associate agreement",
        filters=[trimmed],
        description="Its number or title, as both sides file it.",
        validators=[
            Optional(),
            Length(max=LONGEST_REFERENCE, message=f"Use at most {LONGEST_REFERENCE} characters."),
        ],
    )
    signed_on = DateField("Day of its last signature", validators=[Optional()])
