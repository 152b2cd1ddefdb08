"""Lines of text that show all they say, and choices."""

from typing import Any

from wtforms import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal.terms.rules import Unreadable
from portal.terms.rules.text import clean_line, clean_lines

Choices = list[tuple[str, str]]


def choices_of(pairs: Choices) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


class PlainLine:
    """Refuse hidden and control characters: an agreement shows all it says."""

    def __call__(self, form: Any, line: Field) -> None:
        """Clean the line in place, or say what to remove."""
        try:
            line.data = clean_line(line.data or "")
        except Unreadable as refusal:
            raise ValidationError(refusal.message) from refusal


class PlainLines:
    """Refuse hidden and control characters in a text of several lines."""

    def __call__(self, form: Any, line: Field) -> None:
        """Clean the text in place, or say what to remove."""
        try:
            line.data = clean_lines(line.data or "")
        except Unreadable as refusal:
            raise ValidationError(refusal.message) from refusal
