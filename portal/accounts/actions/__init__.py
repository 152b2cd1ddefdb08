"""What is done to people and their proofs: the directory, limits, sessions, codes, passwords."""

from portal.accounts.actions.codes import spend_code, spend_recovery_code
from portal.accounts.actions.directory import (
    add_member,
    create_organisation,
    create_person,
    enrol_factor,
)
from portal.accounts.actions.factors import (
    confirm_enrolment,
    end_recovery_codes_behind,
    is_own_recovery_code,
    make_recovery_codes,
    start_enrolment,
    take_factor,
)
from portal.accounts.actions.forgetting import address_key, forget_person
from portal.accounts.actions.limits import forget_old_attempts, give_back, reserve
from portal.accounts.actions.linking import recognise, remove_link
from portal.accounts.actions.passkeys import (
    add_passkey,
    challenge_passkey,
    remove_passkey,
    spend_passkey,
)
from portal.accounts.actions.passwords import change_password, check_password, prove_password
from portal.accounts.actions.resets import (
    ask_for_reset,
    forget_resets,
    mail_resets,
    reset_hash,
    set_password,
)
from portal.accounts.actions.sign_ins import (
    act_for,
    end_sign_in,
    end_sign_ins,
    mark_code_given,
    start_sign_in,
)

__all__ = [
    "act_for",
    "add_member",
    "add_passkey",
    "address_key",
    "ask_for_reset",
    "challenge_passkey",
    "change_password",
    "check_password",
    "confirm_enrolment",
    "create_organisation",
    "create_person",
    "end_recovery_codes_behind",
    "end_sign_in",
    "end_sign_ins",
    "enrol_factor",
    "forget_old_attempts",
    "forget_person",
    "forget_resets",
    "give_back",
    "is_own_recovery_code",
    "mail_resets",
    "make_recovery_codes",
    "mark_code_given",
    "prove_password",
    "recognise",
    "remove_link",
    "remove_passkey",
    "reserve",
    "reset_hash",
    "set_password",
    "spend_code",
    "spend_passkey",
    "spend_recovery_code",
    "start_enrolment",
    "start_sign_in",
    "take_factor",
]
