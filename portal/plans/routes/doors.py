"""The blueprint of the room, and what its pages share."""

from flask import Blueprint

from portal.kit.words import say
from portal.terms.rules import Schema, load_schema

bp = Blueprint("plans", __name__)
STATUS_TAGS = {
    "draft": (say("Draft"), "open"),
    "published": (say("Published"), "good"),
    "retired": (say("Retired"), ""),
}


def schema() -> Schema:
    """Return the schema catalogues are written for."""
    return load_schema("1")
