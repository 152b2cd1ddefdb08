"""Pages, signing and the worker's turn with few and with very many contracts.

One vendor holds all of them. The same contract, list, inbox and API page are asked of the same
portal with 1,000 and with 100,000 contracts, on SQLite and on PostgreSQL, in one region and in
three, by one browser, and beside a bare Flask page with one query on the same server. Contracts are
copies of really signed ones (`copies`). Figures are ratios of processor time; wall time is told
beside them. `--small` measures 100 and 1,000 on SQLite; CONTRACTS=20000 sets the larger count.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

import homes  # noqa: E402
import served  # noqa: E402

FEW, MANY, RUNS, SIGNED, DEEP = 1_000, int(os.environ.get("CONTRACTS", "100000")), 15, 4, 50
REGIONS = {1: ("eu",), 3: ("eu", "us", "ap")}
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
# As a server of one's own would have it on such a machine; writes wait for the disk.
OPTIONS = {"listen_addresses": "''", "max_connections": "50", "shared_buffers": "1GB"}
TICKS = os.sysconf("SC_CLK_TCK")
BARE = "bare page"


@dataclass(frozen=True)
class Case:
    """What is measured: how many contracts, on which engine, in how many regions."""

    engine: str
    regions: int
    contracts: int

    def __str__(self) -> str:
        where = "one region" if self.regions == 1 else f"{self.regions} regions"
        return f"{self.contracts:,} contracts, {self.engine}, {where}"


@dataclass
class Cost:
    """What one kind of answer took, over all runs of it."""

    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    queries: int = 0
    database: float = 0.0

    @property
    def cpu(self) -> float:
        """Processor seconds of one answer: the server's median, and the database's share."""
        return statistics.median(self.cpus) + self.database

    @property
    def told(self) -> str:
        """One line of figures."""
        walls = sorted(self.walls)
        high = walls[min(len(walls) - 1, int(len(walls) * 0.95))]
        return (
            f"{self.cpu * 1000:8.1f} ms CPU  p50 {statistics.median(walls) * 1000:8.1f} ms  "
            f"p95 {high * 1000:8.1f} ms  {self.queries:4d} queries"
        )


Found = dict[str, Cost]


# Asking


def ask_often(browser: Any, path: str, cluster: Any, runs: int = 0) -> Cost:
    """Ask for a page a few times, after once to warm up."""
    cost, runs = Cost(), runs or RUNS
    assert browser.ask("GET", path).status == 200, path
    before = database_seconds(cluster)
    for _ in range(runs):
        answer = browser.ask("GET", path)
        assert answer.status == 200, (path, answer.status)
        cost.walls.append(answer.wall)
        cost.cpus.append(answer.cpu)
        cost.queries = answer.queries
    cost.database = (database_seconds(cluster) - before) / runs
    return cost


def database_seconds(cluster: Any) -> float:
    """Return the processor time of all processes of the database server so far."""
    if cluster is None:
        return 0.0
    head = int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{head}/task/{head}/children").read_text().split()
    return sum(process_seconds(int(one)) for one in [head, *children])


def process_seconds(pid: int) -> float:
    """Return the processor time of a process and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def measure_pages(server: Any, home: Any, cluster: Any) -> Found:
    """Ask for every page that a person or a program opens first."""
    browser = served.Browser(server.port, {"Cookie": f"sid={home.cookie}"})
    program = served.Browser(server.port, {"Authorization": f"Bearer {home.token}"})
    ref = home.found["contracts"][home.found["rich"]]
    found = {BARE: ask_often(browser, "/bare/", cluster, 100)}
    pages = {
        "home": "/", "contracts": "/contracts", "contracts, signed": "/contracts?state=signed",
        f"contracts, page {DEEP}": page_number(browser, DEEP), "one contract": f"/contracts/{ref}",
        "its incidents": f"/contracts/{ref}/incidents", "renewals": "/renewals", "risk": "/risk",
        "inbox": "/notices", "where data is": "/organisation/data",
        "where its data is": f"/contracts/{ref}/data", "templates": "/templates",
    }  # fmt: skip
    for name, path in pages.items():
        found[name] = ask_often(browser, path, cluster)
    found["API, contracts"] = ask_often(program, "/api/v1/contracts?limit=50", cluster)
    return found


def page_number(browser: Any, number: int) -> str:
    """Follow the list of contracts to a page, or to its last."""
    path = "/contracts"
    for _ in range(number - 1):
        following = browser.ask("GET", path).body.partition('rel="next" href="')[2]
        if not following:
            break
        path = following.partition('"')[0].replace("&amp;", "&")
    return path


def measure_signing(server: Any, home: Any, cluster: Any) -> Found:
    """Sign as the last signer of a few contracts, and wait until each is sealed."""
    from portal.accounts.totp import code_at
    from portal.kit import clock

    signing, sealing = Cost(), Cost()
    rows = list(zip(home.waiting, home.found["signers"], home.signers, strict=True))
    for ref, who, cookie in rows[:SIGNED]:
        browser = served.Browser(server.port, {"Cookie": f"sid={cookie}"})
        path = f"/contracts/{ref}/signature"
        form = browser.ask("GET", path)
        assert form.status == 200, (form.status, form.location)
        fields = {name: value_of(form.body, name) for name in ("csrf_token", "version_sha256")}
        fields |= {"title": "Counsel", "authority": "y", "intent": "y", "strokes": "",
                   "code": code_at(who["secret"], clock.now())}  # fmt: skip
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        before = database_seconds(cluster), process_seconds(server.worker)
        answer = browser.ask("POST", path, body)
        signed = time.perf_counter()
        assert answer.location.endswith("/done"), (answer.status, answer.body[:2000])
        await_seal(home.app, ref)
        after = database_seconds(cluster), process_seconds(server.worker)
        signing.walls.append(answer.wall)
        signing.cpus.append(answer.cpu)
        signing.queries = answer.queries
        sealing.walls.append(time.perf_counter() - signed)
        whole = sum(after) - sum(before)
        sealing.cpus.append(max(0.0, whole - answer.cpu))
    return {"signature": signing, "seal after it": sealing}


def value_of(body: str, name: str) -> str:
    """Return the value of a hidden field."""
    return body.partition(f'name="{name}"')[2].partition('value="')[2].partition('"')[0]


def await_seal(app: Any, ref: str) -> None:
    """Wait until a contract is completed."""
    from portal.contracts.models import Fact
    from portal.kit.db import reading

    database = app.extensions["regions"].databases["eu"]
    before = reading.set(True)
    for _ in range(2400):
        with app.app_context(), database.open_session() as session:
            if session.query(Fact).filter_by(contract_id=ref, kind="completed").first():
                reading.reset(before)
                return
        time.sleep(0.05)
    raise RuntimeError("not sealed after two minutes")


def measure_turn(app: Any, cluster: Any) -> Found:
    """Let a worker look three times; tell the last, when nothing was left to do, job by job."""
    from portal.cli.jobs import JOBS
    from portal.cli.working import Worker

    worker, found, turn = Worker(app), {}, Cost()
    for number in range(3):
        for job in JOBS:
            if job.name == "check the logs whole":
                continue
            before = time.process_time() + database_seconds(cluster)
            begun = time.perf_counter()
            worker.run(job)
            cpu = time.process_time() + database_seconds(cluster) - before
            if number == 2:
                found[f"  {job.name}"] = Cost([time.perf_counter() - begun], [cpu])
    turn.walls = [sum(one.walls[0] for one in found.values())]
    turn.cpus = [sum(one.cpus[0] for one in found.values())]
    worker.leave()
    return {"idle turn of the worker": turn, **found}


# A home


@dataclass
class Home:
    """A filled home: its app, who is signed in, and what waits to be signed."""

    app: Any
    found: dict[str, Any]
    waiting: list[str]
    cookie: str
    token: str
    signers: list[str]


def filled(case: Case, folder: Path, patterns: Any, source: Path, cluster: Any) -> Home:
    """Make a home of a case and sign in who asks."""
    import api

    app, found = homes.open_home(source, folder, regions=REGIONS[case.regions], cluster=cluster)
    begun = time.process_time()
    waiting = homes.fill(app, patterns, case.contracts, cluster=cluster)
    print(f"  filled in {time.process_time() - begun:.0f} s of processor time", flush=True)
    with app.app_context():
        people = [found["people"]["ada"], *(one["person"] for one in found["signers"])]
        cookie, *signers = [sign_in(person) for person in people]
        consent(app, waiting, found)
    return Home(app, found, waiting, cookie, api.token(app, found["people"]["ada"]), signers)


def sign_in(person_id: str) -> str:
    """Sign somebody in, with a code given just now; return the cookie."""
    from portal.accounts.gate import key_of
    from portal.accounts.models import Membership, SignIn
    from portal.kit import clock
    from portal.kit.db import db
    from portal.kit.refs import new_token

    now, cookie = clock.now(), new_token()
    member = db.session.query(Membership).filter_by(person_id=person_id).one()
    row = SignIn(
        id=key_of(cookie), person_id=person_id, membership_id=member.id, created_at=now,
        seen_at=now, mfa_at=now, address="127.0.0.1", agent="bench",
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return cookie


def consent(app: Any, waiting: list[str], found: dict[str, Any]) -> None:
    """Let each last signer consent, as on the page before the signature."""
    from portal.accounts.rules import Actor, Role
    from portal.contracts.queries import find_contract
    from portal.kit import clock
    from portal.signing import actions
    from portal.signing.rules import SIGNING_ONLY, load_disclosure

    session = app.extensions["regions"].session("eu")
    for ref, who in zip(waiting, found["signers"], strict=True):
        actor = Actor(who["person"], "Lena Hart", "s@harbour.example", *found["harbour"],
                      frozenset({Role.SIGNATORY}))  # fmt: skip
        actions.give_consent(
            session, actor, find_contract(session, actor, ref), covers=SIGNING_ONLY,
            shown_sha256=load_disclosure().sha256, demonstrated=True,
            at=clock.now() - timedelta(minutes=5),
        )  # fmt: skip


def measure(case: Case, folder: Path, patterns: Any, source: Path, cluster: Any) -> Found:
    """Fill a home, serve it and ask; print what came."""
    print(f"\n{case}", flush=True)
    home = filled(case, folder, patterns, source, cluster)
    with served.running(folder, 8190 + os.getpid() % 100) as server:
        found = measure_pages(server, home, cluster)
        found |= measure_signing(server, home, cluster)
        peak = server.peak
    os.environ["COUNTERPART_HOME"] = str(folder)
    found |= measure_turn(home.app, cluster)
    homes.close(home.app)
    for name, cost in found.items():
        print(f"  {name:36} {cost.told}")
    print(f"  most memory of the answering process: {peak:.0f} MB", flush=True)
    return found


def say_ratios(title: str, over: Found, under: Found) -> None:
    """Print how many times one case costs of another, in processor time."""
    print(f"\n{title}")
    for name in under:
        if not name.startswith("  ") and name in over and under[name].cpu:
            print(f"  {name:36} {over[name].cpu / under[name].cpu:6.2f}")


def cases(small: bool, only: str | None) -> Iterator[Case]:
    """Yield what is measured, in order."""
    few, many = (100, 1_000) if small else (FEW, MANY)
    for engine in (SQLITE,) if small else (SQLITE, POSTGRESQL):
        if only in (None, engine.lower()):
            for regions, count in ((1, few), (1, many), (3, many)):
                yield Case(engine, regions, count)


def main() -> None:
    """Measure every case and print the ratios."""
    words = sys.argv[1:]
    only = next((one for one in words if not one.startswith("-")), None)
    wanted = list(cases("--small" in words, only))
    done: dict[Case, Found] = {}
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        source = Path(os.environ.get("SEED") or folder / "seed")
        if not (source / homes.FILE).exists():
            homes.seed(source)
        patterns = homes.read_patterns(source)
        for number, case in enumerate(wanted):
            with database_server(case.engine, folder) as cluster:
                done[case] = measure(case, folder / f"home-{number}", patterns, source, cluster)
            homes.forget(folder / f"home-{number}")
    say_all(wanted, done)


def say_all(wanted: list[Case], done: dict[Case, Found]) -> None:
    """Print each ratio that two cases allow."""
    for case, found in done.items():
        bare = dict.fromkeys(found, found[BARE])
        say_ratios(f"page : bare page, {case}", found, bare)
    for one in wanted:
        for other in wanted:
            same = (one.engine == other.engine, one.regions == other.regions,
                    one.contracts == other.contracts)  # fmt: skip
            if same == (True, True, False) and one.contracts > other.contracts:
                what = f"{one.contracts:,} : {other.contracts:,} contracts, {one.engine}"
            elif same == (True, False, True) and one.regions > other.regions:
                what = f"{one.regions} regions : one, {one.contracts:,}, {one.engine}"
            elif same == (False, True, True) and one.engine == POSTGRESQL:
                what = f"PostgreSQL : SQLite, {one.contracts:,} contracts, {one.regions} region(s)"
            else:
                continue
            say_ratios(what, done[one], done[other])


def database_server(engine: str, folder: Path) -> Any:
    """Return a context with the server of this engine: None for SQLite."""
    from contextlib import contextmanager, nullcontext

    from tests.cluster import Cluster

    @contextmanager
    def running() -> Iterator[Any]:
        cluster = Cluster(OPTIONS, folder)
        try:
            yield cluster
        finally:
            cluster.stop()

    return running() if engine == POSTGRESQL else nullcontext()


if __name__ == "__main__":
    main()
