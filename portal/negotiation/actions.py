"""Answering in private, sending a round, freezing what is agreed.

A draft is one side's own business: it writes no entry on the chain both sides read. Sending does.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact, add_version
from portal.contracts.models import Contract, Version
from portal.contracts.queries import amends, people_to_tell
from portal.contracts.rules.freezing import frozen_document
from portal.contracts.rules.life import Side
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.negotiation import rules
from portal.negotiation.models import Answer, Round
from portal.negotiation.queries import Negotiation, negotiation_of
from portal.notices.actions import tell
from portal.terms.rules import Term, Value


def draft_of(session: Session, contract: Contract, actor: Actor, *, at: datetime) -> Round:
    """Return this side's private draft, made if there is none; needs the turn."""
    demand(actor, "round:draft")
    with transaction(session):
        return _draft(session, _answerable(session, contract, actor, at=at), at=at)


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
        found = _answerable(session, contract, actor, at=at)
        _check_values(found, values, complete=False)
        row = _draft(session, found, at=at)
        answers = {answer.term: answer for answer in row.answers}
        for term, value in values.items():
            word = rules.offer(value, reason=reason)
            standing = found.standings[term]
            if standing.sha256 == word.sha256:
                _remove(session, row, answers.get(term))
                continue
            _demand_sayable(standing, word, found.side)
            _write(session, row, answers.get(term), term, word, at=at)
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
        found = _answerable(session, contract, actor, at=at, term=term)
        standing = found.standings[term]
        if (seen_sha256 or None) != standing.sha256:
            raise rules.Stale("The offer is no longer the one you saw.", term=term)
        word = _word(rules.Kind(kind), standing, value, reason)
        if word.kind is rules.Kind.OFFER:
            _check_values(found, {term: value}, complete=True)
        _demand_sayable(standing, word, found.side)
        row = _draft(session, found, at=at)
        old = next((a for a in row.answers if a.term == term), None)
        _write(session, row, old, term, word, at=at)
        return row


def clear_answer(
    session: Session, contract: Contract, actor: Actor, term: str, *, at: datetime
) -> None:
    """Take one answer out of the draft; without one, nothing happens."""
    demand(actor, "round:draft")
    with transaction(session):
        found = _answerable(session, contract, actor, at=at, term=term)
        if found.draft is not None:
            old = next((a for a in found.draft.answers if a.term == term), None)
            _remove(session, found.draft, old)


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
        found = _answerable(session, contract, actor, at=at)
        if seen_round is not None and seen_round != len(found.rounds):
            raise rules.Stale("Another round has arrived since you looked.")
        words = {
            term: rules.Word(rules.Kind.ACCEPT, found.standings[term].sha256 or "")
            for term in rules.unanswered(found.standings, found.words, found.side)
        }
        able = {
            term: word
            for term, word in words.items()
            if rules.why_not(found.standings[term], word, side=found.side) is None
        }
        if not able:
            raise Refused("There is no unanswered offer to accept.")
        row = _draft(session, found, at=at)
        for term, word in able.items():
            _write(session, row, None, term, word, at=at)
        return len(able)


def send_round(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    seen_draft_sha256: str,
    note: str | None = None,
    at: datetime,
) -> Round:
    """Send the draft as it was previewed; from then on it never changes.

    Raises `Stale` where the draft is not the one previewed, `Incomplete` where a value is missing.
    """
    demand(actor, "round:send")
    with transaction(session):
        found = _answerable(session, contract, actor, at=at)
        row = found.draft
        if row is None or not found.words:
            raise Refused("Your draft is empty. Answer at least one term first.")
        if rules.words_sha256(found.words) != seen_draft_sha256:
            raise rules.Stale("Your draft changed after this preview was made.")
        _demand_complete(found)
        _seal(row, found, actor, note=note, at=at)
        add_fact(session, contract, "round_sent", person_id=actor.person_id, side=found.side, at=at)
        counted = found.summary()
        record(
            session, contract.id, "negotiation:round:sent", actor=actor.log, at=at,
            facts={
                "number": row.number, "offered": counted.offered, "accepted": counted.accepted,
                "countered": counted.countered, "rejected": counted.rejected,
                "open": counted.open, "sha256": row.sha256,
            },
        )  # fmt: skip
        _tell(
            session, found, "negotiation:round:sent", row.id, at=at, by=actor, number=row.number,
            counted=counted,
        )  # fmt: skip
        return row


def freeze(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    at: datetime,
    seen_sha256: str | None = None,
) -> Version:
    """Freeze the agreed terms as the next version; either side may, once every condition holds.

    `seen_sha256` is `agreed_sha256` of what they saw; another one raises `Stale`.
    """
    demand(actor, "version:freeze")
    with transaction(session):
        found = negotiation_of(session, contract, actor, at=at)
        _demand_workable(found)
        if seen_sha256 not in (None, rules.agreed_sha256(found.standings)):
            raise rules.Stale("The terms on the table changed since you looked.")
        lacking = rules.missing(freeze_conditions(found))
        if lacking:
            raise Refused(lacking)
        version = add_version(session, contract, document=_document(session, found, at=at), at=at)
        add_fact(session, contract, "frozen", person_id=actor.person_id, side=found.side, at=at)
        record(
            session, contract.id, "negotiation:version:frozen", actor=actor.log, at=at,
            facts={"number": version.number, "sha256": version.sha256},
        )  # fmt: skip
        _tell(session, found, "negotiation:version:frozen", version.id, at=at, by=actor)
        return version


def freeze_conditions(found: Negotiation) -> list[rules.Condition]:
    """List what a freeze of this negotiation needs, and whether it holds."""
    return rules.conditions(
        found.standings, found.findings(with_draft=False), found.slots(), names=found.names
    )


def _answerable(
    session: Session, contract: Contract, actor: Actor, *, at: datetime, term: str | None = None
) -> Negotiation:
    found = negotiation_of(session, contract, actor, at=at)
    _demand_workable(found, term)
    if found.turn is not found.side:
        other = found.other_name
        raise rules.WrongTurn(f"It is {other}'s turn. Wait for their next round.", term=term)
    return found


def _demand_workable(found: Negotiation, term: str | None = None) -> None:
    if not found.workable:
        raise rules.Frozen("The terms can no longer be changed here.", term=term)


def _draft(session: Session, found: Negotiation, *, at: datetime) -> Round:
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


def _word(
    kind: rules.Kind, standing: rules.Standing, value: Value, reason: str | None
) -> rules.Word:
    reason = (reason or "").strip() or None
    if kind is rules.Kind.OFFER:
        return rules.offer(value, reason=reason)
    kept = reason if kind is rules.Kind.REJECT else None
    return rules.Word(kind, standing.sha256 or "", reason=kept)


def _demand_sayable(standing: rules.Standing, word: rules.Word, side: Side) -> None:
    problem = rules.why_not(standing, word, side=side)
    if problem:
        raise Refused(f"{standing.term}: {problem}")


def _check_values(found: Negotiation, values: Mapping[str, Value], *, complete: bool) -> None:
    problems = {}
    for term, value in values.items():
        known: Term = found.schema.terms[term]
        if wrong := rules.value_problems(known, value, complete=complete):
            problems[term] = wrong
    if problems:
        first = next(iter(problems))
        label = found.schema.terms[first].label
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise rules.Incomplete(f"{label}: {problems[first][0]}{more}", problems=problems)


def _demand_complete(found: Negotiation) -> None:
    offers = {t: w.value for t, w in found.words.items() if w.kind is rules.Kind.OFFER}
    _check_values(found, offers, complete=True)
    for term, word in found.words.items():
        _demand_sayable(found.standings[term], word, found.side)
    silent = [term for term in found.schema.terms if term not in found.words]
    if not found.rounds and silent:
        raise rules.Incomplete(
            f"The first round offers every term; {len(silent)} have none yet.",
            problems={term: ["Offer a value."] for term in silent},
        )


def _write(
    session: Session, row: Round, old: Answer | None, term: str, word: rules.Word, *, at: datetime
) -> None:
    if old is None:
        old = Answer(
            id=new_id(at), region=row.region, contract_id=row.contract_id, term=term,
            round_id=row.id,
        )  # fmt: skip
        row.answers.append(old)
    old.kind, old.value_sha256 = word.kind.value, word.sha256
    put(session, old, value=word.value, reason=word.reason)


def _remove(session: Session, row: Round, old: Answer | None) -> None:
    if old is not None:
        session.delete(old)
        session.flush()
        session.expire(row, ["answers"])


def _seal(row: Round, found: Negotiation, actor: Actor, *, note: str | None, at: datetime) -> None:
    note = (note or "").strip() or None
    body = rules.round_bytes(found.contract.ref, row.number, found.side, found.words, note=note)
    row.note = note
    row.sha256 = hashlib.sha256(body).hexdigest()
    row.sent_at, row.sent_by = at, actor.person_id


def _document(session: Session, found: Negotiation, *, at: datetime) -> dict[str, object]:
    contract = found.contract
    details: Callable[[str], str] = lambda id: db.session.get_one(Organisation, id).details  # noqa: E731
    return frozen_document(
        contract,
        version_number=len(contract.versions) + 1,
        terms=rules.values_of(found.standings),
        vendor_details=details(contract.vendor_id),
        customer_details=details(contract.customer_id),
        frozen_at=at,
        amends=amends(session, contract),
    )


def _tell(
    session: Session, found: Negotiation, event: str, cause: str, *, at: datetime, by: Actor,
    **words: object,
) -> None:  # fmt: skip
    """Tell those of the other side; it names no term and no value."""
    contract = found.contract
    for person in people_to_tell(contract, found.side.other):
        tell(
            session, event=event, to=person, chain=contract.id, cause=cause,
            link=f"/contracts/{contract.ref}/terms", by=by.person_id,
            sender=found.names[found.side], at=at, **words,
        )  # fmt: skip
