"""Pages of the contracts room."""

from portal.contracts.routes import contract, index, people, start
from portal.contracts.routes.doors import bp

__all__ = ["bp", "contract", "index", "people", "start"]
