"""Finding the onboarding checklist of a contract."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract, OnboardingFile, OnboardingItem
from portal.contracts.queries import dated_facts, service_start
from portal.contracts.rules import onboarding as rules
from portal.contracts.rules.life import Side, completed_at
from portal.kit.errors import NotFound
from portal.residency.models import Document


def checklist(session: Session, contract: Contract) -> list[rules.State]:
    """Return every item as it stands; one nobody touched yet has its usual owner and date."""
    done = completed_at(dated_facts(contract))
    if done is None:
        raise NotFound
    rows = {row.item: row for row in rows_of(session, contract)}
    return [_state(contract, item, rows.get(item.key), done) for item in rules.ITEMS.values()]


def rows_of(session: Session, contract: Contract) -> Sequence[OnboardingItem]:
    """Return the items somebody has touched."""
    return session.scalars(
        select(OnboardingItem).where(OnboardingItem.contract_id == contract.id)
    ).all()


def _state(
    contract: Contract, item: rules.Item, row: OnboardingItem | None, completed: datetime
) -> rules.State:
    if row is None:
        due = rules.usual_due(item, completed=completed.date(), start=service_start(contract))
        return rules.State(item, usual_owner(contract, item), due, {})
    ticks = {}
    if row.vendor_at:
        ticks[Side.VENDOR] = rules.Tick(row.vendor_at, row.vendor_by or "")
    if row.customer_at:
        ticks[Side.CUSTOMER] = rules.Tick(row.customer_at, row.customer_by or "")
    return rules.State(item, row.owner_id, date.fromisoformat(row.due), ticks)


def usual_owner(contract: Contract, item: rules.Item) -> str | None:
    """Return who usually owns an item: the function's person on its side, or that side's owner."""
    mine = [row for row in contract.stakeholders if row.side == item.side]
    for function in (item.function, "owner"):
        for row in mine:
            if row.function == function:
                return row.person_id
    return None


def files_of(session: Session, contract: Contract) -> dict[str, list[OnboardingFile]]:
    """Return the files of a checklist by item."""
    rows = session.execute(
        select(OnboardingFile, OnboardingItem.item)
        .join(OnboardingItem, OnboardingItem.id == OnboardingFile.item_id)
        .where(OnboardingFile.contract_id == contract.id)
        .order_by(OnboardingFile.at)
    )
    found: dict[str, list[OnboardingFile]] = {}
    for row, item in rows:
        found.setdefault(item, []).append(row)
    return found


def find_file(
    session: Session, contract: Contract, file_id: str
) -> tuple[OnboardingFile, Document]:
    """Return one file of a checklist with its document, or raise `NotFound`."""
    row = session.get(OnboardingFile, file_id)
    if row is None or row.contract_id != contract.id:
        raise NotFound
    return row, session.get_one(Document, row.document_id)
