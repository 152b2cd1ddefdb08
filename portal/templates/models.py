"""Templates, in the directory: an organisation's own starting points, and the portal's."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import Instant, Model


class TemplateVersion(Model):
    """One version of a template. A published one never changes: a change is the next number."""

    __tablename__ = "template_versions"
    __table_args__ = (
        UniqueConstraint("slug", "number", name="template_versions_numbered_once"),
        Index(
            "one_draft_a_template",
            "slug",
            unique=True,
            sqlite_where=text("status = 'draft'"),
            postgresql_where=text("status = 'draft'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    organisation_id: Mapped[str | None] = mapped_column(
        ForeignKey("organisations.id"), index=True, comment="none: the portal's own"
    )
    slug: Mapped[str] = mapped_column(String(70))
    title: Mapped[str] = mapped_column(String(120))
    number: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(10), comment="draft | published | retired")
    content: Mapped[str] = mapped_column(Text, comment="JSON, as it is hashed")
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def key(self) -> str:
        """How a contract names the version it rests on."""
        return f"{self.slug}/{self.number}"
