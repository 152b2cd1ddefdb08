"""Putting answers into the draft and taking them out again."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.draft import (
    answerable,
    check_values,
    demand_sayable,
    draft_row,
    old_answer,
    remove_word,
    write_word,
)
from portal.negotiation.models import Round
from portal.negotiation.queries import Negotiation
from portal.terms.rules import Value
from portal.terms.rules.special import special_term


def draft_of(session: Session, contract: Contract, actor: Actor, *, at: datetime) -> Round:
    """Return this side's private draft, made if there is none; needs the turn."""
    demand(actor, "round:draft")
    with transaction(session):
        return draft_row(session, answerable(session, contract, actor, at=at), at=at)


def set_offers(
    session: Session,
    contract: Contract,
    actor: Actor,
    values: Mapping[str, Value],
    *,
    at: datetime,
    reason: str | None = None,
) -> Round:
    """Offer many values at once in the draft; a value that already lies on the table needs none.

    A needed value may still be empty while drafting. Raises `Incomplete` for a value that cannot
    stand, and `Refused` for an agreed term without a reason; then nothing is stored.
    """
    demand(actor, "round:draft")
    with transaction(session):
        found = answerable(session, contract, actor, at=at)
        check_values(found, values, complete=False)
        row = draft_row(session, found, at=at)
        answers = {answer.term: answer for answer in row.answers}
        for term, value in values.items():
            word = rules.offer(value, reason=reason, author=actor.person_id)
            standing = found.standings[term]
            if standing.sha256 == word.sha256 and not standing.lapsed:
                remove_word(session, row, answers.get(term))
                continue
            demand_sayable(standing, word, found.side)
            write_word(session, row, answers.get(term), term, word, at=at)
        return row


def answer(
    session: Session,
    contract: Contract,
    actor: Actor,
    term: str,
    *,
    kind: str,
    value: Value = None,
    seen_sha256: str | None,
    reason: str | None = None,
    at: datetime,
) -> Round:
    """Put one answer into the draft; `seen_sha256` is the hash of the last offer they saw.

    Raises `Frozen`, `WrongTurn` or `Stale` where the table is not as they saw it.
    """
    demand(actor, "round:draft")
    with transaction(session):
        found = answerable(session, contract, actor, at=at, term=term)
        standing = found.standings[term]
        if (seen_sha256 or None) != standing.sha256:
            raise rules.Stale(say("The offer is no longer the one you saw."), term=term)
        row = draft_row(session, found, at=at)
        old = old_answer(row, term)
        word = _word(rules.Kind(kind), standing, value, reason, actor, old.package if old else None)
        if word.kind is rules.Kind.OFFER:
            check_values(found, {term: value}, complete=True)
        demand_sayable(standing, word, found.side)
        if old is not None and old.package and not word.package:
            remove_word(session, row, old)
            old = None
        write_word(session, row, old, term, word, at=at)
        return row


def _word(
    kind: rules.Kind,
    standing: rules.Standing,
    value: Value,
    reason: str | None,
    actor: Actor,
    package: str | None,
) -> rules.Word:
    """Return the word; a changed offer stays in the package its draft put it into."""
    reason = (reason or "").strip() or None
    if kind is rules.Kind.OFFER:
        return rules.offer(value, reason=reason, package=package, author=actor.person_id)
    kept = reason if kind in (rules.Kind.REJECT, rules.Kind.DISCUSS, rules.Kind.PARK) else None
    return rules.Word(kind, standing.sha256 or "", reason=kept, author=actor.person_id)


def propose_clause(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    value: Value,
    reason: str,
    at: datetime,
) -> str:
    """Offer a special term in the draft; return its id. It takes a reason both sides read."""
    demand(actor, "round:draft")
    if not reason.strip():
        raise Refused(say("Say why the contract needs this clause."))
    with transaction(session):
        found = answerable(session, contract, actor, at=at)
        term = found.next_special()
        if wrong := rules.value_problems(special_term(term), value, complete=True):
            raise rules.Incomplete(wrong[0], problems={term: wrong})
        word = rules.offer(value, reason=reason.strip(), author=actor.person_id)
        write_word(session, draft_row(session, found, at=at), None, term, word, at=at)
        return term


def clear_answer(
    session: Session, contract: Contract, actor: Actor, term: str, *, at: datetime
) -> None:
    """Take one answer out of the draft; without one, nothing happens."""
    demand(actor, "round:draft")
    with transaction(session):
        found = answerable(session, contract, actor, at=at, term=term)
        if found.draft is not None:
            remove_word(session, found.draft, old_answer(found.draft, term))


def accept_rest(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    at: datetime,
    seen_round: int | None = None,
) -> int:
    """Accept every offer of the other side that awaits an answer and has none; return how many.

    `seen_round` is the number of the last round they saw; another one raises `Stale`.
    """
    demand(actor, "round:draft")
    with transaction(session):
        found = answerable(session, contract, actor, at=at)
        if seen_round is not None and seen_round != found.last_sent:
            raise rules.Stale(say("Another round has arrived since you looked."))
        able = acceptable(found, author=actor.person_id)
        if not able:
            raise Refused(say("There is no unanswered offer to accept."))
        row = draft_row(session, found, at=at)
        for term, word in able.items():
            write_word(session, row, None, term, word, at=at)
        return len(able)


def acceptable(found: Negotiation, *, author: str | None = None) -> dict[str, rules.Word]:
    """Return an acceptance for each offer that awaits this side and has no answer in its draft.

    A package of which something was answered otherwise is left out: it goes back as a whole.
    """
    left = rules.unanswered(found.standings, found.words, found.side)
    broken = rules.returned_packages(
        found.standings,
        {t: w for t, w in found.words.items() if w.kind is not rules.Kind.ACCEPT},
    )
    words = {
        term: rules.Word(rules.Kind.ACCEPT, found.standings[term].sha256 or "", author=author)
        for term in left
        if found.standings[term].package not in broken
    }
    return {
        term: word
        for term, word in words.items()
        if rules.why_not(found.standings[term], word, side=found.side) is None
    }
