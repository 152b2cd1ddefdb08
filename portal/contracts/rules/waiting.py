"""Whom a contract waits for, and the one thing to do next."""

from dataclasses import dataclass
from enum import StrEnum

from portal.contracts.rules.life import Side, State
from portal.kit.words import inside, say

STEPS = ("people", "service-levels", "scope", "metrics")
STEP_WORDS = {
    "people": say("People"),
    "service-levels": say("Service levels"),
    "scope": say("Scope"),
    "metrics": say("Metrics"),
}
ALL_STEPS_DONE = len(STEPS) + 1
OPEN = frozenset({State.DRAFT, State.NEGOTIATION})


class Wait(StrEnum):
    """What waits for the member who looks, the most pressing first."""

    SIGNATURE = "signature"
    APPROVAL = "approval"
    ANSWER = "answer"
    START = "start"


WAIT_WORDS = {
    Wait.START: say("Yours to finish and send"),
    Wait.ANSWER: say("Your turn to answer"),
    Wait.SIGNATURE: say("Waiting for your signature"),
    Wait.APPROVAL: say("Waiting for your approval"),
}


class Door(StrEnum):
    """A page of the contract that a next step leads to."""

    START = "start"
    TERMS = "terms"
    ROUNDS = "rounds"
    PEOPLE = "people"
    SIGN = "sign"
    AGREEMENT = "agreement"
    DEED = "deed"
    SIGNING = "signing"
    LOG = "log"
    AMENDED = "amended"


@dataclass(frozen=True)
class Standing:
    """Where a contract stands, seen by one member."""

    state: State
    turn: Side
    side: Side
    step: int
    mine_to_sign: bool
    next_signer: str | None
    other_name: str
    mine_to_approve: bool = False
    approving: bool = False


@dataclass(frozen=True)
class NextStep:
    """The one thing to do next: what is the matter, and the door that leads there."""

    title: str
    text: str
    label: str
    door: Door
    urgent: bool


def waits_for(standing: Standing) -> Wait | None:
    """Return what waits for this member, if anything does."""
    if standing.state is State.SIGNING:
        if standing.mine_to_approve:
            return Wait.APPROVAL
        return Wait.SIGNATURE if standing.mine_to_sign else None
    if standing.state not in OPEN or standing.turn is not standing.side:
        return None
    return Wait.START if standing.state is State.DRAFT else Wait.ANSWER


def steps_done(standing: Standing) -> list[tuple[str, str]]:
    """Return each step of the start as (step, "Done" | "Next" | "To do"); none unless preparing."""
    if waits_for(standing) is not Wait.START:
        return []
    words = [say("Done"), say("Next"), say("To do")]
    return [
        (step, words[(place >= standing.step) + (place > standing.step)])
        for place, step in enumerate(STEPS, start=1)
    ]


def may_withdraw(state: State) -> bool:
    """Return whether a side can still withdraw from the negotiation: until the terms are frozen.

    From the freeze until all have signed, the signing is voided instead.
    """
    return state in OPEN


def may_void(state: State) -> bool:
    """Return whether the signing can be called off: from the freeze until all have signed."""
    return state in {State.AGREED, State.SIGNING}


def next_step(standing: Standing) -> NextStep:
    """Return the one thing to do next for this member."""
    wait = waits_for(standing)
    if wait is not None:
        return _mine(wait, standing)
    if standing.state in OPEN:
        return _theirs(standing)
    return _later(standing)


def _mine(wait: Wait, standing: Standing) -> NextStep:
    if wait is Wait.SIGNATURE:
        text = say(
            "You are next. Read the agreement, consent, and sign with a code from your phone."
        )
        return NextStep(WAIT_WORDS[wait], text, say("Review and sign"), Door.SIGN, True)
    if wait is Wait.APPROVAL:
        text = say("Nobody signs before you approve. Read the agreement, then approve with a code.")
        return NextStep(WAIT_WORDS[wait], text, say("Review and approve"), Door.SIGN, True)
    if wait is Wait.ANSWER:
        text = say(
            "%(other_name)s sent a round. Answer each open term, then send yours.",
            other_name=standing.other_name,
        )
        return NextStep(WAIT_WORDS[wait], text, say("Answer the terms"), Door.TERMS, True)
    if standing.step < ALL_STEPS_DONE:
        words = STEP_WORDS[STEPS[standing.step - 1]]
        label = say("Continue: %(step)s", step=inside(words))
        text = say(
            "Step %(step)s of %(number)s is next. %(other_name)s sees no term yet.",
            step=standing.step, number=len(STEPS), other_name=standing.other_name,
        )  # fmt: skip
        return NextStep(say("Finish the start"), text, label, Door.START, True)
    text = say(
        "All four steps are done. %(other_name)s sees the terms once you send round 1.",
        other_name=standing.other_name,
    )
    return NextStep(say("Send round 1"), text, say("Review and send round 1"), Door.TERMS, True)


def _theirs(standing: Standing) -> NextStep:
    if standing.state is State.DRAFT:
        title = say("%(other_name)s is preparing round 1", other_name=standing.other_name)
        text = say("Meanwhile, name the people on your side and who signs for you.")
        return NextStep(title, text, say("Name your people"), Door.PEOPLE, False)
    text = say("You will get a mail when their round arrives.")
    title = say("%(other_name)s’s turn to answer", other_name=standing.other_name)
    return NextStep(title, text, say("Read the terms"), Door.TERMS, False)


def _signing_title(standing: Standing) -> str:
    signer = standing.next_signer or say("the next signer")
    if standing.approving:
        return say("Waiting for %(signer)s to approve", signer=signer)
    return say("Waiting for %(signer)s to sign", signer=signer)


def _later(standing: Standing) -> NextStep:
    told: dict[State, tuple[str, str, Door]] = {
        State.AGREED: (
            say("Every term is agreed"),
            say("The deed is being prepared. The first signer gets a mail in a moment."),
            Door.AGREEMENT,
        ),
        State.SIGNING: (
            _signing_title(standing),
            say("Everybody gets a mail when it is their turn, and a reminder if they wait long."),
            Door.SIGNING,
        ),
        State.SEALING: (
            say("Signed by all, being sealed"),
            say("The seal closes the deed. It usually takes less than a minute."),
            Door.AGREEMENT,
        ),
        State.COMPLETED: (
            say("Signed and sealed"),
            say("Each side holds a complete original. Support begins on the agreed day."),
            Door.DEED,
        ),
        State.IN_FORCE: (say("In force"), say("The signed terms run the support."), Door.DEED),
        State.EXPIRING: (
            say("In force until the term ends"),
            say("The signed terms run the support until then. Nothing renews them so far."),
            Door.DEED,
        ),
        State.RENEWED: (
            say("Renewed by a new contract"),
            say("This one ended when the new one began. It stays readable with its log."),
            Door.DEED,
        ),
        State.ENDED: (
            say("Ended"),
            say("The last term is over. It stays readable with its log."),
            Door.DEED,
        ),
        State.AMENDS: (
            say("Signed and sealed"),
            say("These terms changed the contract. Read there what holds on any day."),
            Door.AMENDED,
        ),
        State.WITHDRAWN: (
            say("Withdrawn"),
            say("Nothing more can be done with this contract."),
            Door.LOG,
        ),
        State.DECLINED: (
            say("Declined"),
            say("Nothing more can be done with this contract."),
            Door.LOG,
        ),
        State.VOIDED: (
            say("Voided before completion"),
            say("The signing was called off. Signatures made so far bind nobody."),
            Door.LOG,
        ),
        State.EXPIRED: (
            say("The offer to sign expired"),
            say("Not everybody signed in time. Signatures made so far bind nobody."),
            Door.LOG,
        ),
    }
    title, text, door = told[standing.state]
    label = {
        Door.AGREEMENT: say("Read the agreement"),
        Door.DEED: say("Open the deed (PDF)"),
        Door.SIGNING: say("See how the signing stands"),
        Door.LOG: say("Read the log"),
        Door.AMENDED: say("See the contract it changed"),
    }[door]
    return NextStep(title, text, label, door, False)
