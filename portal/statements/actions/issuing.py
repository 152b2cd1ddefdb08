"""Issuing the statement of a month once, and computing it again while it is not settled."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.contracts.queries import terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.statements.actions.words import add_word, side_for, tell_side
from portal.statements.models import Revision, Statement
from portal.statements.queries import Computed, compute, issued_months, standing_of
from portal.statements.rules.month import Month
from portal.statements.rules.settling import Stage


def issue(session: Session, contract: Contract, month: Month, *, at: datetime) -> Statement | None:
    """Issue the statement of a month that is over; None where it was issued already."""
    with transaction(session):
        if str(month) in issued_months(session, contract):
            return None
        terms = terms_in_force(session, contract, on=at.date())
        if month.bounds(terms)[1] > at:
            raise Refused(say("%(month)s is not over yet.", month=month.words))
        row = Statement(
            id=new_id(at), region=contract.region, contract_id=contract.id, month=str(month),
            issued_at=at, stage="issued", revisions=[], events=[],
        )  # fmt: skip
        session.add(row)
        session.flush()
        found = compute(session, contract, month, known_at=at)
        _add_revision(session, contract, row, found, at=at)
        add_word(session, contract, row, "issued", actor=None, at=at)
        for side in Side:
            tell_side(session, contract, side, row, "issued", at=at)
    return row


def compute_again(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, at: datetime
) -> Revision:
    """Compute an open statement from what is recorded by now; equal figures are refused.

    The customer's data is the vendor's too: either side may ask (clause 14.3).
    """
    demand(actor, "statement:settle")
    side = side_for(contract, actor)
    with transaction(session):
        if standing_of(row).frozen:
            raise Refused(say("An accepted statement is frozen."))
        month, last = Month.read(row.month), row.revisions[-1]
        found = compute(session, contract, month, known_at=at)
        if same_figures(found.figures, last.figures):
            raise Refused(say("Nothing changed: the facts recorded by now give the same figures."))
        revision = _add_revision(session, contract, row, found, at=at)
        add_word(session, contract, row, "recomputed", actor=actor, at=at)
        tell_side(session, contract, side.other, row, "issued", at=at)
    return revision


def presume(session: Session, contract: Contract, row: Statement, *, at: datetime) -> bool:
    """Count what a missing report covers as missed (clause 12.13); return whether it was due."""
    with transaction(session):
        session.refresh(row)
        waits = row.stage in (Stage.ISSUED, Stage.OBJECTED)
        if not waits or row.act_at is None or row.act_at >= at:
            return False
        found = compute(session, contract, Month.read(row.month), known_at=at)
        _add_revision(session, contract, row, found, at=at)
        add_word(session, contract, row, "presumed", actor=None, at=at)
        for side in Side:
            tell_side(session, contract, side, row, "presumed", at=at)
    return True


def deliver(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, at: datetime
) -> None:
    """Set right what a late report is to say, in the caller's transaction.

    Only the presumption may change: facts recorded since are computed and seen first.
    """
    month, last = Month.read(row.month), row.revisions[-1].figures
    found = compute(session, contract, month, known_at=at, delivered=at)
    if found.figures["report"]["missing"] == last["report"]["missing"]:
        return
    undelivered = compute(session, contract, month, known_at=at)
    if last["report"]["missing"] and not same_figures(undelivered.figures, last):
        raise Refused(
            say("The facts changed since. Compute the statement again, and read it first.")
        )
    _add_revision(session, contract, row, found, at=at)
    add_word(session, contract, row, "recomputed", actor=actor, at=at)


def same_figures(one: dict[str, object], other: dict[str, object]) -> bool:
    """Return whether two computations differ in nothing but the moment they were made."""
    return {**one, "known_at": None} == {**other, "known_at": None}


def _add_revision(
    session: Session, contract: Contract, row: Statement, found: Computed, *, at: datetime
) -> Revision:
    revision = Revision(
        id=new_id(at), region=contract.region, contract_id=contract.id, statement_id=row.id,
        number=len(row.revisions) + 1, known_at=at, version_id=found.version.id,
        sha256=found.sha256,
    )  # fmt: skip
    put(session, revision, figures=found.figures)
    row.revisions.append(revision)
    return revision
