"""The one table of what is told: each event with its words, its weight and its usual channel.

An event is `subject:part:happened`, the same name as its entry in the log where there is one. Its
mail is `templates/mail/<room>_<event>.txt`, named in `letter`. Subjects are thin: they are
filled with the words of `tell` and the reference, and name nothing a contract says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.kit.words import Words, say


class Weight(StrEnum):
    """How far a person may silence an event.

    OPTIONAL can be moved to a digest or kept in the portal, and waits for the morning. URGENT is
    optional too, but comes at night. LEGAL and SECURITY always come by mail, at once.
    """

    OPTIONAL = "optional"
    URGENT = "urgent"
    LEGAL = "legal"
    SECURITY = "security"


class Channel(StrEnum):
    """How a notice reaches a person; every notice also stands in the portal."""

    MAIL = "mail"
    DIGEST = "digest"
    PORTAL = "portal"


CHANNEL_WORDS = {
    Channel.MAIL: say("By mail, at once"),
    Channel.DIGEST: say("In the digest"),
    Channel.PORTAL: say("In the portal only"),
}


@dataclass(frozen=True)
class Event:
    """One thing people are told.

    `words` name it on the page of preferences; `subject` heads its mail; `proof` marks a mail that
    is itself evidence (it carries hashes) and is therefore sent whole where an organisation asks
    for thin mail.
    """

    name: str
    words: Words
    subject: Words
    letter: str
    weight: Weight = Weight.OPTIONAL
    channel: Channel = Channel.MAIL
    proof: bool = False

    @property
    def optional(self) -> bool:
        """Whether a person may turn its mail off."""
        return self.weight in {Weight.OPTIONAL, Weight.URGENT}

    @property
    def waits_for_morning(self) -> bool:
        """Whether quiet hours hold its mail back."""
        return self.weight is Weight.OPTIONAL


_LIST = (
    Event(
        "contract:withdrawn",
        say("The other side withdrew a contract"),
        say("Withdrawn: %(ref)s"),
        "contracts_withdrawn",
        Weight.LEGAL,
    ),
    Event(
        "negotiation:round:sent",
        say("A round is sent to you and it is your turn"),
        say("Your turn to answer: %(ref)s"),
        "negotiation_round",
    ),
    Event(
        "negotiation:round:recalled",
        say("A round is recalled before you opened it"),
        say("A round was recalled: %(ref)s"),
        "negotiation_recalled",
    ),
    Event(
        "negotiation:comment:shared",
        say("The other side shares a comment with you"),
        say("A comment for you: %(ref)s"),
        "negotiation_shared",
    ),
    Event(
        "negotiation:person:mentioned",
        say("Somebody mentions you in a remark"),
        say("You are mentioned: %(ref)s"),
        "negotiation_mentioned",
    ),
    Event(
        "negotiation:approval:asked",
        say("A value takes your approval"),
        say("Your approval is asked for: %(ref)s"),
        "negotiation_approval",
    ),
    Event(
        "negotiation:version:frozen",
        say("The agreed terms are frozen"),
        say("The terms are frozen: %(ref)s"),
        "negotiation_frozen",
        Weight.LEGAL,
    ),
    Event(
        "interim_change:proposed",
        say("The other side proposes to change a schedule"),
        say("A change of a schedule waits for your answer: %(ref)s"),
        "contracts_interim_change",
    ),
    Event(
        "interim_change:agreed",
        say("A change of a schedule is agreed"),
        say("A change of a schedule is agreed: %(ref)s"),
        "contracts_interim_change",
        Weight.LEGAL,
    ),
    Event(
        "interim_change:declined",
        say("A change of a schedule is declined"),
        say("A change of a schedule was declined: %(ref)s"),
        "contracts_interim_change",
    ),
    Event(
        "renewal:reminder",
        say("A notice date of a contract comes up"),
        say("A notice date comes up: %(ref)s"),
        "renewals_reminder",
        Weight.LEGAL,
    ),
    Event(
        "renewal:price:soon",
        say("The last day to tell the next price comes up"),
        say("The price notice is due soon: %(ref)s"),
        "renewals_price_soon",
    ),
    Event(
        "renewal:notice",
        say("The other side gave a notice"),
        say("A notice was given: %(ref)s"),
        "renewals_notice",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "renewal:receipt",
        say("Your side gave a notice: its receipt"),
        say("Receipt for your notice: %(ref)s"),
        "renewals_receipt",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "renewal:ending",
        say("A contract will end because nothing renews it"),
        say("%(ref)s will end with its term"),
        "renewals_ending",
        Weight.LEGAL,
    ),
    Event(
        "renewal:renewed",
        say("A contract renewed by itself"),
        say("%(ref)s has been renewed"),
        "renewals_renewed",
        Weight.LEGAL,
    ),
    Event(
        "renewal:ended",
        say("A contract has ended"),
        say("%(ref)s has ended"),
        "renewals_ended",
        Weight.LEGAL,
    ),
    Event(
        "review:planned",
        say("A review of a contract is planned"),
        say("A review is planned: %(ref)s"),
        "reviews_planned",
    ),
    Event(
        "review:moved",
        say("A review of a contract is moved to another day"),
        say("A review was moved: %(ref)s"),
        "reviews_moved",
    ),
    Event(
        "review:held",
        say("The minutes of a review are kept"),
        say("Minutes of a review: %(ref)s"),
        "reviews_held",
    ),
    Event(
        "renewal:round",
        say("The other side prepares the renewal of a contract"),
        say("A renewal is being prepared: %(ref)s"),
        "renewals_round",
    ),
    Event(
        "signing:signer:invited",
        say("It is your turn to sign"),
        say("Your turn to sign %(ref)s"),
        "signing_invitation",
        Weight.LEGAL,
    ),
    Event(
        "signing:approver:invited",
        say("Your approval is asked before anybody signs"),
        say("Your approval is asked: %(ref)s"),
        "signing_approval",
        Weight.LEGAL,
    ),
    Event(
        "signing:signer:reminded",
        say("A reminder that a signing waits for you"),
        say("Reminder: %(ref)s waits for you"),
        "signing_reminder",
        Weight.LEGAL,
    ),
    Event(
        "signing:version:approved",
        say("Somebody approved a contract for signature"),
        say("%(ref)s: approved for signature"),
        "signing_approved",
        Weight.OPTIONAL,
    ),
    Event(
        "signing:slot:delegated",
        say("A signer gave their place to a colleague"),
        say("%(ref)s: another person signs"),
        "signing_handover",
        Weight.LEGAL,
    ),
    Event(
        "signing:slot:reassigned",
        say("A place to sign was given to another person"),
        say("%(ref)s: another person signs"),
        "signing_handover",
        Weight.LEGAL,
    ),
    Event(
        "signing:version:voided",
        say("The signing of a contract was called off"),
        say("%(ref)s: the signing was voided"),
        "signing_voided",
        Weight.LEGAL,
    ),
    Event(
        "signing:version:reopened",
        say("Frozen terms were opened again and signatures are void"),
        say("%(ref)s: opened again, signatures are void"),
        "signing_reopened",
        Weight.LEGAL,
    ),
    Event(
        "signing:reopening:proposed",
        say("The other side proposes to open frozen terms again"),
        say("%(ref)s: to open the terms again?"),
        "signing_reopening",
        Weight.LEGAL,
    ),
    Event(
        "signing:reopening:refused",
        say("A proposal to open frozen terms was refused"),
        say("%(ref)s: the terms stay frozen"),
        "signing_reopening_refused",
        Weight.LEGAL,
    ),
    Event(
        "signing:offer:expired",
        say("An offer to sign expired"),
        say("%(ref)s: the offer to sign expired"),
        "signing_expired",
        Weight.LEGAL,
    ),
    Event(
        "signing:paper:asked",
        say("Somebody of your side asks for a paper copy"),
        say("%(ref)s: a paper copy is asked for"),
        "signing_paper",
        Weight.LEGAL,
    ),
    Event(
        "signing:deed:stamped",
        say("A time-stamp authority stamped a sealed contract"),
        say("%(ref)s: stamped by a time-stamp authority"),
        "signing_stamped",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "signing:deed:renewed",
        say("The proof of time of a contract was renewed"),
        say("%(ref)s: its proof of time is renewed"),
        "signing_stamped",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "signing:deed:failed",
        say("A deed could not be signed or sealed (administrators)"),
        say("A deed of %(ref)s fails"),
        "signing_alert",
        Weight.SECURITY,
    ),
    Event(
        "signing:signature:declined",
        say("A signer declined"),
        say("%(ref)s was declined"),
        "signing_declined",
        Weight.LEGAL,
    ),
    Event(
        "signing:consent:withdrawn",
        say("A signer withdrew the consent to electronic records"),
        say("%(ref)s: a consent was withdrawn"),
        "signing_consent_withdrawn",
        Weight.LEGAL,
    ),
    Event(
        "signing:deed:sealed",
        say("A contract is signed by all and sealed"),
        say("%(ref)s is signed and sealed"),
        "signing_completed",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "evidence:receipt:written",
        say("The receipt of a round, a signature or a completion"),
        say("Receipt %(seq)s for %(ref)s"),
        "evidence_receipt",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "evidence:receipt:weekly",
        say("The weekly receipt for the log of a contract"),
        say("Log of %(ref)s in week %(week)s: receipt"),
        "evidence_receipt",
        proof=True,
    ),
    Event(
        "changes:change:announced",
        say("A change is announced"),
        say("%(what)s: %(item)s, %(ref)s"),
        "changes_change",
        Weight.LEGAL,
    ),
    Event(
        "changes:change:answered",
        say("A change is approved, postponed, over or withdrawn"),
        say("%(what)s: %(item)s, %(ref)s"),
        "changes_change",
    ),
    Event(
        "changes:outage:reported",
        say("An outage is recorded"),
        say("%(what)s: %(item)s, %(ref)s"),
        "changes_outage",
        Weight.URGENT,
    ),
    Event(
        "changes:outage:answered",
        say("An outage is over, disputed, or its cause is claimed or answered"),
        say("%(what)s: %(item)s, %(ref)s"),
        "changes_outage",
    ),
    Event(
        "incidents:incident:told",
        say("Something is said about an incident you follow"),
        say("%(what)s: incident %(number)s (%(severity)s), %(ref)s"),
        "incidents_event",
    ),
    Event(
        "incidents:target:told",
        say("A target of an incident is soon due, or missed"),
        say("%(what)s: incident %(number)s (%(severity)s), %(ref)s"),
        "incidents_event",
    ),
    Event(
        "incidents:root_cause:told",
        say("The account of a cause is due, given or reviewed, or an action is overdue"),
        say("%(what)s: incident %(number)s (%(severity)s), %(ref)s"),
        "incidents_event",
    ),
    Event(
        "incidents:review:called",
        say("An executive review is called"),
        say("Executive review %(number)s is called: %(ref)s"),
        "incidents_review",
        Weight.LEGAL,
    ),
    Event(
        "onboarding:item:due",
        say("Something of an onboarding waits for your side"),
        say("Onboarding: %(item)s, %(ref)s"),
        "contracts_onboarding",
    ),
    Event(
        "incidents:critical:told",
        say("Something is said about a severity 1 incident"),
        say("%(what)s: incident %(number)s (%(severity)s), %(ref)s"),
        "incidents_event",
        Weight.URGENT,
    ),
    Event(
        "statements:statement:issued",
        say("A month's statement is issued or computed again"),
        say("Statement of %(month)s: %(ref)s"),
        "statements_issued",
    ),
    Event(
        "statements:statement:confirmed",
        say("The vendor confirmed a statement; the time to dispute it runs"),
        say("The statement of %(month)s waits for your answer: %(ref)s"),
        "statements_confirmed",
        Weight.LEGAL,
    ),
    Event(
        "statements:statement:objected",
        say("The vendor objects to a statement"),
        say("Objection to the statement of %(month)s: %(ref)s"),
        "statements_objected",
    ),
    Event(
        "statements:statement:presumed",
        say("A month counts as missed because its report did not come in time"),
        say("No report of %(month)s in time: %(ref)s"),
        "statements_presumed",
        Weight.LEGAL,
    ),
    Event(
        "statements:statement:disputed",
        say("The customer disputes a statement"),
        say("The statement of %(month)s is disputed: %(ref)s"),
        "statements_disputed",
        Weight.LEGAL,
    ),
    Event(
        "statements:statement:answered",
        say("The vendor answered a dispute of a statement"),
        say("Answer on the statement of %(month)s: %(ref)s"),
        "statements_answered",
    ),
    Event(
        "statements:statement:accepted",
        say("A statement is accepted and frozen"),
        say("The statement of %(month)s is accepted: %(ref)s"),
        "statements_accepted",
        Weight.LEGAL,
    ),
    Event(
        "person:factor:enrolled",
        say("Codes were set up for your account"),
        say("Codes were set up"),
        "accounts_factor_set_up",
        Weight.SECURITY,
    ),
    Event(
        "person:factor:moved",
        say("Your codes come from another phone"),
        say("Codes now come from another phone"),
        "accounts_factor_set_up",
        Weight.SECURITY,
    ),
    Event(
        "person:recovery_code:spent",
        say("A recovery code was used"),
        say("A recovery code was used"),
        "accounts_recovery_used",
        Weight.SECURITY,
    ),
    Event(
        "person:recovery_codes:ended",
        say("Your recovery codes ended"),
        say("Make new recovery codes"),
        "accounts_recovery_ended",
        Weight.SECURITY,
    ),
    Event(
        "person:password:changed",
        say("Your password was changed"),
        say("Your password was changed"),
        "accounts_password_changed",
        Weight.SECURITY,
    ),
    Event(
        "person:device:new",
        say("A new browser signed in to your account"),
        say("A new browser signed in"),
        "accounts_new_device",
        Weight.SECURITY,
    ),
    Event(
        "person:provider:linked",
        say("An account elsewhere opens your account from now on"),
        say("An account elsewhere opens yours"),
        "accounts_provider_linked",
        Weight.SECURITY,
    ),
    Event(
        "contract:move:asked",
        say("The other side asks to move a contract to another region"),
        say("A move to another region waits for your answer: %(ref)s"),
        "admin_move_asked",
        Weight.SECURITY,
    ),
    Event(
        "contract:move:agreed",
        say("Both sides agreed to move a contract to another region"),
        say("A contract moves to another region: %(ref)s"),
        "admin_move_agreed",
        Weight.SECURITY,
    ),
    Event(
        "person:passkey:added",
        say("A passkey was added to your account"),
        say("A passkey was added"),
        "accounts_passkey_added",
        Weight.SECURITY,
    ),
    Event(
        "person:factor:wanted",
        say("Your organisation will ask for codes, and you have none"),
        say("Set up sign-in codes"),
        "admin_factor_wanted",
        Weight.SECURITY,
    ),
    Event(
        "organisation:policy:asked",
        say("A weaker policy waits for a second administrator"),
        say("A weaker policy waits for your confirmation"),
        "admin_policy_asked",
        Weight.SECURITY,
    ),
    Event(
        "organisation:policy:weakened",
        say("A party weakens its policy on codes or regions"),
        say("A policy will be weakened"),
        "admin_policy_weakened",
        Weight.SECURITY,
    ),
    Event(
        "signing:attempt:failed",
        say("An attempt to sign a regulated contract failed in your organisation"),
        say("A failed attempt to sign: %(ref)s"),
        "signing_attempt",
        Weight.SECURITY,
    ),
    Event(
        "retention:hold:set",
        say("A party puts a legal hold on a contract"),
        say("A legal hold: %(ref)s"),
        "retention_hold_set",
        Weight.LEGAL,
    ),
    Event(
        "retention:hold:lifted",
        say("A party lifts a legal hold"),
        say("A legal hold is lifted: %(ref)s"),
        "retention_hold_lifted",
        Weight.LEGAL,
    ),
    Event(
        "retention:deletion:asked",
        say("A party asks to delete a contract whose time is over"),
        say("A deletion is asked for: %(ref)s"),
        "retention_deletion_asked",
        Weight.LEGAL,
    ),
    Event(
        "retention:deletion:agreed",
        say("A contract’s content is deleted"),
        say("Content is deleted: %(ref)s"),
        "retention_deletion_agreed",
        Weight.LEGAL,
    ),
    Event(
        "emergency:access:opened",
        say("Somebody who runs the portal opens emergency access to a contract"),
        say("Emergency access was opened: %(ref)s"),
        "admin_emergency",
        Weight.SECURITY,
    ),
    Event(
        "profile:turn:asked",
        say("A party asks to put a contract under a profile, or out of one"),
        say("A profile is asked for: %(ref)s"),
        "profiles_asked",
        Weight.LEGAL,
    ),
    Event(
        "profile:turn:agreed",
        say("A contract comes under a profile, or leaves one"),
        say("A profile changes: %(ref)s"),
        "profiles_agreed",
        Weight.LEGAL,
    ),
    Event(
        "organisation:profile:confirmed",
        say("A party puts the HIPAA profile on or off"),
        say("The HIPAA profile of a party changes"),
        "admin_profile",
        Weight.SECURITY,
    ),
    Event(
        "organisation:factor_reset:asked",
        say("A reset of somebody’s codes was asked for"),
        say("A reset of sign-in codes was asked for"),
        "admin_reset_asked",
        Weight.SECURITY,
    ),
    Event(
        "organisation:factor_reset:done",
        say("Somebody’s codes were reset"),
        say("Sign-in codes were reset"),
        "admin_reset_done",
        Weight.SECURITY,
    ),
    Event(
        "organisation:grant:reused",
        say("A program’s access was ended, because a copy of it was used"),
        say("A program’s access was ended"),
        "oauth_reused",
        Weight.SECURITY,
    ),
    Event(
        "webhook:endpoint:gone",
        say("A program you told of events wants no more of them"),
        say("A webhook was ended by its receiver"),
        "webhooks_gone",
    ),
    Event(
        "webhook:delivery:given_up",
        say("A program could not be told of an event for three days"),
        say("A webhook could not be delivered"),
        "webhooks_given_up",
    ),
    Event(
        "notices:mail:failed",
        say("A mail you caused could not be delivered"),
        say("A mail about %(ref)s could not be delivered"),
        "notices_failed",
        channel=Channel.PORTAL,
    ),
)

# A mail of its own that no page of preferences lists: to silence it silences all it gathers.
DIGEST = "notices:digest:sent"

EVENTS: Mapping[str, Event] = {event.name: event for event in _LIST}


def event_of(name: str) -> Event:
    """Return an event of the table; an unknown name is a mistake in the code."""
    return EVENTS[name]


def is_optional(name: str) -> bool:
    """Return whether a person may turn this event's mail off; an event of old code may not."""
    return name == DIGEST or (name in EVENTS and EVENTS[name].optional)


HEADINGS = {
    "contract": say("Contracts"),
    "negotiation": say("Negotiation"),
    "interim_change": say("Schedules"),
    "signing": say("Signing"),
    "incidents": say("Incidents"),
    "changes": say("Changes and outages"),
    "statements": say("Monthly statements"),
    "renewal": say("Renewals"),
}
OTHERS = say("Everything else")


def grouped(events: Iterable[Event]) -> list[tuple[Words, list[Event]]]:
    """Return events under the headings a person reads; what has none of its own comes last."""
    found: dict[Words, list[Event]] = {}
    for event in events:
        heading = HEADINGS.get(event.name.partition(":")[0], OTHERS)
        found.setdefault(heading, []).append(event)
    order = [*HEADINGS.values(), OTHERS]
    return [(heading, found[heading]) for heading in order if heading in found]
