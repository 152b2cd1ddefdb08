"""Looking at many contracts in turn: those whose log has grown first, then some of the others.

A job that looks at every contract of a region would take longer the more there are. It walks
instead: at each look it takes what has changed since its last look, told by the order of the log,
which every change has an entry in; and a few more, going on where it stopped, for what time alone
does. A region with few contracts is walked through whole at each look.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal.audit.models import Leaf
from portal.contracts.models import Contract, Fact, Walk
from portal.kit.db import insert_for, transaction

NEWS = 2_000
"""How many entries of the log are looked at together."""

COMPLETED: Select[Any] = select(Fact.contract_id).where(Fact.kind == "completed").distinct()
IN_SIGNING: Select[Any] = select(Contract.id).where(Contract.stage == "signing")


@contextmanager
def walk(session: Session, job: str, among: Select[Any], *, most: int) -> Iterator[list[str]]:
    """Give the contracts a job should look at now, `most` of them and those with news.

    How far it came is kept when the job is done with them: who is interrupted looks at them again.
    """
    row = session.get(Walk, job, populate_existing=True)
    stood = (row.last, row.place) if row else ("", None)
    changed, place = _changed(session, among, stood[1])
    some, last = _next(session, among, stood[0], most)
    session.rollback()
    yield list(dict.fromkeys([*changed, *some]))
    if (last, place) != stood:
        _keep(session, job, last, place)


def _changed(session: Session, among: Select[Any], place: int | None) -> tuple[Sequence[str], int]:
    """Return the contracts with entries from a place on, and the place after the last of these."""
    if place is None:
        newest = session.scalar(select(func.max(Leaf.place)))
        return [], 0 if newest is None else newest + 1
    rows = session.execute(
        select(Leaf.place, Leaf.chain).where(Leaf.place >= place).order_by(Leaf.place).limit(NEWS)
    ).all()
    if not rows:
        return [], place
    refs = {row.chain.partition("/")[0] for row in rows}
    (column,) = among.selected_columns
    return session.scalars(among.where(column.in_(sorted(refs)))).all(), rows[-1].place + 1


def _next(session: Session, among: Select[Any], last: str, most: int) -> tuple[list[str], str]:
    """Return the next contracts after one, from the first again after the last of all."""
    (column,) = among.selected_columns
    found = list(session.scalars(among.where(column > last).order_by(column).limit(most)))
    left = most - len(found)
    if left and last:
        found += session.scalars(among.where(column <= last).order_by(column).limit(left))
    return found, found[-1] if len(found) == most else ""


def _keep(session: Session, job: str, last: str, place: int) -> None:
    values = {"last": last, "place": place}
    new = insert_for(session)(Walk).values(job=job, region=session.info["region"], **values)
    with transaction(session):
        session.execute(new.on_conflict_do_update(index_elements=["job"], set_=values))
