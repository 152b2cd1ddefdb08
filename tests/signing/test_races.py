"""Races on one contract: sixteen at once, and each time exactly one legal outcome."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership
from portal.audit.queries import bodies, lines
from portal.audit.rules import check_chain
from portal.contracts import actions as contracts
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.contracts.queries import state as contracts_state
from portal.contracts.rules.life import State
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.residency.databases import Regions
from portal.signing import actions
from portal.signing.models import Invitation, Signature
from tests import cast
from tests.conftest import make_contract
from tests.signing import stage

THREADS = 16
ROUNDS = 50 if os.environ.get("COUNTERPART_THOROUGH") else 2
Act = Callable[[Session, Contract, datetime], object]


# Each round makes a contract; no PDF is needed.
pytestmark = [pytest.mark.both_engines, pytest.mark.home("template_home")]


def out_for_signature(session: Session, regions: Regions, consenting: Sequence[str]) -> str:
    """Make a contract whose deed counts as prepared; these have consented."""
    contract, at = make_contract(session, regions), clock.now()
    version = stage.freeze(session, contract)
    with transaction(session):
        add_fact(session, contract, "deed_prepared", person_id="portal", side=None, at=at)
        session.flush()
        actions.invite_open(actions.Post(session, contract, at), version)
    for key in consenting:
        stage.consent(session, contract, key, at=at)
    ref = contract.id
    session.commit()
    return ref


def race(app: Flask, ref: str, acts: Sequence[Act]) -> list[str]:
    """Do all acts at the same moment, each in a session of its own; return what became of each."""
    start, outcomes = threading.Barrier(len(acts)), [""] * len(acts)

    def run(number: int, act: Act) -> None:
        with app.app_context():
            session = app.extensions["regions"].session("eu")
            start.wait()
            try:
                act(session, session.get_one(Contract, ref), clock.now())
                outcomes[number] = "done"
            except (Refused, NotFound) as refusal:
                session.rollback()
                outcomes[number] = type(refusal).__name__

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def signing(key: str) -> Act:
    return lambda session, contract, at: stage.sign(
        session, contract, key, at=at, sha256=contract.versions[0].sha256
    )


def voiding(session: Session, contract: Contract, at: datetime) -> object:
    return actions.void(session, cast.actor("cleo"), contract, reason="No longer needed", at=at)


def reopening(session: Session, contract: Contract, at: datetime) -> object:
    return actions.answer_reopening(session, cast.actor("ada"), contract, agree="yes", at=at)


def taking_back_consent(session: Session, contract: Contract, at: datetime) -> object:
    return actions.withdraw_consent(session, cast.actor("ada"), contract, at=at)


def declining(session: Session, contract: Contract, at: datetime) -> object:
    return actions.decline(session, cast.actor("nia"), contract, reason="Not like this", at=at)


def withdrawing(session: Session, contract: Contract, at: datetime) -> object:
    return contracts.withdraw(
        session, contract, cast.actor("cleo"), reason="No longer needed", at=at
    )


def events(session: Session, ref: str) -> list[str]:
    session.rollback()
    found = [line.event for line in lines(session, ref)]
    stored = [(line.seq, line.hash, text) for line, text in
              zip(lines(session, ref), bodies(session, ref), strict=True)]  # fmt: skip
    assert check_chain(ref, stored) == []
    return found


def signatures(session: Session, ref: str) -> int:
    return len(session.scalars(select(Signature.id).where(Signature.contract_id == ref)).all())


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.slow
def test_sixteen_submits_of_one_signature_sign_once(
    app: Flask, eu: Session, regions: Regions, number: int
) -> None:
    ref = out_for_signature(eu, regions, ["ada"])
    outcomes = Counter(race(app, ref, [signing("ada")] * THREADS))
    assert outcomes == {"done": 1, "AlreadySigned": THREADS - 1}
    assert events(eu, ref).count("signing:signature:signed") == signatures(eu, ref) == 1


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.slow
def test_the_two_last_signers_at_once_finish_the_contract_once(
    app: Flask, eu: Session, regions: Regions, number: int
) -> None:
    ref = out_for_signature(eu, regions, stage.SIGNERS)
    contract = eu.get_one(Contract, ref)
    with transaction(eu):
        for slot in contract.slots:
            slot.together = 1
    race(app, ref, [signing("ada"), signing("nia")])
    outcomes = Counter(race(app, ref, [signing("cleo"), signing("lena")] * (THREADS // 2)))
    assert outcomes["done"] == 2
    eu.expire_all()
    kinds = Counter(fact.kind for fact in eu.get_one(Contract, ref).facts)
    assert (kinds["signed"], kinds["all_signed"]) == (4, 1)
    assert signatures(eu, ref) == 4
    asked = eu.scalars(select(Invitation.person_id).where(Invitation.contract_id == ref)).all()
    assert len(asked) == len(set(asked))


ENDINGS: dict[str, tuple[Act, str]] = {
    "void": (voiding, "signing:version:voided"),
    "a new version": (reopening, "signing:version:reopened"),
    "withdrawing consent": (taking_back_consent, "signing:consent:withdrawn"),
    "declining": (declining, "signing:signature:declined"),
}


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.slow
def test_signing_and_ending_at_once_has_one_order_that_both_obey(
    app: Flask, eu: Session, regions: Regions, name: str, number: int
) -> None:
    act, event = ENDINGS[name]
    ref = out_for_signature(eu, regions, ["ada"])
    if name == "a new version":
        contract = eu.get_one(Contract, ref)
        actions.propose_reopening(
            eu, cast.actor("cleo"), contract, reason="Two are swapped", at=clock.now()
        )
        eu.commit()
    acts = [signing("ada")] * (THREADS // 2) + [act] * (THREADS // 2)
    outcomes = race(app, ref, acts)
    signed, ended = (
        half.count("done") for half in (outcomes[: THREADS // 2], outcomes[THREADS // 2 :])
    )
    told = events(eu, ref)
    assert ended == told.count(event) == 1
    assert signed == told.count("signing:signature:signed") == signatures(eu, ref)
    assert signed <= 1
    if signed:
        assert told.index("signing:signature:signed") < told.index(event)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_withdrawal_and_a_freeze_at_once_have_one_order(
    app: Flask, eu: Session, regions: Regions, number: int
) -> None:
    """Before the freeze a contract is withdrawn, after it the signing is voided: never both."""
    ref = make_contract(eu, regions).id
    eu.commit()

    def freezing(session: Session, contract: Contract, at: datetime) -> object:
        with transaction(session):
            actions.hold(session, contract)
            if contracts_state(contract, today=at.date()) is not State.DRAFT:
                raise Refused("It is over.")
            add_fact(session, contract, "frozen", person_id="x", side=None, at=at)

    half = THREADS // 2
    outcomes = race(app, ref, [withdrawing] * half + [freezing] * half)
    eu.expire_all()
    kinds = Counter(fact.kind for fact in eu.get_one(Contract, ref).facts)
    assert outcomes.count("done") == sum(kinds.values()) == 1
    assert events(eu, ref).count("contract:withdrawn") == kinds["withdrawn"]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_signing_while_the_role_is_taken_away_is_signed_before_or_refused(
    app: Flask, eu: Session, regions: Regions, number: int
) -> None:
    ref = out_for_signature(eu, regions, ["ada"])

    def removing(session: Session, contract: Contract, at: datetime) -> object:
        row = db.session.scalars(
            select(Membership).where(Membership.person_id == cast.actor("ada").person_id)
        ).one()
        row.roles = "account_manager,org_admin"
        db.session.commit()
        return None

    outcomes = race(app, ref, [signing("ada")] * (THREADS - 1) + [removing])
    signed = outcomes[:-1].count("done")
    assert signed == signatures(eu, ref) <= 1
    assert events(eu, ref).count("signing:signature:signed") == signed
    with pytest.raises(Refused):
        stage.sign(eu, eu.get_one(Contract, ref), "ada", at=clock.now() + timedelta(minutes=2))
