"""Forms of the signing room: shape of the input only."""

from typing import Any

from wtforms import (
    BooleanField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, ValidationError

from portal.kit.forms import Form, trimmed
from portal.profiles.rules import MEANING_WORDS
from portal.signing.rules import COVERS, LEAST_REASON, LONGEST_TITLE, read_strokes


class ConsentForm(Form):
    """Consent to electronic records; the box starts empty."""

    word = StringField(
        "The word in the sample",
        filters=[trimmed],
        description="Open the sample PDF above. It holds six letters: type them here.",
        validators=[InputRequired("Open the sample PDF and type the six letters it holds.")],
    )
    covers = RadioField(
        "What your consent covers",
        choices=[SelectChoice(value, words) for value, words in COVERS.items()],
        validators=[InputRequired("Choose what your consent covers.")],
    )
    agreed = BooleanField(
        "I agree to electronic records and signatures as described above.",
        validators=[InputRequired("Tick the box to consent, or decline to sign electronically.")],
    )
    disclosure_sha256 = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])


class SignatureForm(Form):
    """What a signer states; the two labels name the organisation and are set by the page."""

    title = StringField(
        "Your title",
        filters=[trimmed],
        validators=[
            InputRequired("Give your title, as it should stand under your name."),
            Length(max=LONGEST_TITLE, message=f"Use at most {LONGEST_TITLE} characters."),
        ],
    )
    authority = BooleanField(
        validators=[InputRequired("Confirm that you have the authority to sign, or decline.")]
    )
    intent = BooleanField(validators=[InputRequired("Tick the box if you intend to sign.")])
    code = StringField(
        "Code from your authenticator",
        filters=[trimmed],
        description="Six digits. A code that was used before does not count again.",
        validators=[InputRequired("Type the six digits your authenticator shows now.")],
    )
    strokes = HiddenField()
    version_sha256 = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])

    def validate_strokes(self, drawn: Any) -> None:
        """Refuse a drawing that our own script would not send."""
        try:
            read_strokes(drawn.data or "")
        except ValueError as refusal:
            raise ValidationError("The drawing could not be read. Clear it and sign.") from refusal


def _password() -> PasswordField:
    return PasswordField(
        "Your password",
        description="This contract asks for both factors at each signature.",
        validators=[InputRequired("Type your password.")],
    )


class RegulatedSignatureForm(SignatureForm):
    """A signature under the regulated profile: what it means, and the password besides."""

    meaning = RadioField(
        "What your signature means",
        choices=[SelectChoice(value.value, words) for value, words in MEANING_WORDS.items()],
        validators=[InputRequired("Choose what your signature means.")],
    )
    password = _password()


class DeclinationForm(Form):
    """Why a signer will not sign."""

    reason = TextAreaField(
        "Reason",
        filters=[trimmed],
        description="Both sides read it.",
        validators=[
            InputRequired("Give a reason: the other side will read it."),
            Length(min=LEAST_REASON, max=2000, message="Use 5 to 2,000 characters."),
        ],
    )


class ApprovalForm(Form):
    """A yes to the frozen terms; the label names the organisation and is set by the page."""

    approved = BooleanField(validators=[InputRequired("Tick the box if you approve.")])
    code = StringField(
        "Code from your authenticator",
        filters=[trimmed],
        description="Six digits. A code that was used before does not count again.",
        validators=[InputRequired("Type the six digits your authenticator shows now.")],
    )
    version_sha256 = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])


class RegulatedApprovalForm(ApprovalForm):
    """A yes under the regulated profile: it means approval, and takes the password besides."""

    password = _password()


class ReasonForm(Form):
    """Why a signing is called off, or the terms should be opened again."""

    reason = TextAreaField(
        "Reason",
        filters=[trimmed],
        description="Both sides read it.",
        validators=[
            InputRequired("Give a reason: the other side will read it."),
            Length(min=LEAST_REASON, max=2000, message="Use 5 to 2,000 characters."),
        ],
    )


class HandoverForm(ReasonForm):
    """Who signs instead, under which title, and why."""

    person = SelectField(
        "Who signs instead",
        description="A member of your organisation with the role Signatory.",
        validators=[InputRequired("Choose who signs instead.")],
    )
    title = StringField(
        "Their title",
        filters=[trimmed],
        validators=[
            InputRequired("Write the title this person signs under."),
            Length(max=LONGEST_TITLE, message=f"Use at most {LONGEST_TITLE} characters."),
        ],
    )

    def offer(self, people: list[tuple[str, str]]) -> None:
        """Fill the list people choose from."""
        pairs = [("", "Choose a person"), *people]
        self.person.choices = [SelectChoice(value, label) for value, label in pairs]


class AnswerForm(Form):
    """Yes or no to opening the terms again; each button sends its own answer."""

    agree = HiddenField(validators=[InputRequired(), AnyOf(["yes", "no"])])


class RecordsForm(Form):
    """Buttons only."""
