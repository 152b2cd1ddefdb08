"""Opening a round that came, and recalling one that nobody has opened. A round has one fate."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.letters import tell_others
from portal.negotiation.models import Answer, Round, RoundFate
from portal.negotiation.queries import Negotiation, negotiation_of


def open_round(session: Session, contract: Contract, actor: Actor, *, at: datetime) -> int | None:
    """Open the round that waits for this side; return its number, or None where none does."""
    demand(actor, "round:open")
    with transaction(session):
        found = negotiation_of(session, contract, actor, at=at)
        if found.waiting is None:
            return None
        open_waiting(session, found, actor, at=at)
        return found.waiting.number


def open_waiting(session: Session, found: Negotiation, actor: Actor, *, at: datetime) -> None:
    """Mark the waiting round as opened, in the caller's transaction; it can be recalled no more."""
    waiting = found.waiting
    if waiting is None:
        return
    _fate(session, found.contract, waiting.round_id, "opened", actor, at=at)
    record(
        session, found.contract.id, "negotiation:round:opened", actor=actor.log, at=at,
        facts={"number": waiting.number},
    )  # fmt: skip


def recall_round(session: Session, contract: Contract, actor: Actor, *, at: datetime) -> int:
    """Take back the last round while the other side has not opened it; its answers are a draft
    again. The round itself is kept as it was sent, and its number is not used again."""
    demand(actor, "round:send")
    with transaction(session):
        found = negotiation_of(session, contract, actor, at=at)
        if not found.workable:
            raise rules.Frozen(say("The terms are frozen: the round can no longer be recalled."))
        if not found.recallable:
            raise Refused(
                say(
                    "%(name)s has opened your round, or it was recalled already.",
                    name=found.other_name,
                )
            )
        sent = found.rounds[-1]
        row = _row(session, contract, sent.number)
        _fate(session, contract, row.id, "recalled", actor, at=at)
        _draft_again(session, found, row, at=at)
        add_fact(
            session, contract, "round_recalled", person_id=actor.person_id, side=found.side, at=at
        )
        record(
            session, contract.id, "negotiation:round:recalled", actor=actor.log, at=at,
            facts={"number": sent.number},
        )  # fmt: skip
        tell_others(
            session, found, "negotiation:round:recalled", row.id, by=actor, at=at,
            number=sent.number,
        )  # fmt: skip
        return sent.number


def _row(session: Session, contract: Contract, number: int) -> Round:
    query = session.query(Round).filter_by(contract_id=contract.id, number=number)
    return query.one()


def _fate(
    session: Session, contract: Contract, round_id: str, kind: str, actor: Actor, *, at: datetime
) -> None:
    session.add(
        RoundFate(
            id=new_id(at), region=contract.region, contract_id=contract.id, round_id=round_id,
            kind=kind, at=at, person_id=actor.person_id,
        )
    )  # fmt: skip
    session.flush()


def _draft_again(session: Session, found: Negotiation, row: Round, *, at: datetime) -> None:
    draft = Round(
        id=new_id(at), region=row.region, contract_id=row.contract_id,
        number=found.next_number, side=row.side, created_at=at, answers=[],
    )  # fmt: skip
    session.add(draft)
    session.flush()
    for answer in row.answers:
        copy = Answer(
            id=new_id(at), region=row.region, contract_id=row.contract_id, round_id=draft.id,
            term=answer.term, kind=answer.kind, value_sha256=answer.value_sha256,
            package=answer.package, author=answer.author,
        )  # fmt: skip
        draft.answers.append(copy)
        put(session, copy, value=answer.value, reason=answer.reason)
    put(session, draft, note=row.note)
