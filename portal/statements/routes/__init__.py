"""Pages of statements, the credit ledger, risk and replays."""

from portal.statements.routes import credits, replay, risk, settling, statements
from portal.statements.routes.doors import bp

__all__ = ["bp", "credits", "replay", "risk", "settling", "statements"]
