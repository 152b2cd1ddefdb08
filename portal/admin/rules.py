"""What makes a policy weaker, who may confirm it, and from when it holds. Time is an argument."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.accounts.rules import EVERY_ROLE, MfaRule, Role, is_lowered
from portal.kit.errors import Refused
from portal.kit.words import say

DELAY = timedelta(hours=24)  # between the second "yes" and the day a weaker policy holds
RESET_LIFE = timedelta(hours=24)
SIGNING_HOLD = timedelta(hours=24)
START_DAYS = (0, 7, 14, 30)
MOST_YEARS = 30
HIPAA_YEARS = 6  # 45 CFR 164.316(b)(2)(i)


class Kind(StrEnum):
    """What a policy change is about."""

    MFA = "mfa"
    REGIONS = "regions"
    HIPAA = "hipaa"
    RETENTION = "retention"


@dataclass(frozen=True)
class Plan:
    """How a change of policy goes: whether it takes a second person, and from when it holds.

    `holds_from` is None while a second administrator has not confirmed.
    """

    weaker: bool
    holds_from: datetime | None


def plan_mfa(
    before: Mapping[str, MfaRule], after: Mapping[str, MfaRule], *, days: int, at: datetime
) -> Plan:
    """Return how a change of the rule on codes goes; a stricter one may begin some days later."""
    if set(after) - set(Role) - {EVERY_ROLE}:
        raise Refused(say("That is not a role."))
    if days not in START_DAYS:
        raise Refused(say("Choose when the rule begins."))
    if is_lowered(before, after):
        return Plan(weaker=True, holds_from=None)
    return Plan(weaker=False, holds_from=at + timedelta(days=days))


def plan_regions(
    before: Collection[str], after: Collection[str], *, configured: Collection[str], at: datetime
) -> Plan:
    """Return how a change of the allowed regions goes; allowing one more is the weaker policy."""
    if not after:
        raise Refused(say("Allow at least one region, or no contract can be started."))
    if set(after) - set(configured) - set(before):
        raise Refused(say("That region does not exist here."))
    if set(after) - set(before):
        return Plan(weaker=True, holds_from=None)
    return Plan(weaker=False, holds_from=at)


def plan_hipaa(hindrances: Collection[str]) -> Plan:
    """Return how the HIPAA profile is put on or off: both take two, and nothing in the way.

    It is one switch: while a part of what it promises cannot be kept, none of it holds.
    """
    if hindrances:
        raise Refused(" ".join(hindrances))
    return Plan(weaker=True, holds_from=None)


def plan_retention(before: int, after: int, *, hipaa: bool, at: datetime) -> Plan:
    """Return how a change of the years records are kept goes; fewer is the weaker policy."""
    if not 1 <= after <= MOST_YEARS:
        raise Refused(
            say("Keep records between 1 and %(most_years)s years.", most_years=MOST_YEARS)
        )
    if hipaa and after < HIPAA_YEARS:
        raise Refused(
            say(
                "Under the HIPAA profile records are kept %(hipaa_years)s years or longer.",
                hipaa_years=HIPAA_YEARS,
            )
        )
    if after < before:
        return Plan(weaker=True, holds_from=None)
    return Plan(weaker=False, holds_from=at)


def holds_from(*, kind: str, puts_on: bool, at: datetime) -> datetime:
    """Return from when a confirmed change holds: a profile that is put on at once, all else later.

    What protects more need not wait for the day that is there to notice what protects less.
    """
    return at if kind == Kind.HIPAA and puts_on else at + DELAY


def read_reason(text: str) -> str:
    """Return why the glass is broken; `Refused` where it says nothing."""
    reason = " ".join(text.split())
    if not 10 <= len(reason) <= 500:
        raise Refused(say("Say why, in 10 to 500 characters. Both parties read it."))
    return reason


def demand_two(admins: int) -> None:
    """Refuse to begin what takes two administrators where there is one."""
    if admins < 2:
        raise Refused(
            say(
                "This takes two organisation administrators, and you are the only one. "
                "Give a second person that role first."
            )
        )


def demand_second(*, asked_by: str, confirmer: str, about: str | None = None) -> None:
    """Refuse the second "yes" of the person who asked, or of the one it is about."""
    if confirmer == asked_by:
        raise Refused(say("You asked for this yourself. Another administrator must confirm it."))
    if confirmer == about:
        raise Refused(say("This is about your own account. Another administrator must confirm it."))


def demand_waiting(*, confirmed: bool, ended: bool) -> None:
    """Refuse to confirm or withdraw what is over."""
    if ended:
        raise Refused(say("This was already ended. Nothing was changed."))
    if confirmed:
        raise Refused(say("This was already confirmed. Nothing was changed."))
