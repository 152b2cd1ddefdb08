"""The words of a mail: plain-text templates in `templates/mail`."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_MAIL = Environment(
    loader=FileSystemLoader(Path(__file__).parents[2] / "templates" / "mail"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  plain text for mail, no markup to escape
    trim_blocks=True,
)


def letter(template: str, /, **words: Any) -> str:
    """Return the text of `templates/mail/<template>.txt`; a missing word is an error."""
    return _MAIL.get_template(f"{template}.txt").render(**words)
