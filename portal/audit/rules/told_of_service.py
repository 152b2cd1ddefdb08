"""What is told of a contract that holds: incidents, changes, reviews, statements, renewal."""

from portal.audit.rules.phrases import Facts, Wordings
from portal.kit.words import Words, say


def price_closed(f: Facts) -> Words:
    """Return how the time for telling a price ended."""
    if f.get("told"):
        if f.get("late"):
            return say("%(who)s noted that the price notice was in time, late.")
        return say("%(who)s noted that the price notice was in time.")
    if f.get("late"):
        return say("%(who)s noted that the price notice did not come, so the fee stays, late.")
    return say("%(who)s noted that the price notice did not come, so the fee stays.")


def notice_closed(f: Facts) -> Words:
    """Return what follows from a notice date that has passed."""
    more = f.get("conditions") or f.get("late")
    if f.get("renews"):
        if more:
            return say(
                "%(who)s noted that the notice date has passed and the contract renews, %(more)s."
            )
        return say("%(who)s noted that the notice date has passed and the contract renews.")
    if more:
        return say(
            "%(who)s noted that the notice date has passed and the contract does not renew, "
            "%(more)s."
        )
    return say("%(who)s noted that the notice date has passed and the contract does not renew.")


TOLD: Wordings = {
    "incident:reported": say("%(who)s reported incident %(incident)s (%(severity)s)."),
    "incident:message:written": say("%(who)s wrote about incident %(incident)s (%(severity)s)."),
    "incident:acknowledged": say("%(who)s acknowledged incident %(incident)s (%(severity)s)."),
    "incident:response:given": say(
        "%(who)s gave a first diagnosis of incident %(incident)s (%(severity)s)."
    ),
    "incident:update:given": say("%(who)s gave an update on incident %(incident)s (%(severity)s)."),
    "incident:severity:proposed": say(
        "%(who)s proposed another severity for incident %(incident)s (%(severity)s)."
    ),
    "incident:severity:agreed": say(
        "%(who)s agreed the severity of incident %(incident)s (%(severity)s)."
    ),
    "incident:severity:declined": say(
        "%(who)s disputed the severity of incident %(incident)s (%(severity)s)."
    ),
    "incident:severity:withdrawn": say(
        "%(who)s withdrew a severity proposed for incident %(incident)s (%(severity)s)."
    ),
    "incident:pause:claimed": say(
        "%(who)s claimed a pause of the clocks of incident %(incident)s (%(severity)s)."
    ),
    "incident:pause:contested": say(
        "%(who)s contested a pause of incident %(incident)s (%(severity)s)."
    ),
    "incident:pause:settled": say(
        "%(who)s settled a contested pause of incident %(incident)s (%(severity)s)."
    ),
    "incident:pause:ended": say(
        "%(who)s let the clocks of incident %(incident)s (%(severity)s) run again."
    ),
    "incident:workaround:delivered": say(
        "%(who)s delivered a workaround for incident %(incident)s (%(severity)s)."
    ),
    "incident:resolved": say("%(who)s resolved incident %(incident)s (%(severity)s)."),
    "incident:delivery:refused": say(
        "%(who)s said that what was delivered for incident %(incident)s (%(severity)s) "
        "does not work."
    ),
    "incident:confirmed": say("%(who)s closed incident %(incident)s (%(severity)s)."),
    "incident:reopened": say("%(who)s reopened incident %(incident)s (%(severity)s)."),
    "incident:exclusion:claimed": say(
        "%(who)s claimed that incident %(incident)s (%(severity)s) does not count."
    ),
    "incident:exclusion:contested": say(
        "%(who)s contested that incident %(incident)s (%(severity)s) does not count."
    ),
    "incident:exclusion:settled": say(
        "%(who)s settled whether incident %(incident)s (%(severity)s) counts."
    ),
    "incident:target:missed": say(
        "%(who)s noted a missed target of incident %(incident)s (%(severity)s): %(aim)s."
    ),
    "incident:level:called": lambda f: (
        say(
            "%(who)s called level %(level)s to incident %(incident)s (%(severity)s), later "
            "than it should."
        )
        if f.get("late")
        else say("%(who)s called level %(level)s to incident %(incident)s (%(severity)s).")
    ),
    "incident:level:confirmed": say(
        "%(who)s confirmed for level %(level)s of incident %(incident)s (%(severity)s)."
    ),
    "incident:root_cause:preliminary": say(
        "%(who)s gave a first account of the cause of incident %(incident)s (%(severity)s)."
    ),
    "incident:root_cause:final": say(
        "%(who)s gave the full account of the cause of incident %(incident)s (%(severity)s)."
    ),
    "incident:root_cause:returned": say(
        "%(who)s returned the account of the cause of incident %(incident)s (%(severity)s)."
    ),
    "incident:root_cause:accepted": say(
        "%(who)s accepted the account of the cause of incident %(incident)s (%(severity)s)."
    ),
    "incident:measure:added": say(
        "%(who)s added an action after incident %(incident)s (%(severity)s)."
    ),
    "incident:measure:done": say(
        "%(who)s finished an action after incident %(incident)s (%(severity)s)."
    ),
    "incident:review:called": say("%(who)s called executive review %(number)s."),
    "incident:review:held": say("%(who)s wrote down the outcome of executive review %(number)s."),
    "onboarding:item:ticked": say("%(who)s ticked “%(item)s” of the onboarding."),
    "onboarding:item:unticked": say("%(who)s took back the tick of “%(item)s” of the onboarding."),
    "onboarding:item:planned": say(
        "%(who)s gave “%(item)s” of the onboarding an owner and a date."
    ),
    "onboarding:file:attached": say("%(who)s attached a file to “%(item)s” of the onboarding."),
    "incident:watch:begun": say("%(who)s began to watch incident %(incident)s."),
    "incident:watch:ended": say("%(who)s stopped watching incident %(incident)s."),
    "incident:contacts:named": say("%(who)s named %(contacts)s who may open incidents."),
    "review:planned": say("%(who)s planned a review (%(review)s)."),
    "review:moved": say("%(who)s moved a review (%(review)s) to another day."),
    "review:held": say("%(who)s kept the minutes of a review (%(review)s), %(actions)s agreed."),
    "review:action:done": say("%(who)s finished an action of a review."),
    "renewal:dates:computed": lambda f: (
        say("%(who)s computed the dates of the term, %(moved_dates)s moved.")
        if f.get("moved")
        else say("%(who)s computed the dates of the term.")
    ),
    "renewal:reminder:sent": lambda f: (
        say("%(who)s reminded both sides of the notice date, late.")
        if f.get("late")
        else say("%(who)s reminded both sides of the notice date.")
    ),
    "renewal:reminder:passed": lambda f: (
        say("%(who)s passed over a reminder that came too late, late.")
        if f.get("late")
        else say("%(who)s passed over a reminder that came too late.")
    ),
    "renewal:price:reminded": lambda f: (
        say("%(who)s reminded the vendor of the price notice, late.")
        if f.get("late")
        else say("%(who)s reminded the vendor of the price notice.")
    ),
    "renewal:price:told": say("%(who)s told the price of the next term (notice %(serial)s)."),
    "renewal:price:closed": price_closed,
    "renewal:notice:given": say("%(who)s gave notice %(serial)s by %(channel)s: %(notice)s."),
    "renewal:notice:received": say("%(who)s confirmed that notice %(serial)s arrived."),
    "renewal:notice:closed": notice_closed,
    "renewal:term:renewed": lambda f: (
        say("%(who)s renewed the contract for term %(term)s and wrote version %(version)s, late.")
        if f.get("late")
        else say("%(who)s renewed the contract for term %(term)s and wrote version %(version)s.")
    ),
    "renewal:term:renewed_by_successor": lambda f: (
        say("%(who)s ended this contract: a new one renews it, late.")
        if f.get("late")
        else say("%(who)s ended this contract: a new one renews it.")
    ),
    "renewal:term:ended": lambda f: (
        say("%(who)s noted that the last term has ended, late.")
        if f.get("late")
        else say("%(who)s noted that the last term has ended.")
    ),
    "renewal:round:started": say("%(who)s started a renewal round from this contract."),
    "changes:change:announced": say("%(who)s announced the change %(change)s."),
    "changes:change:approved": say("%(who)s approved the change %(change)s."),
    "changes:change:excepted": say("%(who)s allowed the change %(change)s in a freeze."),
    "changes:change:postponed": say("%(who)s postponed the change %(change)s."),
    "changes:change:started": say("%(who)s began the work of %(change)s."),
    "changes:change:completed": lambda f: (
        say("%(who)s completed the change %(change)s, %(minutes)s past its end.")
        if f.get("overrun_minutes")
        else say("%(who)s completed the change %(change)s.")
    ),
    "changes:change:rolled_back": lambda f: (
        say("%(who)s rolled back %(change)s, %(minutes)s past its end.")
        if f.get("overrun_minutes")
        else say("%(who)s rolled back %(change)s.")
    ),
    "changes:change:withdrawn": say("%(who)s withdrew the change %(change)s."),
    "changes:outage:reported": say("%(who)s wrote down the outage %(outage)s."),
    "changes:outage:ended": say("%(who)s wrote down the end of the outage %(outage)s."),
    "changes:outage:confirmed": say("%(who)s confirmed the outage %(outage)s."),
    "changes:outage:disputed": say("%(who)s disputed the outage %(outage)s."),
    "changes:outage:corrected": say("%(who)s took over the other times of %(outage)s."),
    "changes:outage:withdrawn": say("%(who)s withdrew the outage %(outage)s."),
    "changes:outage:cause_claimed": say("%(who)s claimed an excluded cause of %(outage)s."),
    "changes:outage:cause_accepted": say("%(who)s accepted the cause of %(outage)s."),
    "changes:outage:cause_refused": say("%(who)s refused the cause of %(outage)s."),
    "changes:monitor:added": say("%(who)s let a monitor of the %(side)s report outages."),
    "statements:statement:issued": say("%(who)s issued the statement of %(month)s."),
    "statements:statement:recomputed": say(
        "%(who)s computed the statement of %(month)s again, revision %(revision)s."
    ),
    "statements:statement:confirmed": say("%(who)s confirmed the statement of %(month)s."),
    "statements:statement:objected": say("%(who)s objected to the statement of %(month)s."),
    "statements:statement:disputed": say("%(who)s disputed the statement of %(month)s."),
    "statements:statement:answered": say(
        "%(who)s answered the dispute of the statement of %(month)s."
    ),
    "statements:statement:accepted": say("%(who)s accepted the statement of %(month)s."),
    "statements:statement:lapsed": say(
        "%(who)s let the statement of %(month)s count as accepted: nobody disputed it in time."
    ),
    "statements:statement:claimed": say("%(who)s claimed the credit of %(month)s."),
    "statements:statement:sealed": say("%(who)s sealed the statement of %(month)s."),
    "statements:statement:presumed": say(
        "%(who)s counted the month %(month)s as missed: no report came in time."
    ),
    "statements:credit:lapsed": say("%(who)s let the credit of %(month)s lapse unclaimed."),
    "statements:credit:returned": say("%(who)s earned back a part of the credit of %(month)s."),
    "statements:credit:expired": say(
        "%(who)s let the credit of %(month)s expire with the contract."
    ),
    "statements:credit:paid": say("%(who)s paid the credit of %(month)s."),
    "changes:monitor:revoked": say("%(who)s ended a monitor of the %(side)s."),
}
