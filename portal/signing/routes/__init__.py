"""Pages of the signing room."""

from portal.signing.routes import ceremony, consent, deed, life, records, signature
from portal.signing.routes.desk import bp

__all__ = ["bp", "ceremony", "consent", "deed", "life", "records", "signature"]
