"""Every act of agreement on a regulated contract is signed: both factors, and what it means."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.models import RegionEntry
from portal.audit.rules import PORTAL, phrases
from portal.audit.sentences import WORDINGS
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.errors import SignatureNeeded
from portal.profiles import actions
from portal.profiles.actions import Proof
from portal.profiles.models import ProfileTurn
from portal.profiles.rules import BOTH_FACTORS, SIGNED, TOTP, act_sha256, content_sha256
from tests import cast
from tests.signing import stage

pytestmark = pytest.mark.slow


def regulate(session: Session, contract: Contract) -> None:
    at = clock.now() - timedelta(days=1)
    session.add(
        ProfileTurn(
            id="0" * 26, region="eu", contract_id=contract.id, profile="regulated", turn="on",
            asked_by="PER", asked_side="vendor", asked_at=at, agreed_at=at, agreed_by="PER",
            holds_from=at,
        )
    )  # fmt: skip
    session.commit()


def signed(session: Session, contract: Contract) -> list[dict[str, object]]:
    """Return the facts of each signature of an act, and check that the log tells each in words."""
    rows = session.scalars(select(RegionEntry).where(RegionEntry.chain == contract.id))
    found = [json.loads(one.body)["facts"] for one in rows if one.event == "profile:act:signed"]
    session.rollback()
    return found


# Words an event ends in where somebody agrees, answers, contests or ends something.
BINDING = {
    "accepted", "agreed", "approved", "cause_accepted", "cause_refused", "claimed", "confirmed",
    "contested", "corrected", "declined", "disputed", "ended", "excepted", "given", "held",
    "objected", "postponed", "proposed", "received", "refused", "reopened", "returned", "settled",
    "signed", "told", "voided", "withdrawn",
}  # fmt: skip
OWN_FORM = "its own form takes both factors"
REPORTED = "an incident's clocks and pauses are settled by the month's statement, which is signed"
OFFERED = "a wish or a note; what is agreed on it is signed"
BEFORE = "a step on the way to a signature"
NO_CONTRACT = "not an act on a contract"
UNSIGNED = {
    "batch:confirmed": BEFORE, "incident:reopened": REPORTED,
    "changes:change:withdrawn": OFFERED, "changes:outage:ended": REPORTED,
    "changes:outage:withdrawn": OFFERED, "contract:move:withdrawn": OFFERED,
    "contract:withdrawn": BEFORE, "emergency:access:ended": NO_CONTRACT,
    "incident:confirmed": REPORTED, "incident:delivery:refused": REPORTED,
    "incident:exclusion:claimed": REPORTED, "incident:exclusion:contested": REPORTED,
    "incident:exclusion:settled": REPORTED, "incident:level:confirmed": REPORTED,
    "incident:pause:claimed": REPORTED, "incident:pause:contested": REPORTED,
    "incident:pause:ended": REPORTED, "incident:pause:settled": REPORTED,
    "incident:response:given": REPORTED, "incident:root_cause:returned": REPORTED,
    "incident:severity:agreed": REPORTED, "incident:severity:declined": REPORTED,
    "incident:severity:proposed": REPORTED, "incident:severity:withdrawn": REPORTED,
    "incident:update:given": REPORTED, "incident:watch:ended": NO_CONTRACT,
    "interim_change:proposed": OFFERED, "interim_change:withdrawn": OFFERED,
    "negotiation:approval:given": BEFORE, "organisation:client:ended": NO_CONTRACT,
    "organisation:factor_reset:withdrawn": NO_CONTRACT, "organisation:grant:ended": NO_CONTRACT,
    "organisation:grant:given": NO_CONTRACT, "organisation:invitation:withdrawn": NO_CONTRACT,
    "organisation:member:ended": NO_CONTRACT, "organisation:policy:confirmed": NO_CONTRACT,
    "organisation:policy:withdrawn": NO_CONTRACT, "person:recovery_codes:ended": NO_CONTRACT,
    "person:sign_in:ended": NO_CONTRACT, "profile:act:signed": "the signature itself",
    "profile:turn:withdrawn": OFFERED, "renewal:notice:given": OWN_FORM,
    "renewal:price:told": OWN_FORM, "renewal:term:ended": "the portal's own",
    "retention:deletion:withdrawn": "more is kept, nothing lost",
    "signing:consent:given": BEFORE, "signing:consent:withdrawn": BEFORE,
    "signing:deed:signed": "the portal's own", "signing:signature:signed": OWN_FORM,
    "signing:version:approved": OWN_FORM, "statements:credit:returned": "the portal's own",
    "webhook:endpoint:ended": NO_CONTRACT,
}  # fmt: skip


def test_every_entry_that_binds_is_signed_or_says_why_not() -> None:
    binding = {event for event in WORDINGS if event.rpartition(":")[2] in BINDING}
    assert binding - SIGNED == set(UNSIGNED)
    assert set(WORDINGS) >= SIGNED and set(phrases.ACTS) >= SIGNED


def test_no_door_enters_an_act_of_a_regulated_contract_without_its_signature(
    eu: Session, contract: Contract
) -> None:
    dov, at = cast.actor("dov").log, clock.now()
    record(eu, contract.id, "review:held", actor=dov, at=at)  # not regulated yet
    regulate(eu, contract)
    facts = {"number": 1, "month": "2026-10", "kind": "service"}
    for act in sorted(SIGNED):
        with pytest.raises(SignatureNeeded) as needed:
            record(eu, contract.id, act, actor=dov, at=at, facts=facts)
        assert (needed.value.event, needed.value.changed) == (act, False)
        for wrong in (
            {"act_sha256": act_sha256(contract.id, act, facts | {"number": 2})},
            {"person_id": cast.actor("cleo").person_id}, {"meaning": ""},
            {"proof": Proof(5, TOTP)},
        ):  # fmt: skip
            actions.carry(eu, signature(contract, act, facts, **wrong))
            with pytest.raises(SignatureNeeded, match=act):
                record(eu, contract.id, act, actor=dov, at=at, facts=facts)
        eu.rollback()
        before = stage.events(eu, contract)
        actions.carry(eu, signature(contract, act, facts))
        record(eu, contract.id, act, actor=dov, at=at, facts=facts)
        assert stage.events(eu, contract) == [*before, "profile:act:signed", act]
        with pytest.raises(SignatureNeeded):  # it served once
            record(eu, contract.id, act, actor=dov, at=at, facts=facts)
    record(eu, contract.id, "statements:statement:accepted", actor=PORTAL, at=at)
    eu.rollback()


def with_signature(session: Session, key: str, act: Callable[[], Any]) -> Any:
    """Do an act of a regulated contract, signed by one of the cast with what it says it is."""
    with pytest.raises(SignatureNeeded) as needed:
        act()
    shown = act_sha256(needed.value.chain, needed.value.event, needed.value.facts)
    proof, person = Proof(5, BOTH_FACTORS), cast.actor(key).person_id
    actions.carry(session, actions.Signature(person, proof, "approval", shown, "0" * 64))
    return act()


def signature(
    contract: Contract, act: str, facts: dict[str, object], **wrong: Any
) -> actions.Signature:
    whole = actions.Signature(
        cast.actor("dov").person_id, Proof(5, BOTH_FACTORS), "approval",
        act_sha256(contract.id, act, facts), "0" * 64,
    )  # fmt: skip
    return replace(whole, **wrong)


def test_an_act_waits_for_both_factors_and_a_meaning_and_loses_nothing_typed(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    """Asking for a profile to end: the act of an administrator of either side."""
    regulate(eu, contract)
    dov, page = client_as("dov"), f"/contracts/{contract.id}/profiles"
    typed = {"profile": "regulated", "on": "no", "reference": "Kept <as typed>"}
    asked = dov.post(page, data=typed)
    assert asked.status_code == 422 and "Sign this act" in asked.text
    assert asked.headers["HX-Retarget"] == "#main"
    assert 'name="reference" value="Kept &lt;as typed&gt;"' in asked.text
    assert "Dov Amsel (Harbour Retail Inc) asked to let the contract leave" in asked.text
    sign = signing("dov", asked.text)
    for wrong, said in (
        ({"signed_meaning": ""}, "Choose what your signature means"),
        ({"signed_password": "not the password"}, "not your password"),
        ({"signed_code": ""}, "Type the six digits"),
    ):
        again = dov.post(page, data=typed | sign | wrong)
        assert again.status_code == 422 and said in again.text
        assert "not the password" not in again.text
    assert signed(eu, contract) == [] and eu.scalars(select(ProfileTurn)).all()[1:] == []
    assert stage.events(eu, contract).count("signing:attempt:failed") == 1
    eu.rollback()
    assert dov.post(page, data=typed | sign).status_code == 303
    [facts] = signed(eu, contract)
    assert facts["act"] == "profile:turn:asked" and facts["factor"] == BOTH_FACTORS
    assert stage.events(eu, contract)[-2:] == ["profile:act:signed", "profile:turn:asked"]
    eu.rollback()
    assert facts["sha256"] == content_sha256(typed.items())
    assert (
        "signed with password and code: changing a profile (approval)"
        in dov.get(f"/contracts/{contract.id}/log").text
    )
    eu.expire_all()
    assert [one.turn for one in eu.scalars(select(ProfileTurn).order_by(ProfileTurn.id))][
        -1
    ] == "off"


def signing(key: str, page: str, **wrong: str) -> dict[str, str]:
    """Return what a person types on the page that asks for the signature."""
    shown = re.search(r'name="signed_act" value="([0-9a-f]{64})"', page)
    assert shown is not None
    return {
        "signed_meaning": "approval", "signed_password": cast.PASSWORD,
        "signed_code": cast.code(key, clock.now()), "signed_act": shown.group(1),
    } | wrong  # fmt: skip


def test_an_act_that_is_refused_leaves_no_signature(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    regulate(eu, contract)
    dov, page = client_as("dov"), f"/contracts/{contract.id}/profiles"
    wish = {"profile": "regulated", "on": "no"}
    sign = signing("dov", dov.post(page, data=wish).text)
    before = stage.events(eu, contract)
    eu.rollback()
    # A form with a fault, a rule's no, and an act that is not the one shown: nothing is entered.
    assert dov.post(page, data={"profile": "regulated"} | sign).status_code == 422
    later = dict(sign, signed_code=cast.code("dov", clock.now() + timedelta(seconds=30)))
    other = dov.post(page, data={"profile": "hipaa", "on": "no"} | later)
    assert other.status_code == 422 and "not under this profile" in other.text
    assert stage.events(eu, contract) == before and signed(eu, contract) == []


def test_a_signature_fits_what_the_page_showed_or_is_asked_for_again(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    regulate(eu, contract)
    ada, page = client_as("ada"), f"/contracts/{contract.id}/reopening"
    stage.freeze(eu, contract)
    reason = {"reason": "The fee was typed wrong."}
    asked = ada.post(page, data=reason)
    assert asked.status_code == 422 and "proposed to open the frozen terms again" in asked.text
    sign = signing("ada", asked.text, signed_act="0" * 64)
    again = ada.post(page, data=reason | sign)
    assert again.status_code == 422 and "not what this page showed" in again.text
    assert "reason" in again.text and signed(eu, contract) == []
    later = cast.code("ada", clock.now() + timedelta(seconds=30))
    done = ada.post(page, data=reason | signing("ada", again.text, signed_code=later))
    assert done.status_code == 303
    assert [one["act"] for one in signed(eu, contract)] == ["signing:reopening:proposed"]


def test_strangers_and_roles_that_may_not_are_answered_as_ever(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    regulate(eu, contract)
    page = f"/contracts/{contract.id}/profiles"
    assert client_as("mal").post(page, data={}).status_code == 404
    assert client_as("cleo").post(page, data={}).status_code == 403


def test_a_contract_of_no_profile_asks_for_nothing_more(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    asked = client_as("dov").post(
        f"/contracts/{contract.id}/profiles", data={"profile": "regulated", "on": "yes"}
    )
    assert asked.status_code == 303 and signed(eu, contract) == []
