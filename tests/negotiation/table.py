"""A table to sit at: contracts of the cast with rounds sent through the real actions."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from portal.negotiation import actions, rules
from portal.negotiation.queries import Negotiation, negotiation_of
from portal.terms.rules import load_schema
from tests import cast

SCHEMA = load_schema("1")
RESPONSE = "C4.S1.first_response"


def settle(session: Session) -> None:
    """Let go of the databases: a page asks for them in a connection of its own."""
    session.commit()
    db.session.commit()


def at_table(session: Session, contract: Contract, key: str) -> Negotiation:
    """Return the negotiation as one of the cast sees it."""
    found = negotiation_of(session, contract, cast.actor(key), at=clock.now())
    settle(session)
    return found


ACROSS = {"ada": "cleo", "nia": "cleo", "cleo": "ada", "lena": "ada", "dov": "ada"}


def send(
    session: Session,
    contract: Contract,
    key: str,
    at: datetime | None = None,
    *,
    opened: bool = True,
) -> Any:
    """Send the draft of one of the cast's side; the other side opens it unless told not to."""
    found = at_table(session, contract, key)
    row = actions.send_round(
        session, contract, cast.actor(key), at=at or clock.now(),
        seen_draft_sha256=rules.words_sha256(found.words),
    )  # fmt: skip
    settle(session)
    if opened:
        opens(session, contract, ACROSS[key])
    return row


def opens(session: Session, contract: Contract, key: str) -> int | None:
    """Open the round that waits for one of the cast."""
    number = actions.open_round(session, contract, cast.actor(key), at=clock.now())
    settle(session)
    return number


def offer_all(session: Session, contract: Contract, at: datetime | None = None) -> None:
    """Send round 1 of the vendor: a value for every term."""
    at = at or clock.now() - timedelta(hours=20)
    actions.set_offers(session, contract, cast.actor("ada"), SCHEMA.defaults(), at=at)
    send(session, contract, "ada", at)


def say(
    session: Session, contract: Contract, key: str, term: str, kind: str, value: Any = None,
    reason: str | None = None,
) -> None:  # fmt: skip
    """Put one answer into a draft, having seen the table as it stands."""
    found = at_table(session, contract, key)
    actions.answer(
        session, contract, cast.actor(key), term, kind=kind, value=value, reason=reason,
        seen_sha256=found.standings[term].sha256, at=clock.now(),
    )  # fmt: skip
    settle(session)


def agree_all(session: Session, contract: Contract) -> None:
    """Send round 1, and a round 2 that accepts every term."""
    offer_all(session, contract)
    actions.accept_rest(session, contract, cast.actor("cleo"), at=clock.now())
    send(session, contract, "cleo")


def events(session: Session, contract: Contract) -> list[str]:
    """Return the events on the contract's chain."""
    found = [line.event for line in lines(session, contract.id)]
    settle(session)
    return found
