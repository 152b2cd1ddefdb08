"""The one table of what is told: each event with its words, its weight and its usual channel.

An event is `subject:part:happened`, the same name as its entry in the log where there is one. Its
mail is `templates/mail/<room>_<event>.txt`, named in `letter`. Subjects are thin: they are
filled with the words of `tell` and the reference, and name nothing a contract says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


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
    Channel.MAIL: "By mail, at once",
    Channel.DIGEST: "In the digest",
    Channel.PORTAL: "In the portal only",
}


@dataclass(frozen=True)
class Event:
    """One thing people are told.

    `words` name it on the page of preferences; `proof` marks a mail that is itself evidence (it
    carries hashes) and is therefore sent whole where an organisation asks for thin mail.
    """

    name: str
    words: str
    subject: str
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
        "The other side withdrew a contract",
        "Withdrawn: {ref}",
        "contracts_withdrawn",
        Weight.LEGAL,
    ),
    Event(
        "negotiation:round:sent",
        "A round is sent to you and it is your turn",
        "Your turn to answer: {ref}",
        "negotiation_round",
    ),
    Event(
        "negotiation:round:recalled",
        "A round is recalled before you opened it",
        "A round was recalled: {ref}",
        "negotiation_recalled",
    ),
    Event(
        "negotiation:comment:shared",
        "The other side shares a comment with you",
        "A comment for you: {ref}",
        "negotiation_shared",
    ),
    Event(
        "negotiation:person:mentioned",
        "Somebody mentions you in a remark",
        "You are mentioned: {ref}",
        "negotiation_mentioned",
    ),
    Event(
        "negotiation:approval:asked",
        "A value takes your approval",
        "Your approval is asked for: {ref}",
        "negotiation_approval",
    ),
    Event(
        "negotiation:version:frozen",
        "The agreed terms are frozen",
        "The terms are frozen: {ref}",
        "negotiation_frozen",
        Weight.LEGAL,
    ),
    Event(
        "interim_change:proposed",
        "The other side proposes to change a schedule",
        "A change of a schedule waits for your answer: {ref}",
        "contracts_interim_change",
    ),
    Event(
        "interim_change:agreed",
        "A change of a schedule is agreed",
        "A change of a schedule is agreed: {ref}",
        "contracts_interim_change",
        Weight.LEGAL,
    ),
    Event(
        "interim_change:declined",
        "A change of a schedule is declined",
        "A change of a schedule was declined: {ref}",
        "contracts_interim_change",
    ),
    Event(
        "renewal:reminder",
        "A notice date of a contract comes up",
        "A notice date comes up: {ref}",
        "renewals_reminder",
        Weight.LEGAL,
    ),
    Event(
        "renewal:price:soon",
        "The last day to tell the next price comes up",
        "The price notice is due soon: {ref}",
        "renewals_price_soon",
    ),
    Event(
        "renewal:notice",
        "The other side gave a notice",
        "A notice was given: {ref}",
        "renewals_notice",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "renewal:receipt",
        "Your side gave a notice: its receipt",
        "Receipt for your notice: {ref}",
        "renewals_receipt",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "renewal:ending",
        "A contract will end because nothing renews it",
        "{ref} will end with its term",
        "renewals_ending",
        Weight.LEGAL,
    ),
    Event(
        "renewal:renewed",
        "A contract renewed by itself",
        "{ref} has been renewed",
        "renewals_renewed",
        Weight.LEGAL,
    ),
    Event(
        "renewal:ended",
        "A contract has ended",
        "{ref} has ended",
        "renewals_ended",
        Weight.LEGAL,
    ),
    Event(
        "review:planned",
        "A review of a contract is planned",
        "A review is planned: {ref}",
        "reviews_planned",
    ),
    Event(
        "review:moved",
        "A review of a contract is moved to another day",
        "A review was moved: {ref}",
        "reviews_moved",
    ),
    Event(
        "review:held",
        "The minutes of a review are kept",
        "Minutes of a review: {ref}",
        "reviews_held",
    ),
    Event(
        "renewal:round",
        "The other side prepares the renewal of a contract",
        "A renewal is being prepared: {ref}",
        "renewals_round",
    ),
    Event(
        "signing:signer:invited",
        "It is your turn to sign",
        "Your turn to sign {ref}",
        "signing_invitation",
        Weight.LEGAL,
    ),
    Event(
        "signing:approver:invited",
        "Your approval is asked before anybody signs",
        "Your approval is asked: {ref}",
        "signing_approval",
        Weight.LEGAL,
    ),
    Event(
        "signing:signer:reminded",
        "A reminder that a signing waits for you",
        "Reminder: {ref} waits for you",
        "signing_reminder",
        Weight.LEGAL,
    ),
    Event(
        "signing:version:approved",
        "Somebody approved a contract for signature",
        "{ref}: approved for signature",
        "signing_approved",
        Weight.OPTIONAL,
    ),
    Event(
        "signing:slot:delegated",
        "A signer gave their place to a colleague",
        "{ref}: another person signs",
        "signing_handover",
        Weight.LEGAL,
    ),
    Event(
        "signing:slot:reassigned",
        "A place to sign was given to another person",
        "{ref}: another person signs",
        "signing_handover",
        Weight.LEGAL,
    ),
    Event(
        "signing:version:voided",
        "The signing of a contract was called off",
        "{ref}: the signing was voided",
        "signing_voided",
        Weight.LEGAL,
    ),
    Event(
        "signing:version:reopened",
        "Frozen terms were opened again and signatures are void",
        "{ref}: opened again, signatures are void",
        "signing_reopened",
        Weight.LEGAL,
    ),
    Event(
        "signing:reopening:proposed",
        "The other side proposes to open frozen terms again",
        "{ref}: to open the terms again?",
        "signing_reopening",
        Weight.LEGAL,
    ),
    Event(
        "signing:reopening:refused",
        "A proposal to open frozen terms was refused",
        "{ref}: the terms stay frozen",
        "signing_reopening_refused",
        Weight.LEGAL,
    ),
    Event(
        "signing:offer:expired",
        "An offer to sign expired",
        "{ref}: the offer to sign expired",
        "signing_expired",
        Weight.LEGAL,
    ),
    Event(
        "signing:paper:asked",
        "Somebody of your side asks for a paper copy",
        "{ref}: a paper copy is asked for",
        "signing_paper",
        Weight.LEGAL,
    ),
    Event(
        "signing:deed:stamped",
        "A time-stamp authority stamped a sealed contract",
        "{ref}: stamped by a time-stamp authority",
        "signing_stamped",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "signing:deed:renewed",
        "The proof of time of a contract was renewed",
        "{ref}: its proof of time is renewed",
        "signing_stamped",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "signing:deed:failed",
        "A deed could not be signed or sealed (administrators)",
        "A deed of {ref} fails",
        "signing_alert",
        Weight.SECURITY,
    ),
    Event(
        "signing:signature:declined",
        "A signer declined",
        "{ref} was declined",
        "signing_declined",
        Weight.LEGAL,
    ),
    Event(
        "signing:consent:withdrawn",
        "A signer withdrew the consent to electronic records",
        "{ref}: a consent was withdrawn",
        "signing_consent_withdrawn",
        Weight.LEGAL,
    ),
    Event(
        "signing:deed:sealed",
        "A contract is signed by all and sealed",
        "{ref} is signed and sealed",
        "signing_completed",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "evidence:receipt:written",
        "The receipt of a round, a signature or a completion",
        "Receipt {seq} for {ref}",
        "evidence_receipt",
        Weight.LEGAL,
        proof=True,
    ),
    Event(
        "changes:change:announced",
        "A change is announced",
        "{what}: {item}, {ref}",
        "changes_change",
        Weight.LEGAL,
    ),
    Event(
        "changes:change:answered",
        "A change is approved, postponed, over or withdrawn",
        "{what}: {item}, {ref}",
        "changes_change",
    ),
    Event(
        "changes:outage:reported",
        "An outage is recorded",
        "{what}: {item}, {ref}",
        "changes_outage",
        Weight.URGENT,
    ),
    Event(
        "changes:outage:answered",
        "An outage is over, disputed, or its cause is claimed or answered",
        "{what}: {item}, {ref}",
        "changes_outage",
    ),
    Event(
        "incidents:incident:told",
        "Something is said about an incident you follow",
        "{what}: incident {number} ({severity}), {ref}",
        "incidents_event",
    ),
    Event(
        "incidents:target:told",
        "A target of an incident is soon due, or missed",
        "{what}: incident {number} ({severity}), {ref}",
        "incidents_event",
    ),
    Event(
        "incidents:root_cause:told",
        "The account of a cause is due, given or reviewed, or an action is overdue",
        "{what}: incident {number} ({severity}), {ref}",
        "incidents_event",
    ),
    Event(
        "incidents:review:called",
        "An executive review is called",
        "Executive review {number} is called: {ref}",
        "incidents_review",
        Weight.LEGAL,
    ),
    Event(
        "onboarding:item:due",
        "Something of an onboarding waits for your side",
        "Onboarding: {item}, {ref}",
        "contracts_onboarding",
    ),
    Event(
        "incidents:critical:told",
        "Something is said about a severity 1 incident",
        "{what}: incident {number} ({severity}), {ref}",
        "incidents_event",
        Weight.URGENT,
    ),
    Event(
        "statements:statement:issued",
        "A month's statement is issued or computed again",
        "Statement of {month}: {ref}",
        "statements_issued",
    ),
    Event(
        "statements:statement:confirmed",
        "The vendor confirmed a statement; the time to dispute it runs",
        "The statement of {month} waits for your answer: {ref}",
        "statements_confirmed",
        Weight.LEGAL,
    ),
    Event(
        "statements:statement:objected",
        "The vendor objects to a statement",
        "Objection to the statement of {month}: {ref}",
        "statements_objected",
    ),
    Event(
        "statements:statement:presumed",
        "A month counts as missed because its report did not come in time",
        "No report of {month} in time: {ref}",
        "statements_presumed",
        Weight.LEGAL,
    ),
    Event(
        "statements:statement:disputed",
        "The customer disputes a statement",
        "The statement of {month} is disputed: {ref}",
        "statements_disputed",
        Weight.LEGAL,
    ),
    Event(
        "statements:statement:answered",
        "The vendor answered a dispute of a statement",
        "Answer on the statement of {month}: {ref}",
        "statements_answered",
    ),
    Event(
        "statements:statement:accepted",
        "A statement is accepted and frozen",
        "The statement of {month} is accepted: {ref}",
        "statements_accepted",
        Weight.LEGAL,
    ),
    Event(
        "person:factor:enrolled",
        "Codes were set up for your account",
        "Codes were set up",
        "accounts_factor_set_up",
        Weight.SECURITY,
    ),
    Event(
        "person:factor:moved",
        "Your codes come from another phone",
        "Codes now come from another phone",
        "accounts_factor_set_up",
        Weight.SECURITY,
    ),
    Event(
        "person:recovery_code:spent",
        "A recovery code was used",
        "A recovery code was used",
        "accounts_recovery_used",
        Weight.SECURITY,
    ),
    Event(
        "person:password:changed",
        "Your password was changed",
        "Your password was changed",
        "accounts_password_changed",
        Weight.SECURITY,
    ),
    Event(
        "contract:move:asked",
        "The other side asks to move a contract to another region",
        "A move to another region waits for your answer: {ref}",
        "admin_move_asked",
        Weight.SECURITY,
    ),
    Event(
        "contract:move:agreed",
        "Both sides agreed to move a contract to another region",
        "A contract moves to another region: {ref}",
        "admin_move_agreed",
        Weight.SECURITY,
    ),
    Event(
        "person:passkey:added",
        "A passkey was added to your account",
        "A passkey was added",
        "accounts_passkey_added",
        Weight.SECURITY,
    ),
    Event(
        "person:factor:wanted",
        "Your organisation will ask for codes, and you have none",
        "Set up sign-in codes",
        "admin_factor_wanted",
        Weight.SECURITY,
    ),
    Event(
        "organisation:policy:asked",
        "A weaker policy waits for a second administrator",
        "A weaker policy waits for your confirmation",
        "admin_policy_asked",
        Weight.SECURITY,
    ),
    Event(
        "organisation:policy:weakened",
        "A party weakens its policy on codes or regions",
        "A policy will be weakened",
        "admin_policy_weakened",
        Weight.SECURITY,
    ),
    Event(
        "signing:attempt:failed",
        "An attempt to sign a regulated contract failed in your organisation",
        "A failed attempt to sign: {ref}",
        "signing_attempt",
        Weight.SECURITY,
    ),
    Event(
        "profile:turn:asked",
        "A party asks to put a contract under a profile, or out of one",
        "A profile is asked for: {ref}",
        "profiles_asked",
        Weight.LEGAL,
    ),
    Event(
        "profile:turn:agreed",
        "A contract comes under a profile, or leaves one",
        "A profile changes: {ref}",
        "profiles_agreed",
        Weight.LEGAL,
    ),
    Event(
        "organisation:profile:confirmed",
        "A party puts the HIPAA profile on or off",
        "The HIPAA profile of a party changes",
        "admin_profile",
        Weight.SECURITY,
    ),
    Event(
        "organisation:factor_reset:asked",
        "A reset of somebody’s codes was asked for",
        "A reset of sign-in codes was asked for",
        "admin_reset_asked",
        Weight.SECURITY,
    ),
    Event(
        "organisation:factor_reset:done",
        "Somebody’s codes were reset",
        "Sign-in codes were reset",
        "admin_reset_done",
        Weight.SECURITY,
    ),
    Event(
        "organisation:grant:reused",
        "A program’s access was ended, because a copy of it was used",
        "A program’s access was ended",
        "oauth_reused",
        Weight.SECURITY,
    ),
    Event(
        "notices:mail:failed",
        "A mail you caused could not be delivered",
        "A mail about {ref} could not be delivered",
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
    "contract": "Contracts",
    "negotiation": "Negotiation",
    "interim_change": "Schedules",
    "signing": "Signing",
    "incidents": "Incidents",
    "changes": "Changes and outages",
    "statements": "Monthly statements",
    "renewal": "Renewals",
}


def grouped(events: Iterable[Event]) -> list[tuple[str, list[Event]]]:
    """Return events under the headings a person reads; what has none of its own comes last."""
    found: dict[str, list[Event]] = {}
    for event in events:
        heading = HEADINGS.get(event.name.partition(":")[0], "Everything else")
        found.setdefault(heading, []).append(event)
    order = [*HEADINGS.values(), "Everything else"]
    return [(heading, found[heading]) for heading in order if heading in found]
