"""Pages of the plans room."""

from portal.plans.routes import catalogue, compare, editor
from portal.plans.routes.doors import bp

__all__ = ["bp", "catalogue", "compare", "editor"]
