"""Contracts that wait for a member, and those that ended lately."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, may
from portal.contracts.models import Fact
from portal.contracts.queries import waiting_contracts
from portal.contracts.rules.waiting import WAIT_WORDS, Wait, waits_for
from portal.home.queries.mine import MOST, led_by, other_of, pairs
from portal.home.rules import Item
from portal.kit.words import say

LATELY = timedelta(days=14)


ANSWERS = {Wait.SIGNATURE: "/sign", Wait.ANSWER: "/terms", Wait.START: ""}
ENDINGS = {"declined": say("Declined"), "withdrawn": say("Withdrawn")}


def contract_lines(sessions: Sequence[Session], actor: Actor, *, at: datetime) -> list[Item]:
    """Return contracts that wait for this member: to sign, to answer, to finish."""
    found = []
    for row in waiting_contracts(sessions, actor, today=at.date(), limit=MOST):
        standing = row.standing
        wait = waits_for(standing) if standing else None
        if standing is None or wait is None:
            continue
        if wait is Wait.SIGNATURE or may(actor, "round:send"):
            found.append(
                Item(
                    row.title,
                    say("%(ref)s, with %(other)s", ref=row.ref, other=standing.other_name),
                    f"/contracts/{row.ref}{ANSWERS[wait]}",
                    rank=list(Wait).index(wait) + 1,
                    at=row.created_at,
                    what=say("Started"),
                    state=WAIT_WORDS[wait],
                    kind="yours",
                )
            )
    return found


def ended_lines(sessions: Sequence[Session], actor: Actor, *, at: datetime) -> list[Item]:
    """Return contracts that were declined or withdrawn in the last fourteen days."""
    found = []
    for session in sessions:
        query = led_by(
            Fact, actor, Fact.kind.in_(ENDINGS), Fact.at >= at - LATELY, order=Fact.at.desc()
        )
        found += [
            Item(
                contract.title, f"{contract.id}, with {other_of(contract, actor)}",
                f"/contracts/{contract.id}", rank=6, at=fact.at, state=ENDINGS[fact.kind],
                kind="rejected",
            )
            for fact, contract in pairs(session, query)
        ]  # fmt: skip
    return found
