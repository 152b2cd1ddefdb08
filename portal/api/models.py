"""What was answered to an Idempotency-Key, in the region of what it wrote."""

from datetime import datetime

from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed


class IdempotencyKey(Model):
    """One POST that was carried out: the same key and request is given the same answer."""

    __tablename__ = "idempotency_keys"
    __bind_key__ = REGIONAL

    id: Mapped[str] = mapped_column(
        String(64), primary_key=True, comment="SHA-256 of organisation, client, address and key"
    )
    region: Mapped[str] = mapped_column(String(12))
    owner: Mapped[str] = mapped_column(String(64), comment="whose data key seals the answer")
    fingerprint: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the request's body")
    status: Mapped[int] = mapped_column(Integer, comment="HTTP; 0 while it is carried out")
    created_at: Mapped[datetime] = mapped_column(Instant, index=True)
    answer_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer = Sealed()

    @property
    def owner_key(self) -> str:
        """Whose data key seals this row."""
        return self.owner
