"""The shape of what is asked of a profile."""

from wtforms import DateField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, Optional

from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.profiles.rules import LONGEST_REFERENCE, Profile


class TurnForm(Form):
    """Which profile, on or off; and for HIPAA the signed agreement."""

    profile = StringField(validators=[AnyOf([*Profile])])
    on = RadioField(
        choices=[SelectChoice("yes", say("On")), SelectChoice("no", say("Off"))],
        validators=[InputRequired()],
    )
    reference = StringField(
        say("Signed business associate agreement"),
        filters=[trimmed],
        description=say("Its number or title, as both sides file it."),
        validators=[
            Optional(),
            Length(
                max=LONGEST_REFERENCE,
                message=say("Use at most %(most)s characters.", most=LONGEST_REFERENCE),
            ),
        ],
    )
    signed_on = DateField(say("Day of its last signature"), validators=[Optional()])
