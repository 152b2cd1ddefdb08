"""The shape of a sheet of customers that is brought."""

from wtforms import BooleanField, FileField

from portal.kit.forms import Form
from portal.kit.words import say


class SheetForm(Form):
    """A CSV file, and whether its good rows are taken without the others."""

    file = FileField(say("CSV file"), description=say("UTF-8; the first row names the columns."))
    leave = BooleanField(say("Take the good rows, and leave those with faults"))
