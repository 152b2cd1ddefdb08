"""Catalogues, in the directory: a vendor's public offer, and nothing of any contract."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import Instant, Model


class CatalogueVersion(Model):
    """One version of a catalogue. A published one never changes: a change is the next number."""

    __tablename__ = "catalogue_versions"
    __table_args__ = (
        UniqueConstraint("slug", "number", name="catalogue_versions_numbered_once"),
        Index(
            "one_draft_a_catalogue",
            "slug",
            unique=True,
            sqlite_where=text("status = 'draft'"),
            postgresql_where=text("status = 'draft'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    organisation_id: Mapped[str | None] = mapped_column(
        ForeignKey("organisations.id"), index=True, comment="none: a public example"
    )
    slug: Mapped[str] = mapped_column(String(70), comment="the organisation's, or public.<name>")
    number: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(10), comment="draft | published | retired")
    content: Mapped[str] = mapped_column(Text, comment="JSON, as it is hashed")
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    note: Mapped[str] = mapped_column(String(300), default="", comment="what changed")
    created_at: Mapped[datetime] = mapped_column(Instant)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)
