"""What is told of people, organisations and programs, and of what is kept of a contract."""

from portal.audit.rules.phrases import Wordings
from portal.kit.words import say

WRONG = {
    "password": say("%(who)s refused a sign-in: the password was not right."),
    "code": say("%(who)s refused a sign-in: the code was not right."),
    "recovery_code": say("%(who)s refused a sign-in: the recovery code was not right."),
    "passkey": say("%(who)s refused a sign-in: the passkey was not right."),
}

TOLD: Wordings = {
    "person:erased": say("%(who)s erased the person’s data."),
    "organisation:playbook:changed": say("%(who)s wrote version %(number)s of the playbook."),
    "retention:hold:set": say("%(who)s put a legal hold on it for the %(side)s."),
    "retention:hold:lift_asked": say("%(who)s asked to lift a legal hold."),
    "retention:hold:lifted": say("%(who)s lifted a legal hold of the %(side)s."),
    "retention:deletion:asked": say("%(who)s asked to delete the content."),
    "retention:deletion:agreed": say("%(who)s agreed that the content is deleted."),
    "retention:deletion:withdrawn": say("%(who)s stopped the deletion of the content."),
    "retention:deletion:stopped": say(
        "%(who)s stopped a deletion: it may no longer be carried out."
    ),
    "retention:content:deleted": say("%(who)s deleted the content: %(rows)s, %(documents)s."),
    "emergency:access:opened": say(
        "%(who)s opened emergency access as the %(side)s, until %(until)s."
    ),
    "emergency:access:ended": say("%(who)s ended emergency access."),
    "profile:turn:asked": lambda f: (
        say("%(who)s asked to put the contract under the profile %(turned_profile)s.")
        if f.get("on")
        else say("%(who)s asked to let the contract leave the profile %(turned_profile)s.")
    ),
    "profile:turn:agreed": lambda f: (
        say("%(who)s agreed to put the contract under the profile %(turned_profile)s.")
        if f.get("on")
        else say("%(who)s agreed to let the contract leave the profile %(turned_profile)s.")
    ),
    "profile:turn:withdrawn": lambda f: (
        say("%(who)s ended the wish to put the contract under the profile %(turned_profile)s.")
        if f.get("on")
        else say("%(who)s ended the wish to let the contract leave the profile %(turned_profile)s.")
    ),
    "profile:act:signed": say(
        "%(who)s signed with password and code: %(signed_act)s (%(meaning)s)."
    ),
    "profile:record:viewed": lambda f: (
        say("%(who)s looked at %(record)s.")
        if f.get("record")
        else say("%(who)s looked at the overview.")
    ),
    "portal:key:rotated": say("%(who)s made a new key: %(key)s."),
    "portal:key:retired": say("%(who)s removed the old key: %(key)s."),
    "organisation:created": say("%(who)s added the organisation."),
    "organisation:customers:brought": say(
        "%(who)s brought customers: %(added)s added, %(changed)s changed."
    ),
    "organisation:contact:invited": say("%(who)s invited a contact of a customer."),
    "organisation:invitation:sent": say("%(who)s sent an invitation, %(roles)s."),
    "organisation:invitation:withdrawn": say("%(who)s withdrew an invitation."),
    "organisation:member:added": say("%(who)s added a member, %(roles)s."),
    "organisation:member:joined": say("%(who)s joined by an invitation, %(roles)s."),
    "organisation:member:roles_changed": say(
        "%(who)s changed a member’s roles: before %(roles_before)s, now %(roles_after)s."
    ),
    "organisation:member:ended": say("%(who)s ended a membership and its sessions."),
    "organisation:member:signed_out": say("%(who)s ended %(sessions)s of a member."),
    "organisation:policy:asked": say("%(who)s asked to change %(policy)s."),
    "organisation:policy:confirmed": say(
        "%(who)s confirmed a change of %(policy)s, and told %(organisations)s."
    ),
    "organisation:policy:withdrawn": say("%(who)s withdrew a change of %(policy)s."),
    "organisation:regions:changed": say(
        "%(who)s allowed the regions %(regions_after)s instead of %(regions_before)s."
    ),
    "organisation:retention:changed": say(
        "%(who)s keeps records %(after)s years after a contract’s end, before %(before)s."
    ),
    "organisation:profile:changed": lambda f: (
        say("%(who)s put the %(own_profile)s profile on.")
        if f.get("on")
        else say("%(who)s put the %(own_profile)s profile off.")
    ),
    "organisation:factor_reset:asked": say("%(who)s asked to reset a member’s codes."),
    "organisation:factor_reset:done": say(
        "%(who)s confirmed a reset of a member’s codes, and told %(told_people)s."
    ),
    "organisation:factor_reset:withdrawn": say("%(who)s withdrew a reset of a member’s codes."),
    "organisation:mfa_rules:changed": lambda f: (
        say("%(who)s changed the rules for codes, some to a weaker one.")
        if f.get("lowered")
        else say("%(who)s changed the rules for codes.")
    ),
    "person:notice_wishes:changed": say("%(who)s changed how they are told by mail."),
    "person:notice:silenced": say("%(who)s turned off mail of one kind."),
    "notices:mail:retried": say("%(who)s had a mail sent again that had failed."),
    "organisation:client:added": say("%(who)s registered a program that may ask for %(scopes)s."),
    "organisation:client:secret_renewed": say("%(who)s renewed the secret of a program."),
    "organisation:client:ended": say("%(who)s ended a program and %(grants)s with it."),
    "organisation:grant:given": say("%(who)s let a program act for them, within %(scopes)s."),
    "organisation:grant:ended": lambda f: {
        "reuse": say(
            "%(who)s ended what a program was granted, because a code or token of it was "
            "used twice."
        ),
        "by_client": say("%(who)s ended what a program was granted, at its wish."),
    }.get(str(f.get("why")), say("%(who)s ended what a program was granted.")),
    "webhook:endpoint:added": say("%(who)s added an address that is told."),
    "webhook:endpoint:tried": say("%(who)s sent a trial to an address."),
    "webhook:endpoint:ended": say("%(who)s ended an address that was told."),
    "webhook:endpoint:gone": say("%(who)s ended an address, because its receiver wants no more."),
    "webhook:delivery:given_up": say("%(who)s gave up a delivery, because every try failed."),
    "webhook:secret:rotated": say("%(who)s renewed the secret of an address."),
    "webhook:delivery:repeated": say("%(who)s had a delivery sent again."),
    "organisation:data:exported": say("%(who)s exported everything, %(contracts)s."),
    "organisation:mail_rule:changed": lambda f: (
        say("%(who)s asked for mail that says only that something waits.")
        if f.get("thin")
        else say("%(who)s asked for mail that says what.")
    ),
    "person:created": say("%(who)s added the account."),
    "person:calendar:made": say("%(who)s made an address for a calendar."),
    "person:calendar:revoked": say("%(who)s revoked an address of a calendar."),
    "person:code:spent": say("%(who)s used a code from the phone."),
    "person:factor:started": say("%(who)s began to set up codes on a phone."),
    "person:factor:enrolled": say("%(who)s set up codes on a phone."),
    "person:factor:moved": say("%(who)s moved the codes to another phone."),
    "person:recovery_codes:made": say("%(who)s made %(recovery_codes)s."),
    "person:recovery_codes:ended": say(
        "%(who)s ended %(recovery_codes)s with the pepper they needed."
    ),
    "person:recovery_code:spent": say("%(who)s used a recovery code, %(left)s left."),
    "person:passkey:added": say("%(who)s added a passkey."),
    "person:passkey:removed": say("%(who)s removed a passkey."),
    "person:passkey:used": say("%(who)s used a passkey."),
    "person:password:changed": say("%(who)s changed the password."),
    "person:password:asked": say("%(who)s mailed a link to choose a new password."),
    "person:password:reset": say("%(who)s chose a new password by a link from a mail."),
    "person:sign_in:started": lambda f: (
        say("%(who)s signed in with the password.")
        if f.get("means", "password") == "password"
        else say("%(who)s signed in by %(means)s.")
    ),
    "person:provider:linked": say("%(who)s linked an account at %(provider)s."),
    "person:provider:removed": say("%(who)s removed the link to an account at a provider."),
    "person:sign_in:failed": lambda f: (
        say("%(who)s refused a sign-in, and no try was left for a while.")
        if f.get("locked")
        else WRONG.get(str(f.get("proof")), say("%(who)s refused a sign-in."))
    ),
    "person:sign_in:proven": say("%(who)s proved a second factor."),
    "person:sign_in:ended": say("%(who)s ended a session."),
    "person:organisation:chosen": say("%(who)s chose the organisation to act for."),
}
