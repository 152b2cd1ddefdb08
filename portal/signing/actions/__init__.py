"""The act of signing, what may happen before and instead of it, and the mail about it."""

from portal.signing.actions.act import (
    Identification,
    Shown,
    approve,
    check_approval,
    check_signature,
    sign,
)
from portal.signing.actions.consent import (
    ask_for_paper,
    give_consent,
    send_paper,
    withdraw_consent,
)
from portal.signing.actions.ending import VOIDABLE, decline, expire, void
from portal.signing.actions.handovers import To, delegate, reassign
from portal.signing.actions.invitations import invite_open, remind, resend
from portal.signing.actions.letters import Post, alert_administrators, everyone
from portal.signing.actions.reopening import answer_reopening, propose_reopening
from portal.signing.actions.turn import (
    AlreadySigned,
    demand_approver,
    demand_signing,
    demand_turn,
    hold,
)

__all__ = [
    "VOIDABLE",
    "AlreadySigned",
    "Identification",
    "Post",
    "Shown",
    "To",
    "alert_administrators",
    "answer_reopening",
    "approve",
    "ask_for_paper",
    "check_approval",
    "check_signature",
    "decline",
    "delegate",
    "demand_approver",
    "demand_signing",
    "demand_turn",
    "everyone",
    "expire",
    "give_consent",
    "hold",
    "invite_open",
    "propose_reopening",
    "reassign",
    "remind",
    "resend",
    "send_paper",
    "sign",
    "void",
    "withdraw_consent",
]
