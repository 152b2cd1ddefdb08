"""The sides settle it: the vendor confirms or objects, the customer accepts or disputes."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.rules import PORTAL
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.contracts.queries import name_of, settled_until, terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.statements.actions.issuing import deliver
from portal.statements.actions.ledger import settle_ledger
from portal.statements.actions.words import add_word, side_for, tell_side
from portal.statements.models import Statement
from portal.statements.queries import settled_end, standing_of
from portal.statements.rules.settling import Stage, dispute_until, figure_names


def confirm(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, revision: int,
    objection: str | None, at: datetime,
) -> None:  # fmt: skip
    """Let the vendor stand by the figures it saw, or object with a reason (clause 14.3).

    A word that comes late brings back the true figures in place of those presumed (clause 12.13).
    """
    demand(actor, "statement:settle")
    _demand_side(contract, actor, Side.VENDOR)
    with transaction(session):
        _demand_seen(row, revision)
        if standing_of(row).stage not in (Stage.ISSUED, Stage.OBJECTED):
            raise Refused(say("This statement was confirmed already."))
        if not objection:
            deliver(session, contract, actor, row, at=at)
        kind = "objected" if objection else "confirmed"
        add_word(session, contract, row, kind, actor=actor, note=objection, at=at)
        tell_side(session, contract, Side.CUSTOMER, row, kind, at=at)


def accept(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, revision: int,
    at: datetime,
) -> None:  # fmt: skip
    """Let the customer accept the figures it saw: they are frozen, and the seal follows."""
    demand(actor, "statement:settle")
    _demand_side(contract, actor, Side.CUSTOMER)
    with transaction(session):
        _demand_seen(row, revision)
        if standing_of(row).stage not in (Stage.CONFIRMED, Stage.DISPUTED):
            raise Refused(say("A statement is accepted once the vendor has confirmed it."))
        add_word(session, contract, row, "accepted", actor=actor, at=at)
        _close(session, contract, row, by=actor.person_id, at=at)
        tell_side(session, contract, Side.VENDOR, row, "accepted", at=at)


def dispute(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, revision: int,
    figure: str, reason: str, at: datetime,
) -> None:  # fmt: skip
    """Let the customer name a figure and say why, within the contract's time (clause 14.4)."""
    demand(actor, "statement:settle")
    _demand_side(contract, actor, Side.CUSTOMER)
    if not reason.strip():
        raise Refused(say("Say why: the other side will read it."))
    with transaction(session):
        _demand_seen(row, revision)
        found = standing_of(row)
        if found.stage not in (Stage.CONFIRMED, Stage.DISPUTED) or found.confirmed_at is None:
            raise Refused(say("A statement is disputed once the vendor has confirmed it."))
        if figure not in figure_names(row.revisions[-1].figures):
            raise Refused(say("Name the figure you dispute."))
        terms = terms_in_force(session, contract, on=at.date())
        until = dispute_until(found.confirmed_at, terms)
        if until is not None and at > until:
            raise Refused(say("The time to dispute this statement is over."))
        add_word(session, contract, row, "disputed", actor=actor, figure=figure, note=reason, at=at)
        tell_side(session, contract, Side.VENDOR, row, "disputed", at=at)


def answer(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, reply: str, at: datetime
) -> None:
    """Let the vendor answer a dispute in words; a correction is made in the facts themselves."""
    demand(actor, "statement:settle")
    _demand_side(contract, actor, Side.VENDOR)
    if not reply.strip():
        raise Refused(say("Write an answer."))
    with transaction(session):
        if standing_of(row).stage is not Stage.DISPUTED:
            raise Refused(say("This statement is not disputed."))
        add_word(session, contract, row, "answered", actor=actor, note=reply, at=at)
        tell_side(session, contract, Side.CUSTOMER, row, "answered", at=at)


def accept_by_silence(
    session: Session, contract: Contract, row: Statement, *, at: datetime
) -> bool:
    """Accept a confirmed statement whose time to dispute has passed; return whether it was due."""
    with transaction(session):
        session.refresh(row)
        if row.stage != Stage.CONFIRMED or row.act_at is None or row.act_at >= at:
            return False
        add_word(session, contract, row, "lapsed", actor=None, at=at)
        _close(session, contract, row, by=PORTAL.person, at=at)
        for side in Side:
            tell_side(session, contract, side, row, "accepted", at=at)
    return True


def _close(session: Session, contract: Contract, row: Statement, *, by: str, at: datetime) -> None:
    """Write what a settled month grants; what lies in it can no longer be contested (clause 4.13).

    A month settled before an earlier one closes nothing until that one is settled too.
    """
    settle_ledger(session, contract, row, at=at)
    session.flush()
    end = settled_end(session, contract)
    before = settled_until(contract)
    if end is not None and (before is None or end > before):
        add_fact(session, contract, "settled", person_id=by, side=None, at=end)


def _demand_side(contract: Contract, actor: Actor, side: Side) -> None:
    if side_for(contract, actor) is not side:
        raise Refused(say("This is for %(name)s to do.", name=name_of(contract, side)))


def _demand_seen(row: Statement, revision: int) -> None:
    if row.revisions[-1].number != revision:
        raise Refused(say("The statement was computed again since you looked. Read it once more."))
