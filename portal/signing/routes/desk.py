"""The blueprint of the room, and the desk: who asks, about which contract, when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor, current_sign_in, demand_declared
from portal.accounts.rules import Actor
from portal.contracts.models import Contract, Version
from portal.contracts.queries import (
    approvals_missing,
    current_version,
    find_contract,
    state,
)
from portal.contracts.rules.life import STATE_WORDS, State
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.forms import Form
from portal.kit.web import page
from portal.kit.words import say
from portal.profiles.actions import Proof, Typed, Unproven, prove
from portal.profiles.forms import regulated
from portal.profiles.queries import is_regulated
from portal.profiles.rules import BOTH_FACTORS, TOTP
from portal.residency.databases import RegionDatabase, regions
from portal.settings.rules import Settings
from portal.signing import actions, queries
from portal.signing.actions import Identification
from portal.signing.forms import (
    ApprovalForm,
    RegulatedApprovalForm,
    SignatureForm,
)

bp = Blueprint("signing", __name__)


_SENT = object()
REGULATED_FORMS: Mapping[type[Form], type[Form]] = {
    SignatureForm: regulated(SignatureForm),
    ApprovalForm: RegulatedApprovalForm,
}


@dataclass(frozen=True)
class Desk:
    """Who asks, about which contract, when."""

    actor: Actor
    database: RegionDatabase
    session: Session
    contract: Contract
    at: datetime

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of a page about this contract."""
        return url_for(endpoint, ref=self.contract.id, **values)

    @property
    def version(self) -> Version | None:
        """The frozen version that stands, if there is one."""
        return current_version(self.contract)

    @property
    def state(self) -> State:
        """Where the contract stands now."""
        return state(self.contract, today=self.at.date())

    @cached_property
    def regulated(self) -> bool:
        """Whether signatures of this contract follow 21 CFR Part 11."""
        return is_regulated(self.session, self.contract, at=self.at)

    @property
    def factor(self) -> str:
        """What is typed at each act of signing."""
        return BOTH_FACTORS if self.regulated else TOTP

    def form(self, kind: type[Form], typed: Any = _SENT, **values: Any) -> Any:
        """Return the form of an act, as the contract's profile asks for it."""
        chosen = REGULATED_FORMS[kind] if self.regulated else kind
        return chosen(**values) if typed is _SENT else chosen(formdata=typed, **values)

    def proof(self, form: Any, *, purpose: str) -> Proof | Unproven:
        """Judge the factors the contract asks for, in transactions of the directory."""
        return prove(
            self.session, self.actor, self.contract,
            Typed(form.code.data, form.password.data if self.regulated else None),
            purpose=purpose, address=request.remote_addr, at=self.at,
        )  # fmt: skip

    def has_signed(self) -> bool:
        """Return whether the person has signed the version that stands."""
        slot = queries.slot_of(self.contract, self.actor.person_id)
        if self.version is None or slot is None:
            return False
        return queries.signature_of(self.session, self.version, slot) is not None

    def is_to_approve(self) -> bool:
        """Return whether the signing waits for this person's approval."""
        missing = approvals_missing(self.contract) if self.state is State.SIGNING else []
        return self.actor.person_id in {row.person_id for row in missing}

    def signers(self) -> list[queries.SignatureLine]:
        """Return every signer of the version that stands."""
        return queries.signatures_of(self.session, self.version) if self.version else []

    def next_ids(self) -> set[str]:
        """Return the slots whose turn it is."""
        if self.state is not State.SIGNING or self.version is None:
            return set()
        now = queries.open_now(self.session, self.contract, self.version)
        return {seat.slot_id for seat in now}

    def next_signers(self) -> list[queries.SignatureLine]:
        """Return the signers whose turn it is."""
        return [line for line in self.signers() if line.slot_id in self.next_ids()]


def opened(ref: str) -> Desk:
    """Find the contract for the member who asks, and check the permission the view declares."""
    actor = current_actor()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    return Desk(actor, regions().home(ref), session, contract, clock.now())


def settings() -> Settings:
    """Return the settings of the running portal."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def identification(address: str | None, agent: str, *, factor: str = "totp") -> Identification:
    """Return how the portal knows the person of this request."""
    sign_in = current_sign_in()
    return Identification(
        session_started_at=sign_in.created_at,
        factor=factor,
        factor_enrolled_at=current_user.person.totp_confirmed_at,
        address=address or "",
        agent=agent[:300],
    )


def waiting(desk: Desk) -> ResponseReturnValue | None:
    """Return the page that says why this person cannot act now; None when they can."""
    if desk.is_to_approve():
        return None
    try:
        actions.demand_turn(desk.session, desk.contract, desk.actor.person_id, at=desk.at)
    except NotFound:
        message: str = say("You read this contract, but you are not named as a signer.")
    except Refused as refusal:
        message = refusal.message
    else:
        return None
    version = desk.version
    return page(
        "signing/waiting.html",
        409,
        contract=desk.contract,
        message=message,
        state_words=STATE_WORDS[desk.state],
        signers=desk.signers(),
        next_ids=desk.next_ids(),
        awaited=queries.awaited(desk.session, desk.contract, version) if version else [],
        signing=desk.state is State.SIGNING,
        sealing=queries.sealing_state(desk.session, desk.contract),
    )
