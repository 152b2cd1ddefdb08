"""Deeds: their revisions, how far sealing is, which have a next step, and which file is which."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from portal.audit.models import RegionEntry
from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import current_version, state
from portal.contracts.rules.life import State
from portal.kit.words import say
from portal.residency.models import Document
from portal.signing.models import Deed, IssuingKey, SealFailure, Signature
from portal.signing.queries.signers import signatures_made

PREPARED, SIGNED, SEALED = "prepared", "signed", "sealed"
STAMPED, RENEWED = "stamped", "renewed"
CLOSED = frozenset({SEALED, STAMPED, RENEWED})
SEALED_EVENT = "signing:deed:sealed"
CLOSED_EVENTS = (SEALED_EVENT, "signing:deed:stamped", "signing:deed:renewed")
TO_WORK_ON = frozenset({State.AGREED, State.SIGNING, State.SEALING})


def latest_deed(session: Session, version: Version) -> Deed | None:
    """Return the newest revision of a version's deed."""
    query = select(Deed).where(Deed.version_id == version.id)
    return session.scalar(query.order_by(Deed.revision.desc()).limit(1))


def unsealed_since(session: Session) -> datetime | None:
    """Return when the last signature of the deed was made that waits longest for its seal."""
    sealed = select(Deed.id).where(Deed.version_id == Signature.version_id, Deed.kind == SEALED)
    slots = select(func.count()).where(SignerSlot.contract_id == Version.contract_id)
    whole = (
        select(func.max(Signature.signed_at).label("at"))
        .join(Version, Version.id == Signature.version_id)
        .join(Contract, Contract.id == Version.contract_id)
        .where(Contract.stage == "signing", Version.voided_at.is_(None), ~sealed.exists())
        .group_by(Signature.version_id, Version.contract_id)
        .having(func.count() == slots.correlate(Version).scalar_subquery())
        .subquery()
    )
    found: datetime | None = session.scalar(select(func.min(whole.c.at)))
    return found


def unstamped_since(session: Session) -> datetime | None:
    """Return when the deed was sealed that waits longest for an authority's stamp."""
    found: datetime | None = session.scalar(
        select(func.min(Deed.made_at)).where(Deed.stamp_due == 1, Deed.kind == SEALED, _is_newest())
    )
    return found


def last_stamped_at(session: Session) -> datetime | None:
    """Return when an authority's stamp was last put into a deed of this region."""
    return session.scalar(select(func.max(Deed.made_at)).where(Deed.kind == STAMPED))


def document_of(session: Session, deed: Deed) -> Document:
    """Return the record of a deed's file."""
    return session.get_one(Document, deed.document_id)


def find_issuing_key(session: Session, version: Version) -> IssuingKey | None:
    """Return the authority of a version, if its deed was prepared."""
    return session.scalar(select(IssuingKey).where(IssuingKey.version_id == version.id))


def issuing_key(session: Session, version: Version) -> IssuingKey:
    """Return the authority that issues the certificates of a version's signers."""
    return session.scalars(select(IssuingKey).where(IssuingKey.version_id == version.id)).one()


def failures_since(session: Session, version: Version, deed: Deed | None) -> list[SealFailure]:
    """Return the failed tries since the deed last moved, oldest first."""
    query = select(SealFailure).where(SealFailure.version_id == version.id)
    if deed is not None:
        query = query.where(SealFailure.at >= deed.made_at)
    return list(session.scalars(query.order_by(SealFailure.at, SealFailure.id)))


@dataclass(frozen=True)
class Sealing:
    """How far the deed of a version is, in words both sides read."""

    words: str
    kind: str
    deed: Deed | None
    failed_at: datetime | None
    failure: str | None

    @property
    def is_sealed(self) -> bool:
        """Whether the deed is complete."""
        return self.deed is not None and self.deed.kind in CLOSED


def sealing_state(session: Session, contract: Contract) -> Sealing | None:
    """Return how far the deed of the standing version is; None while nothing is frozen."""
    version = current_version(contract)
    if version is None:
        return None
    deed = latest_deed(session, version)
    failures = failures_since(session, version, deed)
    closed = deed is not None and deed.kind in CLOSED
    last = failures[-1] if failures and (not closed or (deed and deed.stamp_due)) else None
    signed = len(signatures_made(session, version))
    words, kind = _sealing_words(deed, signed=signed, slots=len(contract.slots))
    return Sealing(words, kind, deed, last.at if last else None, last.message if last else None)


def _sealing_words(deed: Deed | None, *, signed: int, slots: int) -> tuple[str, str]:
    if deed is None:
        return say("Being prepared"), "open"
    if deed.stamp_due:
        return say("Signed and sealed, time stamp pending"), "agreed"
    if deed.kind in CLOSED:
        return say("Signed and sealed"), "agreed"
    if signed == slots:
        return say("Being sealed"), "open"
    return say("%(signed)s of %(slots)s signed", signed=signed, slots=slots), "open"


def contracts_to_work_on(session: Session, *, today: date) -> list[str]:
    """Return the contracts whose deed may have a next step: frozen, standing, not yet sealed.

    One that only waits for people is not opened, however many do.
    """
    sealed = select(Deed.id).where(Deed.version_id == Version.id, Deed.kind == SEALED)
    revisions = select(func.max(Deed.revision)).where(Deed.version_id == Version.id)
    signed = select(func.count(Signature.id)).where(Signature.version_id == Version.id)
    slots = select(func.count(SignerSlot.id)).where(
        SignerSlot.contract_id == Contract.id, SignerSlot.retired_at.is_(None)
    )
    signatures = signed.scalar_subquery()
    is_behind = func.coalesce(revisions.scalar_subquery(), -1) < signatures
    rows = session.scalars(
        select(Contract)
        .join(Version, Version.contract_id == Contract.id)
        .where(
            Contract.stage == "signing", Version.voided_at.is_(None), Version.renews.is_(None),
            ~sealed.exists(), or_(is_behind, signatures >= slots.scalar_subquery()),
        )
        .order_by(Version.frozen_at)
    ).unique()  # fmt: skip
    return [row.id for row in rows if state(row, today=today) in TO_WORK_ON]


def deeds_to_stamp(session: Session) -> list[Deed]:
    """Return the sealed deeds that an outside authority has yet to stamp, the oldest first."""
    query = select(Deed).where(Deed.stamp_due == 1, Deed.kind == SEALED, _is_newest())
    return list(session.scalars(query.order_by(Deed.made_at)))


def deeds_to_renew(session: Session, *, before: datetime) -> list[Deed]:
    """Return the closed deeds whose last proof of time ends before an instant."""
    query = select(Deed).where(Deed.renew_by < before, Deed.kind.in_(CLOSED), _is_newest())
    return list(session.scalars(query.order_by(Deed.renew_by)))


def _is_newest() -> ColumnElement[bool]:
    later = aliased(Deed)
    newer = select(later.id).where(
        later.version_id == Deed.version_id, later.revision > Deed.revision
    )
    return ~newer.exists()


@dataclass(frozen=True)
class KnownFile:
    """What the tables know of a file by its SHA-256."""

    ref: str
    region: str
    kind: str
    version: int
    version_sha256: str
    revision: int


def known_file(session: Session, sha256: str) -> KnownFile | None:
    """Return which revision of which deed a file is, in this region."""
    query = (
        select(Deed, Version).join(Version, Version.id == Deed.version_id)
        .where(Deed.sha256 == sha256)
    )  # fmt: skip
    found = session.execute(query).first()
    if found is None:
        return None
    deed, version = found
    return KnownFile(
        ref=deed.contract_id, region=deed.region, kind=deed.kind, version=version.number,
        version_sha256=version.sha256, revision=deed.revision,
    )  # fmt: skip


def sealed_deed_of_terms(session: Session, version_sha256: str) -> Deed | None:
    """Return the sealed deed of the version with these terms, in this region."""
    return session.scalar(
        select(Deed).join(Version, Version.id == Deed.version_id)
        .where(Version.sha256 == version_sha256, Deed.kind == SEALED)
    )  # fmt: skip


def sealed_entries(session: Session, ref: str) -> list[str]:
    """Return the canonical text of the entries that recorded a sealing, a stamp or a renewal."""
    return list(
        session.scalars(
            select(RegionEntry.body)
            .where(RegionEntry.chain == ref, RegionEntry.event.in_(CLOSED_EVENTS))
            .order_by(RegionEntry.seq)
        )
    )
