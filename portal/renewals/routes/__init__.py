"""Pages of the renewals room."""

from portal.renewals.routes import calendar, contract, index, notices
from portal.renewals.routes.desk import bp

__all__ = ["bp", "calendar", "contract", "index", "notices"]
