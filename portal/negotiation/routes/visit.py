"""The blueprint of the room, a member at the table, and what every page of the room shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Blueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.rules import Actor, may
from portal.contracts.models import Contract
from portal.contracts.queries import current_version, find_contract
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.negotiation import rules
from portal.negotiation.models import Look
from portal.negotiation.queries import Board, Negotiation, board_of, marks_of, negotiation_of
from portal.negotiation.routes.presets import tier_values
from portal.residency.databases import regions
from portal.terms.rules import Term, show

bp = Blueprint("negotiation", __name__)


@dataclass(frozen=True)
class Visit:
    """A member at the table of one contract, now."""

    session: Session
    actor: Actor
    contract: Contract
    now: datetime

    def negotiation(self) -> Negotiation:
        """Return the negotiation as this member's side sees it."""
        return negotiation_of(self.session, self.contract, self.actor, at=self.now)

    @property
    def args(self) -> tuple[Session, Contract, Actor]:
        """The first arguments of every action."""
        return self.session, self.contract, self.actor

    def seen_round(self) -> int | None:
        """Return the last round this person has said to have seen."""
        return self.session.scalar(
            select(Look.round).where(
                Look.contract_id == self.contract.id, Look.person_id == self.actor.person_id
            )
        )


def visit_to(ref: str) -> Visit:
    """Open a contract for the member who asks: `NotFound`, then `NotAllowed`, then the table."""
    actor, now = current_actor(), clock.now()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    return Visit(session, actor, contract, now)


def frame(visit: Visit, found: Negotiation) -> dict[str, Any]:
    """Return what every page of the room shows: who, whose turn, how far."""
    left = rules.unanswered(found.standings, found.words, found.side)
    return {
        "contract": visit.contract,
        "found": found,
        "view": found.view,
        "left": left,
        "may_answer": found.my_turn and may(visit.actor, "round:draft"),
        "may_send": found.my_turn and may(visit.actor, "round:send"),
        "may_recall": found.workable and found.recallable and may(visit.actor, "round:send"),
        "may_freeze": found.workable and may(visit.actor, "version:freeze"),
        "may_write": may(visit.actor, "comment:write"),
        "may_share": may(visit.actor, "comment:share"),
        "version": current_version(visit.contract),
        "text": show,
    }


def personal(visit: Visit, found: Negotiation, board: Board, role: str | None) -> rules.View:
    """Return how this very person looks: what is new to them, and what their side must approve."""
    return replace(
        found.view,
        seen_round=visit.seen_round(),
        approvals=frozenset(need.term for need in board.outstanding),
        role=role,
    )


def besides(visit: Visit, found: Negotiation) -> Callable[[Term], rules.Beside]:
    """Return what stands beside each term: worst case, departure from the tier, remarks."""
    values = found.values(with_draft=True)
    preset = tier_values(visit.contract)
    marks = marks_of(visit.session, visit.contract, found.side)
    year = visit.now.year

    def beside(term: Term) -> rules.Beside:
        value = values.get(term.id)
        left = term.id in preset and preset[term.id] != value
        return rules.Beside(
            worst=rules.worst_span(term, value, values, year=year),
            tier=rules.short(term, preset[term.id]) if left else None,
            comments=marks.comments.get(term.id, 0),
            notes=marks.notes.get(term.id, 0),
        )

    return beside


def term_of(found: Negotiation, term: str) -> Term:
    """Return a term of this contract, or raise `NotFound`."""
    known = found.schema.terms.get(term)
    if known is None:
        raise NotFound
    return known


def board(visit: Visit, found: Negotiation) -> Board:
    """Return what this side needs approved."""
    return board_of(visit.session, found)
