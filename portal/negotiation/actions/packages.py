"""Packages: answers that stand or fall together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.draft import (
    answerable,
    demand_sayable,
    draft_row,
    old_answer,
    untied,
    write_word,
)


def make_package(
    session: Session, contract: Contract, actor: Actor, terms: Sequence[str], *, at: datetime
) -> str:
    """Tie answers of the draft together; return the package's name.

    An acceptance in a package becomes conditional: it is an offer of the value they offer. Raises
    `Refused` for fewer than two terms, for a term without an answer, and for a nested package.
    """
    demand(actor, "round:draft")
    with transaction(session):
        found = answerable(session, contract, actor, at=at)
        chosen = [term for term in found.standings if term in set(terms)]
        chosen += [term for term in found.words if term in set(terms) - set(chosen)]
        problem = rules.package_problem(chosen, found.words, found.standings)
        if problem:
            raise Refused(problem)
        name = rules.next_package(found.standings, found.words)
        row = draft_row(session, found, at=at)
        for term in chosen:
            word = _tied(found.words[term], found.standings[term], name)
            demand_sayable(found.standings[term], word, found.side)
            write_word(session, row, old_answer(row, term), term, word, at=at)
        return name


def _tied(word: rules.Word, standing: rules.Standing, name: str) -> rules.Word:
    if word.kind is rules.Kind.ACCEPT:
        return rules.offer(standing.value, package=name, author=word.author)
    return replace(word, package=name)


def dissolve_package(
    session: Session, contract: Contract, actor: Actor, name: str, *, at: datetime
) -> None:
    """Untie a package of the draft; its answers stay, each by itself."""
    demand(actor, "round:draft")
    with transaction(session):
        found = answerable(session, contract, actor, at=at)
        terms = rules.packages_in(found.words).get(name)
        if terms is None:
            raise NotFound
        row = draft_row(session, found, at=at)
        for term in terms:
            word = untied(found.words[term], found.standings[term])
            write_word(session, row, old_answer(row, term), term, word, at=at)


def answer_package(
    session: Session,
    contract: Contract,
    actor: Actor,
    name: str,
    *,
    kind: str,
    seen_round: int,
    reason: str | None = None,
    at: datetime,
) -> int:
    """Accept a package of the other side whole, or return it with a reason; return its size.

    Raises `Stale` where another round has arrived since they looked.
    """
    demand(actor, "round:draft")
    with transaction(session):
        found = answerable(session, contract, actor, at=at)
        terms = rules.packages_of(found.standings).get(name)
        if terms is None:
            raise NotFound
        if seen_round != found.last_sent:
            raise rules.Stale(say("Another round has arrived since you looked."))
        row = draft_row(session, found, at=at)
        for term in terms:
            standing = found.standings[term]
            word = rules.Word(
                rules.Kind(kind), standing.sha256 or "", author=actor.person_id,
                reason=(reason or "").strip() or None if kind == rules.Kind.REJECT else None,
            )  # fmt: skip
            demand_sayable(standing, word, found.side)
            write_word(session, row, old_answer(row, term), term, word, at=at)
        return len(terms)
