"""Members who owe something, and mail that did not arrive."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.accounts.models import Person
from portal.accounts.queries import members_short_of_rule
from portal.accounts.rules import Actor, MfaRule, may
from portal.home.rules import Item
from portal.kit.words import say, say_n
from portal.notices.queries import count_failed


def member_lines(actor: Actor) -> list[Item]:
    """Return what an organisation's administrator looks after: members without codes."""
    if not may(actor, "member:edit"):
        return []
    short = members_short_of_rule(actor)
    if not short:
        return []
    out = sum(rule is MfaRule.REQUIRED for _, rule in short)
    state = say("Kept out") if out else say("Cannot sign")
    return [
        Item(
            say_n(
                "%(num)s without codes from a phone",
                "%(num)s without codes from a phone",
                len(short),
            ),
            say("The rule on sign-in codes asks for them"),
            "/organisation/mfa",
            rank=4,
            state=state,
            kind="warn",
        )
    ]


def mail_lines(sessions: Sequence[Session], person: Person) -> list[Item]:
    """Return mail in the person's name that could not be delivered."""
    failed = count_failed(sessions, person.id)
    if not failed:
        return []
    return [
        Item(
            say_n(
                "%(num)s mail in your name could not be delivered",
                "%(num)s mails in your name could not be delivered",
                failed,
            ),
            say("See to whom, and why"),
            "/notices/mail",
            rank=2,
            state=say("Failed"),
            kind="bad",
        )
    ]
