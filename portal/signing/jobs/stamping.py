"""Time stamps of outside authorities over sealed deeds, and renewing proofs before they end.

A deed is complete with its seal. An authority's stamp follows by itself: through the list of
authorities, again and again with growing pauses, and never one that was not checked.
"""

import base64
import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract, Version
from portal.kit import clock
from portal.kit.awaiting import finish
from portal.kit.db import transaction
from portal.kit.refs import new_id
from portal.residency.actions import fetch_document, store_document, taken_back
from portal.residency.databases import RegionDatabase, Regions
from portal.settings.rules import Authority, Settings
from portal.signing import queries
from portal.signing.actions import Post, everyone, hold
from portal.signing.certificates import FINAL_CRL_LIFE, KeyPair, final_crl, from_stored
from portal.signing.jobs.bench import CannotSeal
from portal.signing.jobs.steps import demand_sound
from portal.signing.keys import portal_keys, root_pem
from portal.signing.models import Deed, SealFailure
from portal.signing.pades import archive
from portal.signing.queries import RENEWED, STAMPED
from portal.signing.rules import retry_at
from portal.signing.timestamp import CheckedTimeStamper, NoTimeStamp, Proof, own_proof
from portal.signing.validation import validate

LOG = logging.getLogger("counterpart.signing")
BEFORE_END = timedelta(days=90)


def stamp_deeds(regions: Regions, settings: Settings, *, at: datetime) -> int:
    """Stamp every sealed deed that waits for an authority; return how many got their stamp."""
    return sum(
        _stamp_where_due(database, session, settings, deed, at=at)
        for database in regions.databases.values()
        for session in [database.open_session()]
        for deed in _closing(session, queries.deeds_to_stamp(session))
    )


def renew_deeds(
    regions: Regions, settings: Settings, *, at: datetime, within: timedelta = BEFORE_END
) -> int:
    """Renew the proof of every deed whose last one ends within this time; return how many."""
    done = 0
    for database in regions.databases.values():
        with database.open_session() as session:
            due = [row.id for row in queries.deeds_to_renew(session, before=at + within)]
            session.commit()
            for deed_id in due:
                deed = session.get_one(Deed, deed_id)
                content, ends = _renewed(database, session, settings, deed, at=at)
                done += _file(
                    database, session, deed, content, kind=RENEWED, ends=ends, at=at
                )  # fmt: skip
    return done


def _closing(session: Session, rows: list[Deed]) -> list[str]:
    found = [row.id for row in rows]
    session.commit()
    return found


def _stamp_where_due(
    database: RegionDatabase, session: Session, settings: Settings, deed_id: str, *, at: datetime
) -> int:
    with session:
        deed = session.get_one(Deed, deed_id)
        version = session.get_one(Version, deed.version_id)
        failures = queries.failures_since(session, version, deed)
        wait = retry_at([failure.at for failure in failures])
        if wait is not None and at < wait:
            return 0
        try:
            content, ends = _stamped(database, session, settings, deed, at=at)
            return _file(database, session, deed, content, kind=STAMPED, ends=ends, at=at)
        except Exception as failure:  # whatever an authority or a store answers, the deed stays
            session.rollback()
            LOG.warning("time stamp of %s: %s", deed.contract_id, failure)
            _remember(session, deed, version, failure, at=at)
            return 0


def _stamped(
    database: RegionDatabase, session: Session, settings: Settings, deed: Deed, *, at: datetime
) -> tuple[bytes, datetime]:
    content, authority = _content(database, session, deed), _authority(session, deed)
    session.commit()
    refusals = []
    for chosen in settings.authorities:
        try:
            return _with_stamp(settings, content, authority, chosen, at=at)
        except (OSError, CannotSeal) as refused:
            refusals.append(str(refused))
    raise NoTimeStamp("; ".join(refusals) or "No time-stamp authority is configured any more.")


def _with_stamp(
    settings: Settings, content: bytes, authority: KeyPair, chosen: Authority, *, at: datetime
) -> tuple[bytes, datetime]:
    keys = portal_keys(settings, at=at)
    now = clock.now()
    stamper = CheckedTimeStamper(
        chosen.url, chosen.root.read_bytes(), at=now, timeout_seconds=chosen.timeout.total_seconds()
    )
    proof = finish(stamper.proof())
    proofs = [proof, *_seal_proof(keys.seal_chain)]
    made = archive(
        content, keys.root, authority, [final_crl(keys.root, at=at)], stamper, at=at, proofs=proofs
    )
    _demand_good(settings, made, at=max(at, now))
    return made, min(at + FINAL_CRL_LIFE, *(one.ends for one in proofs))


def _renewed(
    database: RegionDatabase, session: Session, settings: Settings, deed: Deed, *, at: datetime
) -> tuple[bytes, datetime]:
    """Stamp anew over fresh lists: by an authority where there is one, else by our own unit."""
    content, authority = _content(database, session, deed), _authority(session, deed)
    session.commit()
    for chosen in settings.authorities:
        try:
            return _with_stamp(settings, content, authority, chosen, at=at)
        except (OSError, CannotSeal) as refused:
            LOG.warning("renewal of %s: %s", deed.contract_id, refused)
    keys = portal_keys(settings, at=at)
    proofs = _seal_proof(keys.seal_chain)
    made = archive(
        content, keys.root, authority, [final_crl(keys.root, at=at)], keys.unit, at=at,
        proofs=proofs,
    )  # fmt: skip
    _demand_good(settings, made, at=at)
    return made, min([at + FINAL_CRL_LIFE, *(one.ends for one in proofs)])


def _seal_proof(chain: tuple[bytes, ...]) -> list[Proof]:
    return [own_proof(chain)] if chain else []


def _demand_good(settings: Settings, content: bytes, *, at: datetime) -> None:
    report = validate(content, root_pem=root_pem(settings), at=at)
    demand_sound(report, version_sha256=report.terms_sha256 or "")


def _content(database: RegionDatabase, session: Session, deed: Deed) -> bytes:
    return fetch_document(session, database, queries.document_of(session, deed))


def _authority(session: Session, deed: Deed) -> KeyPair:
    """Return the contract's authority by its certificate; its key was destroyed, none is needed."""
    row = queries.issuing_key(session, session.get_one(Version, deed.version_id))
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    if row.key is not None:
        return from_stored(row.certificate, base64.b64decode(row.key))
    certificate = x509.load_pem_x509_certificate(row.certificate)
    return KeyPair(certificate, ec.generate_private_key(ec.SECP256R1()))


def _file(
    database: RegionDatabase, session: Session, before: Deed, content: bytes, *, kind: str,
    ends: datetime, at: datetime,
) -> int:  # fmt: skip
    contract = session.get_one(Contract, before.contract_id)
    document = store_document(
        session, database, contract_id=contract.id, kind="deed", content=content, at=at
    )
    try:
        with taken_back(database, document), transaction(session):
            hold(session, contract)
            version = session.get_one(Version, before.version_id)
            latest = queries.latest_deed(session, version)
            if latest is None or latest.id != before.id:
                return 0
            session.add(document)
            session.flush()
            deed = Deed(
                id=new_id(at), region=contract.region, contract_id=contract.id,
                version_id=version.id, revision=before.revision + 1, kind=kind,
                document_id=document.id, sha256=document.sha256, made_at=at, renew_by=ends,
            )  # fmt: skip
            session.add(deed)
            session.flush()
            record(
                session, contract.id, f"signing:deed:{kind}", actor=PORTAL, at=at,
                facts={
                    "version": version.number, "revision": deed.revision, "sha256": version.sha256,
                    "deed_sha256": deed.sha256, "before_sha256": before.sha256,
                },
            )  # fmt: skip
            post = Post(session, contract, at)
            for person in everyone(session, contract):
                post.write(
                    f"signing:deed:{kind}", deed.id, person, deed_sha256=deed.sha256,
                    before_sha256=before.sha256,
                )  # fmt: skip
    except IntegrityError:
        return 0
    return 1


def _remember(
    session: Session, deed: Deed, version: Version, failure: Exception, *, at: datetime
) -> None:
    with transaction(session):
        session.add(
            SealFailure(
                id=new_id(at), region=deed.region, contract_id=deed.contract_id,
                version_id=version.id, at=at, message=str(failure)[:300],
            )
        )  # fmt: skip
