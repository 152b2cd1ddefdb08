"""The words of a mail: plain-text templates in `templates/mail`."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.kit.tongues import teach, tongue
from portal.kit.words import in_tongue, speaking

_MAIL = Environment(
    loader=FileSystemLoader(Path(__file__).parents[2] / "templates" / "mail"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  plain text for mail, no markup to escape
    trim_blocks=True,
)

teach(_MAIL)


def letter(template: str, /, *, language: str = "", **words: Any) -> str:
    """Return the text of `templates/mail/<template>.txt` in its reader's language, or English.

    A missing word is an error.
    """
    with speaking(tongue(language)):
        return _MAIL.get_template(f"{template}.txt").render(**words)


def headline(subject: str, /, *, language: str = "") -> str:
    """Return a subject in its reader's language, or English."""
    return str(in_tongue(subject, tongue(language)))
