"""Consent to electronic records: given with the text shown, withdrawn at any time; paper copies."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract, SignerSlot
from portal.contracts.queries import own_side, people_to_tell, side_of
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import long_day, say
from portal.signing import queries, rules
from portal.signing.actions.letters import Post
from portal.signing.actions.turn import hold
from portal.signing.models import Consent, PaperRequest


def give_consent(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    shown_sha256: str,
    covers: str,
    demonstrated: bool,
    at: datetime,
) -> Consent:
    """Store a signer's consent to electronic records with the exact text shown; once is enough.

    `demonstrated`: the person typed the word of the sample PDF, and so showed that they can open
    such records. `covers` is one of `rules.COVERS`.
    """
    demand(actor, "signature:sign")
    disclosure = rules.load_disclosure()
    if shown_sha256 != disclosure.sha256:
        raise Refused(say("The text changed after this page was opened. Read it again."))
    if not demonstrated:
        raise Refused(say("Open the sample PDF and type the word it holds."))
    if covers not in rules.COVERS:
        raise Refused(say("Choose what your consent covers."))
    with transaction(session):
        demand_signer(hold(session, contract), actor)
        given = queries.standing_consent(session, contract, actor.person_id)
        if given is not None:
            return given
        row = Consent(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            person_id=actor.person_id, disclosure=disclosure.version,
            disclosure_sha256=disclosure.sha256, covers=covers, demonstrated=1, given_at=at,
        )  # fmt: skip
        session.add(row)
        record(
            session, contract.id, "signing:consent:given", actor=actor.log, at=at,
            facts={
                "consent": row.id, "disclosure": row.disclosure, "sha256": disclosure.sha256,
                "covers": covers, "demonstrated": True,
            },
        )  # fmt: skip
        return row


def withdraw_consent(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> None:
    """End a person's consent from this instant; a signature they made stays as it is."""
    with transaction(session):
        hold(session, contract)
        given = queries.consents_of(session, contract, actor.person_id)
        if not given:
            raise Refused(say("There is no consent of yours to withdraw for this contract."))
        for row in given:
            row.withdrawn_at = at
        record(
            session, contract.id, "signing:consent:withdrawn", actor=actor.log, at=at,
            facts={"consents": [row.id for row in given]},
        )  # fmt: skip
        post = Post(session, contract, at, by=actor.person_id)
        for person in [p for side in Side for p in people_to_tell(contract, side)]:
            post.write(
                "signing:consent:withdrawn", given[0].id, person,
                organisation=actor.organisation_name,
            )  # fmt: skip


def demand_signer(contract: Contract, actor: Actor) -> SignerSlot:
    """Return the actor's slot; `NotFound` for one who does not sign."""
    slot = queries.slot_of(contract, actor.person_id)
    if slot is None:
        raise NotFound
    return slot


def ask_for_paper(
    session: Session, actor: Actor, contract: Contract, *, at: datetime
) -> PaperRequest:
    """Ask for a paper copy; the people of one's own side send it by the due day. Once is enough."""
    demand(actor, "contract:see")
    side = own_side(contract, actor)
    with transaction(session):
        hold(session, contract)
        open_one = queries.open_paper_request(session, contract, actor.person_id)
        if open_one is not None:
            return open_one
        row = PaperRequest(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=side,
            person_id=actor.person_id, asked_at=at, due_at=at + rules.PAPER_WITHIN,
        )  # fmt: skip
        put(session, row, name=actor.name)
        record(
            session, contract.id, "signing:paper:asked", actor=actor.log, at=at,
            facts={"request": row.id, "side": side},
        )  # fmt: skip
        post = Post(session, contract, at, by=actor.person_id)
        for person in people_to_tell(contract, side):
            post.write("signing:paper:asked", row.id, person, due=long_day(row.due_at))
        return row


def send_paper(
    session: Session, actor: Actor, contract: Contract, request_id: str, *, at: datetime
) -> None:
    """Note that a paper copy was sent to the person of one's own side who asked for it."""
    demand(actor, "paper:send")
    with transaction(session):
        hold(session, contract)
        row = session.get(PaperRequest, request_id)
        if row is None or row.contract_id != contract.id or row.side != side_of(contract, actor):
            raise NotFound
        if row.sent_at is not None:
            raise Refused(say("This copy was already noted as sent."))
        row.sent_at, row.sent_by = at, actor.person_id
        record(
            session, contract.id, "signing:paper:sent", actor=actor.log, at=at,
            facts={"request": row.id},
        )  # fmt: skip
