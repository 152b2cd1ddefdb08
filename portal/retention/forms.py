"""The shape of a hold's reason and of the years records are kept."""

from wtforms import IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from portal.admin.rules import MOST_YEARS
from portal.kit.forms import Form, trimmed
from portal.retention.rules import LEAST_REASON, LONGEST_REASON


class HoldForm(Form):
    """Why everything is kept."""

    reason = TextAreaField(
        "Reason",
        filters=[trimmed],
        description="Only your side reads it. The other side learns that a hold stands.",
        validators=[
            InputRequired("Give a reason."),
            Length(LEAST_REASON, LONGEST_REASON, message="Use 5 to 2,000 characters."),
        ],
    )


class YearsForm(Form):
    """How many years records are kept after a contract's end."""

    years = IntegerField(
        "Years after the end of a contract",
        description="At least as long as a claim from the contract can be brought to court.",
        validators=[
            InputRequired("Type a number of years."),
            NumberRange(1, MOST_YEARS, message=f"Between 1 and {MOST_YEARS} years."),
        ],
    )
