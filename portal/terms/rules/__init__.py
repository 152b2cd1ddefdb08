"""What a term may say and what terms may say together; pure rules, safe to call from anywhere."""

from portal.terms.rules.canon import canonical, value_sha256
from portal.terms.rules.checks.facts import Finding
from portal.terms.rules.coherence import coherence
from portal.terms.rules.drafts import Draft, check_draft, read_draft
from portal.terms.rules.favours import favours
from portal.terms.rules.kinds import edit_text, normal, parse, show, validate
from portal.terms.rules.schema import Schema, SchemaBroken, load_schema
from portal.terms.rules.shape import Group, Option, Shape, Term, Unreadable, Value

__all__ = [
    "Draft",
    "Finding",
    "Group",
    "Option",
    "Schema",
    "SchemaBroken",
    "Shape",
    "Term",
    "Unreadable",
    "Value",
    "canonical",
    "check_draft",
    "coherence",
    "edit_text",
    "favours",
    "load_schema",
    "normal",
    "parse",
    "read_draft",
    "show",
    "validate",
    "value_sha256",
]
