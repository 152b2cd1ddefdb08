"""The shape of a file that is brought."""

from flask_wtf.file import FileField
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.intake.rules import KIND_WORDS
from portal.kit.forms import Form


class IntakeForm(Form):
    """A CSV file, and what it holds."""

    kind = RadioField(
        "What does it hold?",
        choices=[SelectChoice(kind.value, words) for kind, words in KIND_WORDS.items()],
        validators=[InputRequired("Choose what the file holds.")],
    )
    file = FileField("CSV file", description="UTF-8, the first row names the columns.")
