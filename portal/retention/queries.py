"""Finding until when contracts are kept, what holds them, and what was deleted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor
from portal.admin.queries import open_move
from portal.contracts.models import Contract
from portal.contracts.queries import dated_facts, service_end, state, terms_in_force
from portal.contracts.rules.life import ENDED_EARLY, State
from portal.contracts.rules.listing import ENDED
from portal.kit.db import directory_reader
from portal.kit.errors import NotFound
from portal.profiles.models import ProfileTurn
from portal.profiles.rules import Profile
from portal.residency.models import DataKey
from portal.retention import rules
from portal.retention.models import Deletion, LegalHold
from portal.retention.rules import Retention


def family_of(contract: Contract) -> list[Contract]:
    """Return a contract with its amendments: they are kept and go together."""
    return [contract, *contract.amendments]


def years_of(contract: Contract) -> dict[str, int]:
    """Return how many years each party keeps records, by its name."""
    with directory_reader() as directory:
        chosen = _years(directory, {contract.vendor_id, contract.customer_id})
    return _named(contract, chosen)


def _years(directory: Session, organisations: Collection[str]) -> dict[str, int]:
    rows = directory.execute(
        select(Organisation.id, Organisation.retention_years).where(
            Organisation.id.in_(organisations)
        )
    )
    return {row[0]: int(row[1]) for row in rows}


def _named(contract: Contract, chosen: dict[str, int]) -> dict[str, int]:
    parties = ((contract.vendor_id, contract.vendor_name),
               (contract.customer_id, contract.customer_name))  # fmt: skip
    return {name: chosen[key] for key, name in parties if key in chosen}


def retention_of(session: Session, contract: Contract, *, today: date) -> Retention:
    """Return until when a contract is kept."""
    ever = select(ProfileTurn.id).where(
        ProfileTurn.contract_id == contract.id, ProfileTurn.profile == Profile.HIPAA,
        ProfileTurn.holds_from.is_not(None),
    )  # fmt: skip
    return _retention(
        session, contract, years=years_of(contract), today=today,
        hipaa=session.scalar(ever.limit(1)) is not None,
    )  # fmt: skip


def _retention(
    session: Session, contract: Contract, *, years: dict[str, int], hipaa: bool, today: date
) -> Retention:
    return rules.retention_of(
        ended=ended_on(contract), term=_term(session, contract, today), years=years, hipaa=hipaa
    )


def ended_on(contract: Contract) -> date | None:
    """Return the first day on which a contract no longer ran or was no longer open."""
    ended = service_end(contract)
    if ended is not None:
        return ended
    early = [fact.at.date() for fact in dated_facts(contract) if fact.kind in ENDED_EARLY]
    return max(early, default=None)


def _term(session: Session, contract: Contract, today: date) -> dict[str, object] | None:
    """Return term N10 of what was signed; None where nothing was, or the term names nothing."""
    try:
        value = terms_in_force(session, contract, on=today).get("N10")
    except NotFound:
        return None
    return dict(value) if isinstance(value, dict) else None


def holds_of(session: Session, contract: Contract) -> Sequence[LegalHold]:
    """Return the holds on a contract and its amendments, those that stand first."""
    refs = [one.id for one in family_of(contract)]
    return session.scalars(
        select(LegalHold)
        .where(LegalHold.contract_id.in_(refs))
        .order_by(LegalHold.lifted_at.is_not(None), LegalHold.id.desc())
    ).all()


def standing_holds(session: Session, contract: Contract) -> int:
    """Return how many holds stand on a contract and its amendments."""
    return sum(hold.lifted_at is None for hold in holds_of(session, contract))


def find_hold(session: Session, contract: Contract, hold_id: str, *, side: str) -> LegalHold:
    """Return a hold of one's own side, or raise `NotFound`."""
    row = session.get(LegalHold, hold_id)
    if row is None or row.contract_id != contract.id or row.side != side:
        raise NotFound
    return row


def open_deletion(session: Session, ref: str) -> Deletion | None:
    """Return the deletion of a contract that is neither withdrawn nor done."""
    return session.scalar(
        select(Deletion).where(
            Deletion.contract_id == ref, Deletion.withdrawn_at.is_(None),
            Deletion.deleted_at.is_(None),
        )
    )  # fmt: skip


def agreed_deletions(session: Session) -> Sequence[str]:
    """Return the deletions of a region that wait for the worker."""
    return session.scalars(
        select(Deletion.id).where(
            Deletion.agreed_at.is_not(None), Deletion.withdrawn_at.is_(None),
            Deletion.deleted_at.is_(None),
        )
    ).all()  # fmt: skip


def demand_deletable(session: Session, contract: Contract, *, today: date) -> None:
    """Refuse where a contract's content may not be deleted today; each reason in words."""
    rules.demand_deletable(
        retention_of(session, contract, today=today), today=today,
        holds=standing_holds(session, contract), state=state(contract, today=today),
        moving=open_move(session, contract.id) is not None,
        amendment=contract.amends_id is not None,
    )  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """An ended contract in the list of what is due when."""

    ref: str
    title: str
    state: State
    retention: Retention
    holds: int


def kept_of(session: Session, actor: Actor, *, today: date) -> list[Kept]:
    """Return an organisation's ended contracts of a region with the day each is due, soonest first.

    A fixed number of queries, and one more for each contract that was signed: its own term.
    """
    whose = or_(
        Contract.vendor_id == actor.organisation_id, Contract.customer_id == actor.organisation_id
    )
    contracts = session.scalars(
        select(Contract)
        .where(whose, Contract.stage == ENDED, Contract.amends_id.is_(None))
        .options(
            selectinload(Contract.facts),
            selectinload(Contract.versions),
            selectinload(Contract.interim_changes),
        )
    ).all()
    refs = [contract.id for contract in contracts]
    keys = session.scalars(select(DataKey).where(DataKey.id.in_(refs))).all()
    with directory_reader() as directory:
        parties = {one for c in contracts for one in (c.vendor_id, c.customer_id)}
        years = _years(directory, parties)
    hipaa = set(
        session.scalars(
            select(ProfileTurn.contract_id).where(
                ProfileTurn.contract_id.in_(refs), ProfileTurn.profile == Profile.HIPAA,
                ProfileTurn.holds_from.is_not(None),
            )
        )
    )  # fmt: skip
    held = _held(session, refs)
    rows = [
        Kept(
            one.id, one.title, state(one, today=today),
            _retention(
                session, one, years=_named(one, years), hipaa=one.id in hipaa, today=today
            ),
            held.get(one.id, 0),
        )
        for one in contracts
    ]  # fmt: skip
    del keys
    return sorted(rows, key=lambda row: (row.retention.until or date.max, row.ref))


def _held(session: Session, refs: Collection[str]) -> dict[str, int]:
    """Return how many holds stand, by contract; those on an amendment count for its contract."""
    root = func.coalesce(Contract.amends_id, Contract.id)
    rows = session.execute(
        select(root, func.count())
        .join(LegalHold, LegalHold.contract_id == Contract.id)
        .where(LegalHold.lifted_at.is_(None), root.in_(refs))
        .group_by(root)
    )
    return {row[0]: row[1] for row in rows}


def deleted_of(session: Session, actor: Actor) -> Sequence[Deletion]:
    """Return the deletions of an organisation's contracts in a region, the newest first."""
    return session.scalars(
        select(Deletion)
        .where(
            or_(
                Deletion.vendor_id == actor.organisation_id,
                Deletion.customer_id == actor.organisation_id,
            )
        )
        .order_by(Deletion.id.desc())
    ).all()
