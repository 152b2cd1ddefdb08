"""Pages of the admin room: members, policies, and where an organisation's data is."""

from portal.admin.routes import data, members, policies, profiles
from portal.admin.routes.doors import bp

__all__ = ["bp", "data", "members", "policies", "profiles"]
