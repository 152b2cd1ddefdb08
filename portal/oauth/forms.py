"""The shape of a client."""

from wtforms import RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.oauth.rules import KIND_WORDS, SCOPES


class ScopesField(SelectMultipleField):  # type: ignore[misc]
    """Scopes as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ClientForm(Form):
    """A program, where it returns to, and the most it may ask for."""

    name = StringField(
        say("Name"),
        filters=[trimmed],
        description=say("People read it when they are asked, such as “CRM link”."),
        validators=[InputRequired(say("Give it a name."))],
    )
    kind = RadioField(
        say("What sort of program is it?"),
        choices=[SelectChoice(kind.value, words) for kind, words in KIND_WORDS.items()],
        validators=[InputRequired(say("Choose what sort of program it is."))],
    )
    addresses = TextAreaField(
        say("Addresses it returns to"),
        filters=[trimmed],
        description=say("One a line, compared character by character. Not for a machine."),
    )
    scopes = ScopesField(
        say("The most it may ask for"),
        choices=[
            SelectChoice(scope, say("%(words)s (%(scope)s)", words=words, scope=scope))
            for scope, words in SCOPES.items()
        ],
        validators=[InputRequired(say("Choose at least one."))],
    )
