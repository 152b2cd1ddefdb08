"""Finding a negotiation as one side sees it. The other side's draft is never read, so that
nothing shown, counted or refused can depend on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Person
from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.queries import schema_of, side_of, standing_terms, state, turn
from portal.contracts.rules.life import Side, State
from portal.kit.db import db
from portal.kit.errors import NotFound
from portal.negotiation import rules
from portal.negotiation.models import Answer, Round
from portal.terms.rules import Finding, Schema, Value, coherence, load_schema

WORKABLE = frozenset({State.DRAFT, State.NEGOTIATION})


@dataclass(frozen=True)
class Negotiation:
    """The sent rounds, what they add up to, and this side's own draft."""

    contract: Contract
    schema: Schema
    side: Side
    turn: Side
    state: State
    rounds: list[rules.SentRound]
    standings: dict[str, rules.Standing]
    draft: Round | None
    words: dict[str, rules.Word]
    # What an amendment leaves as it is; empty for a contract of its own.
    standing_terms: Mapping[str, Value] = field(default_factory=dict)

    @property
    def whole_schema(self) -> Schema:
        """Every term of the contract, also those an amendment does not name."""
        return load_schema(self.contract.schema_version)

    def values(self, *, with_draft: bool) -> dict[str, Value]:
        """Return the value of every term on the table, over what an amendment leaves as it is."""
        drafted = self.words if with_draft else None
        return {**self.standing_terms, **rules.values_of(self.standings, drafted)}

    @property
    def workable(self) -> bool:
        """Whether terms may still be answered: neither frozen nor ended."""
        return self.state in WORKABLE

    @property
    def my_turn(self) -> bool:
        """Whether this side may answer now."""
        return self.workable and self.turn is self.side

    @property
    def next_number(self) -> int:
        """The number of the round to come."""
        return len(self.rounds) + 1

    @property
    def all_agreed(self) -> bool:
        """Whether the sent rounds leave every term agreed."""
        return rules.all_agreed(self.standings)

    @property
    def names(self) -> dict[Side, str]:
        """The names of the two sides."""
        return {Side.VENDOR: self.contract.vendor_name, Side.CUSTOMER: self.contract.customer_name}

    @property
    def other_name(self) -> str:
        """The name of the other side."""
        return self.names[self.side.other]

    @property
    def view(self) -> rules.View:
        """How this side looks at the list."""
        return rules.View(
            self.side, self.turn, self.names, last_round=len(self.rounds), locked=not self.workable
        )

    def findings(self, *, with_draft: bool) -> list[Finding]:
        """Check the values on the table against each other, with one's own draft laid over."""
        if not self.rounds and not (with_draft and self.words):
            return []
        found = coherence(self.whole_schema, self.values(with_draft=with_draft))
        return [one for one in found if not one.terms or set(one.terms) & set(self.schema.terms)]

    def slots(self) -> list[tuple[Side, str]]:
        """The places to sign, as (side, person)."""
        return [(Side(slot.side), slot.person_id) for slot in self.contract.slots]

    def summary(self) -> rules.Summary:
        """Count this side's draft."""
        return rules.summary(self.words, self.standings)

    def before(self, number: int) -> dict[str, rules.Standing]:
        """Return where the terms stood before a round."""
        return rules.standings(
            self.schema.terms, self.rounds[: number - 1], started_by=_started_by(self.contract)
        )


def negotiation_of(
    session: Session, contract: Contract, actor: Actor, *, at: datetime
) -> Negotiation:
    """Return the negotiation as the actor's side sees it; three queries, however many rounds."""
    side = side_of(contract, actor)
    if side is None:
        raise NotFound
    rows = session.scalars(
        select(Round)
        .where(
            Round.contract_id == contract.id,
            or_(Round.sent_at.is_not(None), Round.side == side.value),
        )
        .order_by(Round.number)
        .options(selectinload(Round.answers))
        .execution_options(populate_existing=True)
    ).all()
    schema = schema_of(contract)
    names = _names_of({row.sent_by for row in rows if row.sent_by})
    sent = [_sent_round(row, row.sent_at, names) for row in rows if row.sent_at is not None]
    draft = next((row for row in rows if row.sent_at is None), None)
    return Negotiation(
        contract=contract,
        schema=schema,
        side=side,
        turn=turn(contract),
        state=state(contract, today=at.date()),
        rounds=sent,
        standings=rules.standings(schema.terms, sent, started_by=_started_by(contract)),
        draft=draft,
        words=words_of(draft.answers) if draft else {},
        standing_terms=standing_terms(session, contract, on=at.date()),
    )


def _started_by(contract: Contract) -> Side:
    return Side(contract.started_by_side)


def _names_of(people: set[str]) -> dict[str, str]:
    rows = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    return {row[0]: row[1] for row in rows}


def _sent_round(row: Round, at: datetime, names: dict[str, str]) -> rules.SentRound:
    return rules.SentRound(
        number=row.number,
        side=Side(row.side),
        at=at,
        words=words_of(row.answers),
        sent_by=names.get(row.sent_by or "", "Somebody"),
        note=row.note,
        sha256=row.sha256 or "",
    )


def words_of(answers: list[Answer]) -> dict[str, rules.Word]:
    """Return answers as the rules read them, by term."""
    return {
        row.term: rules.Word(rules.Kind(row.kind), row.value_sha256 or "", row.value, row.reason)
        for row in answers
    }


def agreed_in(
    session: Session, contract: Contract, terms: Iterable[str], *, by: datetime
) -> dict[str, int]:
    """Return the round in which each of these terms was last accepted, up to an instant."""
    rows = session.execute(
        select(Answer.term, func.max(Round.number))
        .join(Round, Round.id == Answer.round_id)
        .where(
            Round.contract_id == contract.id,
            Round.sent_at <= by,
            Answer.kind == rules.Kind.ACCEPT.value,
            Answer.term.in_(list(terms)),
        )
        .group_by(Answer.term)
    )
    return {row[0]: row[1] for row in rows}
