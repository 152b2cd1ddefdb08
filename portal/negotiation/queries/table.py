"""Finding a negotiation as one side sees it.

The other side's draft is never read, nor a round it recalled, nor one that was not opened yet: so
nothing shown, counted or refused can depend on them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Person
from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, schema_of, standing_terms, state, turn
from portal.contracts.rules.life import Side, State
from portal.kit.db import directory_reader
from portal.kit.errors import NotFound
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.models import Answer, Round, RoundFate
from portal.terms.rules import Finding, Schema, Value, coherence, load_schema
from portal.terms.rules.special import is_special, next_special, with_special

WORKABLE = frozenset({State.DRAFT, State.NEGOTIATION})
OPENED, RECALLED = "opened", "recalled"


@dataclass(frozen=True)
class Waiting:
    """A round of the other side that nobody here has opened: its number, its day, its counts."""

    round_id: str
    number: int
    at: datetime
    sent_by: str
    summary: rules.Summary


@dataclass(frozen=True)
class Negotiation:
    """The rounds this side may read, what they add up to, and this side's own draft."""

    contract: Contract
    schema: Schema
    side: Side
    turn: Side
    state: State
    rounds: list[rules.SentRound]
    standings: dict[str, rules.Standing]
    draft: Round | None
    words: dict[str, rules.Word]
    waiting: Waiting | None = None
    recallable: bool = False
    last_number: int = 0
    # What an amendment leaves as it is; empty for a contract of its own.
    standing_terms: Mapping[str, Value] = field(default_factory=dict)

    @property
    def whole_schema(self) -> Schema:
        """Every term of the contract, also those an amendment does not name."""
        return load_schema(self.contract.schema_version)

    @property
    def workable(self) -> bool:
        """Whether terms may still be answered: neither frozen nor ended."""
        return self.state in WORKABLE

    @property
    def my_turn(self) -> bool:
        """Whether this side may answer now; a round that came must be opened first."""
        return self.workable and self.turn is self.side and self.waiting is None

    @property
    def next_number(self) -> int:
        """The number of the round to come; a recalled number is not used again."""
        return self.last_number + 1

    @property
    def last_sent(self) -> int:
        """The number of the last round this side may read; 0 before the first."""
        return self.rounds[-1].number if self.rounds else 0

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
            self.side, self.turn, self.names, last_round=self.last_sent, locked=not self.my_turn
        )

    def values(self, *, with_draft: bool) -> dict[str, Value]:
        """Return the value of every term on the table, over what an amendment leaves as it is."""
        drafted = self.words if with_draft else None
        return {**self.standing_terms, **rules.values_of(self.standings, drafted)}

    def findings(
        self, *, with_draft: bool, over: Mapping[str, Value] | None = None
    ) -> list[Finding]:
        """Check the values on the table against each other; `over` are values being typed."""
        if not self.rounds and not (with_draft and self.words):
            return []
        values = {**self.values(with_draft=with_draft), **(over or {})}
        cover = {term: value for term, value in values.items() if not is_special(term)}
        told = coherence(self.whole_schema, cover)
        return [one for one in told if not one.terms or set(one.terms) & set(self.schema.terms)]

    def slots(self) -> list[tuple[Side, str]]:
        """The places to sign, as (side, person)."""
        return [(Side(slot.side), slot.person_id) for slot in self.contract.slots]

    def summary(self) -> rules.Summary:
        """Count this side's draft."""
        return rules.summary(self.words, self.standings)

    def sent(self, number: int) -> rules.SentRound:
        """Return a round this side may read, or raise `NotFound`."""
        found = next((r for r in self.rounds if r.number == number), None)
        if found is None:
            raise NotFound
        return found

    def before(self, number: int) -> dict[str, rules.Standing]:
        """Return where the terms stood before a round."""
        return self.after(number - 1)

    def after(self, number: int) -> dict[str, rules.Standing]:
        """Return where the terms stood once a round was sent; after 0 nothing was offered."""
        upto = [r for r in self.rounds if r.number <= number]
        return rules.standings(self.schema.terms, upto, started_by=_started_by(self.contract))

    def next_special(self) -> str:
        """Return the id of the next special term."""
        return next_special([*self.standings, *self.words])


def negotiation_of(
    session: Session, contract: Contract, actor: Actor, *, at: datetime
) -> Negotiation:
    """Return the negotiation as the actor's side sees it; a fixed number of queries."""
    side = own_side(contract, actor)
    return as_side(session, contract, side, at=at)


def as_side(session: Session, contract: Contract, side: Side, *, at: datetime) -> Negotiation:
    """Return the negotiation as a side sees it; for the worker, which is nobody's member."""
    rows = _rows(session, contract, side)
    fates = _fates(session, contract)
    names = names_of({r.sent_by for r in rows if r.sent_by} | {f.person_id for f in fates.values()})
    standing = [r for r in rows if r.sent_at is not None and not _is(fates.get(r.id), RECALLED)]
    hidden = _hidden(standing, fates, side)
    readable = [row for row in standing if row is not hidden]
    draft = next((row for row in rows if row.sent_at is None), None)
    words = words_of(draft.answers) if draft else {}
    sent = [_sent_round(row, side, names, fates.get(row.id)) for row in readable]
    schema = _schema_of(contract, sent, words)
    found = rules.standings(schema.terms, sent, started_by=_started_by(contract))
    last = standing[-1] if standing else None
    return Negotiation(
        contract=contract,
        schema=schema,
        side=side,
        turn=turn(contract),
        state=state(contract, today=at.date()),
        rounds=sent,
        standings=found,
        draft=draft,
        words=words,
        waiting=_waiting(hidden, found, names) if hidden is not None else None,
        recallable=last is not None and last.side == side.value and last.id not in fates,
        last_number=max((r.number for r in rows if r.sent_at is not None), default=0),
        standing_terms=standing_terms(session, contract, on=at.date()),
    )


def _rows(session: Session, contract: Contract, side: Side) -> Sequence[Round]:
    return session.scalars(
        select(Round)
        .where(
            Round.contract_id == contract.id,
            or_(Round.sent_at.is_not(None), Round.side == side.value),
        )
        .order_by(Round.number)
        .options(selectinload(Round.answers))
        .execution_options(populate_existing=True)
    ).all()


def _fates(session: Session, contract: Contract) -> dict[str, RoundFate]:
    query = select(RoundFate).where(RoundFate.contract_id == contract.id)
    return {fate.round_id: fate for fate in session.scalars(query)}


def _is(fate: RoundFate | None, kind: str) -> bool:
    return fate is not None and fate.kind == kind


def _hidden(standing: Sequence[Round], fates: Mapping[str, RoundFate], side: Side) -> Round | None:
    """Return the last round where it is the other side's and nobody here has opened it."""
    last = standing[-1] if standing else None
    if last is None or last.side == side.value or last.id in fates:
        return None
    return last


def _waiting(row: Round, found: dict[str, rules.Standing], names: Mapping[str, str]) -> Waiting:
    words = words_of(row.answers)
    before = {**{t: rules.Standing(t, Side(row.side)) for t in words}, **found}
    return Waiting(
        round_id=row.id,
        number=row.number,
        at=row.sent_at or row.created_at,
        sent_by=names.get(row.sent_by or "", say("Somebody")),
        summary=rules.summary(words, before),
    )


def _schema_of(
    contract: Contract, sent: Sequence[rules.SentRound], words: Mapping[str, rules.Word]
) -> Schema:
    """Return the schema with the special terms of this contract, titled as last offered."""
    special: dict[str, Value] = {}
    for said in [*(r.words for r in sent), words]:
        for term, word in said.items():
            if is_special(term) and (word.value is not None or term not in special):
                special[term] = word.value
    return with_special(schema_of(contract), special)


def _started_by(contract: Contract) -> Side:
    return Side(contract.started_by_side)


def names_of(people: set[str]) -> dict[str, str]:
    """Return people's names by id, in one query; nobody's in none."""
    if not people:
        return {}
    with directory_reader() as directory:
        rows = directory.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
        return {row[0]: row[1] for row in rows}


def _sent_round(
    row: Round, reader: Side, names: Mapping[str, str], fate: RoundFate | None
) -> rules.SentRound:
    words = words_of(row.answers)
    if row.side != reader.value:
        words = {term: replace(word, author=None) for term, word in words.items()}
    sent = rules.SentRound(
        number=row.number,
        side=Side(row.side),
        at=row.sent_at or row.created_at,
        words=words,
        sent_by=names.get(row.sent_by or "", say("Somebody")),
        note=row.note,
        sha256=row.sha256 or "",
    )
    if fate is None:
        return sent
    return replace(sent, opened_at=fate.at, opened_by=names.get(fate.person_id, say("Somebody")))


def words_of(answers: list[Answer]) -> dict[str, rules.Word]:
    """Return answers as the rules read them, by term."""
    return {
        row.term: rules.Word(
            rules.Kind(row.kind),
            row.value_sha256 or "",
            row.value,
            row.reason,
            row.package,
            row.author,
        )
        for row in answers
    }


def agreed_in(
    session: Session, contract: Contract, terms: Iterable[str], *, by: datetime
) -> dict[str, int]:
    """Return the round in which each of these terms was last accepted, up to an instant."""
    recalled = select(RoundFate.round_id).where(RoundFate.kind == RECALLED)
    rows = session.execute(
        select(Answer.term, func.max(Round.number))
        .join(Round, Round.id == Answer.round_id)
        .where(
            Round.contract_id == contract.id,
            Round.sent_at <= by,
            Round.id.not_in(recalled),
            Answer.kind == rules.Kind.ACCEPT.value,
            Answer.term.in_(list(terms)),
        )
        .group_by(Answer.term)
    )
    return {row[0]: row[1] for row in rows}
