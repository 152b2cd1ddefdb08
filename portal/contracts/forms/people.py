"""Who speaks and signs for a side."""

from typing import Any

from wtforms import BooleanField, Field, SelectField, StringField
from wtforms.validators import DataRequired, Optional

from portal.contracts.forms.plain import Choices, choices_of
from portal.contracts.rules.people import APPROVING, FUNCTION_WORDS, MOST_SIGNERS, OWNER, Signer
from portal.kit.forms import Form, trimmed
from portal.kit.words import say
from portal.terms.rules import Unreadable
from portal.terms.rules.text import clean_line


class PeopleForm(Form):
    """One person a function, and the signers in order."""

    owner = SelectField(
        FUNCTION_WORDS[OWNER],
        description=say("Coordinates your side and gets every mail."),
        validators=[DataRequired(say("Choose the owner: one person who coordinates your side."))],
    )
    sales = SelectField(FUNCTION_WORDS["sales"], validators=[Optional()])
    it = SelectField(FUNCTION_WORDS["it"], validators=[Optional()])
    legal = SelectField(FUNCTION_WORDS["legal"], validators=[Optional()])
    procurement = SelectField(FUNCTION_WORDS["procurement"], validators=[Optional()])
    support = SelectField(FUNCTION_WORDS["support"], validators=[Optional()])
    signer_1 = SelectField(
        say("First signer"),
        validators=[DataRequired(say("Name at least one person who signs for you."))],
    )
    signer_2 = SelectField(say("Second signer"), validators=[Optional()])
    signer_3 = SelectField(say("Third signer"), validators=[Optional()])
    signer_4 = SelectField(say("Fourth signer"), validators=[Optional()])
    title_1 = StringField(say("Title of the first signer"), filters=[trimmed])
    title_2 = StringField(say("Title of the second signer"), filters=[trimmed])
    title_3 = StringField(say("Title of the third signer"), filters=[trimmed])
    title_4 = StringField(say("Title of the fourth signer"), filters=[trimmed])
    together_2 = BooleanField(say("Asked at the same time as the signer before"))
    together_3 = BooleanField(say("Asked at the same time as the signer before"))
    together_4 = BooleanField(say("Asked at the same time as the signer before"))
    approves_sales = BooleanField(say("Approves before anyone signs"))
    approves_it = BooleanField(say("Approves before anyone signs"))
    approves_legal = BooleanField(say("Approves before anyone signs"))
    approves_procurement = BooleanField(say("Approves before anyone signs"))

    def offer(self, members: Choices, signatories: Choices) -> None:
        """Fill the lists people choose from."""
        for name in FUNCTION_WORDS:
            first = say("Choose a person") if name == OWNER else say("Nobody")
            self[name].choices = choices_of([("", first), *members])
        for number in range(1, MOST_SIGNERS + 1):
            self[f"signer_{number}"].choices = choices_of([("", say("Nobody")), *signatories])

    def pairs(self) -> list[tuple[Field, Field]]:
        """Return the fields of each signer: person and title."""
        places = range(1, MOST_SIGNERS + 1)
        return [(self[f"signer_{place}"], self[f"title_{place}"]) for place in places]

    def together(self, number: int) -> Field | None:
        """Return the box that asks a signer together with the one before; the first has none."""
        return self[f"together_{number}"] if number > 1 else None

    def approving(self) -> list[str]:
        """Return the functions whose person approves before anybody signs."""
        return [name for name in APPROVING if self[name].data and self[f"approves_{name}"].data]

    def functions(self) -> dict[str, str]:
        """Return the chosen person of each function that has one."""
        return {name: self[name].data for name in FUNCTION_WORDS if self[name].data}

    def signers(self) -> list[Signer]:
        """Return the signers in order."""
        return [
            Signer(who.data, title.data, bool((box := self.together(number)) and box.data))
            for number, (who, title) in enumerate(self.pairs(), 1)
            if who.data
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for the title each signer signs under, and name each signer once."""
        good: bool = super().validate(extra_validators)
        seen: set[str] = set()
        for who, title in self.pairs():
            if not who.data:
                continue
            problem = title_problem(title)
            if problem:
                title.errors = [*title.errors, problem]
            if who.data in seen:
                who.errors = [*who.errors, say("Name each signer once.")]
            good = good and not problem and who.data not in seen
            seen.add(who.data)
        return good


def title_problem(title: Field) -> str | None:
    try:
        title.data = clean_line(title.data or "", 120)
    except Unreadable as refusal:
        return refusal.message
    return (
        None if title.data else say("Write the title this person signs under, such as “Director”.")
    )
