"""What is told of a contract that holds: changes, outages, incidents, statements."""

from portal.kit.words import say
from portal.notices.rules.event import Event, Weight

TOLD = (
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
)
