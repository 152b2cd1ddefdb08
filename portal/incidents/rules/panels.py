"""Which things this person may say about an incident now, in the order they are likely wanted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from portal.incidents.rules.entitlement import EXCLUSION_WORDS
from portal.incidents.rules.steps import GROUND_WORDS, Situation, grounds_of, why_not
from portal.kit.words import say
from portal.sla.rules.incident import (
    CUSTOMER,
    VENDOR,
    Happened,
    Standing,
    pauses_of,
    proposals_of,
    severity_now,
    standing_resolution,
)
from portal.sla.rules.promises import SEVERITIES

Choices = Sequence[tuple[str, str]]

MEANS_WORDS: Mapping[str, str] = {
    "permanent_fix": say("A permanent fix"),
    "accepted_workaround": say("A workaround the customer accepts"),
    "config_change": say("A change of configuration"),
    "fix_in_release": say("A fix in a coming release"),
}


@dataclass(frozen=True)
class Verb:
    """One thing that can be said: its address, what it needs, and how it is asked for."""

    noun: str
    kind: Happened
    needs: str
    label: str
    ask: str = ""
    words: bool = False
    choices: Callable[[Situation], Choices] | None = None
    choice_label: str = ""
    files: bool = False
    done: str = ""


@dataclass(frozen=True)
class Panel:
    """A verb that is open to this person now; `about` is the event it speaks to."""

    verb: Verb
    about: str = ""
    choices: Choices = ()
    note: str = ""
    ends_pause: str = ""

    @property
    def id(self) -> str:
        """The id of the panel on the page."""
        return f"say-{self.verb.noun}{'-' + self.about[-6:] if self.about else ''}".lower()


def _severities(now: Situation) -> Choices:
    rows = now.promises.terms.get("C1") or ()
    names = {row["code"]: f"{row['code']}, {row['name']}" for row in rows}
    held = severity_now(now.history)
    return [(code, names.get(code, code)) for code in SEVERITIES if code != held]


def _grounds(now: Situation) -> Choices:
    return [(ground, GROUND_WORDS[ground]) for ground in grounds_of(now.promises.terms)]


def _means(now: Situation) -> Choices:
    return [(code, MEANS_WORDS[code]) for code in now.promises.terms.get("C8") or ()]


def _exclusions(now: Situation) -> Choices:
    codes = list(now.promises.terms.get("I6") or ())
    found: list[tuple[str, str]] = [
        (code, say("Not in scope: %(what)s", what=EXCLUSION_WORDS[code])) for code in codes
    ]
    if now.promises.terms.get("H3") == "excluded":
        found.insert(0, ("customer_part", GROUND_WORDS["customer_part"]))
    return found


ANSWER, FOLLOW = "incident:answer", "incident:follow"
H = Happened
VERBS: Mapping[str, Verb] = {
    verb.noun: verb
    for verb in (
        Verb("acknowledgement", H.ACKNOWLEDGED, ANSWER, say("Acknowledge"),
             say("A word to the customer (optional)"),
             done=say("Acknowledged. The first clock stopped.")),
        Verb("response", H.RESPONSE, ANSWER, say("Give a first diagnosis"), say("What you found"),
             words=True, files=True, done=say("Sent.")),
        Verb("update", H.UPDATE, ANSWER, say("Give an update"),
             say("Where it stands; without progress, why"), words=True, files=True,
             done=say("Sent. The update clock starts again.")),
        Verb("workaround", H.WORKAROUND, ANSWER, say("Deliver a workaround"),
             say("How to use it, step by step"), words=True, files=True,
             done=say("Delivered. The workaround clock has stopped.")),
        Verb("resolution", H.RESOLVED, ANSWER, say("Resolve"),
             say("What was done, and how to check it"),
             words=True, choices=_means, choice_label=say("It is resolved by"), files=True,
             done=say("Resolved. The customer is asked to confirm.")),
        Verb("message", H.MESSAGE, FOLLOW, say("Write a message"), say("Message"), words=True,
             files=True, done=say("Sent.")),
        Verb("severity", H.SEVERITY_PROPOSED, FOLLOW, say("Propose another severity"),
             say("Why, by its effect on the business"), words=True, choices=_severities,
             choice_label=say("Severity"),
             done=say("Proposed. The graver severity holds until agreed.")),
        Verb("pause", H.PAUSE_CLAIMED, FOLLOW, say("Claim a pause"),
             say("What is awaited, and from whom"),
             words=True, choices=_grounds, choice_label=say("Ground in the contract"),
             done=say("Claimed. The other side sees it and may contest it.")),
        Verb("exclusion", H.EXCLUDED, ANSWER, say("Say that it does not count"),
             say("What shows it: the vendor must show it"), words=True, choices=_exclusions,
             choice_label=say("Ground in the contract"),
             done=say("Said. The customer may contest it.")),
        Verb("confirmation", H.CONFIRMED, FOLLOW, say("Close it"), say("A last word (optional)"),
             done=say("Closed.")),
        Verb("reopening", H.REOPENED, FOLLOW, say("Reopen"), say("What happens again"), words=True,
             done=say("Reopened. The clocks go on from where they stood.")),
        Verb("refusal", H.REFUSED, FOLLOW, say("It does not work"), say("What still fails"),
             words=True, done=say("Refused. It stopped no clock.")),
        Verb("severity-agreement", H.SEVERITY_AGREED, FOLLOW, say("Agree"), done=say("Agreed.")),
        Verb("severity-objection", H.SEVERITY_DECLINED, FOLLOW, say("Disagree"),
             say("Why"), words=True,
             done=say("Disputed. It goes to the level the contract names.")),
        Verb("severity-withdrawal", H.SEVERITY_WITHDRAWN, FOLLOW, say("Withdraw the proposal"),
             done=say("Withdrawn.")),
        Verb("pause-contest", H.PAUSE_CONTESTED, FOLLOW, say("Contest this pause"),
             say("Why it does not count"), words=True,
             done=say("Contested. Its time is shown both ways until settled.")),
        Verb("pause-settlement", H.PAUSE_SETTLED, FOLLOW,
             say("Accept that this time does not count"),
             done=say("Settled: the pause stands.")),
        Verb("pause-end", H.PAUSE_ENDED, FOLLOW, say("End the pause now"),
             done=say("The clocks run.")),
        Verb("exclusion-contest", H.EXCLUSION_CONTESTED, FOLLOW, say("Contest it"),
             say("Why it counts"), words=True, done=say("Contested.")),
        Verb("exclusion-settlement", H.EXCLUSION_SETTLED, FOLLOW, say("Give way"),
             done=say("Settled.")),
    )
}  # fmt: skip

_ORDER = (
    "acknowledgement", "response", "update", "workaround", "resolution", "message", "severity",
    "pause", "exclusion", "reopening",
)  # fmt: skip


def panels(now: Situation, *, allowed: Collection[str]) -> list[Panel]:
    """The verbs that stand by themselves, open to someone with these permissions."""
    found = [_open(VERBS[noun], now, allowed) for noun in _ORDER]
    return [_with_pause(panel, now) for panel in found if panel is not None]


def questions(now: Situation, *, allowed: Collection[str]) -> list[tuple[str, list[Panel]]]:
    """What waits for an answer, each with the verbs that answer it: title and panels."""
    found: list[tuple[str, list[Panel]]] = []
    found += _severity_questions(now, allowed)
    found += _pause_questions(now, allowed)
    found += _delivery_questions(now, allowed)
    found += _exclusion_question(now, allowed)
    return [(title, answers) for title, answers in found if answers]


def _open(
    verb: Verb, now: Situation, allowed: Collection[str], about: str = "", note: str = ""
) -> Panel | None:
    if verb.needs not in allowed:
        return None
    choices = verb.choices(now) if verb.choices else ()
    if verb.choices and not choices:
        return None
    word = choices[0][0] if choices else None
    problem = why_not(verb.kind, now, answers=about or None, severity=word, ground=word)
    return None if problem else Panel(verb, about, choices, note)


def _opened(
    now: Situation, allowed: Collection[str], about: str, *nouns: str, note: str = ""
) -> list[Panel]:
    found = (_open(VERBS[noun], now, allowed, about, note) for noun in nouns)
    return [panel for panel in found if panel is not None]


def _with_pause(panel: Panel, now: Situation) -> Panel:
    """A customer's message may be the answer that a running pause waits for."""
    if panel.verb.noun != "message" or now.side != CUSTOMER:
        return panel
    for claim in pauses_of(now.history, now.promises):
        if claim.side == VENDOR and (claim.end is None or claim.end > now.now):
            return replace(panel, ends_pause=claim.id)
    return panel


# By the side, and whether the other side disputes it.
_PROPOSED = {
    (VENDOR, False): say("Severity %(severity)s is proposed by the vendor"),
    (CUSTOMER, False): say("Severity %(severity)s is proposed by the customer"),
    (VENDOR, True): say("Severity %(severity)s is disputed by the vendor"),
    (CUSTOMER, True): say("Severity %(severity)s is disputed by the customer"),
}
_CLAIMED = {
    (VENDOR, False): say("Pause, claimed by the vendor: %(ground)s"),
    (CUSTOMER, False): say("Pause, claimed by the customer: %(ground)s"),
    (VENDOR, True): say("Contested pause, claimed by the vendor: %(ground)s"),
    (CUSTOMER, True): say("Contested pause, claimed by the customer: %(ground)s"),
}


def _severity_questions(now: Situation, allowed: Collection[str]) -> list[tuple[str, list[Panel]]]:
    found: list[tuple[str, list[Panel]]] = []
    for proposal in proposals_of(now.history):
        if proposal.is_open:
            words = _PROPOSED[proposal.side, proposal.declined_at is not None]
            title = words % {"severity": proposal.severity}
            nouns = ("severity-agreement", "severity-objection", "severity-withdrawal")
            found.append((title, _opened(now, allowed, proposal.id, *nouns)))
    return found


def _pause_questions(now: Situation, allowed: Collection[str]) -> list[tuple[str, list[Panel]]]:
    found: list[tuple[str, list[Panel]]] = []
    for claim in pauses_of(now.history, now.promises):
        running = claim.end is None or claim.end > now.now
        if not running and not claim.contested and claim.side == now.side:
            continue
        if not claim.counts:
            continue
        ground = GROUND_WORDS.get(claim.ground, claim.ground)
        title = _CLAIMED[claim.side, claim.contested] % {"ground": ground}
        if not running:
            title = say("%(title)s (ended)", title=title)
        nouns = ("pause-end", "pause-contest", "pause-settlement")
        answers = _opened(now, allowed, claim.id, *nouns)
        found.append((title, [_own_words(panel, claim.side == now.side) for panel in answers]))
    return found


def _own_words(panel: Panel, mine: bool) -> Panel:
    """The claimant of a contested pause gives way by taking it back."""
    if panel.verb.noun != "pause-settlement" or not mine:
        return panel
    verb = replace(
        panel.verb, label=say("Take the pause back: this time counts"), done=say("Taken back.")
    )
    return replace(panel, verb=verb)


def _delivery_questions(now: Situation, allowed: Collection[str]) -> list[tuple[str, list[Panel]]]:
    found: list[tuple[str, list[Panel]]] = []
    resolution = standing_resolution(now.history)
    if now.standing is Standing.RESOLVED and resolution is not None:
        answers = _opened(now, allowed, "", "confirmation")
        answers += _opened(now, allowed, resolution.id, "refusal")
        found.append((say("Resolved: does it work?"), answers))
    elif now.standing is Standing.OPEN:
        ways = [e for e in now.history.all_of(H.WORKAROUND) if e.id not in now.history.refused]
        if ways:
            answers = _opened(now, allowed, ways[-1].id, "refusal")
            found.append((say("A workaround is delivered"), answers))
        if now.side == CUSTOMER:
            found.append((say("No longer a problem?"), _opened(now, allowed, "", "confirmation")))
    return found


def _exclusion_question(now: Situation, allowed: Collection[str]) -> list[tuple[str, list[Panel]]]:
    nouns = ("exclusion-contest", "exclusion-settlement")
    return [(say("The vendor says that it does not count"), _opened(now, allowed, "", *nouns))]
