"""Pages of the negotiation room."""

from portal.negotiation.routes import approvals, comparing, packages, rounds, saying, terms
from portal.negotiation.routes.visit import bp

__all__ = ["approvals", "bp", "comparing", "packages", "rounds", "saying", "terms"]
