"""The base of every form: CSRF by Flask-WTF, input trimmed."""

import re
from typing import Any

from flask_wtf import FlaskForm


def trimmed(value: Any) -> Any:
    """Strip surrounding white space of text; used as a WTForms filter."""
    return value.strip() if isinstance(value, str) else value


SPACES = re.compile(r"[\s:]+")


def plain_hash(value: Any) -> Any:
    """Return a hash as its digits: people copy it in groups, and in capitals."""
    return SPACES.sub("", value).lower() if isinstance(value, str) else value


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose errors are shown beside the field and lose nothing the person typed."""
