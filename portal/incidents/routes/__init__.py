"""Pages of incidents."""

from portal.incidents.routes import (
    escalating,
    handling,
    history,
    incident,
    reporting,
    reviews,
    root_causes,
)
from portal.incidents.routes.doors import bp

__all__ = [
    "bp",
    "escalating",
    "handling",
    "history",
    "incident",
    "reporting",
    "reviews",
    "root_causes",
]
