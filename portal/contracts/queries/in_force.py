"""The terms that run the service: what was signed, and what was agreed to change it since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.contracts.models import Contract, Fact, InterimChange, Version
from portal.contracts.rules.amending import FROM, Decision, narrowed
from portal.contracts.rules.effective import Layer, LayerKind, first_day, terms_on
from portal.kit.errors import NotFound
from portal.residency.models import DataKey
from portal.terms.rules import Schema, Value, load_schema


def last_fact(contract: Contract, kind: str) -> Fact | None:
    """Return the latest fact of a kind."""
    facts = [fact for fact in contract.facts if fact.kind == kind]
    return max(facts, key=lambda fact: (fact.at, fact.id), default=None)


def settled_until(contract: Contract) -> datetime | None:
    """Return up to when the statements of a contract are settled, without a gap."""
    fact = last_fact(contract, "settled")
    return fact.at if fact else None


def current_version(contract: Contract) -> Version | None:
    """Return the frozen version that is signed or to be signed, if there is one."""
    standing = (v for v in reversed(contract.versions) if v.voided_at is None)
    return next((version for version in standing if version.renews is None), None)


def version_in_force(contract: Contract, *, on: date | None = None) -> Version | None:
    """Return the version that the service runs on; None before completion.

    It is the signed and sealed one, or what the last renewal begun by then wrote under it. An
    amendment runs nothing by itself: its terms hold in the contract it amends.
    """
    if contract.amends_id is not None or last_fact(contract, "completed") is None:
        return None
    renewed = [
        version
        for version in _renewals(contract)
        if on is None or (version.begins or "") <= on.isoformat()
    ]
    return max(renewed, key=lambda version: version.number, default=current_version(contract))


def _renewals(contract: Contract) -> list[Version]:
    signed = current_version(contract)
    if signed is None:
        return []
    return [version for version in contract.versions if version.renews == signed.id]


def terms_in_force(session: Session, contract: Contract, *, on: date) -> Mapping[str, Value]:
    """Return the signed terms that run the service on a date; `NotFound` before completion.

    The one door to signed terms: incidents, statements and renewals read no other. Amendments and
    changed schedules hold from the day after they were agreed at the earliest, so the answer for a
    day that has begun never changes.
    """
    return terms_on(_signed_terms(contract), layers_of(session, contract), on=on)


def _signed_terms(contract: Contract) -> Mapping[str, Value]:
    version = current_version(contract)
    if version is None or version_in_force(contract) is None:
        raise NotFound
    terms: Mapping[str, Value] = version.canonical["terms"]
    return terms


@dataclass(frozen=True)
class TermsOverTime:
    """The signed terms of one contract and every agreed change, to be asked for many days."""

    signed: Mapping[str, Value]
    layers: list[Layer]

    def on(self, day: date) -> dict[str, Value]:
        """Return the terms in force on a day."""
        return terms_on(self.signed, self.layers, on=day)


def terms_over_time(session: Session, contract: Contract) -> TermsOverTime:
    """Return what `terms_in_force` reads, once, for whoever asks about many days."""
    return TermsOverTime(_signed_terms(contract), layers_of(session, contract))


def terms_of_each(session: Session, contracts: Sequence[Contract]) -> dict[str, TermsOverTime]:
    """Return the terms over time of completed contracts of one region, by reference.

    A fixed number of queries, however many they are, where their facts, versions and interim
    changes are loaded.
    """
    amended = _amendments(session, [contract.id for contract in contracts])
    return {
        contract.id: TermsOverTime(
            _signed_terms(contract), _layers(contract, amended.get(contract.id, []))
        )
        for contract in contracts
    }


def layers_of(session: Session, contract: Contract) -> list[Layer]:
    """Return every agreed change of a contract's terms; five queries at most."""
    return _layers(contract, _amendments(session, [contract.id]).get(contract.id, []))


def _layers(contract: Contract, amendments: list[Layer]) -> list[Layer]:
    interim = [_interim(row) for row in contract.interim_changes if row.decision == Decision.AGREED]
    layers = [*amendments, *interim]
    before = current_version(contract)
    for version in sorted(_renewals(contract), key=lambda version: version.number):
        if before is not None:
            layers.append(_renewal(_signed_terms(contract), layers, before, version))
        before = version
    return layers


def _renewal(
    signed: Mapping[str, Value], layers: list[Layer], before: Version, version: Version
) -> Layer:
    """A renewal writes down what ran, and the price told in time: only what is new is its own.

    What ran is read on each day the writing may have looked at, so that a schedule changed for a
    week is not taken for a term of the years to come, and an amendment is not undone.
    """
    begins = date.fromisoformat(version.begins or version.frozen_at.date().isoformat())
    days = (begins - timedelta(days=1), begins, version.frozen_at.date())
    earlier = [layer for layer in layers if layer.agreed_at <= version.frozen_at]
    ran = [terms_on(signed, earlier, on=day) for day in days]
    written: Mapping[str, Value] = version.canonical["terms"]
    known = (before.canonical["terms"], *ran)
    return Layer(
        kind=LayerKind.RENEWAL,
        source=str(version.number),
        agreed_at=version.frozen_at,
        starts=begins,
        ends=None,
        terms={t: v for t, v in written.items() if all(terms.get(t) != v for terms in known)},
    )


def _amendments(session: Session, refs: Sequence[str]) -> dict[str, list[Layer]]:
    """Return the signed amendments of these contracts, by the contract they amend."""
    whose = Contract.amends_id.in_(refs)
    rows = session.scalars(
        select(Contract)
        .where(whose)
        .options(selectinload(Contract.facts), selectinload(Contract.versions))
    ).all()
    found: dict[str, list[Layer]] = {}
    if not rows:
        return found
    # Held while the versions are opened, so that no amendment asks for its key by itself.
    held = session.scalars(select(DataKey).join(Contract, Contract.id == DataKey.id).where(whose))
    keys = held.all()
    for row in rows:
        layer = _amendment(row)
        if layer is not None and row.amends_id is not None:
            found.setdefault(row.amends_id, []).append(layer)
    del keys
    return found


def _amendment(row: Contract) -> Layer | None:
    done, version = last_fact(row, "completed"), current_version(row)
    if done is None or version is None:
        return None
    terms = dict(version.canonical["terms"])
    wished = terms.pop(FROM, None)
    return Layer(
        kind=LayerKind.AMENDMENT,
        source=row.id,
        agreed_at=done.at,
        starts=first_day(done.at, date.fromisoformat(wished) if wished else None),
        ends=None,
        terms=terms,
    )


def _interim(row: InterimChange) -> Layer:
    assert row.decided_at is not None  # noqa: S101  an agreed change has its instant
    return Layer(
        kind=LayerKind.INTERIM,
        source=str(row.number),
        agreed_at=row.decided_at,
        starts=first_day(row.decided_at, date.fromisoformat(row.starts)),
        ends=date.fromisoformat(row.ends) if row.ends else None,
        terms=row.values,
    )


def schema_of(contract: Contract) -> Schema:
    """Return the terms a contract negotiates: an amendment only those it names."""
    return narrowed(load_schema(contract.schema_version), contract.named_terms)


def standing_terms(session: Session, contract: Contract, *, on: date) -> Mapping[str, Value]:
    """Return what an amendment leaves as it is: the terms of the contract it amends, on a day."""
    if contract.amends_id is None:
        return {}
    return terms_in_force(session, session.get_one(Contract, contract.amends_id), on=on)


def amends(session: Session, contract: Contract) -> dict[str, Any] | None:
    """Return what an amendment's document says of the contract it amends; None for another."""
    if contract.amends_id is None:
        return None
    parent = session.get_one(Contract, contract.amends_id)
    version = version_in_force(parent)
    if version is None:
        raise NotFound
    return {
        "ref": parent.id,
        "title": parent.title,
        "version": version.number,
        "sha256": version.sha256,
        "terms": [term for term in contract.named_terms or () if term != FROM],
    }
