"""The base of every form: CSRF by Flask-WTF, input trimmed."""

import re
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import SUBMIT_METHODS, _Auto
from werkzeug.datastructures import MultiDict
from wtforms import FileField


def trimmed(value: Any) -> Any:
    """Strip surrounding white space of text; used as a WTForms filter."""
    return value.strip() if isinstance(value, str) else value


SPACES = re.compile(r"[\s:]+")


def plain_hash(value: Any) -> Any:
    """Return a hash as its digits: people copy it in groups, and in capitals."""
    return SPACES.sub("", value).lower() if isinstance(value, str) else value


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose errors are shown beside the field and lose nothing the person typed.

    A field of text takes text and a field for files takes files, whatever a request sends under
    its name: the other kind is as good as not sent. JSON is no form.
    """

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """How a form reads a request."""

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Return what was sent of the kind each field takes."""
            if formdata is not _Auto:
                return formdata
            if request.method not in SUBMIT_METHODS or not (request.files or request.form):
                return None
            named = form._fields.items()
            files = {name for name, field in named if isinstance(field, FileField)}
            texts = [pair for pair in request.form.items(multi=True) if pair[0] not in files]
            taken = [pair for pair in request.files.items(multi=True) if pair[0] in files]
            return MultiDict([*taken, *texts])
