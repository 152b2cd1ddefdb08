"""The list of renewals for 100 and for 50,000 contracts: page times as a ratio.

Rows are written straight into the tables (titles and money sealed under one data key a contract,
as the portal does), then the page is fetched through the app, signed in, and timed.
"""

import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

SMALL, LARGE, RUNS = 100, int(os.environ.get("CONTRACTS", "50000")), 15


def main() -> None:
    """Measure both sizes and print the ratio."""
    taken = {count: measure(count) for count in (SMALL, LARGE)}
    for count, (page, csv_first) in taken.items():
        print(
            f"{count:>6} contracts: page {page * 1000:.1f} ms, next page {csv_first * 1000:.1f} ms"
        )
    print(f"ratio of page times: {taken[LARGE][0] / taken[SMALL][0]:.2f}")
    print(f"ratio of next pages: {taken[LARGE][1] / taken[SMALL][1]:.2f}")


def measure(count: int) -> tuple[float, float]:
    """Return the median seconds of the first page and of the page after it."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["COUNTERPART_HOME"] = home
        from portal.app import create_app
        from portal.cli.running import migrate_all

        app = create_app()
        migrate_all(app)
        client = fill(app, count)
        page = client.get("/renewals").text
        following = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        return timed(client, "/renewals"), timed(client, following or "/renewals")


def timed(client: Any, path: str) -> float:
    """Return the median seconds of a page."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        answer = client.get(path)
        taken.append(time.perf_counter() - start)
        assert answer.status_code == 200, answer.status_code
    return statistics.median(taken)


def fill(app: Any, count: int) -> Any:
    """Write the people and the contracts; return a signed-in client."""
    from portal.accounts import actions as accounts
    from portal.accounts.gate import key_of
    from portal.accounts.models import SignIn
    from portal.accounts.rules import Role
    from portal.kit import clock
    from portal.kit.db import db
    from portal.kit.refs import new_token

    now, cookie = clock.now(), new_token()
    with app.app_context():
        vendor = accounts.create_organisation("Vendor", "vendor", "", ["eu"], now)
        customer = accounts.create_organisation("Customer", "customer", "", ["eu"], now)
        person = accounts.create_person("v@vendor.example", "Vera", "four random words here", now)
        member = accounts.add_member(person, vendor, [Role.ACCOUNT_MANAGER], now)
        db.session.add(
            SignIn(
                id=key_of(cookie), person_id=person.id, membership_id=member.id, created_at=now,
                seen_at=now, mfa_at=now, address="127.0.0.1", agent="bench",
            )
        )  # fmt: skip
        db.session.commit()
        contracts(app, count, vendor.id, customer.id, now)
    client = app.test_client()
    client.set_cookie("sid", cookie)
    return client


def contracts(app: Any, count: int, vendor: str, customer: str, now: datetime) -> None:
    """Write contracts with their terms, a thousand at a time."""
    from portal.contracts.models import Contract, Stakeholder
    from portal.kit.refs import new_id
    from portal.kit.vault import put
    from portal.residency.actions import make_data_key
    from portal.residency.rules import new_public_ref

    database = app.extensions["regions"]["eu"]
    for first in range(0, count, 1000):
        with database.open_session() as session:
            for number in range(first, min(first + 1000, count)):
                ref = new_public_ref("eu")
                make_data_key(session, database, contract_id=ref, at=now)
                row = Contract(
                    id=ref, region="eu", vendor_id=vendor, customer_id=customer,
                    vendor_name="Vendor", customer_name="Customer", started_by_side="vendor",
                    template="standard-support/1", template_sha256="0" * 64, schema_version="1",
                    schema_sha256="0" * 64, standard_version="1.0", standard_sha256="0" * 64,
                    created_at=now, step=5,
                )  # fmt: skip
                put(session, row, title=f"Support {number}")
                owner = Stakeholder(
                    id=new_id(now), region="eu", contract_id=ref, side="vendor",
                    person_id="P", function="owner",
                )  # fmt: skip
                put(session, owner, name="Vera", email="v@vendor.example")
                put(session, term(ref, number, count, vendor, customer, now),
                    money={"yearly": "18000.00", "currency": "USD", "worst": "18900.00",
                           "extra": "900.00"})  # fmt: skip
            session.commit()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def term(ref: str, number: int, count: int, vendor: str, customer: str, now: datetime) -> Any:
    """Return the stored term of one contract: notice dates spread over two years."""
    from portal.kit.refs import new_id
    from portal.renewals.models import Renewal

    by = (now.astimezone(UTC) + timedelta(days=1 + number * 720 // count)).date()
    return Renewal(
        id=new_id(now), region="eu", contract_id=ref, vendor_id=vendor, customer_id=customer,
        state="running", number=0, begins=(by - timedelta(days=300)).isoformat(),
        ends=(by + timedelta(days=60)).isoformat(), notice_by=by.isoformat(),
        price_by=(by - timedelta(days=30)).isoformat(),
        decide_by=(by - timedelta(days=14)).isoformat(), mode="auto", vendor_decided=number % 2,
        customer_decided=0, version_sha256="0" * 64, completed_at=now, read_at=now,
    )  # fmt: skip


if __name__ == "__main__":
    main()
