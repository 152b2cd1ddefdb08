"""The shape of what is asked of a profile."""

from wtforms import DateField, PasswordField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, Optional

from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.profiles.rules import LONGEST_REFERENCE, MEANING_WORDS, Profile


def password_field() -> PasswordField:
    """Return the field of the password, the first of both factors."""
    return PasswordField(
        say("Your password"),
        description=say("This contract asks for both factors at each signature."),
        validators=[InputRequired(say("Type your password."))],
    )


def meaning_field() -> RadioField:
    """Return the field of what a signature means (21 CFR 11.50)."""
    return RadioField(
        say("What your signature means"),
        choices=[SelectChoice(value.value, words) for value, words in MEANING_WORDS.items()],
        validators=[InputRequired(say("Choose what your signature means."))],
    )


def regulated(kind: type[Form]) -> type[Form]:
    """Return the form of an act as the regulated profile asks it: with meaning and password."""
    more = {"meaning": meaning_field(), "password": password_field()}
    return type(f"Regulated{kind.__name__}", (kind,), more)


class ActForm(Form):
    """The signature of an act whose own form asks for none; its names clash with no other's."""

    signed_meaning = meaning_field()
    signed_password = password_field()
    signed_code = StringField(
        say("Code from your authenticator"),
        filters=[trimmed],
        description=say("Six digits. A code that was used before does not count again."),
        validators=[InputRequired(say("Type the six digits your authenticator shows now."))],
    )


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
