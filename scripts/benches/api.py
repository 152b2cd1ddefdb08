"""The API's list and detail of contracts at 1,000 and at 100,000, beside the same pages in HTML.

Contracts are written straight into the tables, sealed under one data key each, most of them signed;
then the first page of the list, a page from its middle, one contract in full, the list's filters,
a search and the home page are asked, by token and by cookie. CONTRACTS=20000 sets the larger count.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select, update

sys.path.insert(0, str(Path(__file__).parent))

SMALL, LARGE, RUNS = 1_000, int(os.environ.get("CONTRACTS", "100000")), 15


def main() -> None:
    """Measure both sizes and print the ratios."""
    taken = {count: measure(count) for count in (SMALL, LARGE)}
    for count, found in taken.items():
        told = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in found.items())
        print(f"{count:>7} contracts: {told}")
    for name in taken[SMALL]:
        print(f"ratio of {name}: {taken[LARGE][name] / taken[SMALL][name]:.2f}")


def measure(count: int) -> dict[str, float]:
    """Return the least seconds of each question."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["COUNTERPART_HOME"] = home
        import renewals

        from portal.accounts import rules
        from portal.accounts.actions import limits
        from portal.accounts.rules import Limit
        from portal.app import create_app
        from portal.cli.running import migrate_all

        often = (Limit(10**9, timedelta(minutes=1)),)
        limits.LIMITS = {**rules.LIMITS, "api:read": often}
        app = create_app()
        migrate_all(app)
        browser = renewals.fill(app, count)
        lives(app)
        headers = {"Authorization": f"Bearer {token(app)}"}
        api = app.test_client()

        def ask(path: str) -> Callable[[], Any]:
            return lambda: api.get(path, headers=headers)

        listed = ask("/api/v1/contracts?limit=50")().json
        cursor, ref = listed["next_cursor"], listed["items"][0]["ref"]
        for _ in range(min(count // 100, 100)):
            cursor = ask(f"/api/v1/contracts?limit=50&cursor={cursor}")().json["next_cursor"]
        found = {
            "first page": timed(ask("/api/v1/contracts?limit=50")),
            "page in the middle": timed(ask(f"/api/v1/contracts?limit=50&cursor={cursor}")),
            "detail": timed(ask(f"/api/v1/contracts/{ref}")),
            "detail in HTML": timed(lambda: browser.get(f"/contracts/{ref}")),
        }
        following = browser.get("/contracts").text
        following = following.partition('rel="next" href="')[2].partition('"')[0]
        pages = {
            "list": "/contracts", "next page of the list": following.replace("&amp;", "&"),
            "list of the signed": "/contracts?state=signed",
            "search that finds nothing": "/contracts?q=warehouse",
            "home": "/", "renewals": "/renewals",
        }  # fmt: skip
        for name, path in pages.items():
            found[f"{name} in HTML"] = timed(lambda path=path: browser.get(path))
        return found


def lives(app: Any) -> None:
    """Give eight of ten contracts a signature, one a negotiation, and leave one a draft."""
    from portal.contracts.models import Contract, Fact
    from portal.kit import clock
    from portal.kit.refs import new_id

    at, database = clock.now(), app.extensions["regions"]["eu"]
    kinds = [("round_sent", "vendor"), ("frozen", None), ("completed", None)]
    with database.engine.begin() as connection:
        refs = list(connection.scalars(select(Contract.id)))
        rows: list[dict[str, Any]] = []
        for number, ref in enumerate(refs):
            for kind, side in kinds[: (0, 1, 3)[min(number % 10, 2)]]:
                rows.append(
                    {"id": new_id(at), "region": "eu", "contract_id": ref, "kind": kind,
                     "at": at, "person_id": "P", "side": side}
                )  # fmt: skip
        connection.execute(Fact.__table__.insert(), rows)
        for place, stage in enumerate(("draft", "negotiation", "signed")):
            some = [{"ref": r} for n, r in enumerate(refs) if min(n % 10, 2) == place]
            turn = "vendor" if place == 0 else "customer"
            connection.execute(
                update(Contract.__table__)
                .where(Contract.__table__.c.id == bindparam("ref"))
                .values(stage=stage, turn=turn),
                some,
            )
        connection.exec_driver_sql("ANALYZE")


def timed(ask: Callable[[], Any], runs: int = RUNS) -> float:
    """Return the least seconds of a question: what it takes when nothing else disturbs it."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        answer = ask()
        taken.append(time.perf_counter() - start)
        assert answer.status_code == 200, answer.status_code
    return min(taken)


def token(app: Any, person_id: str | None = None) -> str:
    """Return an access token of a member: the first one, or a certain person."""
    from portal.accounts.models import Membership
    from portal.kit import clock
    from portal.kit.db import db
    from portal.kit.refs import new_id, new_token
    from portal.oauth import actions
    from portal.oauth.models import OAuthClient, OAuthGrant

    with app.app_context():
        at, members = clock.now(), db.session.query(Membership)
        member = (members.filter_by(person_id=person_id) if person_id else members).first()
        client = OAuthClient(
            id=new_id(at), organisation_id=member.organisation_id, name="Bench", kind="web",
            addresses="https://x.example/", scopes="contracts:read", secret_hash="0" * 64,
            created_by=member.person_id, created_at=at,
        )  # fmt: skip
        grant = OAuthGrant(
            id=new_id(at), client_id=client.id, membership_id=member.id, scopes="contracts:read",
            created_at=at,
        )  # fmt: skip
        found = "cpa_" + new_token()
        db.session.add(client)
        db.session.flush()
        db.session.add(grant)
        db.session.flush()
        actions.issue_tokens(grant, access=found, refresh=None, scopes=grant.scopes, at=at)
        db.session.remove()
    return found


if __name__ == "__main__":
    main()
