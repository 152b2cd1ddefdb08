"""The shape of what somebody gives to be verified."""

import re
from typing import Any

from wtforms import FileField, StringField
from wtforms.validators import ValidationError

from portal.kit.forms import Form, plain_hash, trimmed
from portal.kit.words import say


class VerifyForm(Form):
    """A file, or its SHA-256."""

    file = FileField(say("File"))
    sha256 = StringField(say("SHA-256 of the file"), filters=[trimmed, plain_hash])

    def validate_sha256(self, field: Any) -> None:
        """Ask for one of the two, and for a whole hash."""
        if not field.data and not self.file.data:
            raise ValidationError(say("Choose a file, or type its SHA-256."))
        if field.data and not re.fullmatch(r"[0-9a-f]{64}", field.data):
            raise ValidationError(say("A SHA-256 has 64 digits from 0 to 9 and a to f."))
