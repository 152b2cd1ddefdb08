"""The act of signing, and the mail about it."""

from portal.signing.actions.act import (
    AlreadySigned,
    Identification,
    Shown,
    check_signature,
    decline,
    demand_turn,
    give_consent,
    hold,
    sign,
    withdraw_consent,
)
from portal.signing.actions.letters import Post, everyone

__all__ = [
    "AlreadySigned",
    "Identification",
    "Post",
    "Shown",
    "check_signature",
    "decline",
    "demand_turn",
    "everyone",
    "give_consent",
    "hold",
    "sign",
    "withdraw_consent",
]
