"""Sending a round."""

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.approving import call_approvers
from portal.negotiation.actions.draft import answerable, check_values, demand_sayable, draft_row
from portal.negotiation.actions.letters import tell_others
from portal.negotiation.actions.looking import mark_look
from portal.negotiation.models import Round
from portal.negotiation.queries import Negotiation


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
        found = answerable(session, contract, actor, at=at)
        row = found.draft
        if row is None or not found.words:
            raise Refused(say("Your draft is empty. Answer at least one term first."))
        if rules.words_sha256(found.words) != seen_draft_sha256:
            raise rules.Stale(say("Your draft changed after this preview was made."))
        _demand_complete(found)
        _seal(row, found, actor, note=note, at=at)
        add_fact(session, contract, "round_sent", person_id=actor.person_id, side=found.side, at=at)
        counted = found.summary()
        record(
            session, contract.id, "negotiation:round:sent", actor=actor.log, at=at,
            facts=_facts(row, counted),
        )  # fmt: skip
        tell_others(
            session, found, "negotiation:round:sent", row.id, by=actor, at=at, number=row.number,
            counted=counted,
        )  # fmt: skip
        mark_look(session, contract, actor, row.number, at=at)
        call_approvers(session, found, by=actor, at=at)
        return row


def keep_note(
    session: Session, contract: Contract, actor: Actor, note: str | None, *, at: datetime
) -> None:
    """Keep the note of the round to come in this side's private draft; it is sent with it."""
    demand(actor, "round:draft")
    with transaction(session):
        row = draft_row(session, answerable(session, contract, actor, at=at), at=at)
        row.note = (note or "").strip() or None


def _facts(row: Round, counted: rules.Summary) -> dict[str, object]:
    facts: dict[str, object] = {
        "number": row.number, "offered": counted.offered, "accepted": counted.accepted,
        "countered": counted.countered, "rejected": counted.rejected,
        "open": counted.open, "sha256": row.sha256,
    }  # fmt: skip
    further = {
        "discussed": counted.discussed, "parked": counted.parked, "returned": counted.returned,
    }  # fmt: skip
    return facts | {kind: count for kind, count in further.items() if count}


def _demand_complete(found: Negotiation) -> None:
    offers = {t: w.value for t, w in found.words.items() if w.kind is rules.Kind.OFFER}
    check_values(found, offers, complete=True)
    for term, word in found.words.items():
        demand_sayable(found.standings[term], word, found.side)
    silent = [term for term in found.schema.terms if term not in found.words]
    if not found.rounds and silent:
        raise rules.Incomplete(
            say("The first round offers every term; %(count)s have none yet.", count=len(silent)),
            problems={term: [say("Offer a value.")] for term in silent},
        )


def _seal(row: Round, found: Negotiation, actor: Actor, *, note: str | None, at: datetime) -> None:
    note = (note or "").strip() or None
    body = rules.round_bytes(found.contract.ref, row.number, found.side, found.words, note=note)
    row.note = note
    row.sha256 = hashlib.sha256(body).hexdigest()
    row.sent_at, row.sent_by = at, actor.person_id
