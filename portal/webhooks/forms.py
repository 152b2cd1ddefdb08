"""The shape of an endpoint."""

from collections.abc import Iterable

from wtforms import RadioField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.webhooks.rules import SUBJECTS


class SubjectsField(SelectMultipleField):  # type: ignore[misc]
    """Subjects as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class EndpointForm(Form):
    """Where to, from which region, of what."""

    address = StringField(
        say("Address"),
        filters=[trimmed],
        description=say("It begins with https:// and lies in the open internet."),
        validators=[InputRequired(say("Write the address that is to be told."))],
    )
    region = RadioField(
        say("Contracts kept in"),
        description=say("It is told of contracts in this region only."),
        validators=[InputRequired(say("Choose a region."))],
    )
    subjects = SubjectsField(
        say("Tell it of"),
        description=say("None chosen: of everything."),
        choices=[SelectChoice(name, words) for name, words in SUBJECTS.items()],
    )

    def offer(self, regions: Iterable[tuple[str, str]]) -> None:
        """Fill the regions."""
        self.region.choices = [SelectChoice(name, label) for name, label in regions]
