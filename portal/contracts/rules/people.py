"""People of a side: functions, the owner, and the sequence of signers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal.kit.words import say

OWNER = "owner"
FUNCTIONS = ("sales", "it", "legal", "procurement", "support")
FUNCTION_WORDS: dict[str, str] = {
    OWNER: say("Owner"),
    "sales": say("Sales"),
    "it": say("IT"),
    "legal": say("Legal"),
    "procurement": say("Procurement"),
    "support": say("Support"),
}
MOST_SIGNERS = 4
APPROVING = ("sales", "it", "legal", "procurement")

# Which roles usually fill a function: only a suggestion, the person who fills the form decides.
USUAL_ROLES: Mapping[str, tuple[str, ...]] = {
    OWNER: ("account_manager", "procurement", "sales_ops"),
    "sales": ("sales_ops", "account_manager"),
    "it": ("it_admin", "support_engineer"),
    "legal": ("legal",),
    "procurement": ("procurement",),
    "support": ("support_lead", "support_engineer", "it_admin"),
}


@dataclass(frozen=True)
class Member:
    """A member who can be named on a contract."""

    person_id: str
    name: str
    email: str
    roles: frozenset[str]

    @property
    def may_sign(self) -> bool:
        """Whether this member signs for the organisation."""
        return "signatory" in self.roles


@dataclass(frozen=True)
class Signer:
    """A person named to sign, with the title they sign under.

    `together`: asked at the same time as the signer before.
    """

    person_id: str
    title: str
    together: bool = False


def suggested(function: str, members: Iterable[Member]) -> str | None:
    """Return the first member whose role usually fills this function."""
    pool = list(members)
    for role in USUAL_ROLES[function]:
        for member in pool:
            if role in member.roles:
                return member.person_id
    return None


def people_problem(
    members: Mapping[str, Member],
    *,
    functions: Mapping[str, str],
    signers: Sequence[Signer],
    theirs: Iterable[str],
) -> str | None:
    """Say what is wrong with the people of a side, or None. `theirs` sign for the other side."""
    people = [signer.person_id for signer in signers]
    if OWNER not in functions:
        return say("Choose the owner: one person who coordinates your side.")
    if not signers:
        return say("Name at least one person who signs for you.")
    if len(signers) > MOST_SIGNERS:
        return say("Name at most %(most_signers)s signers.", most_signers=MOST_SIGNERS)
    if not {*people, *functions.values()} <= set(members):
        return say("Choose members of your own organisation.")
    if len(set(people)) < len(people):
        return say("Name each signer once.")
    if not all(members[person].may_sign for person in people):
        return say("A signer needs the role Signatory. Ask your organisation administrator.")
    taken = next((person for person in people if person in set(theirs)), None)
    if taken:
        return say(
            "%(name)s already signs for the other side. Name somebody else.",
            name=members[taken].name,
        )
    return None


def sequence(vendor: Sequence[str], customer: Sequence[str]) -> dict[str, int]:
    """Return each signer's position over both sides, from 1: the vendor's first."""
    return {person: place for place, person in enumerate((*vendor, *customer), start=1)}
