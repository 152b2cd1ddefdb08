"""The shape of what people type about themselves."""

from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from portal.kit.forms import Form, trimmed
from portal.kit.words import say

PRESENT_PASSWORD = [InputRequired(say("Type your password.")), Length(max=1024)]
CODE = [InputRequired(say("Type the six digits your authenticator shows."))]


class SignInForm(Form):
    """E-mail and password, and where to go afterwards."""

    email = StringField(
        say("E-mail"),
        filters=[trimmed],
        validators=[InputRequired(say("Type your e-mail.")), Length(max=254)],
    )
    password = PasswordField(say("Password"), validators=PRESENT_PASSWORD)
    next = HiddenField()


class AskForResetForm(Form):
    """Whose password is forgotten."""

    email = StringField(
        say("E-mail"),
        filters=[trimmed],
        validators=[InputRequired(say("Type your e-mail.")), Length(max=254)],
    )


class ResetForm(Form):
    """A new password."""

    password = PasswordField(
        say("New password"),
        validators=[InputRequired(say("Type a new password.")), Length(max=1024)],
    )


class CodeForm(Form):
    """Six digits from an authenticator."""

    code = StringField(say("Code"), filters=[trimmed], validators=CODE)
    next = HiddenField()


class RecoveryForm(Form):
    """One recovery code."""

    code = StringField(
        say("Recovery code"),
        filters=[trimmed],
        validators=[InputRequired(say("Type one of your recovery codes.")), Length(max=40)],
    )
    next = HiddenField()


class PasskeyForm(Form):
    """What a passkey is called; the browser fills in the rest."""

    name = StringField(
        say("Name"),
        filters=[trimmed],
        validators=[InputRequired(say("Give it a name.")), Length(max=60)],
    )
    answer = HiddenField()


class PasskeyProofForm(Form):
    """What the browser answers for a passkey."""

    answer = HiddenField()
    next = HiddenField()


class PasswordForm(Form):
    """The present password, the new one, and a code where codes are set up."""

    current = PasswordField(say("Current password"), validators=PRESENT_PASSWORD)
    password = PasswordField(
        say("New password"), validators=[InputRequired(say("Type a new password."))]
    )
    code = StringField(say("Code from your authenticator"), filters=[trimmed])
