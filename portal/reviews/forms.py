"""Forms of the reviews room: shape of the input only."""

from wtforms import DateField, FieldList, FormField, RadioField, StringField, TextAreaField
from wtforms import Form as Plain
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.reviews.rules.schedule import KIND_WORDS, Kind

DAY = say("Write a day, such as 2027-01-31.")


class CallForm(Form):
    """Asking the other side to a review."""

    kind = RadioField(
        say("Which review"),
        choices=[SelectChoice(kind.value, KIND_WORDS[kind]) for kind in Kind],
        validators=[InputRequired(say("Choose which review you ask for."))],
    )
    on = DateField(say("Day"), validators=[InputRequired(DAY)])
    why = TextAreaField(
        say("Why"),
        filters=[trimmed],
        description=say("Both sides read it: it stands at the top of the agenda."),
        validators=[InputRequired(say("Say why.")), Length(max=1000)],
    )


class MoveForm(Form):
    """Another day for a review."""

    on = DateField(say("Another day"), validators=[InputRequired(DAY)])


class ActionRow(Plain):  # type: ignore[misc]
    """One thing agreed: with a text it needs an owner and a day."""

    text = StringField(say("What"), filters=[trimmed], validators=[Length(max=300)])
    owner = StringField(say("Who"), filters=[trimmed], validators=[Length(max=120)])
    side = RadioField(
        say("Whose it is"),
        choices=[SelectChoice("vendor", say("Vendor")), SelectChoice("customer", say("Customer"))],
        default="vendor",
    )
    due = DateField(say("By"), validators=[Optional()])

    def validate_owner(self, field: StringField) -> None:
        """Ask who does it."""
        if self.text.data and not field.data:
            raise ValidationError(say("Say who does it."))

    def validate_due(self, field: DateField) -> None:
        """Ask by when."""
        if self.text.data and not field.data:
            raise ValidationError(say("Say by when."))


class MinutesForm(Form):
    """The minutes, with up to three actions."""

    held_on = DateField(say("Held on"), validators=[InputRequired(DAY)])
    minutes = TextAreaField(
        say("Minutes"),
        filters=[trimmed],
        description=say("Both sides read them, and they are kept with the agenda."),
        validators=[InputRequired(say("Write what was said and decided.")), Length(max=20_000)],
    )
    actions = FieldList(FormField(ActionRow), min_entries=3, max_entries=3)


class DoneForm(Form):
    """A plain confirmation."""
