"""Pages of the renewals room."""

from portal.renewals.routes import calendar, contract, index, notices, rounds
from portal.renewals.routes.desk import bp

__all__ = ["bp", "calendar", "contract", "index", "notices", "rounds"]
