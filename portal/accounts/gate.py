"""The session cookie: who is signed in on this request, through flask-login.

The cookie holds 256 random bits; the database holds their SHA-256, so a stolen table opens nothing.
"""

import hashlib
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from flask import Request, current_app, g, request, url_for
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, joinedload
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from portal.accounts.models import EmergencyAccess, Membership, MfaPolicy, SignIn
from portal.accounts.rules import (
    HALF_WAY_LIFE,
    PERMISSIONS,
    RECENT_CODE,
    Actor,
    Emergency,
    MfaRule,
    Role,
    demand,
    idle_limit,
    mfa_rule_for,
)
from portal.kit import clock
from portal.kit.db import acting as acting_for
from portal.kit.db import db, reading
from portal.kit.errors import CodeNeeded, NotFound
from portal.kit.faults import fault_of
from portal.notices.models import ReaderRow
from portal.notices.queries import reader_of
from portal.notices.rules import ALWAYS
from portal.settings.rules import Settings

TOUCH_EVERY = timedelta(minutes=1)


def cookie_name(settings: Settings) -> str:
    """Return the cookie's name: bound to host and TLS by its prefix where TLS is used."""
    return "__Host-sid" if settings.secure_cookies else "sid"


def key_of(cookie: str) -> str:
    """Return the primary key of a session from its cookie."""
    return hashlib.sha256(cookie.encode()).hexdigest()


class Visitor(UserMixin):  # type: ignore[misc]
    """The person behind a request's cookie: a reading of it, held by no transaction.

    `half_way`: the password was right and a code is still owed. Such a visitor is not signed in.
    """

    def __init__(self, sign_in: SignIn) -> None:
        self.sign_in = sign_in
        self.person = sign_in.person
        self.actor = actor_of(sign_in.membership) if sign_in.membership else None
        self.half_way = self.person.has_factor and sign_in.mfa_at is None
        self.reader, self.has_reader = ALWAYS, False
        self.must_enrol = False
        self.must_choose = False

    @property
    def is_authenticated(self) -> bool:
        """Whether everything was proven that this person's factor asks for."""
        return not self.half_way

    def get_id(self) -> str:
        """Return the person's id."""
        return str(self.person.id)


def actor_of(membership: Membership) -> Actor:
    """Return the actor a membership makes of its person."""
    person, organisation = membership.person, membership.organisation
    return Actor(
        person_id=person.id,
        name=person.name,
        email=person.email,
        organisation_id=organisation.id,
        organisation_name=organisation.name,
        roles=frozenset(Role(name) for name in membership.roles.split(",") if name),
    )


def install(login: LoginManager, settings: Settings) -> None:
    """Teach flask-login to find the visitor by our cookie."""

    @login.request_loader  # type: ignore[untyped-decorator, unused-ignore]
    def load(request: Request) -> Visitor | None:
        cookie = request.cookies.get(cookie_name(settings))
        return find_visitor(cookie, settings, clock.now()) if cookie else None


def find_visitor(cookie: str, settings: Settings, now: datetime) -> Visitor | None:
    """Return the visitor of a cookie, read in a session of its own.

    The session is closed again: a POST would otherwise hold the directory's write lock from here
    to its end, also while a password is hashed or a document rendered.
    """
    before = reading.set(True)
    try:
        with Session(db.engine, expire_on_commit=False) as session:
            sign_in = find_sign_in(session, cookie, settings, now)
            return _visitor(session, sign_in, now) if sign_in else None
    finally:
        reading.reset(before)


def find_sign_in(session: Session, cookie: str, settings: Settings, now: datetime) -> SignIn | None:
    """Return the live session of a cookie: not ended, not idle too long, nobody left."""
    sign_in = session.scalar(
        select(SignIn)
        .where(SignIn.id == key_of(cookie), SignIn.ended_at.is_(None))
        .options(
            joinedload(SignIn.person),
            joinedload(SignIn.membership).joinedload(Membership.organisation),
        )
    )
    if sign_in is None:
        return None
    membership = sign_in.membership
    hipaa = membership is not None and membership.organisation.is_hipaa
    idle = idle_limit(settings.idle, hipaa=hipaa)
    if now - sign_in.seen_at > idle or now - sign_in.created_at > settings.absolute:
        return None
    if sign_in.person.deactivated_at or (membership and membership.ended_at):
        return None
    return sign_in


def _visitor(session: Session, sign_in: SignIn, now: datetime) -> Visitor | None:
    visitor = Visitor(sign_in)
    row = session.get(ReaderRow, visitor.person.id)
    visitor.reader, visitor.has_reader = reader_of(row), row is not None
    if visitor.half_way:
        return visitor if now - sign_in.created_at <= HALF_WAY_LIFE else None
    if visitor.actor is None and visitor.person.operator:
        visitor.actor = _in_emergency(session, visitor, now)
    if visitor.actor is None:
        mine = select(Membership.id).where(
            Membership.person_id == visitor.person.id, Membership.ended_at.is_(None)
        )
        visitor.must_choose = session.scalar(mine.limit(1)) is not None
    elif not visitor.person.has_factor and not visitor.actor.emergency:
        home = sign_in.membership
        hipaa = home is not None and home.organisation.is_hipaa
        visitor.must_enrol = hipaa or _rule(session, visitor.actor) is MfaRule.REQUIRED
    return visitor


def _in_emergency(session: Session, visitor: Visitor, now: datetime) -> Actor | None:
    """Return for whom a portal administrator reads a contract by break-glass, if they do now."""
    row = session.scalar(
        select(EmergencyAccess)
        .where(
            EmergencyAccess.person_id == visitor.person.id,
            EmergencyAccess.ended_at.is_(None),
            EmergencyAccess.expires_at > now,
        )
        .order_by(EmergencyAccess.id.desc())
        .limit(1)
    )
    if row is None or not visitor.person.has_factor:
        return None
    person, organisation = visitor.person, row.organisation
    return Actor(
        person_id=person.id,
        name=person.name,
        email=person.email,
        organisation_id=organisation.id,
        organisation_name=organisation.name,
        roles=frozenset({Role.AUDITOR}),
        emergency=Emergency(row.id, row.contract_id, row.expires_at),
    )


# What somebody in an emergency reaches besides the one contract.
IN_EMERGENCY = frozenset(
    {"accounts.sign_out", "accounts.security", "accounts.code", "accounts.give_code"}
)


def out_of_reach(endpoint: str | None, ref: str | None) -> str | None:
    """Return the contract somebody in an emergency is kept to, where this page is not of it."""
    actor = current_user.actor if current_user.is_authenticated else None
    emergency = actor.emergency if actor else None
    if emergency is None or ref == emergency.contract or endpoint in IN_EMERGENCY:
        return None
    return str(emergency.contract)


def _rule(session: Session, actor: Actor) -> MfaRule:
    rows = session.execute(
        select(MfaPolicy.role, MfaPolicy.rule).where(
            MfaPolicy.organisation_id == actor.organisation_id
        )
    )
    return mfa_rule_for({role: MfaRule(rule) for role, rule in rows}, actor.roles)


# What a person without a code, or without a chosen organisation, may still reach.
BEFORE_ALL = frozenset({"accounts.sign_out"})
TO_ENROL = BEFORE_ALL | {
    "accounts.factor", "accounts.start_factor", "accounts.confirm_factor", "accounts.qr",
    "accounts.acting_for", "accounts.act_for",
}  # fmt: skip
TO_CHOOSE = BEFORE_ALL | {"accounts.acting_for", "accounts.act_for"}


def first_step(endpoint: str | None) -> str | None:
    """Return the page this visitor must pass before the endpoint, or None when the way is free."""
    visitor = visitor_or_none()
    if visitor is None:
        return "accounts.sign_in"
    if visitor.half_way:
        return "accounts.code"
    if visitor.must_enrol and endpoint not in TO_ENROL:
        return "accounts.factor"
    if visitor.must_choose and endpoint not in TO_CHOOSE:
        return "accounts.acting_for"
    return None


def visitor_or_none() -> Visitor | None:
    """Return the person behind this request's cookie, signed in or half-way."""
    found = current_user._get_current_object()
    return found if isinstance(found, Visitor) else None


def touch(now: datetime) -> None:
    """Remember that the session was used, at most once a minute, in a transaction of its own.

    Where the directory takes no writes now it is not remembered: people read on.
    """
    visitor = current_user
    if not visitor.is_authenticated or now - visitor.sign_in.seen_at < TOUCH_EVERY:
        return
    before = reading.set(False)
    try:
        with db.engine.begin() as connection:
            connection.execute(
                update(SignIn).where(SignIn.id == visitor.sign_in.id).values(seen_at=now)
            )
    except DBAPIError as error:
        if fault_of(error) is None:
            raise
    finally:
        reading.reset(before)


def stay_nameless() -> None:
    """Ask no more who is behind this request, where that is not known yet: nobody could say."""
    if "_login_user" not in g:
        g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]


# Pages to pass on the way, never to arrive at.
NOT_A_TARGET = frozenset({"static", "accounts.sign_in", "accounts.code", "accounts.recovery"})


def safe_next(target: str | None) -> str:
    """Return a path of this portal to go on to; anything else leads home.

    Only what the URL map matches for GET passes: no host, no scheme, no backslash, no control
    character, no second slash, however encoded.
    """
    home = url_for("home.show")
    # Only the path says where it leads; what follows "?" is the page's own business.
    plain, way = unquote(unquote(target or "")), unquote(unquote((target or "").partition("?")[0]))
    unsafe = "//" in way or ".." in way or "\\" in plain or not plain.isprintable()
    if not target or not target.startswith("/") or unsafe or not target.isascii():
        return home
    parts = urlsplit(target)
    try:
        endpoint, _ = current_app.url_map.bind("").match(unquote(parts.path), method="GET")
    except (HTTPException, RoutingException):
        return home
    if parts.scheme or parts.netloc or endpoint in NOT_A_TARGET:
        return home
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def demand_recent_code(now: datetime) -> None:
    """Raise `CodeNeeded` when the person has a factor and gave no code in the last ten minutes."""
    visitor = current_user
    given = visitor.sign_in.mfa_at
    if g.get("code_given"):
        return
    if visitor.person.has_factor and (given is None or now - given > RECENT_CODE):
        raise CodeNeeded


def note_code() -> None:
    """Remember that this very request brought a code that was accepted."""
    g.code_given = True


def current_actor() -> Actor:
    """Return the member who asks; `NotFound` for someone who belongs to no organisation."""
    actor: Actor | None = current_user.actor if current_user.is_authenticated else None
    if actor is None:
        raise NotFound
    return actor


ACTING = "counterpart.acting"


def act_as(actor: Actor) -> None:
    """Say for whom a program asks in this request, which has no session of a person."""
    request.environ[ACTING] = actor
    acting_for.set(actor.organisation_id)


def acting() -> Actor | None:
    """Return the member behind this request, by session or by token; None: nobody's."""
    found: Actor | None = request.environ.get(ACTING)
    if found is None and current_user.is_authenticated:
        found = current_user.actor
    return found


def demand_declared(actor: Actor) -> None:
    """Check the row of the permission table that the view being served declares.

    Called once what the view is about is found: a stranger learns nothing (404), a party whose
    role may not is told so (403) before anything they sent is looked at.
    """
    view = current_app.view_functions[request.endpoint or ""]
    declared = getattr(view, "needs", "")
    if declared in PERMISSIONS:
        demand(actor, declared)


def proven_actor(now: datetime) -> Actor:
    """Return the member who asks, whose role may do what the view declares, with a fresh code."""
    actor = current_actor()
    demand_declared(actor)
    demand_recent_code(now)
    return actor


def current_sign_in() -> SignIn:
    """Return the session of this request."""
    found: SignIn = current_user.sign_in
    return found
