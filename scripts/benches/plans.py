"""The plan comparison with 8 tiers: how long it takes, how its queries grow, how large it is."""

import gzip
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import event

from portal.accounts.gate import key_of
from portal.accounts.models import SignIn
from portal.app import create_app
from portal.cli.running import migrate_all
from portal.kit import clock
from portal.kit.db import db
from portal.kit.refs import new_token
from portal.plans import actions, queries
from portal.plans.rules import writing
from portal.settings.rules import settings_from
from tests import cast

ROUNDS = int(os.environ.get("ROUNDS", "15"))


def main() -> None:
    """Print the cost of one comparison by its number of columns."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings_from(Path(folder) / "home", {}, {}))
        app.config.update(WTF_CSRF_ENABLED=False)
        migrate_all(app)
        client, catalogue_id = prepared(app)
        results = {count: measured(app, client, catalogue_id, count) for count in (1, 4, 8)}
        first = results[1]
        for count, (cold, warm, asked, size) in results.items():
            print(
                f"{count} tiers: first {cold * 1000:.0f} ms, then {warm * 1000:.0f} ms "
                f"({warm / first[1]:.1f}x of one tier), {asked} queries "
                f"({asked / first[2]:.1f}x), {size / 1000:.1f} kB gz"
            )


def prepared(app: Any) -> tuple[Any, str]:
    """Return a signed-in client and a published catalogue of eight tiers, all of them different."""
    with app.app_context():
        cast.load_cast()
        ada = cast.actor("ada")
        row = actions.start_draft(ada, at=clock.now())
        for place in range(4):
            row = actions.change_draft(
                ada, row.id, lambda raw, place=place: longer(raw, place), at=clock.now(),
                seen_sha256=row.sha256,
            )  # fmt: skip
        row = actions.publish(ada, row.id, note="8", seen_sha256=row.sha256, at=clock.now())
        cookie, now = new_token(), clock.now()
        db.session.add(
            SignIn(
                id=key_of(cookie), person_id=cast.actor("cleo").person_id, created_at=now,
                membership_id="MEM" + "4".zfill(23), seen_at=now, mfa_at=now,
                address="127.0.0.1", agent="bench",
            )
        )  # fmt: skip
        db.session.commit()
        catalogue_id = row.id
        assert len(queries.raw_of(row)["tiers"]) == 8
    client = app.test_client()
    client.set_cookie("sid", cookie)
    return client, catalogue_id


def longer(raw: writing.Raw, place: int) -> writing.Raw:
    """Add a copy of a tier whose clocks run a little longer, so that nothing is remembered."""
    from portal.terms.rules import load_schema

    raw = writing.with_tier_added(raw, copy_of=place)
    terms = {**raw["tiers"][-1]["terms"], "C4.S3.update_every": f"{place + 6} bd",
             "C4.S4.update_every": f"{place + 6} bd"}  # fmt: skip
    return writing.with_terms(load_schema("1"), raw, len(raw["tiers"]) - 1, terms)


def measured(app: Any, client: Any, catalogue_id: str, count: int) -> tuple[float, float, int, int]:
    """Return (first, median) seconds, queries and compressed bytes of one comparison."""
    path = "/plans/compare?" + "&".join(f"tier={catalogue_id}.{n}" for n in range(count))
    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    times = []
    for number in range(ROUNDS + 1):
        if number == 1:
            event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        started = time.perf_counter()
        answer = client.get(path)
        times.append(time.perf_counter() - started)
        assert answer.status_code == 200 and answer.text.count('scope="col"') == count
    return (
        times[0],
        statistics.median(times[1:]),
        len(asked) // ROUNDS,
        len(gzip.compress(answer.data)),
    )


if __name__ == "__main__":
    main()
