"""Codes from a phone: which role must give one, when one counts, and what its refusal says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.accounts.rules.permissions import Role
from portal.kit.words import moment, say, say_n


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


def mfa_rule_for(rules: Mapping[str, MfaRule], roles: Collection[Role]) -> MfaRule:
    """Return the strictest rule among an organisation's rules for these roles."""
    mine = [rules.get(EVERY_ROLE, MfaRule.OPTIONAL)]
    mine += [rules[role] for role in roles if role in rules]
    return max(mine, key=MFA_ORDER.index)


RECENT_CODE = timedelta(minutes=10)


RECOVERY_CODES = 10
STEP_SECONDS = 30


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
