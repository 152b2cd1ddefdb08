"""The operations of the API, in the order of the document."""

from portal.api.routes import (
    changes,
    contracts,
    directory,
    incidents,
    negotiation,
    reference,
    renewals,
    statements,
)  # isort: skip
from portal.api.routes.door import bp, problem_response

__all__ = [
    "bp",
    "changes",
    "contracts",
    "directory",
    "incidents",
    "negotiation",
    "problem_response",
    "reference",
    "renewals",
    "statements",
]
