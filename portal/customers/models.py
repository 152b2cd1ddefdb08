"""The address book: customers and contacts of one organisation, in the directory."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.kit.db import Instant, Model


class Customer(Model):
    """A customer in the address book of one organisation; no other one ever sees it."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("organisation_id", "external_id", name="customers_known_once"),
        Index("customers_by_name", "organisation_id", "sort_name", "id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    external_id: Mapped[str | None] = mapped_column(String(60), comment="in the CRM it is from")
    name: Mapped[str] = mapped_column(String(160))
    sort_name: Mapped[str] = mapped_column(String(200), comment="folded, as compared")
    address: Mapped[str] = mapped_column(Text)
    partner_id: Mapped[str | None] = mapped_column(
        ForeignKey("organisations.id"), comment="the organisation it became"
    )
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)

    contacts: Mapped[list["CustomerContact"]] = relationship(order_by="CustomerContact.name")


class CustomerContact(Model):
    """A person at a customer, who can be invited."""

    __tablename__ = "customer_contacts"
    __table_args__ = (UniqueConstraint("customer_id", "email", name="contacts_known_once"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    external_id: Mapped[str | None] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    title: Mapped[str] = mapped_column(String(120))
    invited_at: Mapped[datetime | None] = mapped_column(Instant)
