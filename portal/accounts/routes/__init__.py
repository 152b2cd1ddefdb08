"""Pages of the accounts room: the door, one's own security, passkeys."""

from portal.accounts.routes import passkeys
from portal.accounts.routes.account import bp

__all__ = ["bp", "passkeys"]
