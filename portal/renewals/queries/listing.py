"""The renewals of an organisation: by notice date, page by page, over all regions.

Every query walks an index on (organisation, notice date), so a page costs the same with a hundred
contracts and with fifty thousand. Titles, owners and money are opened for one page only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from heapq import merge
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract, Stakeholder
from portal.contracts.rules.life import Side
from portal.contracts.rules.listing import Count
from portal.contracts.rules.people import OWNER
from portal.renewals.models import Decision, Renewal
from portal.renewals.queries.measured import open_credits, scores
from portal.renewals.rules.dates import add_days, add_months, start_of
from portal.renewals.rules.listing import Filter, Mark, Show
from portal.renewals.rules.schedule import DECIDE_BEFORE
from portal.residency.models import DataKey

PAGE = 25
MONTHS_SHOWN = 12
COUNTED = 1_000
"""Up to how many notice dates of one month are counted."""


@dataclass(frozen=True)
class Listed:
    """A contract in the list of renewals, as its own side sees it."""

    ref: str
    title: str
    other: str
    side: Side
    state: str
    number: int
    begins: date
    ends: date
    notice_by: date
    price_by: date | None
    decide_by: date
    mode: str
    money: dict[str, str] | None
    owner: str
    decision: str | None
    region: str
    score: Decimal | None
    credits: int

    @property
    def mark(self) -> Mark:
        """Where this row stands in the order."""
        return Mark(self.notice_by.isoformat(), self.ref)


@dataclass(frozen=True)
class Page:
    """One page of the list: rows, and the mark after which the next page begins."""

    rows: list[Listed]
    following: Mark | None


def page_of(
    sessions: Sequence[Session],
    actor: Actor,
    wanted: Filter,
    *,
    today: date,
    after: Mark | None = None,
    size: int = PAGE,
) -> Page:
    """Return a page of the actor's renewals in the order of their notice dates."""
    found = _merged(sessions, actor, wanted, today=today, after=after, size=size + 1)
    rows = _open(found[:size], actor, today=today)
    return Page(rows, rows[-1].mark if len(found) > size else None)


def overdue(sessions: Sequence[Session], actor: Actor, *, today: date) -> Page:
    """Return the renewals whose decision is overdue while notice can still be given."""
    wanted = Filter(show=Show.OVERDUE)
    return page_of(sessions, actor, wanted, today=today)


def every_row(
    sessions: Sequence[Session], actor: Actor, wanted: Filter, *, today: date
) -> Iterator[Listed]:
    """Yield all of the actor's renewals that match, a page at a time."""
    after: Mark | None = None
    while True:
        page = page_of(sessions, actor, wanted, today=today, after=after, size=200)
        yield from page.rows
        if page.following is None:
            return
        after = page.following


def months_of(
    sessions: Sequence[Session], actor: Actor, wanted: Filter, *, today: date
) -> list[tuple[str, Count]]:
    """Return how many notice dates fall into each of the next twelve months, as ("2027-03", n).

    Counted up to a limit, so that counting costs the same; one query a region.
    """
    first = today.replace(day=1)
    names = [add_months(first, n).isoformat()[:7] for n in range(MONTHS_SHOWN + 1)]
    counts = dict.fromkeys(names, Count(0))
    parts = [(name, side) for name in names for side in _sides(wanted)]
    for session in sessions:
        queries = []
        for number, (name, side) in enumerate(parts):
            narrowed = _where(side, actor, replace(wanted, month=name), today=today)
            some = select(Renewal.id).where(*narrowed).limit(COUNTED + 1).subquery()
            queries.append(select(literal(number), func.count()).select_from(some))
        for number, count in session.execute(union_all(*queries)):
            counts[parts[number][0]] += Count(min(count, COUNTED), count > COUNTED)
    return list(counts.items())


def total(sessions: Sequence[Session], actor: Actor) -> bool:
    """Return whether the actor's organisation has any renewal at all."""
    return any(
        session.scalar(select(Renewal.id).where(_column(side) == actor.organisation_id).limit(1))
        for session in sessions
        for side in Side
    )


def _sides(wanted: Filter) -> list[Side]:
    return [wanted.side] if wanted.side else list(Side)


def _column(side: Side) -> ColumnElement[str]:
    column: Any = Renewal.vendor_id if side is Side.VENDOR else Renewal.customer_id
    found: ColumnElement[str] = column
    return found


def _where(side: Side, actor: Actor, wanted: Filter, *, today: date) -> list[ColumnElement[bool]]:
    decided = Renewal.vendor_decided if side is Side.VENDOR else Renewal.customer_decided
    now, notice = today.isoformat(), Renewal.notice_by
    horizon = add_months(today, MONTHS_SHOWN).isoformat()
    shown: dict[Show, list[ColumnElement[bool]]] = {
        Show.NEXT: [notice >= now, notice < horizon],
        Show.LATER: [notice >= horizon],
        Show.PASSED: [notice < now, notice >= add_months(today, -MONTHS_SHOWN).isoformat()],
        Show.OVERDUE: [
            notice >= now,
            notice < add_days(today, DECIDE_BEFORE).isoformat(),
            decided == 0,
            Renewal.state == "running",
        ],
    }
    told = [_column(side) == actor.organisation_id, Renewal.state != "over", *shown[wanted.show]]
    if wanted.month:
        told += [notice >= f"{wanted.month}-01", notice <= f"{wanted.month}-31"]
    if wanted.mode:
        told.append(Renewal.mode == wanted.mode.value)
    if wanted.decided is not None:
        told.append(decided == int(wanted.decided))
    return told


def _merged(
    sessions: Sequence[Session],
    actor: Actor,
    wanted: Filter,
    *,
    today: date,
    after: Mark | None,
    size: int,
) -> list[tuple[Session, Renewal]]:
    def found(session: Session, side: Side) -> list[tuple[Session, Renewal]]:
        query = select(Renewal).where(*_where(side, actor, wanted, today=today))
        rows = session.scalars(_after(query, after).limit(size))
        return [(session, row) for row in rows]

    lists = [found(session, side) for session in sessions for side in _sides(wanted)]
    order = lambda pair: (pair[1].notice_by, pair[1].contract_id)  # noqa: E731
    return list(islice(merge(*lists, key=order), size))


def _after(query: Select[Any], after: Mark | None) -> Select[Any]:
    query = query.order_by(Renewal.notice_by, Renewal.contract_id)
    if after is None:
        return query
    # Written as a range and a remainder, so that the index finds its place.
    return query.where(
        Renewal.notice_by >= after.notice_by,
        (Renewal.notice_by > after.notice_by) | (Renewal.contract_id > after.ref),
    )


def _open(found: Sequence[tuple[Session, Renewal]], actor: Actor, *, today: date) -> list[Listed]:
    """Open what is sealed of one page: six queries a region, however many rows."""
    since = start_of(add_months(today, -MONTHS_SHOWN), ZoneInfo("UTC"))
    opened: dict[str, Listed] = {}
    for session in dict.fromkeys(session for session, _ in found):
        rows = [row for holder, row in found if holder is session]
        refs = [row.contract_id for row in rows]
        # Held while the rows are opened, so that no contract asks for its key by itself.
        keys = session.scalars(select(DataKey).where(DataKey.id.in_(refs))).all()
        contracts = {
            one.id: one for one in session.scalars(select(Contract).where(Contract.id.in_(refs)))
        }
        owners = _owners(session, refs)
        decisions = _decisions(session, refs)
        score, credits = scores(session, refs, since=since), open_credits(session, refs)
        for row in rows:
            contract = contracts[row.contract_id]
            is_vendor = row.vendor_id == actor.organisation_id
            side = Side.VENDOR if is_vendor else Side.CUSTOMER
            opened[row.contract_id] = _listed(
                row, contract, side, owners.get((row.contract_id, side.value), ""),
                decisions.get((row.contract_id, side.value, row.number)),
                score.get(row.contract_id), credits.get(row.contract_id, 0),
            )  # fmt: skip
        del keys
    return [opened[row.contract_id] for _, row in found]


def _owners(session: Session, refs: Sequence[str]) -> dict[tuple[str, str], str]:
    rows = session.scalars(
        select(Stakeholder).where(Stakeholder.contract_id.in_(refs), Stakeholder.function == OWNER)
    )
    return {(row.contract_id, row.side): row.name for row in rows}


def _decisions(session: Session, refs: Sequence[str]) -> dict[tuple[str, str, int], str]:
    """Return each side's last decision by term. Only the asker's own is ever read from it."""
    rows = session.scalars(
        select(Decision).where(Decision.contract_id.in_(refs)).order_by(Decision.id)
    )
    return {(row.contract_id, row.side, row.number): row.said["choice"] for row in rows}


def _listed(
    row: Renewal,
    contract: Contract,
    side: Side,
    owner: str,
    decision: str | None,
    score: Decimal | None,
    credits: int,
) -> Listed:
    is_vendor = side is Side.VENDOR
    return Listed(
        ref=row.contract_id,
        title=contract.title,
        other=contract.customer_name if is_vendor else contract.vendor_name,
        side=side,
        state=row.state,
        number=row.number,
        begins=date.fromisoformat(row.begins),
        ends=date.fromisoformat(row.ends),
        notice_by=date.fromisoformat(row.notice_by),
        price_by=date.fromisoformat(row.price_by) if row.price_by else None,
        decide_by=date.fromisoformat(row.decide_by),
        mode=row.mode,
        money=row.money,
        owner=owner,
        decision=decision,
        region=row.region,
        score=score,
        credits=credits,
    )
