"""Every act of agreement on a regulated contract is signed: both factors, and what it means."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.models import RegionEntry
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.errors import Refused
from portal.profiles import actions
from portal.profiles.actions import Proof
from portal.profiles.models import ProfileTurn
from portal.profiles.rules import ACTS, BOTH_FACTORS, TOTP, content_sha256
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


def test_every_act_that_is_declared_has_its_words_and_each_word_an_act(app: Flask) -> None:
    declared = {view.act for view in app.view_functions.values() if hasattr(view, "act")}
    assert declared == set(ACTS)
    posts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert posts >= {name for name, view in app.view_functions.items() if hasattr(view, "act")}


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
    sign = {
        "signed_meaning": "approval", "signed_password": cast.PASSWORD,
        "signed_code": cast.code("dov", clock.now()),
    }  # fmt: skip
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
    assert facts["act"] == "profile:turn" and facts["factor"] == BOTH_FACTORS
    assert facts["sha256"] == content_sha256(typed.items())
    assert (
        "signed with password and code: changing a profile (approval)"
        in dov.get(f"/contracts/{contract.id}/log").text
    )
    eu.expire_all()
    assert [one.turn for one in eu.scalars(select(ProfileTurn).order_by(ProfileTurn.id))][
        -1
    ] == "off"


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


@pytest.mark.parametrize(
    ("act", "meaning", "factor"),
    [("profile:turn", "", BOTH_FACTORS), ("profile:turn", "approval", TOTP),
     ("contract:dance", "approval", BOTH_FACTORS)],
)  # fmt: skip
def test_half_a_signature_enters_nothing(
    eu: Session, contract: Contract, act: str, meaning: str, factor: str
) -> None:
    before = stage.events(eu, contract)
    with pytest.raises(Refused):
        actions.sign_act(
            eu, cast.actor("dov"), contract, act, meaning=meaning, proof=Proof(5, factor),
            content_sha256="0" * 64, at=clock.now(),
        )  # fmt: skip
    assert stage.events(eu, contract) == before
