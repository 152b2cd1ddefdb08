"""An attempt to sign that failed under the regulated profile: entered and told at once."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import side_of
from portal.kit.db import transaction
from portal.kit.errors import NotFound
from portal.notices.actions import tell
from portal.profiles.actions import administrators

EVENT = "signing:attempt:failed"


def report_attempt(
    session: Session, actor: Actor, contract: Contract, *, factor: str, at: datetime
) -> None:
    """Tell the administrators of the actor's organisation that a factor was wrong (21 CFR 11.300).

    `factor` says which: the password or the code. What was typed is kept nowhere.
    """
    side = side_of(contract, actor)
    if side is None:
        raise NotFound
    with transaction(session):
        head = record(session, contract.id, EVENT, actor=actor.log, at=at, facts={"factor": factor})
        for to in administrators(contract, side):
            tell(
                session, event=EVENT, to=to, chain=contract.id, cause=head[:32],
                link=f"/contracts/{contract.id}/log", by=actor.person_id, at=at,
                signer=actor.name, factor=factor, moment=at,
            )  # fmt: skip
