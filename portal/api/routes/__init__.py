"""The operations of the API, their document, and the export of everything they read."""

from portal.api.routes import (
    bringing,
    changes,
    contracts,
    customers,
    directory,
    exporting,
    incidents,
    negotiation,
    reference,
    renewals,
    statements,
)
from portal.api.routes.answering import problem_response
from portal.api.routes.door import bp

__all__ = [
    "bp",
    "bringing",
    "changes",
    "contracts",
    "customers",
    "directory",
    "exporting",
    "incidents",
    "negotiation",
    "problem_response",
    "reference",
    "renewals",
    "statements",
]
