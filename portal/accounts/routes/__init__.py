"""Pages of the accounts room: the door, providers, one's own security, passkeys."""

from portal.accounts.routes import passkeys, providers, resets, security
from portal.accounts.routes.account import bp

__all__ = ["bp", "passkeys", "providers", "resets", "security"]
