"""What the clock costs, and whether lists of incidents grow with the history.

Prints clocks a second on one core (quick outcomes, and whole clocks with their ledger), each beside
a bare SHA-256 chain of the same machine, a statement over 10,000 incidents, and the ratio of page
times of one contract with 100 and with 100,000 incidents.
"""

import hashlib
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

FEW, MANY, RUNS, HISTORIES = 100, 100_000, 7, 2_000


def unit() -> float:
    """Return the seconds of 200,000 chained SHA-256 hashes: this machine's yardstick."""
    start, value = time.process_time(), b""
    for _ in range(200_000):
        value = hashlib.sha256(value).digest()
    return time.process_time() - start


def clocks() -> None:
    """Print how many clocks a second one core works out."""
    from portal.sla.rules.incident import CUSTOMER, VENDOR, Event, Happened, History
    from portal.sla.rules.outcomes import outcomes, working
    from portal.sla.rules.promises import promises_of
    from portal.terms.rules import load_schema

    promises = promises_of(load_schema("1").defaults())
    dice, now = random.Random(1), datetime(2026, 12, 31, tzinfo=UTC)
    histories = []
    for number in range(HISTORIES):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(500_000))
        said = [Event("a", Happened.REPORTED, at, CUSTOMER, severity=f"S{dice.randint(1, 3)}")]
        for name, kind, side in (
            ("b", Happened.ACKNOWLEDGED, VENDOR), ("c", Happened.PAUSE_CLAIMED, VENDOR),
            ("d", Happened.PAUSE_ENDED, VENDOR), ("e", Happened.RESOLVED, VENDOR),
        ):  # fmt: skip
            at += timedelta(minutes=dice.randrange(1, 600))
            said.append(Event(name, kind, at, side, answers="c" if name == "d" else None))
        histories.append(History.of(number, said))
    start = time.process_time()
    found = [outcome for one in histories for outcome in outcomes(promises, one, now=now)]
    quick = time.process_time() - start
    start = time.process_time()
    whole = sum(working(promises, one) is not None for one in found)
    slow, yard = time.process_time() - start, unit()
    print(
        f"outcomes: {len(found) / quick:,.0f} clocks/s, {quick / len(histories) * 1e6:.0f} µs an "
        f"incident; 10,000 incidents cost {quick * 10_000 / HISTORIES / yard:.1f} yardsticks"
    )
    print(f"whole clocks with ledger: {whole / slow:,.0f} clocks/s")
    print(f"yardstick (200,000 chained SHA-256): {yard:.3f} s")


def statement() -> None:
    """Print what a statement over 10,000 incidents costs, and how that grows."""
    import statements

    statements.month()


def fill(session: Any, contract: Any, *, upto: int) -> None:
    """Write incidents of the contract, with their records, up to a number."""
    from sqlalchemy import func, insert, select

    from portal.incidents.models import ClockRecord, Incident
    from portal.incidents.queries import module_key
    from portal.kit.refs import new_id
    from portal.kit.vault import cipher_of

    cipher, dice = cipher_of(session, contract.id), random.Random(upto)
    have = session.scalar(select(func.max(Incident.number))) or 0
    version, now = contract.versions[0].id, datetime.now(UTC)
    marks = [module_key(contract.id, name) for name in ("CRM core", "Mobile sales app")]

    def sealed(id: str, column: str, value: object) -> bytes:
        place = f"incidents|{column}|{id}|{contract.id}"
        return cipher.seal(json.dumps(value).encode(), context=place)

    for first in range(have + 1, upto + 1, 5_000):
        rows: list[dict[str, Any]] = []
        records: list[dict[str, Any]] = []
        for number in range(first, min(first + 5_000, upto + 1)):
            at = now - timedelta(minutes=dice.randrange(5 * 525_600))
            id, missed = new_id(at), int(dice.random() < 0.08)
            is_open = dice.random() < 30 / upto
            common = {"region": contract.region, "contract_id": contract.id}
            rows.append(common | {
                "id": id, "number": number, "version_id": version, "reported_at": at,
                "reported_by": "P", "side": "customer", "channel": "portal",
                "module_key": dice.choice(marks), "entitlement": "covered", "security": 0,
                "severity": f"S{dice.randint(1, 4)}", "standing": "open" if is_open else "closed",
                "excluded": "no", "breaches": missed,
                "resolved_at": None if is_open else at + timedelta(hours=6),
                "closed_at": None if is_open else at + timedelta(hours=9),
                "title_enc": sealed(id, "title_enc", f"Fault number {number}"),
                "facts_enc": sealed(id, "facts_enc", {}),
            })  # fmt: skip
            for aim in ("response", "resolution"):
                done = at + timedelta(hours=1 if aim == "response" else 6)
                records.append(common | {
                    "id": new_id(at), "incident_id": id, "aim": aim, "number": 1,
                    "severity": rows[-1]["severity"], "term": f"C4.S1.{aim}", "started_at": at,
                    "due_at": done, "met_at": done, "fell_due_at": done,
                    "result": "breached" if missed else "met", "superseded": 0,
                    "counted_seconds": 3600,
                })  # fmt: skip
        session.execute(insert(Incident), rows)
        session.execute(insert(ClockRecord), records)
        session.commit()


def took(open_page: Callable[[], Any]) -> float:
    """Return the median seconds of a page."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        answer = open_page()
        times.append(time.perf_counter() - start)
        assert answer.status_code == 200, answer.status_code
    return statistics.median(times)


def pages(client: Any, ref: str, session: Any, contract: Any) -> dict[str, float]:
    """Measure the pages that show a history."""
    from portal.incidents.queries.listing import Wanted, list_incidents, write_key

    rows = list_incidents(session, contract, Wanted(), size=60).rows
    deep = write_key(rows[-1])
    session.rollback()
    home = f"/contracts/{ref}/incidents"
    return {
        "first page": took(lambda: client.get(home)),
        "a later page": took(lambda: client.get(f"{home}?before={deep}")),
        "filtered": took(lambda: client.get(f"{home}?severity=S1&breach=response")),
        "figures of 90 days": took(lambda: client.get(f"{home}/figures")),
    }


def put_in_force(session: Any, contract: Any, teller: Any) -> None:
    """Freeze the story's terms and complete the contract: this measures no signature."""
    from portal.cli.demo import cases
    from portal.cli.demo.story import typed
    from portal.contracts.actions import add_fact, add_version
    from portal.contracts.rules.document import contract_document
    from portal.contracts.rules.life import Side
    from portal.kit.db import transaction
    from portal.terms.rules import load_schema

    at, ada = teller.next(days=1), teller.cast["ada"].person_id
    sides = {"vendor": contract.vendor_name, "customer": contract.customer_name}
    document = contract_document(
        ref=contract.ref, title=contract.title, region=contract.region, version=1,
        parties={side: {"name": name, "details": ""} for side, name in sides.items()}, pins={},
        terms=load_schema("1").defaults() | typed(cases.CRM_TERMS), signers=[],
        frozen_at=at.isoformat(timespec="seconds"),
    )  # fmt: skip
    with transaction(session):
        add_version(session, contract, document=document, at=at)
        for kind in ("frozen", "all_signed", "completed"):
            add_fact(session, contract, kind, person_id=ada, side=Side.VENDOR, at=at)


def lists() -> None:
    """Print page times with few and with many incidents."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COUNTERPART_HOME"] = folder
        from portal.accounts.gate import key_of
        from portal.accounts.models import Membership, SignIn
        from portal.app import create_app
        from portal.cli.demo import cases
        from portal.cli.demo.story import Teller, join_everyone
        from portal.cli.running import migrate_all
        from portal.contracts.queries import find_contract
        from portal.kit.db import db

        app = create_app()
        migrate_all(app)
        with app.app_context():
            now = datetime.now(UTC)
            cast = join_everyone(now - timedelta(days=120))
            teller = Teller(app.extensions["regions"], app.config["SETTINGS"], cast)
            session, begun = teller.started(
                cases.CRM, region="eu", at=now - timedelta(days=90), extra={}
            )
            ref = begun.id
            put_in_force(session, begun, teller)
            contract = find_contract(session, cast["dov"], ref)
            person = cast["dov"].person_id
            membership = db.session.query(Membership).filter_by(person_id=person).one()
            db.session.add(SignIn(
                id=key_of("bench"), person_id=person, membership_id=membership.id, created_at=now,
                seen_at=now, mfa_at=now, address="127.0.0.1", agent="bench",
            ))  # fmt: skip
            db.session.commit()
            client = app.test_client()
            client.set_cookie("sid", "bench")
            measured = []
            for upto in (FEW, MANY):
                fill(session, contract, upto=upto)
                measured.append(pages(client, ref, session, contract))
    for name, few in measured[0].items():
        many = measured[1][name]
        print(f"{name}: {few * 1000:.0f} ms with {FEW}, {many * 1000:.0f} ms with {MANY:,}: "
              f"ratio {many / few:.2f}")  # fmt: skip


if __name__ == "__main__":
    clocks()
    statement()
    lists()
