"""The turns of contracts into and out of profiles, in the contract's region."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.contracts.models import OfContract
from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed

OPEN_TURN = text("agreed_at IS NULL AND withdrawn_at IS NULL")


class ProfileTurn(OfContract, Model):
    """A contract put under a profile or out of it: asked by one side, agreed to by the other."""

    __tablename__ = "profile_turns"
    __bind_key__ = REGIONAL
    __table_args__ = (
        Index(
            "profile_turns_one_open", "contract_id", "profile", unique=True,
            sqlite_where=OPEN_TURN, postgresql_where=OPEN_TURN,
        ),
        CheckConstraint(
            "profile <> 'hipaa' OR turn <> 'on' OR agreement_enc IS NOT NULL",
            name="hipaa_names_its_agreement",
        ),
    )  # fmt: skip

    profile: Mapped[str] = mapped_column(String(10), comment="hipaa | regulated")
    turn: Mapped[str] = mapped_column(String(3), comment="on | off")
    asked_by: Mapped[str] = mapped_column(String(26), comment="person")
    asked_side: Mapped[str] = mapped_column(String(8), comment="vendor | customer")
    asked_at: Mapped[datetime] = mapped_column(Instant)
    agreed_by: Mapped[str | None] = mapped_column(String(26), comment="person of the other side")
    agreed_at: Mapped[datetime | None] = mapped_column(Instant)
    holds_from: Mapped[datetime | None] = mapped_column(Instant, comment="none: not agreed yet")
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    agreement_enc: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="the signed business associate agreement, as it was named"
    )
    agreement = Sealed()

    @property
    def on(self) -> bool:
        """Whether it puts the contract under the profile."""
        return self.turn == "on"
