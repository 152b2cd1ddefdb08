"""Pages of incidents."""

from portal.incidents.routes import (
    escalating,
    figures,
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
    "figures",
    "handling",
    "history",
    "incident",
    "reporting",
    "reviews",
    "root_causes",
]
