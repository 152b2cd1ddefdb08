"""What the issues list costs over a long negotiation: all terms, and thirty rounds.

Prints the queries and the time of the list after 2 rounds and after 30, their ratio, the worst page
of the room in queries, and the redline of a clause of 5,000 words; each time also beside a chain
of SHA-256 hashes of the same machine. Last comes the comparison of eight plans (`plans.py`).
"""

import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benches import plans

ROUNDS, LOOKS = 30, 7
TERM = "C4.S1.first_response"
PAGES = ("terms?show=all", f"terms/{TERM}", "rounds", "rounds/2", "compare?from=1&to=now",
         "comments", "approvals", "freeze", "answers")  # fmt: skip


def unit() -> float:
    """Return the seconds of 200,000 chained SHA-256 hashes: this machine's yardstick."""
    start, value = time.process_time(), b""
    for _ in range(200_000):
        value = hashlib.sha256(value).digest()
    return time.process_time() - start


def main() -> None:
    """Negotiate thirty rounds, and look at the pages after the second and after the last."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["COUNTERPART_HOME"] = home
        from portal.app import create_app
        from portal.cli.running import migrate_all
        from tests import cast

        app = create_app()
        app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        migrate_all(app)
        with app.app_context():
            cast.load_cast()
        measure(app)
    redline()
    plans.main()


def measure(app: Any) -> None:
    """Print what the pages cost early and late."""
    from portal.contracts.models import Contract
    from tests.conftest import make_contract
    from tests.negotiation.table import SCHEMA, offer_all, say, send
    from tests.negotiation.test_actions import value

    def play(first: int, last: int) -> None:
        with app.app_context():
            session = app.extensions["regions"].session("eu")
            contract = session.get_one(Contract, ref)
            for number in range(first, last + 1):
                if number == 1:
                    offer_all(session, contract)
                    continue
                key = "cleo" if number % 2 == 0 else "ada"
                say(session, contract, key, TERM, "offer", value(f"{number + 4} min"))
                send(session, contract, key)

    with app.app_context():
        regions = app.extensions["regions"]
        ref = make_contract(regions.session("eu"), regions).id
    play(1, 2)
    early = looked(app, ref)
    play(3, ROUNDS)
    late = looked(app, ref)
    print(
        f"{len(SCHEMA.terms)} terms; queries and milliseconds a page, after 2 and {ROUNDS} rounds"
    )
    for path in PAGES:
        (before, one), (after, other) = early[path], late[path]
        print(
            f"  {path:28} {before:3} → {after:3} queries"
            f"   {one * 1000:6.0f} → {other * 1000:6.0f} ms   ratio {other / one:.2f}"
        )
    yard = unit()
    print(f"list of all terms beside 200,000 hashes: {late['terms?show=all'][1] / yard:.2f}")
    assert all(early[path][0] == late[path][0] for path in PAGES), "queries grow with the rounds"


def looked(app: Any, ref: str) -> dict[str, tuple[int, float]]:
    """Return the queries and the median seconds of each page, as the customer reads it."""
    from sqlalchemy import event

    client = client_of(app)
    asked: list[str] = []
    count: Callable[..., None] = lambda *args: asked.append(args[2])  # noqa: E731
    engines = [d.engine for d in app.extensions["regions"].databases.values()]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", count)
    found = {}
    for path in PAGES:
        times = []
        for _ in range(LOOKS):
            asked.clear()
            start = time.process_time()
            answer = client.get(f"/contracts/{ref}/{path}")
            times.append(time.process_time() - start)
            assert answer.status_code == 200, (path, answer.status_code)
        found[path] = (len(asked), statistics.median(times))
    for engine in engines:
        event.remove(engine, "before_cursor_execute", count)
    return found


def client_of(app: Any) -> Any:
    """Return a client signed in as the customer."""
    from portal.accounts.gate import key_of
    from portal.accounts.models import SignIn
    from portal.kit import clock
    from portal.kit.db import db
    from portal.kit.refs import new_token
    from tests import cast

    number = next(n for n, m in enumerate(cast.MEMBERS, 1) if m.key == "cleo")
    cookie, now = new_token(), clock.now()
    with app.app_context():
        db.session.add(
            SignIn(
                id=key_of(cookie), person_id=f"PER{number:023d}", membership_id=f"MEM{number:023d}",
                created_at=now, seen_at=now, mfa_at=now, address="127.0.0.1", agent="bench",
            )
        )  # fmt: skip
        db.session.commit()
    client = app.test_client()
    client.set_cookie("sid", cookie)
    return client


def redline() -> None:
    """Print the time of a long redline, and of a hostile one."""
    from portal.negotiation.rules import difference

    words = [f"word{n % 97}" for n in range(5_000)]
    new = ["changed" if n % 13 == 0 else w for n, w in enumerate(words) if n % 29]
    cases = {"5,000 words": (" ".join(words), " ".join(new)),
             "20,000 repeating characters": ("a b " * 5_000, "b a " * 5_000)}  # fmt: skip
    for name, (old, late) in cases.items():
        start = time.perf_counter()
        difference(old, late)
        print(f"redline of {name}: {(time.perf_counter() - start) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
