"""Keeping endpoints, finding what they are to be told, and delivering it."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from portal.accounts.queries import hipaa_among
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.queries import size_of
from portal.audit.rules import PORTAL
from portal.kit import clock
from portal.kit.db import directory_reader, transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.residency.actions import make_data_key
from portal.residency.databases import RegionDatabase, Regions
from portal.webhooks import queries, rules
from portal.webhooks.http_client import Answer, post
from portal.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookTry

AT_ONCE = 8
Post = Callable[[rules.Address, dict[str, str], bytes], Answer]


def add_endpoint(
    session: Session, database: RegionDatabase, actor: Actor, *, address: str,
    subjects: Collection[str], inside: Collection[str], at: datetime,
) -> tuple[WebhookEndpoint, str]:  # fmt: skip
    """Tell an address of what happens from now on; return it with its secret."""
    demand(actor, "webhook:edit")
    _demand_tls(rules.read_address(address, inside=inside), actor.organisation_id)
    if set(subjects) - set(rules.SUBJECTS):
        raise Refused(say("Choose subjects of the list."))
    secret = rules.new_secret()
    with transaction(session):
        living = [row for row in queries.endpoints_of(session, actor) if row.ended_at is None]
        if len(living) >= rules.MOST_ENDPOINTS:
            raise Refused(
                say(
                    "At most %(number)s addresses in a region.",
                    number=rules.MOST_ENDPOINTS,
                )
            )
        row = WebhookEndpoint(
            id=new_id(at), region=database.region.name, organisation_id=actor.organisation_id,
            subjects=" ".join(s for s in rules.SUBJECTS if s in subjects),
            place=size_of(session), created_at=at, created_by=actor.person_id,
        )  # fmt: skip
        make_data_key(session, database, contract_id=row.id, at=at)
        put(session, row, address=address.strip(), secrets=[[secret, None]])
        session.flush()
        record(
            session, row.id, "webhook:endpoint:added", actor=actor.log, at=at,
            facts={"organisation": actor.organisation_id, "subjects": row.wanted},
        )  # fmt: skip
        # It is told of others' entries, not of its own beginning.
        row.place = size_of(session)
    return row, secret


def _demand_tls(address: rules.Address, organisation_id: str) -> None:
    """Refuse plain http to an organisation of the HIPAA profile, also inside the own network."""
    if address.tls:
        return
    with directory_reader() as directory:
        if hipaa_among(directory, [organisation_id]):
            raise Refused(say("Use https: the HIPAA profile allows nothing else."))


def rotate_secret(session: Session, actor: Actor, endpoint_id: str, *, at: datetime) -> str:
    """Sign by a new secret from now on, and by the old one as well for a day."""
    demand(actor, "webhook:edit")
    secret = rules.new_secret()
    with transaction(session):
        row = _living(session, actor, endpoint_id)
        known = rules.rotated(row.known_secrets, secret, at=at)
        row.secrets = [[one.text, one.until.isoformat() if one.until else None] for one in known]
        record(session, row.id, "webhook:secret:rotated", actor=actor.log, at=at)
    return secret


def end_endpoint(session: Session, actor: Actor, endpoint_id: str, *, at: datetime) -> None:
    """Tell an address no more; what waits is not sent."""
    demand(actor, "webhook:edit")
    with transaction(session):
        row = _living(session, actor, endpoint_id)
        row.ended_at, row.ended_why = at, "person"
        record(session, row.id, "webhook:endpoint:ended", actor=actor.log, at=at)


def _living(session: Session, actor: Actor, endpoint_id: str) -> WebhookEndpoint:
    row = queries.find_endpoint(session, actor, endpoint_id)
    if row.ended_at is not None:
        raise Refused(say("This address is told no more."))
    return row


def send_trial(session: Session, actor: Actor, endpoint_id: str, *, at: datetime) -> None:
    """Send a message that says nothing, to see that it arrives."""
    demand(actor, "webhook:edit")
    with transaction(session):
        row = _living(session, actor, endpoint_id)
        session.add(
            WebhookDelivery(
                id=new_id(at), region=row.region, endpoint_id=row.id, place=None,
                event="webhook:tried", contract_id=None,
                body=rules.trial_payload(clock.stamp(at)).decode(), created_at=at, due_at=at,
                tries=0,
            )
        )  # fmt: skip
        record(session, row.id, "webhook:endpoint:tried", actor=actor.log, at=at)


def redeliver(session: Session, actor: Actor, delivery_id: str, *, at: datetime) -> None:
    """Send a delivery again under its id, with a schedule of its own."""
    demand(actor, "webhook:edit")
    with transaction(session):
        row = queries.find_delivery(session, actor, delivery_id)
        _living(session, actor, row.endpoint_id)
        if row.done_at is None and row.failed_at is None:
            raise Refused(say("This delivery is on its way already."))
        row.done_at = row.failed_at = row.leased_until = None
        row.due_at, row.tries = at, 0
        record(
            session, row.endpoint_id, "webhook:delivery:repeated", actor=actor.log, at=at,
            facts={"delivery": row.id},
        )  # fmt: skip


# The worker's part


def find_news(session: Session, *, at: datetime) -> int:
    """Write a delivery for every entry an endpoint has not been told of; return how many.

    An endpoint's place moves in the transaction of its deliveries, by compare-and-set, so that of
    several workers one writes them and none is lost.
    """
    endpoints = session.scalars(
        select(WebhookEndpoint.id).where(WebhookEndpoint.ended_at.is_(None))
    ).all()
    session.rollback()
    found = 0
    for key in endpoints:
        more = True
        while more:
            told, more = _find_for(session, key, at)
            found += told
    return found


def _find_for(session: Session, endpoint_id: str, at: datetime) -> tuple[int, bool]:
    """Write the next deliveries of one endpoint; return how many, and whether more may wait."""
    with transaction(session):
        row = session.get_one(WebhookEndpoint, endpoint_id, populate_existing=True)
        entries = queries.entries_from(session, row.place)
        if not entries or row.ended_at is not None:
            return 0, False
        moved: Any = session.execute(
            update(WebhookEndpoint)
            .where(WebhookEndpoint.id == row.id, WebhookEndpoint.place == row.place)
            .values(place=entries[-1].place + 1)
            .execution_options(synchronize_session=False)
        )
        if moved.rowcount != 1:
            return 0, False
        told = [
            one
            for one in entries
            if row.organisation_id in one.parties
            and not one.brought
            and rules.wants(row.wanted, one.event)
        ]
        for one in told:
            _write(session, row, one, at)
        return len(told), len(entries) == queries.AT_A_LOOK


def _write(session: Session, row: WebhookEndpoint, one: queries.Told, at: datetime) -> None:
    body = rules.payload(
        event=one.event, at=one.at, contract=one.contract_id, seq=one.seq, head=one.hash
    )
    session.add(
        WebhookDelivery(
            id=new_id(at), region=row.region, endpoint_id=row.id, place=one.place,
            event=one.event, contract_id=one.contract_id, body=body.decode(), created_at=at,
            due_at=at, tries=0,
        )
    )  # fmt: skip


@dataclass(frozen=True)
class Parcel:
    """One claimed delivery with all that sending takes, read before anything is sent."""

    delivery_id: str
    endpoint_id: str
    message_id: str
    body: bytes
    organisation_id: str
    address: str
    secrets: list[rules.Secret]
    tries: int


def deliver_due(
    regions: Regions, *, inside: Collection[str], now: Callable[[], datetime], send: Post = post
) -> int:
    """Send what is due in every region, a few at once; return how many were tried.

    No transaction is open while anything is sent.
    """
    tried = 0
    for _, session in regions.each():
        find_news(session, at=now())
        while parcels := _claim(session, at=now()):
            allowed = {one.delivery_id: _allowed(one, inside) for one in parcels}
            with ThreadPoolExecutor(AT_ONCE) as pool:
                sent = [
                    (one, now(), pool.submit(_send, one, allowed[one.delivery_id], now(), send))
                    for one in parcels
                ]
            for one, at, answer in sent:
                _note(session, one, answer.result(), began=at, at=now())
            tried += len(parcels)
        session.rollback()
    return tried


def _claim(session: Session, *, at: datetime) -> list[Parcel]:
    """Lease the next few deliveries that are due; another worker leaves them alone."""
    free = or_(WebhookDelivery.leased_until.is_(None), WebhookDelivery.leased_until < at)
    due = and_(
        WebhookDelivery.done_at.is_(None), WebhookDelivery.failed_at.is_(None),
        WebhookDelivery.due_at <= at, free,
    )  # fmt: skip
    with transaction(session):
        living = select(WebhookEndpoint.id).where(WebhookEndpoint.ended_at.is_(None))
        wanted = (
            select(WebhookDelivery.id)
            .where(due, WebhookDelivery.endpoint_id.in_(living))
            .order_by(WebhookDelivery.due_at)
            .limit(AT_ONCE)
        )
        claimed = session.scalars(
            update(WebhookDelivery)
            .where(WebhookDelivery.id.in_(wanted), due)
            .values(leased_until=at + rules.LEASE, tries=WebhookDelivery.tries + 1)
            .returning(WebhookDelivery.id)
            .execution_options(synchronize_session=False)
        ).all()
        return [_parcel(session, key) for key in claimed]


def _parcel(session: Session, key: str) -> Parcel:
    row = session.get_one(WebhookDelivery, key, populate_existing=True)
    endpoint = row.endpoint
    return Parcel(
        row.id, endpoint.id, row.message_id, row.body.encode(), endpoint.organisation_id,
        endpoint.address, endpoint.known_secrets, row.tries,
    )  # fmt: skip


def _allowed(one: Parcel, inside: Collection[str]) -> rules.Address | Answer:
    """Return where a parcel may go today, or the answer that says why it may not."""
    try:
        address = rules.read_address(one.address, inside=inside)
        _demand_tls(address, one.organisation_id)
    except Refused as refusal:
        return Answer(None, refusal.message[:80], 0)
    return address


def _send(one: Parcel, address: rules.Address | Answer, at: datetime, send: Post) -> Answer:
    if isinstance(address, Answer):
        return address
    signed = rules.headers(one.secrets, message_id=one.message_id, at=at, body=one.body)
    return send(address, signed, one.body)


def _note(session: Session, one: Parcel, answer: Answer, *, began: datetime, at: datetime) -> None:
    """Write what came of a try, and what follows: done, gone, another try, or given up."""
    with transaction(session):
        row = session.get_one(WebhookDelivery, one.delivery_id, populate_existing=True)
        session.add(
            WebhookTry(
                id=new_id(began), region=row.region, delivery_id=row.id, at=began,
                status=answer.status, problem=answer.problem, milliseconds=answer.milliseconds,
            )
        )  # fmt: skip
        if row.tries != one.tries:
            return  # its lease ran out, or it was sent anew: whoever holds it now decides
        row.leased_until = None
        if answer.good:
            row.done_at = at
            return
        if answer.status == rules.GONE:
            row.failed_at = at
            _end_as_gone(session, row.endpoint, at)
            return
        later = rules.next_try(row.tries, at=at)
        if later is None:
            row.failed_at = at
            _give_up(session, row, at)
        else:
            row.due_at = later


def _give_up(session: Session, row: WebhookDelivery, at: datetime) -> None:
    """Every try failed; the administrators are told, once a day for an address."""
    record(
        session, row.endpoint_id, "webhook:delivery:given_up", actor=PORTAL, at=at,
        facts={"delivery": row.id},
    )  # fmt: skip
    cause = f"{row.endpoint_id} {at.date().isoformat()}"
    _tell_keepers(session, row.endpoint, "webhook:delivery:given_up", cause=cause, at=at)


def _end_as_gone(session: Session, row: WebhookEndpoint, at: datetime) -> None:
    """The receiver said 410: it wants no more, for good."""
    if row.ended_at is None:
        row.ended_at, row.ended_why = at, "gone"
        record(session, row.id, "webhook:endpoint:gone", actor=PORTAL, at=at)
        _tell_keepers(session, row, "webhook:endpoint:gone", cause=row.id, at=at)


def _tell_keepers(
    session: Session, row: WebhookEndpoint, event: str, *, cause: str, at: datetime
) -> None:
    """Tell the organisation's administrators, without the address: mail lies open."""
    for person in queries.keepers_of(row.organisation_id):
        tell(
            session, event=event, to=person, chain=row.organisation_id, cause=cause,
            link=f"/organisation/webhooks/{row.region}/{row.id}", at=at, region=row.region, when=at,
        )  # fmt: skip
