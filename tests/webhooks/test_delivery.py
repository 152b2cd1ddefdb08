"""From an entry to a receiver that checks it with the specification's own library."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook, WebhookVerificationError

from portal.admin import actions as moves
from portal.audit.actions import record
from portal.audit.queries import lines
from portal.cli.jobs import tell_before_it_leaves
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.negotiation.actions.private import private_chain
from portal.notices.models import RegionMail
from portal.residency.actions import make_data_key
from portal.residency.databases import Regions
from portal.webhooks import actions, rules
from portal.webhooks.http_client import post
from portal.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookTry
from tests import cast
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of this machine."""
    with receiving() as found:
        yield found


def settle(session: Session) -> None:
    """Let go of the databases."""
    session.rollback()
    db.session.rollback()
    session.expire_all()


def told(
    regions: Regions,
    session: Session,
    receiver: Receiver,
    key: str = "dov",
    subjects: tuple[str, ...] = (),
) -> tuple[str, str]:
    """Add the receiver for one of the cast's organisation; return its id and secret."""
    row, secret = actions.add_endpoint(
        session, regions["eu"], cast.as_admin(key), address=receiver.address, subjects=subjects,
        inside={receiver.host}, at=clock.now(),
    )  # fmt: skip
    key_of = row.id
    settle(session)
    return key_of, secret


def happens(session: Session, contract: Contract, event: str = "contract:started") -> None:
    """Let something happen to the contract."""
    with transaction(session):
        record(session, contract.id, event, actor=cast.actor("ada").log, at=clock.now())
    settle(session)


def work(
    regions: Regions, receiver: Receiver, *, at: datetime | None = None, timeout: float = 60
) -> int:
    """Do what the worker does, once."""
    moment = at or clock.now()
    return actions.deliver_due(
        regions, inside={receiver.host}, now=lambda: moment, send=partial(post, timeout=timeout)
    )


def deliveries(session: Session) -> list[WebhookDelivery]:
    """Return all deliveries as they stand, in order."""
    settle(session)
    return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.created_at)))


def mailed(session: Session) -> set[tuple[str, str]]:
    """Return who was mailed about what, by first names."""
    settle(session)
    rows = session.scalars(select(RegionMail).where(RegionMail.event.startswith("webhook:")))
    return {(row.name.split()[0], row.subject) for row in rows}


@pytest.mark.slow
def test_after_a_move_no_region_tells_again_and_none_is_silent(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    ref, got = contract.id, {}
    for name in ("eu", "us"):
        session = regions.session(name)
        row, _ = actions.add_endpoint(
            session, regions[name], cast.as_admin("dov"), address=receiver.address, subjects=(),
            inside={receiver.host}, at=clock.now(),
        )  # fmt: skip
        got[name] = row.id
        settle(session)
    happens(eu, contract)
    assert work(regions, receiver) == 1
    happens(eu, contract, "contract:step:finished")
    moves.ask_to_move(eu, cast.actor("ada"), contract, to="us", regions=regions, at=clock.now())
    moves.agree_to_move(eu, cast.actor("dov"), contract, at=clock.now())
    eu.query(RegionMail).update({"sent_at": clock.now()})
    eu.commit()
    settle(eu)
    moves.carry_out_moves(regions, now=clock.now, heard=tell_before_it_leaves)
    us = regions.session("us")
    happens(us, us.get_one(Contract, ref), "contract:withdrawn")
    work(regions, receiver)
    told_in = {
        name: [row.event for row in deliveries(regions.session(name))] for name in ("eu", "us")
    }
    assert told_in == {
        "eu": ["contract:started", "contract:step:finished", "contract:move:asked",
               "contract:move:agreed", "contract:move:started"],
        "us": ["contract:move:arrived", "contract:withdrawn"],
    }  # fmt: skip
    seen = [json.loads(body)["data"]["entry"] for _, body in receiver.got]
    assert sorted(seen) == list(range(1, 8))


def test_an_entry_is_told_thinly_and_the_reference_library_takes_it(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    _, secret = told(regions, eu, receiver)
    happens(eu, contract)
    assert work(regions, receiver) == 1
    headers, body = receiver.got[0]
    said = Webhook(secret).verify(body, headers)
    line = lines(eu, contract.id)[-1]
    assert said == {
        "type": "contract.started", "timestamp": clock.stamp(line.at),
        "data": {"contract": contract.id, "entry": line.seq, "hash": line.hash},
    }  # fmt: skip
    assert b"CRM support" not in body and len(body) < 20_000
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"started", b"stopped"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(rules.new_secret()).verify(body, headers)
    row = deliveries(eu)[0]
    assert row.done_at and [one.status for one in row.log] == [200]
    assert work(regions, receiver) == 0 and len(receiver.got) == 1


def test_what_was_sent_long_ago_is_no_longer_taken(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    _, secret = told(regions, eu, receiver)
    happens(eu, contract)
    work(regions, receiver)
    headers, body = receiver.got[0]
    later = time_machine.travel(clock.now() + timedelta(minutes=6))
    with later, pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


@pytest.mark.slow
def test_both_sides_are_told_a_stranger_is_not_and_private_chains_never(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    for key in ("ada", "cleo", "mal"):
        told(regions, eu, receiver, key)
    happens(eu, contract)
    chain = private_chain(contract, Side.VENDOR)
    make_data_key(eu, regions["eu"], contract_id=chain, at=clock.now())
    with transaction(eu):
        record(eu, chain, "negotiation:note:written", actor=cast.actor("ada").log, at=clock.now())
    settle(eu)
    assert work(regions, receiver) == 2
    whose = {eu.get_one(WebhookEndpoint, row.endpoint_id).organisation_id for row in deliveries(eu)}
    assert whose == {cast.actor("ada").organisation_id, cast.actor("cleo").organisation_id}
    assert {row.event for row in deliveries(eu)} == {"contract:started"}


def test_an_endpoint_is_told_only_what_it_asked_for_and_from_its_beginning_on(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    happens(eu, contract)
    told(regions, eu, receiver, subjects=("incidents",))
    happens(eu, contract, "contract:withdrawn")
    happens(eu, contract, "incidents:incident:reported")
    assert work(regions, receiver) == 1
    assert [row.event for row in deliveries(eu)] == ["incidents:incident:reported"]


def test_a_receiver_that_is_down_is_tried_by_the_schedule_and_then_given_up(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    told(regions, eu, receiver)
    happens(eu, contract)
    receiver.status, at, ids = 500, clock.now(), set()
    for wait in rules.SCHEDULE:
        if wait:
            early = at + wait - timedelta(seconds=1)
            assert work(regions, receiver, at=early) == 0
        at += wait
        assert work(regions, receiver, at=at) == 1
        ids |= {headers["webhook-id"] for headers, _ in receiver.got}
    row = deliveries(eu)[0]
    assert row.failed_at and not row.done_at and len(row.log) == len(rules.SCHEDULE) == 10
    assert ids == {row.message_id} and len({body for _, body in receiver.got}) == 1
    assert [line.event for line in lines(eu, row.endpoint_id)][-1] == "webhook:delivery:given_up"
    assert mailed(eu) == {("Dov", "A webhook could not be delivered")}
    assert work(regions, receiver, at=at + timedelta(days=30)) == 0


@pytest.mark.parametrize(
    ("status", "location"),
    [(302, "http://127.0.0.1:1/"), (307, "/other"), (404, None), (503, None)],
)
def test_a_redirect_is_not_followed_and_whatever_is_no_2xx_has_failed(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver, status: int,
    location: str | None,
) -> None:  # fmt: skip
    told(regions, eu, receiver)
    happens(eu, contract)
    receiver.status, receiver.location = status, location
    assert work(regions, receiver) == 1 and len(receiver.got) == 1
    row = deliveries(eu)[0]
    assert not row.done_at and not row.failed_at and row.log[0].status == status
    assert row.due_at > clock.now()


def test_a_receiver_that_says_gone_is_told_no_more(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    key, _ = told(regions, eu, receiver)
    happens(eu, contract)
    receiver.status = 410
    assert work(regions, receiver) == 1
    settle(eu)
    row = eu.get_one(WebhookEndpoint, key)
    assert row.ended_why == "gone" and deliveries(eu)[0].failed_at
    assert [line.event for line in lines(eu, key)][-1] == "webhook:endpoint:gone"
    assert mailed(eu) == {("Dov", "A webhook was ended by its receiver")}
    assert receiver.host not in eu.scalars(select(RegionMail.text)).one(), "mail lies open"
    happens(eu, contract)
    assert work(regions, receiver) == 0
    with pytest.raises(Refused):
        actions.send_trial(eu, cast.as_admin("dov"), key, at=clock.now())


def test_a_slow_receiver_and_one_that_is_not_there_are_failures_in_words(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    told(regions, eu, receiver)
    happens(eu, contract)
    receiver.wait = 0.6
    assert work(regions, receiver, timeout=0.2) == 1
    assert deliveries(eu)[0].log[0].problem == "no answer in time"
    gone = post(
        rules.read_address("http://127.0.0.1:1/", inside={"127.0.0.1:1"}), {}, b"{}", timeout=1
    )
    assert gone.problem == "the connection was refused"


@pytest.mark.slow
def test_two_secrets_sign_for_a_day_and_then_the_new_one_alone(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    key, old = told(regions, eu, receiver)
    new = actions.rotate_secret(eu, cast.as_admin("dov"), key, at=clock.now())
    settle(eu)
    happens(eu, contract)
    work(regions, receiver)
    headers, body = receiver.got[0]
    assert Webhook(old).verify(body, headers) == Webhook(new).verify(body, headers)
    assert len(headers["webhook-signature"].split()) == 2
    later = clock.now() + rules.OVERLAP
    with time_machine.travel(later):
        happens(eu, contract)
        work(regions, receiver)
        headers, body = receiver.got[1]
        assert Webhook(new).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(body, headers)


def test_a_delivery_is_sent_again_under_its_id(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    told(regions, eu, receiver)
    happens(eu, contract)
    work(regions, receiver)
    row = deliveries(eu)[0].id
    settle(eu)
    with pytest.raises(NotFound):
        actions.redeliver(eu, cast.as_admin("mal"), row, at=clock.now())
    with pytest.raises(NotAllowed):
        actions.redeliver(eu, cast.actor("cleo"), row, at=clock.now())
    actions.redeliver(eu, cast.as_admin("dov"), row, at=clock.now())
    with pytest.raises(Refused):
        actions.redeliver(eu, cast.as_admin("dov"), row, at=clock.now())
    settle(eu)
    assert work(regions, receiver) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 2 and len(deliveries(eu)[0].log) == 2


@pytest.mark.slow
def test_four_workers_at_once_tell_each_entry_once(
    app: Flask, regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    told(regions, eu, receiver)
    for _ in range(12):
        happens(eu, contract)

    def worker() -> None:
        with app.app_context():
            mine: Regions = app.extensions["regions"]
            work(mine, receiver)
            mine.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(regions, receiver)
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert len(ids) == len(set(ids)) == 12
    assert eu.query(WebhookTry).count() == 12


def test_a_claim_that_was_lost_is_taken_up_after_its_lease(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    told(regions, eu, receiver)
    happens(eu, contract)
    actions.find_news(eu, at=clock.now())
    assert len(actions._claim(eu, at=clock.now())) == 1  # and the worker is killed here
    settle(eu)
    assert work(regions, receiver) == 0
    assert work(regions, receiver, at=clock.now() + rules.LEASE * 2) == 1
    assert deliveries(eu)[0].done_at


def test_addresses_and_secrets_are_sealed(
    regions: Regions, eu: Session, contract: Contract, receiver: Receiver
) -> None:
    _, secret = told(regions, eu, receiver)
    with regions["eu"].engine.connect() as connection:
        text = "\n".join(connection.connection.driver_connection.iterdump())
    assert secret not in text and receiver.host not in text


def test_an_administrator_keeps_webhooks_on_pages(
    context: Flask, client_as: Callable[[str], FlaskClient]
) -> None:
    dov = client_as("dov")
    assert "No address is told yet" in dov.get("/organisation/webhooks").get_data(as_text=True)
    form = {"address": "https://10.0.0.1:22/x", "region": "eu", "subjects": ["incidents"]}
    bad = dov.post("/organisation/webhooks", data=form)
    assert bad.status_code == 422 and "Use port 443" in bad.get_data(as_text=True)
    made = dov.post("/organisation/webhooks", data={**form, "address": "https://crm.example/hook"})
    assert made.status_code == 200 and "whsec_" in made.get_data(as_text=True)
    page = dov.get("/organisation/webhooks").get_data(as_text=True)
    assert "https://crm.example/hook" in page and "whsec_" not in page
    key = context.extensions["regions"].session("eu").scalars(select(WebhookEndpoint.id)).one()
    context.extensions["regions"].session("eu").rollback()
    here = f"/organisation/webhooks/eu/{key}"
    assert client_as("cleo").get(here).status_code == 403
    assert dov.post(f"{here}/trial").status_code == 303
    shown = dov.get(here).get_data(as_text=True)
    assert "A trial" in shown and "Waits" in shown and "whsec_" not in shown
    assert "whsec_" in dov.post(f"{here}/secret").get_data(as_text=True)
    assert dov.post(f"{here}/end").status_code == 303
    assert dov.post(f"{here}/trial").status_code == 409


def test_what_is_told_has_no_content() -> None:
    body = rules.payload(event="a:b:c", at="2026-01-01T00:00:00Z", contract="eu-X", seq=3, head="f")
    assert set(json.loads(body)["data"]) == {"contract", "entry", "hash"}
