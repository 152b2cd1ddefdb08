"""Entering sign-ins that failed, so that who answers for an account can see them."""

from datetime import datetime

from portal.accounts.actions.limits import is_used_up
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.kit.db import db, transaction

FAILED = "person:sign_in:failed"
# Where tries at addresses nobody has are counted, without the address.
UNKNOWN = "portal:sign-ins"


def enter_failure(person_id: str, proof: str, *, scope: str, subject: str, at: datetime) -> None:
    """Enter that a sign-in failed, by which proof, and whether no try is left for now.

    `person_id` is "" where nobody has that address: the same is done then, in a chain that belongs
    to nobody, so that neither the answer nor its time tells who has an account.
    """
    with transaction(db.session) as session:
        locked = is_used_up(session, scope, subject, at=at)
        record(
            session, person_id or UNKNOWN, FAILED, actor=PORTAL, at=at,
            facts={"proof": proof, "locked": locked},
        )  # fmt: skip
