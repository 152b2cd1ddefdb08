"""Contracts in lists: a page at a time by an index, and what waits for the member who asks.

Titles are sealed, so a list opens those of one page only; a search opens a bounded number and says
how far it came.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, selectinload

from portal.accounts.rules import Actor
from portal.contracts.models import Contract, SignerSlot, Stakeholder
from portal.contracts.queries.finding import is_party, side_of, turn
from portal.contracts.queries.life import dated_facts, state
from portal.contracts.queries.signers import standing
from portal.contracts.rules.life import Side, State, completed_at
from portal.contracts.rules.listing import (
    ARCHIVE,
    ENDED,
    FILTERS,
    YOURS,
    Count,
    Place,
    is_found,
)
from portal.contracts.rules.waiting import Standing, waits_for
from portal.kit import clock
from portal.residency.models import DataKey

COUNTED = 1_000
"""Up to how many contracts of one kind are counted."""
OPENED = 500
"""How many titles a search opens for one page."""
BETWEEN = 50
SIGNING, TO_MOVE = "signing", ("draft", "negotiation")


@dataclass(frozen=True)
class Row:
    """A contract in a list."""

    ref: str
    title: str
    state: State
    turn: Side
    side: Side | None
    region: str
    vendor: str
    customer: str
    vendor_id: str
    customer_id: str
    created_at: datetime
    completed_at: datetime | None
    standing: Standing | None
    amends: str | None = None
    archived_on: date | None = None


@dataclass(frozen=True)
class Wanted:
    """Which contracts a list holds: those of a filter, or all but the archive, or `every` one."""

    name: str | None = None
    every: bool = False


@dataclass(frozen=True)
class Found:
    """What a search found, how many titles it opened, and where it goes on."""

    rows: list[Row]
    opened: int
    following: Place | None
    reached: datetime | None


EVERY = Wanted(every=True)


# Which rows, by index


def _slices(actor: Actor, wanted: Wanted, today: date) -> Iterator[list[ColumnElement[bool]]]:
    """Yield what narrows the contracts to one run of an index each; together all that is wanted."""
    columns = {Side.VENDOR: Contract.vendor_id, Side.CUSTOMER: Contract.customer_id}
    unfiled = or_(Contract.archived_on.is_(None), Contract.archived_on > today.isoformat())
    for side, column in columns.items():
        mine = column == actor.organisation_id
        if wanted.every:
            yield [mine]
        elif wanted.name == ARCHIVE:
            yield [mine, Contract.archived_on <= today.isoformat()]
        elif wanted.name == YOURS:
            yield from ([mine, Contract.stage == name, Contract.turn == side] for name in TO_MOVE)
        elif wanted.name:
            staged = [mine, Contract.stage == wanted.name]
            # Only what has ended can be in the archive.
            staged += [unfiled] if wanted.name == ENDED else []
            yield from ([*staged, Contract.turn == whose] for whose in Side)
        else:
            yield [mine, unfiled]


def _order(wanted: Wanted) -> tuple[Any, Any]:
    first = Contract.archived_on if wanted.name == ARCHIVE else Contract.created_at
    return first, Contract.id


def _places(
    session: Session, slices: Iterable[list[ColumnElement[bool]]], wanted: Wanted, *,
    after: Place | None, limit: int,
) -> list[Place]:  # fmt: skip
    """Return the next places of these runs, newest first; one short query a run."""
    key, ref = _order(wanted)
    found: list[Place] = []
    for narrowed in slices:
        query = select(key, ref).where(*narrowed)
        if after is not None:
            at: Any = after.key if wanted.name == ARCHIVE else clock.read_stamp(after.key)
            # Written as a range and a remainder, so that the index finds its place.
            query = query.where(key <= at, or_(key < at, ref < after.ref))
        rows = session.execute(query.order_by(key.desc(), ref.desc()).limit(limit))
        found += [Place(_text(first), last) for first, last in rows]
    return sorted(found, key=lambda place: (place.key, place.ref), reverse=True)[:limit]


def _text(key: datetime | str) -> str:
    return clock.stamp(key) if isinstance(key, datetime) else key


def _merged(
    sessions: Sequence[Session], actor: Actor, wanted: Wanted, *, today: date,
    after: Place | None, limit: int,
) -> list[tuple[Place, Session]]:  # fmt: skip
    found = [
        (place, session)
        for session in sessions
        for place in _places(session, _slices(actor, wanted, today), wanted, after=after,
                             limit=limit)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one[0].key, one[0].ref), reverse=True)[:limit]


# Lists


def page_of_contracts(
    sessions: Sequence[Session], actor: Actor, *, today: date, after: Place | None, limit: int,
    wanted: Wanted = EVERY,
) -> tuple[list[Row], Place | None]:  # fmt: skip
    """Return up to `limit` of the actor's contracts, newest first, and where the next page begins.

    The archive is ordered by the day it began. A fixed number of queries, whichever page it is.
    """
    found = _merged(sessions, actor, wanted, today=today, after=after, limit=limit + 1)
    rows = _opened(found[:limit], actor, today=today)
    return rows, found[limit - 1][0] if len(found) > limit else None


def search_contracts(
    sessions: Sequence[Session], actor: Actor, words: str, *, today: date,
    after: Place | None, limit: int, wanted: Wanted,
) -> Found:  # fmt: skip
    """Return the actor's contracts in which every word occurs, newest first.

    At most `OPENED` titles are opened; the search goes on from `following`, so that all are found
    in the end. A reference written in full is found at once, wherever it stands.
    """
    looked = _merged(sessions, actor, wanted, today=today, after=after, limit=OPENED + 1)
    hits: list[tuple[Place, Session]] = []
    opened = 0
    for first in range(0, min(len(looked), OPENED), 100):
        part = looked[first : min(first + 100, OPENED)]
        matching = _matching(part, actor, words)
        hits += [one for one in part if one[0].ref in matching]
        opened = first + len(part)
        if len(hits) >= limit:
            # Cut at the last hit shown, so that the next page goes on right after it.
            hits = hits[:limit]
            opened = looked.index(hits[-1]) + 1
            break
    following = looked[opened - 1][0] if opened and opened < len(looked) else None
    if after is None:
        hits += _named(sessions, actor, words, hits)
    rows = _opened(hits, actor, today=today)
    by_time = following is not None and wanted.name != ARCHIVE
    reached = clock.read_stamp(following.key) if following and by_time else None
    return Found(rows, opened, following, reached)


def _matching(part: Sequence[tuple[Place, Session]], actor: Actor, words: str) -> set[str]:
    found: set[str] = set()
    for session in dict.fromkeys(session for _, session in part):
        refs = [place.ref for place, holder in part if holder is session]
        held = session.scalars(select(DataKey).where(DataKey.id.in_(refs))).all()
        for row in session.scalars(select(Contract).where(Contract.id.in_(refs))):
            mine = row.vendor_id == actor.organisation_id
            other = row.customer_name if mine else row.vendor_name
            if is_found(words, ref=row.id, title=row.title, other=other):
                found.add(row.id)
        del held
    return found


def _named(
    sessions: Sequence[Session], actor: Actor, words: str, hits: Sequence[tuple[Place, Session]]
) -> list[tuple[Place, Session]]:
    region, _, letters = words.partition("-")
    ref = f"{region.lower()}-{letters.upper()}"
    if not letters or any(place.ref == ref for place, _ in hits):
        return []
    found = []
    for session in sessions:
        query = select(Contract.created_at).where(Contract.id == ref, is_party(actor))
        if (at := session.scalar(query)) is not None:
            found.append((Place(_text(at), ref), session))
    return found


def waiting_contracts(
    sessions: Sequence[Session], actor: Actor, *, today: date, limit: int
) -> list[Row]:
    """Return up to `limit` contracts that wait for this member: to sign, to approve, to answer."""
    found: list[tuple[Place, Session]] = []
    for session in sessions:
        for narrowed, wanted in (
            (_asked_to_sign(actor, today), Wanted(SIGNING)),
            (_slices(actor, Wanted(YOURS), today), Wanted(YOURS)),
        ):
            places = _places(session, narrowed, wanted, after=None, limit=limit)
            found += [(place, session) for place in places]
    rows = _opened(found, actor, today=today)
    waiting = [row for row in rows if row.standing and waits_for(row.standing)]
    return sorted(waiting, key=lambda row: (row.created_at, row.ref), reverse=True)


def _asked_to_sign(actor: Actor, today: date) -> Iterator[list[ColumnElement[bool]]]:
    """Yield the contracts out for signature in which this person signs or approves."""
    signs = (
        select(SignerSlot.id)
        .where(
            SignerSlot.contract_id == Contract.id, SignerSlot.person_id == actor.person_id,
            SignerSlot.retired_at.is_(None),
        )
        .exists()
    )  # fmt: skip
    approves = (
        select(Stakeholder.id)
        .where(
            Stakeholder.contract_id == Contract.id, Stakeholder.person_id == actor.person_id,
            Stakeholder.approves == 1,
        )
        .exists()
    )  # fmt: skip
    for narrowed in _slices(actor, Wanted(SIGNING), today):
        yield [*narrowed, or_(signs, approves)]


def counted(sessions: Sequence[Session], actor: Actor, *, today: date) -> dict[str | None, Count]:
    """Return how many contracts each filter holds, counted up to a limit; one query a region."""
    names = [*FILTERS, YOURS, ARCHIVE]
    counts: dict[str | None, Count] = {name: Count(0) for name in names}
    parts = [(name, narrowed) for name in names for narrowed in _slices(actor, Wanted(name), today)]
    for session in sessions:
        queries = []
        for number, (_, narrowed) in enumerate(parts):
            some = select(Contract.id).where(*narrowed).limit(COUNTED + 1).subquery()
            queries.append(select(literal(number), func.count()).select_from(some))
        for number, count in session.execute(union_all(*queries)):
            name = parts[number][0]
            counts[name] += Count(min(count, COUNTED), count > COUNTED)
    total = sum((counts[name] for name in FILTERS), Count(0))
    return {None: total, **counts}


def any_contract(sessions: Sequence[Session], actor: Actor) -> bool:
    """Return whether the actor's organisation has any contract at all."""
    return any(session.scalar(select(Contract.id).where(is_party(actor)).limit(1))
               for session in sessions)  # fmt: skip


def contracts_between(
    sessions: Sequence[Session], actor: Actor, other_id: str, *, today: date
) -> list[Row]:
    """Return the newest signed contracts with another party, about `BETWEEN` a region."""
    other = or_(Contract.vendor_id == other_id, Contract.customer_id == other_id)
    narrowed = [
        [*conditions, other]
        for name in ("signed", ENDED) for conditions in _slices(actor, Wanted(name), today)
    ]  # fmt: skip
    found = [
        (place, session)
        for session in sessions
        for place in _places(session, narrowed, EVERY, after=None, limit=BETWEEN)
    ]
    return [row for row in _opened(found, actor, today=today) if row.completed_at is not None]


@dataclass(frozen=True)
class OnTemplate:
    """A contract that rests on a version of a template."""

    ref: str
    title: str
    other: str
    state: State


def contracts_on_template(
    sessions: Sequence[Session], actor: Actor, sha256: str, *, today: date, limit: int
) -> list[OnTemplate]:
    """Return the newest of the actor's contracts that rest on this version, up to `limit`."""
    narrowed = [
        [Contract.template_sha256 == sha256, column == actor.organisation_id]
        for column in (Contract.vendor_id, Contract.customer_id)
    ]
    found = [
        (place, session)
        for session in sessions
        for place in _places(session, narrowed, EVERY, after=None, limit=limit)
    ]
    newest = sorted(found, key=lambda one: one[0].key, reverse=True)[:limit]
    return [
        OnTemplate(
            row.ref, row.title, row.customer if row.side is Side.VENDOR else row.vendor,
            row.state,
        )
        for row in _opened(newest, actor, today=today)
    ]  # fmt: skip


def every_contract(sessions: Sequence[Session], *, today: date) -> list[Row]:
    """Return all contracts on this host, for the operator's command line."""
    return _rows(sessions, None, today=today, whose=None)


# Opening rows


def _opened(found: Sequence[tuple[Place, Session]], actor: Actor, *, today: date) -> list[Row]:
    """Open the contracts of these places, in their order; seven queries a region."""
    opened: dict[str, Row] = {}
    for session in dict.fromkeys(session for _, session in found):
        refs = [place.ref for place, holder in found if holder is session]
        rows = _rows([session], actor, today=today, whose=Contract.id.in_(refs))
        opened |= {row.ref: row for row in rows}
    return [opened[ref] for ref in dict.fromkeys(place.ref for place, _ in found)]


def _rows(
    sessions: Sequence[Session],
    actor: Actor | None,
    *,
    today: date,
    whose: ColumnElement[bool] | None,
) -> list[Row]:
    rows: list[Row] = []
    for session in sessions:
        query = select(Contract).options(
            selectinload(Contract.facts),
            selectinload(Contract.versions),
            selectinload(Contract.slots),
            selectinload(Contract.stakeholders),
        )
        keys = select(DataKey).join(Contract, Contract.id == DataKey.id)
        if whose is not None:
            query, keys = query.where(whose), keys.where(whose)
        # Held while the titles are opened, so that no contract asks for its key by itself.
        held = session.scalars(keys).all()
        contracts = session.scalars(query).all()
        rows += [_row(contract, actor, today=today) for contract in contracts]
        del held
    return sorted(rows, key=lambda row: row.created_at, reverse=True)


def _row(contract: Contract, actor: Actor | None, *, today: date) -> Row:
    return Row(
        ref=contract.ref,
        title=contract.title,
        state=state(contract, today=today),
        turn=turn(contract),
        side=side_of(contract, actor) if actor else None,
        region=contract.region,
        vendor=contract.vendor_name,
        customer=contract.customer_name,
        vendor_id=contract.vendor_id,
        customer_id=contract.customer_id,
        created_at=contract.created_at,
        completed_at=completed_at(dated_facts(contract)),
        standing=standing(contract, actor, today=today) if actor else None,
        amends=contract.amends_id,
        archived_on=date.fromisoformat(contract.archived_on) if contract.archived_on else None,
    )
