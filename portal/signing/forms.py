"""Forms of the signing room: shape of the input only."""

from typing import Any

from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, ValidationError

from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.profiles.forms import password_field
from portal.signing.rules import COVERS, LEAST_REASON, LONGEST_TITLE, read_strokes


class ConsentForm(Form):
    """Consent to electronic records; the box starts empty."""

    word = StringField(
        say("The word in the sample"),
        filters=[trimmed],
        description=say("Open the sample PDF above. It holds six letters: type them here."),
        validators=[InputRequired(say("Open the sample PDF and type the six letters it holds."))],
    )
    covers = RadioField(
        say("What your consent covers"),
        choices=[SelectChoice(value, words) for value, words in COVERS.items()],
        validators=[InputRequired(say("Choose what your consent covers."))],
    )
    agreed = BooleanField(
        say("I agree to electronic records and signatures as described above."),
        validators=[
            InputRequired(say("Tick the box to consent, or decline to sign electronically."))
        ],
    )
    disclosure_sha256 = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])


class SignatureForm(Form):
    """What a signer states; the two labels name the organisation and are set by the page."""

    title = StringField(
        say("Your title"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Give your title, as it should stand under your name.")),
            Length(
                max=LONGEST_TITLE,
                message=say("Use at most %(most)s characters.", most=LONGEST_TITLE),
            ),
        ],
    )
    authority = BooleanField(
        validators=[InputRequired(say("Confirm that you have the authority to sign, or decline."))]
    )
    intent = BooleanField(validators=[InputRequired(say("Tick the box if you intend to sign."))])
    code = StringField(
        say("Code from your authenticator"),
        filters=[trimmed],
        description=say("Six digits. A code that was used before does not count again."),
        validators=[InputRequired(say("Type the six digits your authenticator shows now."))],
    )
    strokes = HiddenField()
    version_sha256 = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])

    def validate_strokes(self, drawn: Any) -> None:
        """Refuse a drawing that our own script would not send."""
        try:
            read_strokes(drawn.data or "")
        except ValueError as refusal:
            raise ValidationError(
                say("The drawing could not be read. Clear it and sign.")
            ) from refusal


class DeclinationForm(Form):
    """Why a signer will not sign."""

    reason = TextAreaField(
        say("Reason"),
        filters=[trimmed],
        description=say("Both sides read it."),
        validators=[
            InputRequired(say("Give a reason: the other side will read it.")),
            Length(min=LEAST_REASON, max=2000, message=say("Use 5 to 2,000 characters.")),
        ],
    )


class ApprovalForm(Form):
    """A yes to the frozen terms; the label names the organisation and is set by the page."""

    approved = BooleanField(validators=[InputRequired(say("Tick the box if you approve."))])
    code = StringField(
        say("Code from your authenticator"),
        filters=[trimmed],
        description=say("Six digits. A code that was used before does not count again."),
        validators=[InputRequired(say("Type the six digits your authenticator shows now."))],
    )
    version_sha256 = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])


class RegulatedApprovalForm(ApprovalForm):
    """A yes under the regulated profile: it means approval, and takes the password besides."""

    password = password_field()


class ReasonForm(Form):
    """Why a signing is called off, or the terms should be opened again."""

    reason = TextAreaField(
        say("Reason"),
        filters=[trimmed],
        description=say("Both sides read it."),
        validators=[
            InputRequired(say("Give a reason: the other side will read it.")),
            Length(min=LEAST_REASON, max=2000, message=say("Use 5 to 2,000 characters.")),
        ],
    )


class HandoverForm(ReasonForm):
    """Who signs instead, under which title, and why."""

    person = SelectField(
        say("Who signs instead"),
        description=say("A member of your organisation with the role Signatory."),
        validators=[InputRequired(say("Choose who signs instead."))],
    )
    title = StringField(
        say("Their title"),
        filters=[trimmed],
        validators=[
            InputRequired(say("Write the title this person signs under.")),
            Length(
                max=LONGEST_TITLE,
                message=say("Use at most %(most)s characters.", most=LONGEST_TITLE),
            ),
        ],
    )

    def offer(self, people: list[tuple[str, str]]) -> None:
        """Fill the list people choose from."""
        pairs = [("", say("Choose a person")), *people]
        self.person.choices = [SelectChoice(value, label) for value, label in pairs]


class AnswerForm(Form):
    """Yes or no to opening the terms again; each button sends its own answer."""

    agree = HiddenField(validators=[InputRequired(), AnyOf(["yes", "no"])])


class RecordsForm(Form):
    """Buttons only."""
