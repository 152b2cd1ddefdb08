"""Adding a word to a statement, and telling a side of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract
from portal.contracts.queries import name_of, own_side, people_to_tell, terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.notices.actions import tell
from portal.statements.models import Statement, StatementEvent
from portal.statements.queries import standing_of
from portal.statements.rules.month import Month
from portal.statements.rules.settling import Stage, claim_needed, claim_until, dispute_until, earns


def add_word(
    session: Session,
    contract: Contract,
    row: Statement,
    kind: str,
    *,
    actor: Actor | None,
    at: datetime,
    note: str | None = None,
    figure: str | None = None,
    document_id: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> StatementEvent:
    """Add one dated word and its entry in the caller's transaction; the stage follows from it."""
    revision = row.revisions[-1]
    event = StatementEvent(
        id=new_id(at), region=contract.region, contract_id=contract.id, statement_id=row.id,
        position=len(row.events) + 1, revision=revision.number, kind=kind, at=at,
        person_id=actor.person_id if actor else None,
        side=side_for(contract, actor).value if actor else None, figure=figure,
        document_id=document_id,
    )  # fmt: skip
    put(session, event, note=(note or "").strip() or None)
    row.events.append(event)
    _derive(session, contract, row)
    record(
        session, contract.id, f"statements:statement:{kind}", actor=actor.log if actor else PORTAL,
        at=at, facts={
            "month": row.month, "revision": revision.number, "sha256": revision.sha256,
            **(facts or {}),
        },
    )  # fmt: skip
    return event


def _derive(session: Session, contract: Contract, row: Statement) -> None:
    found = standing_of(row)
    row.stage, row.act_at = found.stage.value, None
    if found.stage is Stage.CONFIRMED and found.confirmed_at:
        terms = terms_in_force(session, contract, on=found.confirmed_at.date())
        row.act_at = dispute_until(found.confirmed_at, terms)
    elif found.stage in (Stage.ISSUED, Stage.OBJECTED):
        report = row.revisions[-1].figures["report"]
        since = report["missing_from"]
        row.act_at = datetime.fromisoformat(since) if since and not report["missing"] else None
    elif found.frozen and found.claimed_at is None:
        terms = terms_in_force(session, contract, on=row.issued_at.date())
        if claim_needed(terms) and earns(row.revisions[-1].figures["totals"]):
            row.act_at = claim_until(found.issued_at, terms)


def side_for(contract: Contract, actor: Actor) -> Side:
    """Return the actor's side, or raise `NotFound`."""
    side = own_side(contract, actor)
    return side


def tell_side(
    session: Session, contract: Contract, side: Side, row: Statement, event: str, *, at: datetime
) -> None:
    """Tell each person of a side once of this word."""
    for person in people_to_tell(contract, side):
        tell(
            session, event=f"statements:statement:{event}", to=person, chain=contract.id,
            cause=f"{row.id}:{len(row.events)}", at=at,
            link=f"/contracts/{contract.id}/statements/{row.month}",
            month=Month.read(row.month).words, sender=name_of(contract, side.other),
        )  # fmt: skip
