"""Roles, and the one table of who may do what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.audit.rules import Actor as LogActor
from portal.kit.errors import NotAllowed, Refused
from portal.kit.words import commas, say


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


def read_roles(names: Collection[str]) -> list[Role]:
    """Return known roles in the order of the table; `Refused` for none or an unknown one."""
    chosen = set(names)
    if not chosen or chosen - set(Role):
        raise Refused(say("Choose at least one role."))
    return [role for role in Role if role in chosen]


def role_words(names: str) -> list[str]:
    """Return a membership's stored roles in words."""
    return [ROLE_WORDS[Role(name)] for name in names.split(",") if name]
