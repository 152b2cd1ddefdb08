"""How a contract begins: from a template, or from agreed terms."""

from wtforms import FileField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, Regexp

from portal.contracts.forms.plain import Choices, PlainLine, choices_of
from portal.kit.forms import Form, plain_hash, trimmed
from portal.kit.words import say


class NewContractForm(Form):
    """What a contract needs before its first step."""

    title = StringField(
        say("Title"),
        filters=[trimmed],
        description=say("Both sides see it, for example “CRM support 2027”."),
        validators=[
            DataRequired(say("Write a title.")),
            PlainLine(),
            Length(min=3, max=120, message=say("Use 3 to 120 characters.")),
        ],
    )
    counterparty = SelectField(
        say("Contract with"), validators=[DataRequired(say("Choose the other organisation."))]
    )
    side = RadioField(
        say("Your side"),
        choices=[
            SelectChoice("vendor", say("Vendor: we give support")),
            SelectChoice("customer", say("Customer: we receive it")),
        ],
        validators=[DataRequired(say("Choose your side."))],
    )
    template = SelectField(say("Template"), validators=[DataRequired(say("Choose a template."))])
    tier = SelectField(
        say("Plan tier"),
        description=say(
            "A tier of the vendor’s catalogue pre-fills the terms. Each can still change."
        ),
        validators=[Optional()],
    )
    region = RadioField(
        say("Keep it in"),
        description=say("Terms, documents and the log of this contract stay in this region."),
        validators=[DataRequired(say("Choose a region."))],
    )

    def offer(
        self, *, counterparties: Choices, templates: Choices, tiers: Choices, regions: Choices
    ) -> None:
        """Fill the lists people choose from."""
        self.counterparty.choices = choices_of(
            [("", say("Choose an organisation")), *counterparties]
        )
        self.template.choices = choices_of(templates)
        self.tier.choices = choices_of([("", say("No tier: start from the template")), *tiers])
        self.region.choices = choices_of(regions)


class BroughtContractForm(NewContractForm):
    """What a contract needs that starts from the terms of another one."""

    tier = None
    title = StringField(
        say("Title"),
        filters=[trimmed],
        description=say("Leave it empty for the title the file names."),
        validators=[
            Optional(),
            PlainLine(),
            Length(min=3, max=120, message=say("Use 3 to 120 characters.")),
        ],
    )
    file = FileField(
        say("Evidence bundle or canonical terms"),
        description=say("The zip a party downloads from a contract’s log, or the JSON inside it."),
    )
    sha256 = StringField(
        say("SHA-256 you expect"),
        filters=[plain_hash],
        description=say("As printed on the deed. With it, any other document is refused."),
        validators=[
            Optional(),
            Regexp(
                r"[0-9a-f]{64}$", message=say("A SHA-256 has 64 digits from 0 to 9 and a to f.")
            ),
        ],
    )

    def offer_all(self, *, counterparties: Choices, templates: Choices, regions: Choices) -> None:
        """Fill the lists people choose from."""
        self.counterparty.choices = choices_of(
            [("", say("Choose an organisation")), *counterparties]
        )
        self.template.choices = choices_of(templates)
        self.region.choices = choices_of(regions)
