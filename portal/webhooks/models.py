"""Endpoints, deliveries and tries, in the region of the contracts they tell of."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.kit.db import REGIONAL, Instant, Model
from portal.kit.vault import Sealed
from portal.webhooks.rules import Secret


class WebhookEndpoint(Model):
    """One address of an organisation, sealed with its secrets under a key of its own."""

    __tablename__ = "webhook_endpoints"
    __bind_key__ = REGIONAL

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    organisation_id: Mapped[str] = mapped_column(String(26), index=True)
    subjects: Mapped[str] = mapped_column(Text, comment="by space; none: all")
    place: Mapped[int] = mapped_column(Integer, comment="of the next entry to be looked at")
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(26), comment="person")
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_why: Mapped[str | None] = mapped_column(String(8), comment="person | gone")
    address_enc: Mapped[bytes] = mapped_column(LargeBinary)
    secrets_enc: Mapped[bytes] = mapped_column(LargeBinary)
    address = Sealed()
    secrets = Sealed()

    @property
    def owner_key(self) -> str:
        """Whose data key seals this row."""
        return self.id

    @property
    def wanted(self) -> list[str]:
        """The subjects it is told of; empty: all."""
        return self.subjects.split()

    @property
    def known_secrets(self) -> list[Secret]:
        """Its secrets, the newest first."""
        return [
            Secret(text, datetime.fromisoformat(until) if until else None)
            for text, until in self.secrets
        ]


class WebhookDelivery(Model):
    """One entry on its way to one endpoint. The row's id is the message's id, at every try."""

    __tablename__ = "webhook_deliveries"
    __bind_key__ = REGIONAL
    __table_args__ = (
        UniqueConstraint("endpoint_id", "place", name="webhook_deliveries_once"),
        Index("webhook_deliveries_due", "done_at", "failed_at", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id"), index=True)
    place: Mapped[int | None] = mapped_column(Integer, comment="of the entry; none: a trial")
    event: Mapped[str] = mapped_column(String(80))
    contract_id: Mapped[str | None] = mapped_column(String(24))
    body: Mapped[str] = mapped_column(Text, comment="as it is sent; thin")
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(Integer, comment="of the present schedule")
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    failed_at: Mapped[datetime | None] = mapped_column(Instant)

    endpoint: Mapped[WebhookEndpoint] = relationship()
    log: Mapped[list["WebhookTry"]] = relationship(order_by="WebhookTry.id")

    @property
    def message_id(self) -> str:
        """The `webhook-id`, the same at every try."""
        return f"msg_{self.id}"


class WebhookTry(Model):
    """One attempt to deliver, and what came of it."""

    __tablename__ = "webhook_tries"
    __bind_key__ = REGIONAL

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    delivery_id: Mapped[str] = mapped_column(ForeignKey("webhook_deliveries.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[int | None] = mapped_column(Integer, comment="HTTP")
    problem: Mapped[str | None] = mapped_column(String(80), comment="why there was no status")
    milliseconds: Mapped[int] = mapped_column(Integer)
