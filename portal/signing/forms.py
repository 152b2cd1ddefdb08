"""Forms of the signing room: shape of the input only."""

from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal.kit.forms import Form, trimmed
from portal.signing.rules import LEAST_REASON, LONGEST_TITLE


class ConsentForm(Form):
    """Consent to electronic records; the box starts empty."""

    agreed = BooleanField(
        "I opened the deed (PDF) on this device, and I agree to electronic records and signatures "
        "for this contract.",
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
    version_sha256 = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])


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


class WithdrawalOfConsentForm(Form):
    """A plain confirmation."""
