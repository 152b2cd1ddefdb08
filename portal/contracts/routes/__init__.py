"""Pages of the contracts room."""

from portal.contracts.routes import amendments, contract, index, interim, onboarding, people, start
from portal.contracts.routes.doors import bp

__all__ = ["amendments", "bp", "contract", "index", "interim", "onboarding", "people", "start"]
