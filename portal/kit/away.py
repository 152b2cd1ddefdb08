"""Regions whose database does not answer: work that each region has for itself goes on without.

Only such work. What compares regions, or decides about one by what lies in another, waits for all.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from portal.kit.db import is_postgresql

LEFT_OUT: ContextVar[frozenset[str]] = ContextVar("left_out", default=frozenset())
D = TypeVar("D")


class HasEngine(Protocol):
    """What is asked whether it answers."""

    engine: Engine


def silent_among(databases: Mapping[str, HasEngine]) -> frozenset[str]:
    """Return the regions whose server does not answer now; a file always does."""
    return frozenset(
        name
        for name, one in databases.items()
        if is_postgresql(one.engine) and not answers(one.engine)
    )


def answers(engine: Engine) -> bool:
    """Whether a database is there to be asked."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def present(databases: Mapping[str, D]) -> Mapping[str, D]:
    """Return the regions that are not left out now."""
    left_out = LEFT_OUT.get()
    return {name: one for name, one in databases.items() if name not in left_out}


@contextmanager
def leaving_out(names: frozenset[str]) -> Iterator[None]:
    """Work as if these regions were none of this host's."""
    before = LEFT_OUT.set(names)
    try:
        yield
    finally:
        LEFT_OUT.reset(before)
