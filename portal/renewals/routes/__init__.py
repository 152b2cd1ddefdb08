"""Pages of the renewals room."""

from portal.renewals.routes import contract, index, notices
from portal.renewals.routes.desk import bp

__all__ = ["bp", "contract", "index", "notices"]
