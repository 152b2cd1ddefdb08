"""Tables of the directory: clients, grants, codes and tokens. Secrets are kept as hashes only."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Membership, Person
from portal.kit.db import Instant, Model
from portal.oauth.rules import Kind


class OAuthClient(Model):
    """A program of an organisation. Its `id` is the public client id."""

    __tablename__ = "oauth_clients"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(8), comment="web | app | machine")
    addresses: Mapped[str] = mapped_column(Text, comment="to return to, one a line; exact")
    scopes: Mapped[str] = mapped_column(Text, comment="by space")
    secret_hash: Mapped[str | None] = mapped_column(String(64), comment="SHA-256; none: an app")
    created_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    author: Mapped[Person] = relationship()

    @property
    def redirect_uris(self) -> list[str]:
        """The addresses the client may be returned to."""
        return self.addresses.split()

    @property
    def allowed(self) -> list[str]:
        """The scopes it may ask for."""
        return self.scopes.split()

    @property
    def acts_alone(self) -> bool:
        """Whether nobody sits at it."""
        return self.kind == Kind.MACHINE


class OAuthGrant(Model):
    """A member's yes to a client, over scopes; what came of it ends with it."""

    __tablename__ = "oauth_grants"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id"), index=True)
    membership_id: Mapped[str] = mapped_column(ForeignKey("memberships.id"), index=True)
    scopes: Mapped[str] = mapped_column(Text, comment="by space")
    created_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant, comment="last token issued")
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_why: Mapped[str | None] = mapped_column(
        String(12), comment="revoked | client_ended | by_client | reuse | expired"
    )

    client: Mapped[OAuthClient] = relationship()
    membership: Mapped[Membership] = relationship()

    @property
    def allowed(self) -> list[str]:
        """The scopes that were granted."""
        return self.scopes.split()


class OAuthCode(Model):
    """An authorisation code: used once, within a minute, by the client it was made for."""

    __tablename__ = "oauth_codes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of the code")
    grant_id: Mapped[str] = mapped_column(ForeignKey("oauth_grants.id"), index=True)
    address: Mapped[str] = mapped_column(String(300), comment="to return to")
    challenge: Mapped[str] = mapped_column(String(128), comment="PKCE, S256")
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    grant: Mapped[OAuthGrant] = relationship()


class OAuthToken(Model):
    """An access or refresh token, opaque; a refresh token is used once."""

    __tablename__ = "oauth_tokens"

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of the token")
    grant_id: Mapped[str] = mapped_column(ForeignKey("oauth_grants.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8), comment="access | refresh")
    scopes: Mapped[str] = mapped_column(Text, comment="by space")
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Instant, comment="a refresh token's one use")
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    grant: Mapped[OAuthGrant] = relationship()
