"""Pages of the contracts room."""

from portal.contracts.routes import (
    amendments,
    bringing,
    contract,
    index,
    interim,
    onboarding,
    people,
    start,
)
from portal.contracts.routes.doors import bp

__all__ = [
    "amendments",
    "bp",
    "bringing",
    "contract",
    "index",
    "interim",
    "onboarding",
    "people",
    "start",
]
