"""Pages of incidents."""

from portal.incidents.routes import handling, history, incident, reporting
from portal.incidents.routes.doors import bp

__all__ = ["bp", "handling", "history", "incident", "reporting"]
