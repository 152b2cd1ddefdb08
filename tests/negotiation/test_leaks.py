"""Two hundred strings planted in what one side keeps to itself, and everything the other gets."""

import gzip
import io
import re
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle, product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.evidence.actions import keep_logs
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.negotiation import actions, rules
from portal.negotiation.models import Approval, Note, Playbook
from portal.negotiation.queries import board_of, notes_of
from portal.negotiation.rules.playbook import Limits, Rung
from portal.notices.models import RegionMail, RegionNotice
from portal.residency.databases import Regions
from portal.terms.rules.standard import load_standard_terms
from tests import cast
from tests.conftest import make_contract
from tests.contracts.test_pages import freeze
from tests.house.test_matrix import address
from tests.negotiation.table import SCHEMA, at_table, opens, send, settle
from tests.negotiation.test_inside import limit
from tests.signing import stage

ADA, NIA, CLEO = (cast.actor(key) for key in ("ada", "nia", "cleo"))
PLANTS = 200
# Ten terms of free text, whose limits can be any words, and some of every other kind.
PROSE = ["A6", "B2.region", "D6", "G5.agenda", "I6.text", "J3.territory", "L7.text", "L8.text",
         "L9", "N12"]  # fmt: skip
TERMS = [*PROSE, "B1", "B5", "C4.S1.first_response", "C5", "D1", "E1", "E4", "E7", "E8", "G1", "O1",
         "P6", "P1"]  # fmt: skip
# What ends the negotiation or the visit before the rest of it is crawled.
FINAL = {"negotiation.freeze_now", "contracts.withdraw", "accounts.sign_out", "static",
         "accounts.end_session"}  # fmt: skip
# A contract of a few terms is signed as any other, but it runs no service: another one does.
AFTER = frozenset({"negotiation", "signing", "evidence"})
RUNNING = frozenset({"contracts", "incidents", "statements", "renewals", "reviews", "changes"})
PLANTED = re.compile(rb"PLANT-\d{3}-Q7X")


@pytest.fixture
def contract(eu: Session, regions: Regions) -> Contract:
    """A contract over a few terms of every kind: each page is the same, and quicker."""
    contract = make_contract(eu, regions, terms=TERMS)
    with transaction(eu):
        contract.schema_sha256 = SCHEMA.sha256
        contract.standard_sha256 = load_standard_terms("1.0").sha256
    return contract


def plant(session: Session, contract: Contract, secrets: list[str]) -> None:
    """Let the vendor write secrets into a playbook, approvals and notes."""
    left = iter(secrets)
    for seen, term in enumerate(PROSE):
        standard, fallback, end = (next(left) for _ in range(3))
        own = Limits(standard, (Rung(fallback, "legal"),), Rung(end, "legal"), "legal")
        limit("nia", Side.VENDOR, term, own, seen=seen)
    asked = board_of(session, at_table(session, contract, "nia")).outstanding
    settle(session)
    for need in asked:
        actions.approve(
            session, contract, NIA, need.term, seen_sha256=need.sha256, reason=next(left),
            at=clock.now(),
        )  # fmt: skip
        settle(session)
    for number, (secret, term) in enumerate(zip(left, cycle([None, *TERMS]), strict=False)):
        text = f"{secret} @nia and @cleo" if number % 7 == 0 else secret
        actions.write_note(session, contract, ADA, text=text, term=term, at=clock.now())
    settle(session)


def stored(session: Session) -> str:
    """Return everything the vendor has kept to itself, as it is found in the databases."""
    kept = [note.text for note in session.scalars(select(Note))]
    kept += [row.reason or "" for row in session.scalars(select(Approval))]
    kept += [repr(row.content) for row in db.session.scalars(select(Playbook))]
    settle(session)
    return " ".join(kept)


Got = dict[str, tuple[int, bytes]]


def crawled(
    app: Flask, client: FlaskClient, ref: str, *, rooms: frozenset[str] = frozenset()
) -> Got:
    """Ask for every address, with every method, every filter and every term; or for some rooms."""
    got: Got = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint in FINAL or (rooms and rule.endpoint.split(".")[0] not in rooms):
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            if method == "POST" and "ref" not in rule.arguments:
                continue
            path = address(app, rule, ref)
            answer = client.open(path, method=method, headers={"HX-Request": "true"})
            got[f"{method} {path}"] = (answer.status_code, answer.data)
    here = f"/contracts/{ref}"
    paths = [f"{here}/terms?show={show}&role={role}"
             for show, role in product([*rules.Show], ["", "legal"])]  # fmt: skip
    paths += [f"{here}/{page}{term}" for page in ("terms/", "comments?term=") for term in TERMS]
    paths += [f"{here}/compare?from={a}&to={b}" for a, b in product(("1", "seen"), ("now", "2"))]
    paths += [f"/contracts?q={words}" for words in ("PLANT", "PLANT-0", "Q7X", "Crm")]
    for path in paths:
        answer = client.get(path)
        got[path] = (answer.status_code, answer.data)
    return got


def readable(body: bytes) -> bytes:
    """Return what can be read of an answer: of a PDF its text, of an archive its files."""
    if body.startswith(b"%PDF"):
        words = subprocess.run(["pdftotext", "-", "-"], input=body, capture_output=True, check=True)
        return body + words.stdout
    if body.startswith(b"\x1f\x8b"):
        return readable(gzip.decompress(body))
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return body + b"".join(readable(archive.read(name)) for name in archive.namelist())
    return body


def kinds(got: Got) -> Counter[str]:
    """Count the files and the mails among the answers."""
    files = {b"%PDF": "pdf", b"PK": "zip"}
    found = Counter(files.get(body[:4], files.get(body[:2], "text")) for _, body in got.values())
    found["mail"] = sum(name.startswith("mail ") for name in got)
    return found


def told(session: Session) -> Iterator[tuple[str, str]]:
    """Yield what the portal has told the other side by itself: mails, notices, entries."""
    theirs = {cast.actor(key).email for key in ("cleo", "lena", "dov")}
    people = {cast.actor(key).person_id for key in ("cleo", "lena", "dov")}
    for mail in session.scalars(select(RegionMail).where(RegionMail.recipient.in_(theirs))):
        yield f"mail {mail.id}", f"{mail.subject} {mail.text}"
    for notice in session.scalars(select(RegionNotice).where(RegionNotice.person_id.in_(people))):
        yield f"notice {notice.id}", repr(vars(notice))
    for contract in session.scalars(select(Contract)):
        for line in lines(session, contract.id):
            yield f"entry {line.seq} of {contract.id}", repr(line)


def start(session: Session, contract: Contract) -> None:
    """Send round 1, and let the customer counter one term."""
    values = {term: SCHEMA.terms[term].default for term in TERMS}
    values |= {term: f"What the contract says of {term}" for term in PROSE}
    actions.set_offers(session, contract, ADA, values, at=clock.now())
    send(session, contract, "ada")


def agree(session: Session, contract: Contract) -> None:
    """Answer everything, settle what is open, and freeze."""
    actions.accept_rest(session, contract, CLEO, at=clock.now())
    settle(session)
    send(session, contract, "cleo")
    opens(session, contract, "ada")
    for said in notes_of(session, contract, Side.VENDOR)[:2]:
        settle(session)
        actions.resolve(session, contract, ADA, said.id, at=clock.now())
    settle(session)
    actions.freeze(session, contract, CLEO, at=clock.now())
    settle(session)


def complete(app: Flask, session: Session, contract: Contract, regions: Regions) -> None:
    """Let all four sign and the portal seal, so that there is a deed and its evidence."""
    at = clock.now()
    stage.work(session, regions, contract, at=at)
    for minutes, key in enumerate(stage.SIGNERS, 1):
        later = at + timedelta(minutes=minutes)
        stage.consent(session, contract, key, at=later)
        stage.sign(session, contract, key, at=later)
        stage.work(session, regions, contract, at=later)
    keep_logs(regions, app.config["SETTINGS"], at=at + timedelta(minutes=9))
    settle(session)


@pytest.mark.slow
def test_two_hundred_planted_strings_reach_nothing_the_other_side_gets(
    app: Flask, eu: Session, contract: Contract, regions: Regions,
    client_as: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    settle(eu)
    start(eu, contract)
    secrets = [f"PLANT-{n:03d}-Q7X" for n in range(PLANTS)]
    plant(eu, contract, secrets[: -len(TERMS)])
    served = make_contract(eu, regions, "Support that runs")
    for secret, term in zip(secrets[-len(TERMS) :], TERMS, strict=True):
        actions.write_note(eu, served, ADA, text=secret, term=term, at=clock.now())
    freeze(eu, served, "deed_prepared", "all_signed", "completed")
    kept = stored(eu)
    assert len(secrets) == PLANTS and all(secret in kept for secret in secrets)
    got = crawled(app, client_as("cleo"), contract.id)
    settle(eu)
    agree(eu, contract)
    complete(app, eu, contract, regions)
    later = crawled(app, client_as("lena"), contract.id, rooms=AFTER)
    got |= {f"later {path}": answer for path, answer in later.items()}
    got |= crawled(app, client_as("dov"), served.id, rooms=RUNNING)
    settle(eu)
    # Everything an organisation may take with it: what the API tells it, in one archive.
    taker = client_as("dov")
    with app.app_context():
        export = taker.post("/organisation/export", buffered=True)
    assert export.status_code == 200 and export.data.startswith(b"PK")
    got["the export of the other side"] = (200, export.data)
    settle(eu)
    got |= {name: (200, text.encode()) for name, text in told(eu)}
    found = kinds(got)
    assert len(got) > 600 and found["pdf"] and found["zip"] and found["mail"] > 5, found
    bodies = {body: path for path, (_, body) in got.items()}
    assert [path for body, path in bodies.items() if PLANTED.search(readable(body))] == []
    assert [path for path, (status, _) in got.items() if status >= 500] == []
    # The crawl would find one: the vendor's own pages hold what was planted there.
    ours = crawled(app, client_as("ada"), contract.id, rooms=frozenset({"negotiation"}))
    seen = {secret for _, body in ours.values() for secret in PLANTED.findall(body)}
    assert len(seen) > 150
