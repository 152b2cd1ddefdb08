"""Pages of changes, outages and monitors."""

from portal.changes.routes import agenda, monitors, outages, works
from portal.changes.routes.doors import bp

__all__ = ["agenda", "bp", "monitors", "outages", "works"]
