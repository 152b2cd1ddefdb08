"""What is told of a contract's terms: its rounds, its schedules, its reviews and its renewal."""

from portal.kit.words import say
from portal.notices.rules.event import Event, Weight

TOLD = (
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
)
