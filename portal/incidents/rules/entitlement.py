"""Whether a report is covered by the contract: its module, its severity there, its reporter."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from portal.kit.words import say

Terms = Mapping[str, Any]
UNLIMITED = "unlimited"

EXCLUSION_WORDS: Mapping[str, str] = {
    "unsupported_version": say("an unsupported version"),
    "customer_modification": say("a change made by the customer"),
    "misuse": say("misuse"),
    "beta": say("beta features"),
    "data_repair": say("data repair"),
    "custom_code": say("custom code"),
    "third_party": say("faults of third parties"),
    "hardware_network": say("hardware and network"),
    "on_site": say("on-site work"),
    "training": say("training"),
}


@dataclass(frozen=True)
class Entitlement:
    """Whether a report is covered. `refused` names why it cannot be made at all; `doubts` are
    shown to both sides and stop nothing."""

    refused: str | None
    doubts: tuple[str, ...]

    @property
    def word(self) -> str:
        """How the incident keeps it."""
        return "doubtful" if self.doubts else "covered"


def modules_of(terms: Terms) -> list[tuple[str, str]]:
    """The supported modules as (module, environment), in the contract's order (I1)."""
    return [(row["module"], row["environment"]) for row in terms.get("I1") or ()]


def entitlement_of(
    terms: Terms,
    *,
    module: str,
    environment: str,
    severity: str,
    reporter: str,
    contacts: Collection[str],
    is_vendor: bool,
    is_security: bool,
) -> Entitlement:
    """Check a report against the scope (I1) and the named contacts (B7).

    A credible warning of severity 1 or of a security weakness counts whoever sends it (clause 2.8);
    and the vendor writes down what reached it by phone.
    """
    anyone = is_vendor or is_security or severity == "S1" or not contacts
    if not anyone and reporter not in contacts:
        return Entitlement(
            say(
                "Only the named contacts of this contract open incidents below severity 1. Ask one "
                "of them, or ask your IT administrator to name you."
            ),
            (),
        )
    return Entitlement(None, tuple(_doubts(terms, module, environment, severity)))


def _doubts(terms: Terms, module: str, environment: str, severity: str) -> list[str]:
    known = modules_of(terms)
    doubts: list[str] = []
    if module not in {name for name, _ in known}:
        doubts.append(
            say("%(module)s is not among the supported modules.", module=module)
            if module
            else say("What is affected is not among the supported modules.")
        )
    elif (module, environment) not in known and environment != "test":
        doubts.append(
            say(
                "%(module)s is not supported in %(environment)s.",
                module=module,
                environment=environment,
            )
        )
    if environment == "test" and severity < "S3" and not _allows_test(terms, severity):
        doubts.append(say("Outside production the contract supports severity 3 or lower."))
    return doubts


def _allows_test(terms: Terms, severity: str) -> bool:
    rows = terms.get("C1") or ()
    return any(row["code"] == severity and row.get("non_production") for row in rows)


def contacts_left(terms: Terms, named: int) -> int | None:
    """How many more contacts may be named (B7); None where there is no limit."""
    most = terms.get("B7")
    return None if most in (None, UNLIMITED) else max(0, int(most) - named)
