"""The private draft: opened, checked, written into. One side's own business, so it writes no entry
on the chain both sides read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.queries import template_of
from portal.contracts.rules.life import Side
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.opening import open_waiting
from portal.negotiation.models import Answer, Round
from portal.negotiation.queries import Negotiation, negotiation_of
from portal.templates.rules import Template, barred
from portal.terms.rules import Term, Value


def answerable(
    session: Session, contract: Contract, actor: Actor, *, at: datetime, term: str | None = None
) -> Negotiation:
    """Return the table for a side that may answer now; who answers a round has opened it.

    Raises `Frozen` or `WrongTurn`.
    """
    found = negotiation_of(session, contract, actor, at=at)
    demand_workable(found, term)
    if found.turn is not found.side:
        other = found.other_name
        raise rules.WrongTurn(
            say("It is %(name)s's turn. Wait for their next round.", name=other), term=term
        )
    if found.waiting is not None:
        open_waiting(session, found, actor, at=at)
        found = negotiation_of(session, contract, actor, at=at)
    return found


def demand_workable(found: Negotiation, term: str | None = None) -> None:
    """Raise `Frozen` once the terms are frozen or the contract has ended."""
    if not found.workable:
        raise rules.Frozen(say("The terms can no longer be changed here."), term=term)


def draft_row(session: Session, found: Negotiation, *, at: datetime) -> Round:
    """Return the row of this side's draft, made if there is none."""
    if found.draft is not None:
        return found.draft
    contract = found.contract
    row = Round(
        id=new_id(at), region=contract.region, contract_id=contract.id,
        number=found.next_number, side=found.side.value, created_at=at, answers=[],
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def demand_sayable(standing: rules.Standing, word: rules.Word, side: Side) -> None:
    """Raise `Refused` where the rules do not let this side say this now."""
    problem = rules.why_not(standing, word, side=side)
    if problem:
        raise Refused(say("%(term)s: %(problem)s", term=standing.term, problem=problem))


def value_problems(
    found: Negotiation, template: Template, term: Term, value: Value, *, complete: bool
) -> list[str]:
    """List what is wrong with a value, and what the contract's template bars."""
    if wrong := rules.value_problems(term, value, complete=complete):
        return wrong
    word, standing = found.words.get(term.id), found.standings[term.id]
    if standing.offer is None and word is None:
        return []  # what a contract starts with comes from the template, its tier and the parties
    held = standing.value
    if standing.offer is None and word is not None and word.kind is rules.Kind.OFFER:
        held = word.value
    problem = barred(template, term, value, held=held)
    return [problem] if problem else []


def check_values(found: Negotiation, values: Mapping[str, Value], *, complete: bool) -> None:
    """Raise `Incomplete` with every value that cannot stand."""
    problems, template = {}, template_of(found.contract)
    for term, value in values.items():
        known = found.schema.terms[term]
        if wrong := value_problems(found, template, known, value, complete=complete):
            problems[term] = wrong
    if problems:
        first = next(iter(problems))
        label = found.schema.terms[first].label
        said = say("%(term)s: %(problem)s", term=label, problem=problems[first][0])
        if len(problems) > 1:
            said = say("%(first)s (%(count)s more)", first=said, count=len(problems) - 1)
        raise rules.Incomplete(said, problems=problems)


def write_word(
    session: Session, row: Round, old: Answer | None, term: str, word: rules.Word, *, at: datetime
) -> None:
    """Put a word into the draft in place of the old one."""
    if old is None:
        old = Answer(
            id=new_id(at), region=row.region, contract_id=row.contract_id, term=term,
            round_id=row.id,
        )  # fmt: skip
        row.answers.append(old)
    old.kind, old.value_sha256 = word.kind.value, word.sha256
    old.package, old.author = word.package, word.author
    put(session, old, value=word.value, reason=word.reason)


def remove_word(session: Session, row: Round, old: Answer | None) -> None:
    """Take a word out of the draft; the rest of its package stays tied unless one is left alone."""
    if old is None:
        return
    package = old.package
    session.delete(old)
    session.flush()
    session.expire(row, ["answers"])
    if package:
        left = [answer for answer in row.answers if answer.package == package]
        if len(left) < rules.LEAST_IN_A_PACKAGE:
            for answer in left:
                answer.package = None


def old_answer(row: Round | None, term: str) -> Answer | None:
    """Return the draft's present answer to a term."""
    return next((a for a in row.answers if a.term == term), None) if row else None


def untied(word: rules.Word, standing: rules.Standing) -> rules.Word:
    """Return a word as it stands outside of a package: an offer of their value is an acceptance."""
    plain = replace(word, package=None)
    offer = standing.offer
    theirs = offer is not None and word.sha256 == offer.word.sha256 and not standing.lapsed
    if word.kind is rules.Kind.OFFER and theirs and standing.status is not rules.Status.AGREED:
        return replace(plain, kind=rules.Kind.ACCEPT, value=None, reason=None)
    return plain
