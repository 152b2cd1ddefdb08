"""Forms of the templates room: shape of the input only."""

from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from portal.kit.forms import Form, trimmed
from portal.kit.words import say


class SeenForm(Form):
    """A press of a button on a draft, as it was seen."""

    seen_sha256 = HiddenField(filters=[trimmed])


class PublishForm(SeenForm):
    """The line of the changelog."""

    note = StringField(
        say("What changed"),
        filters=[trimmed],
        description=say("One line for the changelog; both sides of a contract can read it."),
        validators=[
            DataRequired(say("Say in a line what changed.")),
            Length(max=300, message=say("Use at most 300 characters.")),
        ],
    )
