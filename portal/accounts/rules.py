"""Roles, the one table of permissions, the MFA policy, limits."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from portal.audit.rules import Actor as LogActor
from portal.kit.errors import NotAllowed, Refused
from portal.kit.words import commas, moment, say, say_n


class Role(StrEnum):
    """What a member does for an organisation; one member may hold several."""

    SALES_OPS = "sales_ops"
    IT_ADMIN = "it_admin"
    PROCUREMENT = "procurement"
    LEGAL = "legal"
    SIGNATORY = "signatory"
    ACCOUNT_MANAGER = "account_manager"
    SUPPORT_ENGINEER = "support_engineer"
    SUPPORT_LEAD = "support_lead"
    AUDITOR = "auditor"
    ORG_ADMIN = "org_admin"


ROLE_WORDS = {
    Role.SALES_OPS: say("Sales operations manager"),
    Role.IT_ADMIN: say("IT administrator"),
    Role.PROCUREMENT: say("Procurement"),
    Role.LEGAL: say("Legal"),
    Role.SIGNATORY: say("Signatory"),
    Role.ACCOUNT_MANAGER: say("Account manager"),
    Role.SUPPORT_ENGINEER: say("Support engineer"),
    Role.SUPPORT_LEAD: say("Support lead"),
    Role.AUDITOR: say("Auditor"),
    Role.ORG_ADMIN: say("Organisation administrator"),
}

NEGOTIATORS = frozenset(
    {Role.SALES_OPS, Role.IT_ADMIN, Role.PROCUREMENT, Role.LEGAL, Role.ACCOUNT_MANAGER}
)
ANSWERERS = frozenset({Role.SUPPORT_ENGINEER, Role.SUPPORT_LEAD})
REPORTERS = frozenset({Role.SALES_OPS, Role.IT_ADMIN, Role.PROCUREMENT, Role.ACCOUNT_MANAGER})
EVERYONE = frozenset(Role)

# The one table of who may do what. Seeing a contract is decided by the query: its two
# organisations see it, nobody else does.
PERMISSIONS: Mapping[str, frozenset[Role]] = {
    "contract:see": EVERYONE,
    "contract:start": frozenset({Role.ACCOUNT_MANAGER, Role.PROCUREMENT, Role.SALES_OPS}),
    "contract:edit_people": NEGOTIATORS,
    "contract:withdraw": frozenset({Role.ACCOUNT_MANAGER, Role.PROCUREMENT, Role.LEGAL}),
    "round:draft": NEGOTIATORS,
    "round:send": NEGOTIATORS,
    "round:open": EVERYONE,
    "comment:write": EVERYONE - {Role.AUDITOR},
    "comment:share": NEGOTIATORS,
    "approval:give": EVERYONE - {Role.AUDITOR},
    "playbook:see": EVERYONE,
    "playbook:edit": frozenset(
        {Role.LEGAL, Role.ACCOUNT_MANAGER, Role.PROCUREMENT, Role.ORG_ADMIN}
    ),
    "version:freeze": NEGOTIATORS,
    "amendment:start": NEGOTIATORS,
    "customer:keep": frozenset({Role.ACCOUNT_MANAGER}),
    "batch:start": frozenset({Role.ACCOUNT_MANAGER}),
    "template:see": EVERYONE,
    "template:edit": frozenset({Role.ACCOUNT_MANAGER, Role.LEGAL}),
    "template:publish": frozenset({Role.ACCOUNT_MANAGER, Role.LEGAL}),
    "catalogue:see": EVERYONE,
    "catalogue:edit": frozenset({Role.ACCOUNT_MANAGER, Role.LEGAL}),
    "catalogue:publish": frozenset({Role.ACCOUNT_MANAGER, Role.LEGAL}),
    "interim_change:propose": NEGOTIATORS | {Role.SUPPORT_LEAD, Role.SUPPORT_ENGINEER},
    "interim_change:decide": NEGOTIATORS | {Role.SUPPORT_LEAD, Role.SUPPORT_ENGINEER},
    "signature:sign": frozenset({Role.SIGNATORY}),
    "incident:report": REPORTERS | ANSWERERS,
    "incident:answer": ANSWERERS,
    "incident:follow": REPORTERS | ANSWERERS,
    "review:hold": REPORTERS | ANSWERERS,
    "onboarding:tick": REPORTERS | ANSWERERS,
    "incident:contacts": frozenset({Role.IT_ADMIN, Role.SALES_OPS, Role.PROCUREMENT}),
    "renewal:see": EVERYONE,
    "renewal:decide": frozenset(
        {Role.ACCOUNT_MANAGER, Role.PROCUREMENT, Role.SALES_OPS, Role.LEGAL, Role.SIGNATORY}
    ),
    "notice:give": frozenset({Role.SIGNATORY}),
    "notice:confirm": frozenset(
        {Role.ACCOUNT_MANAGER, Role.PROCUREMENT, Role.LEGAL, Role.SIGNATORY}
    ),
    "review:keep": frozenset(
        {
            Role.ACCOUNT_MANAGER,
            Role.SUPPORT_LEAD,
            Role.SALES_OPS,
            Role.IT_ADMIN,
            Role.PROCUREMENT,
        }
    ),
    "calendar:keep": EVERYONE,
    "price:tell": frozenset({Role.ACCOUNT_MANAGER, Role.SIGNATORY}),
    "change:plan": ANSWERERS | {Role.ACCOUNT_MANAGER},
    "change:approve": ANSWERERS | {Role.ACCOUNT_MANAGER, Role.IT_ADMIN, Role.SALES_OPS},
    "outage:report": ANSWERERS | {Role.ACCOUNT_MANAGER, Role.IT_ADMIN, Role.SALES_OPS},
    "monitor:edit": ANSWERERS | {Role.IT_ADMIN},
    "statement:settle": NEGOTIATORS | ANSWERERS,
    "replay:import": NEGOTIATORS | ANSWERERS,
    "agreement:approve": EVERYONE - {Role.AUDITOR},
    "signing:remind": NEGOTIATORS | {Role.SIGNATORY},
    "signing:reassign": NEGOTIATORS,
    "signing:reopen": NEGOTIATORS,
    "signing:void": frozenset({Role.ACCOUNT_MANAGER, Role.PROCUREMENT, Role.LEGAL}),
    "paper:send": EVERYONE - {Role.AUDITOR},
    "member:see": EVERYONE,
    "member:invite": frozenset({Role.ORG_ADMIN}),
    "member:edit": frozenset({Role.ORG_ADMIN}),
    "policy:edit": frozenset({Role.ORG_ADMIN}),
    "client:edit": frozenset({Role.ORG_ADMIN}),
    "webhook:edit": frozenset({Role.ORG_ADMIN}),
    "data:export": frozenset({Role.ORG_ADMIN}),
    "log:read": EVERYONE,
    "data:see": EVERYONE,
    "contract:move": frozenset({Role.ORG_ADMIN}),
    "profile:edit": frozenset({Role.ORG_ADMIN}),
    "hold:set": frozenset({Role.ORG_ADMIN, Role.LEGAL}),
    "retention:edit": frozenset({Role.ORG_ADMIN}),
    "views:see": frozenset({Role.ORG_ADMIN, Role.AUDITOR, Role.LEGAL, Role.IT_ADMIN}),
}


class MfaRule(StrEnum):
    """How strongly a role must prove itself. Signing needs a fresh code under every rule."""

    OPTIONAL = "optional"
    REQUIRED_TO_SIGN = "required_to_sign"
    REQUIRED = "required"


MFA_ORDER = [MfaRule.OPTIONAL, MfaRule.REQUIRED_TO_SIGN, MfaRule.REQUIRED]
MFA_WORDS = {
    MfaRule.OPTIONAL: say("Optional: a code is asked only of those who set one up, and to sign"),
    MfaRule.REQUIRED_TO_SIGN: say(
        "Required to sign: signatories must have set up codes in advance"
    ),
    MfaRule.REQUIRED: say("Required: nobody gets in without a code"),
}
EVERY_ROLE = "*"

# The HIPAA profile (45 CFR 164.312): automatic logoff, and a second factor for everybody.
HIPAA_IDLE = timedelta(minutes=15)
HIPAA_RULES: Mapping[str, MfaRule] = {EVERY_ROLE: MfaRule.REQUIRED}


def idle_limit(chosen: timedelta, *, hipaa: bool) -> timedelta:
    """Return after how much silence a session ends; the profile allows shorter, never longer."""
    return min(chosen, HIPAA_IDLE) if hipaa else chosen


@dataclass(frozen=True)
class Actor:
    """The member who asks: a person acting for one organisation."""

    person_id: str
    name: str
    email: str
    organisation_id: str
    organisation_name: str
    roles: frozenset[Role]
    emergency: "Emergency | None" = None

    @property
    def log(self) -> LogActor:
        """This actor as the log names it; an act in an emergency is marked on every entry."""
        name = f"{self.name} ({EMERGENCY_MARK})" if self.emergency else self.name
        return LogActor(self.person_id, name, self.organisation_id, self.organisation_name)


@dataclass(frozen=True)
class Emergency:
    """Access by break-glass: to one contract, until an instant."""

    id: str
    contract: str
    until: datetime


EMERGENCY_MARK = "break-glass"
EMERGENCY_LIFE = timedelta(hours=4)
# What may be done in an emergency: read, and answer incidents. Nothing that binds anybody.
EMERGENCY_ACTS = frozenset(
    {
        "contract:see", "log:read", "data:see", "views:see", "incident:report", "incident:answer",
        "incident:follow",
    }
)  # fmt: skip


def may(actor: Actor, action: str) -> bool:
    """Return whether one of the actor's roles may do this; in an emergency the short list rules."""
    if actor.emergency:
        return action in EMERGENCY_ACTS
    return bool(PERMISSIONS[action] & actor.roles)


def demand(actor: Actor, action: str) -> None:
    """Raise `NotAllowed` unless the actor may do this."""
    if not may(actor, action):
        if actor.emergency:
            raise NotAllowed(
                say("Emergency access reads and answers incidents. It does nothing else.")
            )
        able = sorted(ROLE_WORDS[role] for role in PERMISSIONS[action])
        raise NotAllowed(
            say(
                "Your role does not allow this. It takes: %(roles)s.",
                roles=commas(able),
            )
        )


def mfa_rule_for(rules: Mapping[str, MfaRule], roles: Collection[Role]) -> MfaRule:
    """Return the strictest rule among an organisation's rules for these roles."""
    mine = [rules.get(EVERY_ROLE, MfaRule.OPTIONAL)]
    mine += [rules[role] for role in roles if role in rules]
    return max(mine, key=MFA_ORDER.index)


@dataclass(frozen=True)
class Limit:
    """At most `most` tries in `window`."""

    most: int
    window: timedelta


FIVE_MINUTES = timedelta(minutes=5)
LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "password:account": (Limit(10, FIVE_MINUTES),),
    "password:address": (Limit(10, FIVE_MINUTES),),
    "password:all": (Limit(1000, FIVE_MINUTES),),
    "code:account": (
        Limit(5, FIVE_MINUTES),
        Limit(20, timedelta(hours=1)),
        Limit(50, timedelta(days=1)),
    ),
    "code:address": (Limit(10, FIVE_MINUTES), Limit(50, timedelta(hours=1))),
    "verify:address": (Limit(30, FIVE_MINUTES),),
    "verify:all": (Limit(600, FIVE_MINUTES),),
    "api:read": (Limit(600, timedelta(minutes=1)),),
    "api:write": (Limit(120, timedelta(minutes=1)),),
}

PASSWORD_LEAST = 12
PASSWORD_MOST = 128
INVITATION_LIFE = timedelta(hours=24)
HALF_WAY_LIFE = timedelta(minutes=10)
RECENT_CODE = timedelta(minutes=10)
MOST_SIGN_INS = 10
RECOVERY_CODES = 10
STEP_SECONDS = 30

# What the mail system and the outbox can carry: ASCII, one @, a dotted domain.
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
)


def read_email(text: str) -> str:
    """Return the address in lower case; `Refused` when it is not one a mail can be sent to."""
    email = text.strip().lower()
    local = email.partition("@")[0]
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if len(email) > 254 or dots or not _EMAIL.fullmatch(email):
        raise Refused(say("Type an e-mail address such as name@company.com."))
    return email


def read_name(text: str, *, most: int = 120) -> str:
    """Return a name with single spaces; `Refused` when empty, long, or with hidden characters."""
    if any(unicodedata.category(c).startswith("C") for c in text.strip()):
        raise Refused(say("A name holds letters, spaces and signs only."))
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or len(name) > most:
        raise Refused(say("Type a name of at most %(most)s characters.", most=most))
    return name


def read_roles(names: Collection[str]) -> list[Role]:
    """Return known roles in the order of the table; `Refused` for none or an unknown one."""
    chosen = set(names)
    if not chosen or chosen - set(Role):
        raise Refused(say("Choose at least one role."))
    return [role for role in Role if role in chosen]


def role_words(names: str) -> list[str]:
    """Return a membership's stored roles in words."""
    return [ROLE_WORDS[Role(name)] for name in names.split(",") if name]


def is_lowered(before: Mapping[str, MfaRule], after: Mapping[str, MfaRule]) -> bool:
    """Return whether some role would have to prove itself less than before."""
    return any(
        MFA_ORDER.index(mfa_rule_for(after, [role])) < MFA_ORDER.index(mfa_rule_for(before, [role]))
        for role in Role
    )


class CodeResult(StrEnum):
    """What became of a typed code."""

    ACCEPTED = "accepted"
    ALREADY_USED = "already_used"
    WRONG_CLOCK = "wrong_clock"
    WRONG = "wrong"
    LOCKED = "locked"
    HELD = "held"


USED_WORDS = {
    "sign_in": say("That code was already used to sign in."),
    "sign": say("That code was already used to sign a contract."),
    "notice": say("That code was already used to give a notice."),
    "approve": say("That code was already used to approve a contract."),
    "enrol": say("That code was already used to set up codes."),
    "password": say("That code was already used to change the password."),
}


@dataclass(frozen=True)
class CodeOutcome:
    """What became of a typed code, and what the person should do next.

    `step` is the 30-second step an accepted code consumed; `seconds` the wait for the next code
    after a used one (0: it is there already) or how far the phone's clock is off; `until` the end
    of a lock; `purpose` what a used code was used for, where that is known.
    """

    result: CodeResult
    step: int | None = None
    seconds: int = 0
    until: datetime | None = None
    purpose: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the code counts."""
        return self.result is CodeResult.ACCEPTED

    @property
    def message(self) -> str:
        """A sentence for the person; empty for an accepted code."""
        match self.result:
            case CodeResult.ACCEPTED:
                return ""
            case CodeResult.ALREADY_USED:
                used = USED_WORDS.get(self.purpose, say("That code was already used."))
                return say("%(used)s %(next)s", used=used, next=self._next)
            case CodeResult.WRONG_CLOCK:
                return say(
                    "Your phone's clock is about %(about)s off. "
                    "Switch the phone to automatic time, then type the new code.",
                    about=_about(self.seconds),
                )
            case CodeResult.WRONG:
                return say(
                    "That code is not right. Type the six digits your authenticator shows now."
                )
            case CodeResult.LOCKED:
                return wait_message(self.until)
            case CodeResult.HELD:
                return held_message(self.until)

    @property
    def _next(self) -> str:
        if self.seconds <= 0:
            return say("Type the one your authenticator shows now.")
        return say_n(
            "The next one comes in %(num)s second.",
            "The next one comes in %(num)s seconds.",
            self.seconds,
        )


def _about(seconds: int) -> str:
    minutes = max(1, round(seconds / 60))
    return say_n("%(num)s minute", "%(num)s minutes", minutes)


def wait_message(until: datetime | None) -> str:
    """Return the sentence of a lock: when the next try is allowed, in UTC."""
    when = say("until %(time)s UTC", time=f"{until:%H:%M}") if until else say("a few minutes")
    return say("Too many tries. Wait %(when)s, then try again.", when=when)


ACTS_OF_SIGNING = frozenset({"sign", "approve", "notice"})


def is_held(until: datetime | None, *, purpose: str, at: datetime) -> bool:
    """Whether a recent factor reset keeps a code from counting for this purpose."""
    return until is not None and at < until and purpose in ACTS_OF_SIGNING


def held_message(until: datetime | None) -> str:
    """Return the sentence of a signing hold: why, and until when, in UTC."""
    when = say("%(moment)s UTC", moment=moment(until)) if until else say("tomorrow")
    return say(
        "Your codes were reset, so you cannot sign before %(when)s. Nothing was signed.", when=when
    )


def judge_code(
    *, matched: int | None, drift: int | None, last_step: int, at: datetime, purpose: str = ""
) -> CodeOutcome:
    """Return the outcome of a compared code.

    `matched` is the step in {t-1, t, t+1} whose code it is, `drift` the distance in steps of a
    match further away (within 10), `last_step` the greatest step used so far (RFC 6238, 5.2).
    """
    if matched is None:
        if drift is None:
            return CodeOutcome(CodeResult.WRONG)
        return CodeOutcome(CodeResult.WRONG_CLOCK, seconds=abs(drift) * STEP_SECONDS)
    if matched > last_step:
        return CodeOutcome(CodeResult.ACCEPTED, step=matched)
    now = int(at.timestamp())
    wait = STEP_SECONDS - now % STEP_SECONDS if last_step >= now // STEP_SECONDS else 0
    return CodeOutcome(CodeResult.ALREADY_USED, seconds=wait, purpose=purpose)


def password_problem(
    password: str, *, common: Collection[str], about: Collection[str] = ()
) -> str | None:
    """Return what is wrong with a new password as a sentence, or None (NIST SP 800-63B-4, 3.1.1).

    `common` holds fragments of well-known passwords; `about` words close to the person: name,
    address, organisation, product. A password made of at most three such fragments is refused,
    whatever digits and signs stand between them. No composition rules.
    """
    if len(password) < PASSWORD_LEAST:
        return say(
            "Use %(password_least)s characters or more. Four random words make a good password.",
            password_least=PASSWORD_LEAST,
        )
    if len(password) > PASSWORD_MOST:
        return say("Use at most %(password_most)s characters.", password_most=PASSWORD_MOST)
    if _is_run(password) or _is_made_of(password, {*common, *_words(about)}):
        return say("This password is too easy to guess. Four random words make a good one.")
    return None


def _words(texts: Collection[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z]{3,}", text.lower())}


def _is_run(password: str) -> bool:
    """Whether the characters repeat with a short period, or go up or down by one."""
    if any(password == (password[:n] * len(password))[: len(password)] for n in range(1, 5)):
        return True
    steps = {(ord(b) - ord(a)) for a, b in pairwise(password)}
    digits = password.isascii() and password.isdigit()
    turns = {(int(b) - int(a)) % 10 for a, b in pairwise(password)} if digits else set()
    return steps in ({1}, {-1}) or turns in ({1}, {9})


_LOOKALIKES = str.maketrans("@4301$5!7", "aaeoissit")
_LOOSE_DIGITS = 6


def _is_made_of(password: str, fragments: Collection[str]) -> bool:
    """Whether it falls apart into one to three fragments, up to six loose digits, and signs."""
    plain = "".join(c for c in password.lower() if c.isalnum() or c in "@$!")
    swapped = plain.translate(_LOOKALIKES)
    longest = max(map(len, fragments), default=0)
    # best[i]: the least (fragments, loose digits) that spell the first i characters
    best: list[tuple[int, int] | None] = [(0, 0)] + [None] * len(plain)
    for end in range(1, len(plain) + 1):
        ways = [_loose(best[end - 1], plain[end - 1])]
        for start in range(max(0, end - longest), end):
            before = best[start]
            if before and (plain[start:end] in fragments or swapped[start:end] in fragments):
                ways.append((before[0] + 1, before[1]))
        best[end] = min((way for way in ways if way), default=None)
    last = best[-1]
    return last is not None and 1 <= last[0] <= 3


def _loose(before: tuple[int, int] | None, character: str) -> tuple[int, int] | None:
    if before is None or character.isalpha():
        return None
    digits = before[1] + character.isdigit()
    return (before[0], digits) if digits <= _LOOSE_DIGITS else None


def browser_words(agent: str) -> str:
    """Return a browser's own description in three words or so: "Chrome on Android"."""
    browsers = {"Edg": "Edge", "Firefox": "Firefox", "CriOS": "Chrome", "Chrom": "Chrome",
                "Safari": "Safari"}  # fmt: skip
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
               "Mac OS": "Mac", "Linux": "Linux"}  # fmt: skip
    browser = next(
        (name for mark, name in browsers.items() if mark in agent), say("Another browser")
    )
    system = next((name for mark, name in systems.items() if mark in agent), "")
    return say("%(browser)s on %(system)s", browser=browser, system=system) if system else browser


def link_problem(
    *, label: str, email: str, verified: bool, domains: Collection[str], known: bool, invited: bool
) -> str | None:
    """Return why a provider's word about an address lets nobody in; None where it may."""
    if not email or not verified:
        return say(
            "%(label)s does not say that your e-mail address is verified. Use your password.",
            label=label,
        )
    if domains and email.rpartition("@")[2] not in domains:
        return say(
            "Addresses like yours do not sign in with %(label)s here. Use your password.",
            label=label,
        )
    if known:
        return None
    if invited:
        return say("Open the invitation in your mail first. After that this works.")
    return say(
        "Nobody here has the address %(label)s gave. Ask your administrator for an invitation.",
        label=label,
    )
