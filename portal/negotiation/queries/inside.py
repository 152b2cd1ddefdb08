"""One side's own: its playbook, its approvals, its notes. Each query takes the side it serves, and
what belongs to the other is never read for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.queries import members_of, organisation_of
from portal.contracts.rules.life import Side
from portal.kit.db import db, directory_reader
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.models import Approval, Comment, Note, Playbook
from portal.negotiation.queries.table import Negotiation, names_of
from portal.negotiation.rules import playbook as limits
from portal.notices.rules import Recipient


@dataclass(frozen=True)
class PlaybookView:
    """An organisation's playbook as it stands: the number of its version and its limits."""

    number: int
    limits: dict[str, limits.Limits]


NO_PLAYBOOK = PlaybookView(0, {})


def playbook_of(organisation_id: str, side: Side) -> PlaybookView:
    """Return an organisation's limits as vendor or as customer, from the newest version of its
    playbook; number 0 where it has none."""
    with directory_reader() as directory:
        row = directory.scalar(
            select(Playbook)
            .where(Playbook.organisation_id == organisation_id)
            .order_by(Playbook.number.desc())
            .limit(1)
        )
        return PlaybookView(row.number, limits.limits_of(row.content, side)) if row else NO_PLAYBOOK


@dataclass(frozen=True)
class PlaybookVersion:
    """A version in the list of versions."""

    number: int
    at: datetime
    by: str
    sha256: str


def playbook_versions(actor: Actor) -> list[PlaybookVersion]:
    """Return the versions of the actor's own organisation, newest first."""
    rows = db.session.scalars(
        select(Playbook)
        .where(Playbook.organisation_id == actor.organisation_id)
        .order_by(Playbook.number.desc())
    ).all()
    names = names_of({row.created_by for row in rows})
    return [
        PlaybookVersion(r.number, r.created_at, names.get(r.created_by, say("Somebody")), r.sha256)
        for r in rows
    ]


@dataclass(frozen=True)
class Approved:
    """An approval as its own side reads it."""

    term: str
    sha256: str
    role: str
    override: bool
    by: str
    at: datetime
    reason: str | None
    playbook: int


@dataclass(frozen=True)
class Board:
    """What one side needs approved, what still lacks, and what was given."""

    playbook: PlaybookView
    needs: list[limits.Need]
    outstanding: list[limits.Need]
    fallen: set[str]
    given: list[Approved]


def approvals_of(session: Session, contract: Contract, side: Side) -> list[Approved]:
    """Return a side's own approvals, oldest first."""
    rows = session.scalars(
        select(Approval)
        .where(Approval.contract_id == contract.id, Approval.side == side.value)
        .order_by(Approval.id)
    ).all()
    names = names_of({row.person_id for row in rows})
    return [
        Approved(
            row.term, row.value_sha256, row.role, bool(row.override),
            names.get(row.person_id, say("Somebody")), row.at, row.reason, row.playbook,
        )
        for row in rows
    ]  # fmt: skip


def board_of(session: Session, found: Negotiation) -> Board:
    """Return what the side that looks needs approved, with its own draft laid over."""
    return _board(session, found, found.side, found.words)


def _board(session: Session, found: Negotiation, side: Side, words: dict[str, rules.Word]) -> Board:
    playbook = playbook_of(organisation_of(found.contract, side), side)
    given = approvals_of(session, found.contract, side)
    held = limits.commitments(found.standings, words, side)
    wanted = limits.needs(found.schema, playbook.limits, held, side)
    bound = [limits.Given(one.term, one.sha256) for one in given]
    return Board(
        playbook,
        wanted,
        limits.outstanding(wanted, bound),
        limits.fallen(wanted, bound),
        given,
    )


def readiness(session: Session, found: Negotiation) -> list[rules.Readiness]:
    """Return whether each side's approvals are there.

    Of the other side nothing is worked out before every term is agreed, and then one word is told.
    """
    sides = []
    for side in Side:
        if side is found.side:
            count = len(_board(session, found, side, {}).outstanding)
            state = say("Yes") if count == 0 else say("%(count)s to approve", count=count)
            sides.append(rules.Readiness(side, count == 0, state))
        else:
            ready = not found.all_agreed or not _board(session, found, side, {}).outstanding
            state = (
                (say("Yes") if ready else say("Not yet"))
                if found.all_agreed
                else say("After every term")
            )
            sides.append(rules.Readiness(side, ready, state, "terms"))
    return sides


@dataclass(frozen=True)
class Said:
    """A note or a comment, ready to be read."""

    id: str
    term: str | None
    side: Side
    by: str
    at: datetime
    text: str
    resolved_at: datetime | None
    resolved_by: str | None
    shared_at: datetime | None = None


def comments_of(session: Session, contract: Contract, term: str | None = None) -> list[Said]:
    """Return the comments both sides read, oldest first; of one term where asked."""
    return _said(session, Comment, contract, term, side=None)


def notes_of(
    session: Session, contract: Contract, side: Side, term: str | None = None
) -> list[Said]:
    """Return one side's own notes, oldest first; of one term where asked."""
    return _said(session, Note, contract, term, side=side)


def _said(
    session: Session,
    table: type[Comment] | type[Note],
    contract: Contract,
    term: str | None,
    *,
    side: Side | None,
) -> list[Said]:
    query = select(table).where(table.contract_id == contract.id).order_by(table.id)
    if side is not None:
        query = query.where(table.side == side.value)
    if term is not None:
        query = query.where(table.term == term)
    rows: Sequence[Any] = session.scalars(query.execution_options(populate_existing=True)).all()
    people = {p for row in rows for p in (row.person_id, row.resolved_by) if p}
    names = names_of(people)
    return [
        Said(
            row.id, row.term, Side(row.side), names.get(row.person_id, say("Somebody")), row.at,
            row.text, row.resolved_at, names.get(row.resolved_by or ""),
            getattr(row, "shared_at", None),
        )
        for row in rows
    ]  # fmt: skip


def open_comments(session: Session, contract: Contract) -> int:
    """Count the shared comments nobody has resolved."""
    query = select(func.count()).where(
        Comment.contract_id == contract.id, Comment.resolved_at.is_(None)
    )
    return session.scalar(query) or 0


@dataclass(frozen=True)
class Marks:
    """How many open remarks each term has: shared ones, and one's own."""

    comments: dict[str, int]
    notes: dict[str, int]


def marks_of(session: Session, contract: Contract, side: Side) -> Marks:
    """Count the open remarks by term."""
    return Marks(
        _counted(session, Comment, contract, None), _counted(session, Note, contract, side)
    )


def _counted(
    session: Session, table: type[Comment] | type[Note], contract: Contract, side: Side | None
) -> dict[str, int]:
    query = (
        select(table.term, func.count())
        .where(
            table.contract_id == contract.id,
            table.resolved_at.is_(None),
            table.term.is_not(None),
        )
        .group_by(table.term)
    )
    if side is not None:
        query = query.where(table.side == side.value)
    return {term: count for term, count in session.execute(query) if term}


def readers_of(contract: Contract, side: Side, *, shared: bool) -> list[rules.Reader]:
    """Return who may be mentioned: one's own members, and in what is shared the others' people."""
    ours, theirs = organisation_of(contract, side), organisation_of(contract, side.other)
    people = [rules.Reader(m.person_id, m.name, m.email, ours) for m in members_of(ours)]
    if shared:
        people += [
            rules.Reader(row.person_id, row.name, row.email, theirs)
            for row in contract.stakeholders
            if row.side != side.value
        ]
    return people


def approvers_of(contract: Contract, side: Side, needs: Sequence[limits.Need]) -> list[Recipient]:
    """Return the members who can approve one of these and did not propose it."""
    organisation = organisation_of(contract, side)
    return [
        Recipient(member.person_id, member.name, member.email, organisation)
        for member in members_of(organisation)
        if any(n.role in member.roles and n.proposer != member.person_id for n in needs)
    ]
