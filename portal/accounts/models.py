"""Tables of the directory: people, organisations, memberships, sessions, limits."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.kit.db import Instant, Model
from portal.kit.vault import Sealed


class Person(Model):
    """One verified e-mail address."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True, comment="lower case")
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(200), comment="argon2id")
    # Sealed: the seed, or {"current", "pending"} while a phone is being set up.
    totp_secret_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    totp_step: Mapped[int] = mapped_column(Integer, default=0, comment="last used 30 s step")
    operator: Mapped[int] = mapped_column(Integer, default=0, comment="1 = portal administrator")
    created_at: Mapped[datetime] = mapped_column(Instant)
    deactivated_at: Mapped[datetime | None] = mapped_column(Instant)
    signing_held_until: Mapped[datetime | None] = mapped_column(
        Instant, comment="signs, approves and gives notice from then on; set by a factor reset"
    )

    totp_secret = Sealed()
    memberships: Mapped[list["Membership"]] = relationship(back_populates="person")

    @property
    def owner_key(self) -> str:
        """Whose key seals this row."""
        return self.id

    @property
    def has_factor(self) -> bool:
        """Whether codes from an authenticator were set up and confirmed."""
        return self.totp_confirmed_at is not None

    @property
    def current_secret(self) -> str | None:
        """The confirmed seed; the one being set up is another until a code confirms it."""
        kept = self.totp_secret
        if not self.has_factor:
            return None
        found: str | None = kept["current"] if isinstance(kept, dict) else kept
        return found

    @property
    def pending_secret(self) -> str | None:
        """The seed being set up, which opens nothing yet."""
        kept = self.totp_secret
        return kept["pending"] if isinstance(kept, dict) else None


class Organisation(Model):
    """A legal entity: a vendor in one contract, a customer in another."""

    __tablename__ = "organisations"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(160))
    details: Mapped[str] = mapped_column(Text, comment="registration and address, as printed")
    regions: Mapped[str] = mapped_column(String(200), comment="allowed regions, comma-separated")
    created_at: Mapped[datetime] = mapped_column(Instant)
    retention_years: Mapped[int] = mapped_column(
        Integer, default=6, server_default="6",
        comment="how long records are kept after the end of a contract",
    )  # fmt: skip
    kept_by: Mapped[str | None] = mapped_column(
        String(26), comment="organisation that keeps it as a prospect; none: it is its own"
    )
    hipaa_since: Mapped[datetime | None] = mapped_column(
        Instant, comment="since when the HIPAA profile holds; none: it does not"
    )

    memberships: Mapped[list["Membership"]] = relationship(back_populates="organisation")

    @property
    def is_hipaa(self) -> bool:
        """Whether the HIPAA profile holds for this organisation: all of it, or nothing of it."""
        return self.hipaa_since is not None

    @property
    def allowed_regions(self) -> list[str]:
        """The regions this organisation allows its contracts to live in."""
        return [name for name in self.regions.split(",") if name]


class Membership(Model):
    """A person in an organisation, with roles; ended, never deleted."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("person_id", "organisation_id"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    roles: Mapped[str] = mapped_column(String(300), comment="comma-separated role names")
    created_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    person: Mapped[Person] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship(back_populates="memberships")


class MfaPolicy(Model):
    """The MFA rule of an organisation for a role ("*" is every role)."""

    __tablename__ = "mfa_policies"

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(30), primary_key=True)
    rule: Mapped[str] = mapped_column(String(20))


class Invitation(Model):
    """An offer of membership, by mail; the token is stored hashed and used once."""

    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    roles: Mapped[str] = mapped_column(String(300))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, comment="SHA-256")
    invited_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)

    organisation: Mapped[Organisation] = relationship()


class PasswordReset(Model):
    """A way back for who forgot the password: asked for at the door, mailed, used once.

    The address is kept until the worker has looked for its person; the token only as its hash.
    """

    __tablename__ = "password_resets"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), comment="none once it was looked for")
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True, comment="SHA-256")
    asked_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class SignIn(Model):
    """A session of a person on one device; only the hash of its secret is stored."""

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of the cookie")
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    membership_id: Mapped[str | None] = mapped_column(ForeignKey("memberships.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    mfa_at: Mapped[datetime | None] = mapped_column(Instant, comment="second factor given")
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    address: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(300))
    challenge: Mapped[str | None] = mapped_column(
        String(64), comment="a passkey answers it once, base64url"
    )
    challenged_at: Mapped[datetime | None] = mapped_column(Instant)
    means: Mapped[str] = mapped_column(
        String(40), server_default="password", comment="password, or the name of a provider"
    )
    device: Mapped[str | None] = mapped_column(
        String(64), comment="SHA-256 of the cookie by which a browser is known again"
    )

    person: Mapped[Person] = relationship()
    membership: Mapped[Membership | None] = relationship()


class ProviderLink(Model):
    """An account at a provider that opens a person's account here; one each a provider."""

    __tablename__ = "provider_links"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        UniqueConstraint("person_id", "issuer"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    issuer: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(255), comment="who it is at the issuer, for ever")
    created_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime] = mapped_column(Instant)


class Passkey(Model):
    """A passkey that stands in for a code at sign-in; only its public half is known here."""

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    credential: Mapped[str] = mapped_column(String(1400), unique=True, comment="id, base64url")
    public_key: Mapped[bytes] = mapped_column(LargeBinary, comment="COSE")
    sign_count: Mapped[int] = mapped_column(Integer, comment="as the authenticator last said")
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class RecoveryCode(Model):
    """One of ten single-use codes, hashed with the directory's pepper."""

    __tablename__ = "recovery_codes"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True, comment="HMAC-SHA-256")
    pepper: Mapped[str | None] = mapped_column(
        String(12), comment="which one hashed it, as a mark; none: the first there was"
    )
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class UsedAddress(Model):
    """The address of an erased person, as a keyed hash: it is never given to another person."""

    __tablename__ = "used_addresses"

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="HMAC-SHA-256")
    person_id: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime] = mapped_column(Instant)


class EmergencyAccess(Model):
    """Break-glass: a portal administrator reads one contract for four hours, and both are told."""

    __tablename__ = "emergencies"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    contract_id: Mapped[str] = mapped_column(String(24), index=True)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_enc: Mapped[bytes] = mapped_column(LargeBinary)
    reason = Sealed()

    person: Mapped[Person] = relationship()
    organisation: Mapped[Organisation] = relationship()

    @property
    def owner_key(self) -> str:
        """Whose key seals this row."""
        return self.id


class Attempt(Model):
    """How often something was tried in a window; kept in the database, shared by all processes."""

    __tablename__ = "attempts"

    scope: Mapped[str] = mapped_column(String(30), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of the subject")
    window: Mapped[int] = mapped_column(Integer, primary_key=True, comment="window length, seconds")
    started: Mapped[int] = mapped_column(Integer, comment="window number since 1970")
    count: Mapped[int] = mapped_column(Integer)
