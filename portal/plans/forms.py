"""Forms of the plans room: shape of the input only."""

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from portal.kit.forms import Form, trimmed
from portal.kit.words import say


class SeenForm(Form):
    """A press of a button on a draft, as it was seen."""

    seen_sha256 = HiddenField(filters=[trimmed])


class PublishForm(SeenForm):
    """What changed, in a line customers read."""

    note = StringField(
        say("What changed"),
        filters=[trimmed],
        description=say("One line that customers read beside the version."),
        validators=[
            DataRequired(say("Say in a line what changed.")),
            Length(max=300, message=say("Use at most 300 characters.")),
        ],
    )


class ImportForm(Form):
    """A catalogue somebody brings as JSON."""

    content = TextAreaField(
        say("Catalogue as JSON"),
        description=say(
            "One that was exported here, or a table of features with columns and rows."
        ),
        validators=[DataRequired(say("Paste the JSON of a catalogue."))],
    )
