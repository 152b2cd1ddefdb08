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


def _choices(words: Mapping[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(value=key.value, label=label) for key, label in words.items()]


class ManyField(SelectMultipleField):  # type: ignore[misc]
    """Several choices as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class InvitationForm(Form):
    """Whom to invite, and as what."""

    name = StringField("Name", filters=[trimmed], validators=[InputRequired("Type their name.")])
    email = StringField(
        "E-mail", filters=[trimmed], validators=[InputRequired("Type their e-mail.")]
    )
    roles = ManyField(
        "Roles",
        choices=_choices(ROLE_WORDS),
        validators=[InputRequired("Choose at least one role.")],
    )


class RolesForm(Form):
    """A member's roles."""

    roles = ManyField(
        "Roles",
        choices=_choices(ROLE_WORDS),
        validators=[InputRequired("Choose at least one role.")],
    )


class JoinForm(Form):
    """A new person's own name and password."""

    name = StringField(
        "Your name", filters=[trimmed], validators=[InputRequired("Type your name.")]
    )
    password = PasswordField("Password", validators=[InputRequired("Choose a password.")])


def _stricter(role: Role) -> SelectField:
    words = {
        MfaRule.OPTIONAL: "As everyone",
        MfaRule.REQUIRED_TO_SIGN: "Required to sign",
        MfaRule.REQUIRED: "Required",
    }
    return SelectField(ROLE_WORDS[role], choices=_choices(words))


class MfaForm(Form):
    """One rule for everyone, and stricter ones for roles; a field is named as its role."""

    everyone = RadioField("Everyone", choices=_choices(MFA_WORDS))
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
        "A stricter rule begins",
        choices=[
            SelectChoice(value="0", label="At once"),
            SelectChoice(value="7", label="In 7 days"),
            SelectChoice(value="14", label="In 14 days"),
            SelectChoice(value="30", label="In 30 days"),
        ],
        default="0",
    )


class RegionsForm(Form):
    """The regions in which an organisation's new contracts may live."""

    regions = ManyField("Allowed regions")


class MailForm(Form):
    """What mail to the organisation's people may say."""

    thin = BooleanField("Mail says only that something waits, and where")
