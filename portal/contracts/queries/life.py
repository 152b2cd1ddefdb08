"""Where a contract stands by its dated facts, and when it moves to the archive."""

from collections.abc import Sequence
from datetime import date

from portal.contracts.models import Contract
from portal.contracts.queries.in_force import current_version
from portal.contracts.rules import listing
from portal.contracts.rules.life import OVER, DatedFact, Side, State, completed_at, state_of
from portal.templates.queries import archive_days


def dated_facts(contract: Contract) -> list[DatedFact]:
    """Return the contract's facts as the rules read them, oldest first."""
    return [
        DatedFact(fact.kind, fact.at, Side(fact.side) if fact.side else None)
        for fact in sorted(contract.facts, key=lambda fact: (fact.at, fact.id))
    ]


def service_start(contract: Contract) -> date | None:
    """Return the service start of the frozen version (term A5), if it names a date."""
    version = current_version(contract)
    value = version.canonical["terms"].get("A5") if version else None
    return date.fromisoformat(value) if isinstance(value, str) else None


def service_end(contract: Contract, *kinds: str) -> date | None:
    """Return the day after the last one of service, once the last term is over; None before.

    `kinds` narrows it to a contract that "ended" or was "renewed" by another one.
    """
    found = [fact for fact in contract.facts if fact.kind in (kinds or ("ended", "renewed"))]
    days = [fact.effective_on or fact.at.date().isoformat() for fact in found]
    return date.fromisoformat(max(days)) if days else None


def state(contract: Contract, *, today: date) -> State:
    """Return where the contract stands."""
    return state_of(
        dated_facts(contract), service_start=service_start(contract), today=today,
        of=contract.amends_id,
    )  # fmt: skip


def archive_dates(contracts: Sequence[Contract], *, today: date) -> dict[str, date]:
    """Return the day each contract whose last term is over moves to the archive, by reference.

    A signed amendment goes with the contract it amends. One query of the directory however many.
    """
    over = [c for c in contracts if state(c, today=today) in OVER]
    days = archive_days({(c.template, c.template_sha256) for c in over})
    found = {}
    for contract in over:
        done = completed_at(dated_facts(contract))
        on = listing.archived_on(
            completed=done.date() if done else None,
            ended=service_end(contract),
            after=days[contract.template_sha256],
        )
        if on is not None:
            found[contract.id] = on
    amended = {c.id: found[c.amends_id] for c in contracts
               if c.amends_id in found and completed_at(dated_facts(c))}  # fmt: skip
    return found | amended
