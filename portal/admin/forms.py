"""The shape of invitations, roles and policies."""

from collections.abc import Mapping
from typing import Any

from wtforms import (
    BooleanField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from portal.accounts.rules import MFA_WORDS, ROLE_WORDS, MfaRule, Role
from portal.kit.forms import Form, trimmed
from portal.kit.words import say


def _choices(words: Mapping[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(value=key.value, label=label) for key, label in words.items()]


class ManyField(SelectMultipleField):  # type: ignore[misc]
    """Several choices as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class InvitationForm(Form):
    """Whom to invite, and as what."""

    name = StringField(
        say("Name"), filters=[trimmed], validators=[InputRequired(say("Type their name."))]
    )
    email = StringField(
        say("E-mail"), filters=[trimmed], validators=[InputRequired(say("Type their e-mail."))]
    )
    roles = ManyField(
        say("Roles"),
        choices=_choices(ROLE_WORDS),
        validators=[InputRequired(say("Choose at least one role."))],
    )


class RolesForm(Form):
    """A member's roles."""

    roles = ManyField(
        say("Roles"),
        choices=_choices(ROLE_WORDS),
        validators=[InputRequired(say("Choose at least one role."))],
    )


class JoinForm(Form):
    """A new person's own name and password."""

    name = StringField(
        say("Your name"), filters=[trimmed], validators=[InputRequired(say("Type your name."))]
    )
    password = PasswordField(say("Password"), validators=[InputRequired(say("Choose a password."))])


def _stricter(role: Role) -> SelectField:
    words = {
        MfaRule.OPTIONAL: say("As everyone"),
        MfaRule.REQUIRED_TO_SIGN: say("Required to sign"),
        MfaRule.REQUIRED: say("Required"),
    }
    return SelectField(ROLE_WORDS[role], choices=_choices(words))


class MfaForm(Form):
    """One rule for everyone, and stricter ones for roles; a field is named as its role."""

    everyone = RadioField(say("Everyone"), choices=_choices(MFA_WORDS))
    sales_ops = _stricter(Role.SALES_OPS)
    it_admin = _stricter(Role.IT_ADMIN)
    procurement = _stricter(Role.PROCUREMENT)
    legal = _stricter(Role.LEGAL)
    signatory = _stricter(Role.SIGNATORY)
    account_manager = _stricter(Role.ACCOUNT_MANAGER)
    support_engineer = _stricter(Role.SUPPORT_ENGINEER)
    support_lead = _stricter(Role.SUPPORT_LEAD)
    auditor = _stricter(Role.AUDITOR)
    org_admin = _stricter(Role.ORG_ADMIN)
    begins = SelectField(
        say("A stricter rule begins"),
        choices=[
            SelectChoice(value="0", label=say("At once")),
            SelectChoice(value="7", label=say("In 7 days")),
            SelectChoice(value="14", label=say("In 14 days")),
            SelectChoice(value="30", label=say("In 30 days")),
        ],
        default="0",
    )


class RegionsForm(Form):
    """The regions in which an organisation's new contracts may live."""

    regions = ManyField(say("Where a new contract may lie"))


class MailForm(Form):
    """What mail to the organisation's people may say."""

    thin = BooleanField(say("Mail says only that something waits, and where"))
