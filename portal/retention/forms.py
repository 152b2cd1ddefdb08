"""The shape of a hold's reason and of the years records are kept."""

from wtforms import IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from portal.admin.rules import MOST_YEARS
from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.retention.rules import LEAST_REASON, LONGEST_REASON


class HoldForm(Form):
    """Why everything is kept."""

    reason = TextAreaField(
        say("Reason"),
        filters=[trimmed],
        description=say("Only your side reads it. The other side learns that a hold stands."),
        validators=[
            InputRequired(say("Give a reason.")),
            Length(LEAST_REASON, LONGEST_REASON, message=say("Use 5 to 2,000 characters.")),
        ],
    )


class YearsForm(Form):
    """How many years records are kept after a contract's end."""

    years = IntegerField(
        say("Years after the end of a contract"),
        description=say("At least as long as a claim from the contract can be brought to court."),
        validators=[
            InputRequired(say("Type a number of years.")),
            NumberRange(
                1, MOST_YEARS, message=say("Between 1 and %(most)s years.", most=MOST_YEARS)
            ),
        ],
    )
