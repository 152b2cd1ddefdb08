"""Pages of the admin room: members, policies, and where an organisation's data is."""

from portal.admin.routes import data, emergencies, members, policies, profiles, sign_ins
from portal.admin.routes.doors import bp

__all__ = ["bp", "data", "emergencies", "members", "policies", "profiles", "sign_ins"]
