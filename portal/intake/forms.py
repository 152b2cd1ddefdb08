"""The shape of a file that is brought."""

from flask_wtf.file import FileField
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.intake.rules import KIND_WORDS
from portal.kit.forms import Form
from portal.kit.words import say


class IntakeForm(Form):
    """A CSV file, and what it holds."""

    kind = RadioField(
        say("What does it hold?"),
        choices=[SelectChoice(kind.value, words) for kind, words in KIND_WORDS.items()],
        validators=[InputRequired(say("Choose what the file holds."))],
    )
    file = FileField(say("CSV file"), description=say("UTF-8, the first row names the columns."))
