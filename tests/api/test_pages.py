"""What the API promises beside each operation: keys, tags, cursors, counts, problems, documents."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, func, select

from portal.api.actions import forget_keys
from portal.api.models import IdempotencyKey
from portal.api.routes.door import OPERATIONS
from portal.api.routes.sent import BOOK
from portal.api.rules.document import page_of
from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.incidents.models import Incident
from portal.kit import clock
from portal.residency.databases import Regions
from tests.api.conftest import Caller
from tests.conftest import make_contract
from tests.profiles.test_signed_acts import regulate

REPORT = {"title": "Orders are not saved", "severity": "S2", "module": "Order entry"}


def counted(app: Flask) -> tuple[int, int]:
    """Return how many incidents and how many entries the region holds."""
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        chain = session.scalar(select(Incident.contract_id).limit(1))
        found = session.scalar(select(func.count(Incident.id))), len(lines(session, chain))
        session.close()
    return found


def facts_of(call: Callable[..., Caller], ref: str) -> dict[str, str]:
    """Return the facts this contract asks of a report."""
    wrong = call("dov")("POST", f"/contracts/{ref}/incidents", REPORT).json.get("errors", ())
    return {one["pointer"].rpartition("/")[2]: "Written." for one in wrong}


@pytest.mark.slow
def test_every_read_answers_what_its_schema_says(
    call: Callable[..., Caller], ref: str, unhurried: None
) -> None:
    ask, seen, wrong = call("ada"), 0, []
    for one in (one for one in OPERATIONS if one.method == "GET"):
        path = one.path.replace("{ref}", ref).replace("{number}", "1")
        if "{" in path:
            listed = path.rpartition("/{")[0].removesuffix("/sealed.pdf")
            rows = ask("GET", listed.partition("/{")[0]).json["items"]
            key = rows[0].get("ref") or rows[0].get("month") or rows[0].get("id")
            path = path.replace(f"{{{one.parameters[-1]}}}", str(key))
        answer = ask("GET", path)
        if answer.status_code == 404:
            continue
        seen += 1
        assert answer.status_code == 200, (one.name, answer.text)
        if answer.mimetype == "application/json":
            schema = page_of(one.answers or {}) if one.paged else one.answers or {}
            wrong += [(one.name, fault) for fault in BOOK.wrong(schema, answer.json)]
    assert wrong == [] and seen >= 33


def test_a_post_is_carried_out_once_for_its_key(
    app: Flask, call: Callable[..., Caller], ref: str
) -> None:
    ask = call("dov")
    sent = {**REPORT, "facts": facts_of(call, ref)}
    before = counted(app)
    first = ask("POST", f"/contracts/{ref}/incidents", sent, Idempotency_Key="one")
    again = ask("POST", f"/contracts/{ref}/incidents", sent, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json and again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert counted(app) == (before[0] + 1, before[1] + 1)
    other = ask("POST", f"/contracts/{ref}/incidents", {**sent, "title": "Other"},
                Idempotency_Key="one")  # fmt: skip
    assert (other.status_code, other.json["code"]) == (422, "key_reused")
    missing = ask("POST", f"/contracts/{ref}/incidents", sent, Idempotency_Key="")
    assert (missing.status_code, missing.json["code"]) == (400, "key_needed")
    assert counted(app) == (before[0] + 1, before[1] + 1)


def test_six_at_once_with_one_key_write_once(
    app: Flask, call: Callable[..., Caller], ref: str
) -> None:
    sent, ask = {**REPORT, "facts": facts_of(call, ref)}, call("dov")
    before = counted(app)

    def press(_: int) -> tuple[int, int]:
        one = Caller(app.test_client(), ask.token)
        answer = one("POST", f"/contracts/{ref}/incidents", sent, Idempotency_Key="at-once")
        return answer.status_code, answer.json.get("number", str(answer.json))

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(press, range(6)))
    assert len(answers) == 1 and next(iter(answers))[0] == 201, answers
    assert counted(app) == (before[0] + 1, before[1] + 1)


def test_what_is_refused_leaves_nothing_and_keeps_no_key(
    app: Flask, call: Callable[..., Caller], ref: str
) -> None:
    before, ask = counted(app), call("dov")
    path = f"/contracts/{ref}/incidents/1/reopening"
    done = call("dov")("POST", f"/contracts/{ref}/incidents/1/confirmation", {})
    assert done.status_code == 201
    refused = ask("POST", f"/contracts/{ref}/incidents/1/confirmation", {}, Idempotency_Key="k")
    assert (refused.status_code, refused.json["code"]) == (409, "refused")
    reopened = ask("POST", path, {"words": "Again."}, Idempotency_Key="k")
    assert reopened.status_code == 201 and reopened.json["standing"] == "open"
    assert counted(app) == (before[0], before[1] + 2)


@pytest.mark.slow
def test_no_program_signs_an_act_of_a_regulated_contract(
    app: Flask, call: Callable[..., Caller], ref: str
) -> None:
    ben = call("ben")
    month = ben("GET", f"/contracts/{ref}/statements").json["items"][0]["month"]
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        regulate(session, session.get_one(Contract, ref))
        session.close()
    before = counted(app)
    path = f"/contracts/{ref}/statements/{month}/confirmation"
    refused = ben("POST", path, {"revision": 1})
    assert (refused.status_code, refused.json["code"]) == (403, "role_missing")
    assert "by a person" in refused.json["detail"] and counted(app) == before


@pytest.mark.slow
def test_an_answer_kept_for_a_key_is_sealed_and_forgotten(
    app: Flask, call: Callable[..., Caller], ref: str
) -> None:
    said = "A very special sentence"
    call("dov")("POST", f"/contracts/{ref}/incidents/2/message", {"words": said})
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        row = session.scalars(select(IdempotencyKey)).one()
        assert said.encode() not in (row.answer_enc or b"") and said in json.dumps(row.answer)
        session.rollback()
        assert forget_keys(at=clock.now()) == 0
        assert forget_keys(at=clock.now() + timedelta(hours=73)) == 1


def test_a_change_needs_the_tag_of_what_was_read(call: Callable[..., Caller], ref: str) -> None:
    ask, path = call("cleo"), f"/contracts/{ref}/renewal/decision"
    sent = {"choice": "renew", "note": "All good."}
    assert ask("PUT", path, sent).json["code"] == "match_needed"
    read = ask("GET", path)
    kept = ask("PUT", path, sent, If_Match=read.headers["ETag"])
    assert kept.status_code == 200 and kept.json["choice"] == "renew"
    stale = ask("PUT", path, {"choice": "exit"}, If_Match=read.headers["ETag"])
    assert (stale.status_code, stale.json["code"]) == (412, "stale")
    assert stale.headers["ETag"] == ask("GET", path).headers["ETag"]
    assert call("ada")("GET", path).json["choice"] is None  # the other side never sees it


def test_what_is_known_already_is_not_sent_again(call: Callable[..., Caller], ref: str) -> None:
    ask = call("cleo")
    etag = ask("GET", f"/contracts/{ref}").headers["ETag"]
    again = ask("GET", f"/contracts/{ref}", If_None_Match=etag)
    assert again.status_code == 304 and again.data == b"" and again.headers["ETag"] == etag


def test_a_list_is_read_whole_through_its_links(
    app: Flask, call: Callable[..., Caller], ref: str
) -> None:
    ask, found, path = call("cleo"), [], f"/contracts/{ref}/incidents?limit=2"
    while path:
        answer = ask("GET", path)
        found += [row["number"] for row in answer.json["items"]]
        link = answer.headers.get("Link", "")
        target = urlsplit(link[1 : link.index(">")]) if link else None
        path = f"{target.path.removeprefix('/api/v1')}?{target.query}" if target else ""
    assert sorted(found) == [1, 2, 3] and found[-1] == 1
    cursor = ask("GET", f"/contracts/{ref}/incidents?limit=1").json["next_cursor"]
    for person, other in (("ada", f"/contracts/{ref}/incidents"), ("cleo", "/contracts")):
        wrong = call(person)("GET", f"{other}?cursor={cursor}")
        assert wrong.status_code == 422 and wrong.json["errors"][0]["parameter"] == "cursor"


@pytest.mark.slow
def test_the_minute_is_counted_in_the_database(call: Callable[..., Caller], ref: str) -> None:
    with time_machine.travel(clock.now().replace(second=1), tick=False):
        ask = call("dov")
        last = None
        for _ in range(120):
            last = ask("DELETE", f"/contracts/{ref}/draft/D1")
            assert last.status_code != 429
        assert last is not None and last.headers["RateLimit"].startswith('"write";r=0;t=')
        assert last.headers["RateLimit-Policy"] == '"write";q=120;w=60'
        over = ask("DELETE", f"/contracts/{ref}/draft/D1")
        assert over.status_code == 429 and over.json["code"] == "too_many"
        assert 0 < int(over.headers["Retry-After"]) <= 60
        assert ask("GET", f"/contracts/{ref}").status_code == 200


BAD = [
    ("POST", "/contracts", None, 415, "not_json"),
    ("POST", "/contracts", [], 422, "invalid"),
    ("POST", "/contracts", {"title": "x"}, 422, "invalid"),
    ("GET", "/contracts?limit=0", None, 422, "invalid"),
    ("GET", "/contracts?limit=x", None, 422, "invalid"),
    ("GET", "/contracts?limit=5&limit=6", None, 422, "invalid"),
    ("GET", "/contracts?sort=title", None, 422, "invalid"),
    ("GET", "/contracts/xx-NOTHERE", None, 404, "not_found"),
    ("GET", "/nothing", None, 404, "not_found"),
    ("PUT", "/contracts", None, 405, "method_unknown"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), BAD)
@pytest.mark.slow
def test_a_no_is_a_problem(
    call: Callable[..., Caller], method: str, path: str, body: object, status: int, code: str
) -> None:
    answer = call("ada")(method, path, body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert BOOK.wrong({"$ref": "#/components/schemas/Problem"}, answer.json) == []
    assert answer.json["type"].endswith(f"/api/v1#problem-{code}")
    if code == "method_unknown":
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"title": "\\ud800"}', b"nul"]
)
@pytest.mark.slow
def test_a_body_that_cannot_be_read_is_refused(
    app: Flask, call: Callable[..., Caller], raw: bytes
) -> None:
    ask = call("ada")
    headers = {"Authorization": f"Bearer {ask.token}", "Idempotency-Key": "k",
               "Content-Type": "application/json"}  # fmt: skip
    answer = ask.client.post("/api/v1/contracts", data=raw, headers=headers)
    assert answer.status_code in {400, 422}


def test_hidden_characters_are_pointed_at(call: Callable[..., Caller], ref: str) -> None:
    sent = {"words": "pay \u202eeud"}
    answer = call("dov")("POST", f"/contracts/{ref}/incidents/1/message", sent)
    assert answer.status_code == 422 and answer.json["errors"][0]["pointer"] == "#/words"


@pytest.mark.slow
def test_a_list_takes_as_many_queries_for_ten_as_for_one(
    app: Flask, call: Callable[..., Caller], ref: str
) -> None:
    ask = call("cleo")

    def queries(path: str) -> int:
        seen: list[str] = []
        regions: Regions = app.extensions["regions"]
        engines = [database.engine for database in regions.databases.values()]
        for engine in engines:
            event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
        assert ask("GET", path).status_code == 200
        for engine in engines:
            engine.dispose()
        return len(seen)

    paths = ["/contracts", f"/contracts/{ref}/incidents"]
    few = [queries(path) for path in paths]
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        for _ in range(4):
            make_contract(session, regions)
    for number in range(3):
        sent = {**REPORT, "facts": facts_of(call, ref)}
        call("dov")("POST", f"/contracts/{ref}/incidents", {**sent, "title": f"Fault {number}"})
    assert [queries(path) for path in paths] == few


@pytest.mark.slow
def test_a_contract_is_started_from_the_canonical_terms_of_another(
    call: Callable[..., Caller], ref: str
) -> None:
    ask = call("cleo")
    terms = ask("GET", f"/contracts/{ref}/canonical").json["terms"]
    vendor = next(o for o in ask("GET", "/partners").json["items"] if o["slug"] == "northwind")
    listed = ask("GET", "/templates").json["items"]
    sent = {
        "title": "Moved in", "counterparty": vendor["id"], "side": "customer", "region": "eu",
        "template": next(one["key"] for one in listed if one["status"] == "published"),
    }  # fmt: skip
    wrong = ask("POST", "/contracts", {**sent, "terms": {"D1": "lots", "Z9": 1}})
    assert {one["pointer"] for one in wrong.json["errors"]} == {"#/terms/D1", "#/terms/Z9"}
    made = ask("POST", "/contracts", {**sent, "terms": terms})
    assert made.status_code == 201, made.json
    draft = ask("GET", f"/contracts/{made.json['ref']}/draft").json
    values = {word["term"]: word["value"] for word in draft["words"]}
    own = {"A1", "A1.address", "A2", "A2.address", "A11"}
    assert {t: v for t, v in values.items() if t not in own} == {
        t: v for t, v in terms.items() if t not in own
    }


def test_the_document_is_served_and_read_aloud(app: Flask) -> None:
    client = app.test_client()
    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert sum(len(path) for path in document["paths"].values()) == len(OPERATIONS)
    page = client.get("/api/v1").get_data(as_text=True)
    assert all(f'id="{one.name}"' in page for one in OPERATIONS)
    assert "problem-stale" in page
