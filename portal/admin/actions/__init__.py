"""What an administrator does: members, the policies that hold for them, factors, mail."""

from portal.admin.actions.emergencies import break_glass, end_emergencies
from portal.admin.actions.mail import set_mail_rule
from portal.admin.actions.members import (
    accept_as_new_person,
    accept_as_person,
    change_roles,
    end_membership,
    end_sessions,
    invite,
    token_hash,
    withdraw_invitation,
)
from portal.admin.actions.moves import agree_to_move, ask_to_move, carry_out_moves, withdraw_move
from portal.admin.actions.policies import (
    apply_due,
    ask_for_hipaa,
    ask_for_mfa,
    ask_for_regions,
    ask_for_years,
    confirm_change,
    withdraw_change,
)
from portal.admin.actions.resets import ask_for_reset, confirm_reset, withdraw_reset

__all__ = [
    "accept_as_new_person",
    "accept_as_person",
    "agree_to_move",
    "apply_due",
    "ask_for_hipaa",
    "ask_for_mfa",
    "ask_for_regions",
    "ask_for_reset",
    "ask_for_years",
    "ask_to_move",
    "break_glass",
    "carry_out_moves",
    "change_roles",
    "confirm_change",
    "confirm_reset",
    "end_emergencies",
    "end_membership",
    "end_sessions",
    "invite",
    "set_mail_rule",
    "token_hash",
    "withdraw_change",
    "withdraw_invitation",
    "withdraw_move",
    "withdraw_reset",
]
