"""Consents to electronic records, and paper copies."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract, SignerSlot
from portal.contracts.rules.life import Side
from portal.signing import rules
from portal.signing.models import Consent, PaperRequest


@dataclass(frozen=True)
class Records:
    """A contract in which a person may have electronic records, and the consent they gave."""

    ref: str
    title: str
    consent: Consent | None
    paper: PaperRequest | None


def contracts_of_signer(session: Session, actor: Actor) -> list[Records]:
    """Return the contracts a person signs or consented in, within their own organisation."""
    mine = or_(
        Contract.vendor_id == actor.organisation_id, Contract.customer_id == actor.organisation_id
    )
    signs = select(SignerSlot.contract_id).where(SignerSlot.person_id == actor.person_id)
    consented = select(Consent.contract_id).where(Consent.person_id == actor.person_id)
    rows = session.scalars(
        select(Contract)
        .where(mine, or_(Contract.id.in_(signs), Contract.id.in_(consented)))
        .order_by(Contract.created_at.desc())
    ).all()
    given = session.scalars(
        select(Consent)
        .where(Consent.person_id == actor.person_id, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at)
    )
    standing = {row.contract_id: row for row in given}
    asked = session.scalars(
        select(PaperRequest).where(
            PaperRequest.person_id == actor.person_id, PaperRequest.sent_at.is_(None)
        )
    )
    paper = {row.contract_id: row for row in asked}
    return [Records(row.id, row.title, standing.get(row.id), paper.get(row.id)) for row in rows]


def paper_requests(session: Session, contract: Contract, side: Side) -> Sequence[PaperRequest]:
    """Return the paper copies people of a side asked for, the oldest first."""
    query = select(PaperRequest).where(
        PaperRequest.contract_id == contract.id, PaperRequest.side == side
    )
    return session.scalars(query.order_by(PaperRequest.asked_at)).all()


def open_paper_request(session: Session, contract: Contract, person_id: str) -> PaperRequest | None:
    """Return a person's request for a paper copy that was not sent yet."""
    return session.scalar(
        select(PaperRequest).where(
            PaperRequest.contract_id == contract.id,
            PaperRequest.person_id == person_id,
            PaperRequest.sent_at.is_(None),
        )
    )


def standing_consent(session: Session, contract: Contract, person_id: str) -> Consent | None:
    """Return a person's consent to the current disclosure for this contract, unless withdrawn."""
    given = consents_of(session, contract, person_id)
    disclosure = rules.load_disclosure()
    return next((row for row in given if row.disclosure_sha256 == disclosure.sha256), None)


def consents_of(session: Session, contract: Contract, person_id: str) -> Sequence[Consent]:
    """Return a person's consents for a contract that were not withdrawn, the latest first."""
    return session.scalars(
        select(Consent)
        .where(
            Consent.contract_id == contract.id,
            Consent.person_id == person_id,
            Consent.withdrawn_at.is_(None),
        )
        .order_by(Consent.given_at.desc(), Consent.id.desc())
    ).all()


def withdrawn_persons(session: Session, contract: Contract) -> set[str]:
    """Return who withdrew their consent to electronic records and gave no new one."""
    rows = session.execute(
        select(Consent.person_id, Consent.withdrawn_at).where(Consent.contract_id == contract.id)
    ).all()
    return {p for p, at in rows if at is not None} - {p for p, at in rows if at is None}
