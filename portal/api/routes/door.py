"""The one way into every operation: token, count, scope, contract, role, body, key, answer."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Blueprint, Response, current_app, make_response, request
from sqlalchemy.orm import Session

from portal.accounts.actions.limits import Counted, count_up
from portal.accounts.gate import act_as
from portal.accounts.rules import Actor, demand
from portal.api.actions import Kept, Once, carry_out
from portal.api.routes.answering import json_answer, problem_response
from portal.api.routes.sent import read_body, read_query
from portal.api.rules.operations import JSON, Operation
from portal.api.rules.problems import At, Problem
from portal.api.rules.shapes import Schema, Wrong
from portal.api.rules.values import Cursors, etag_of, plain
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, own_side
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import reading
from portal.kit.errors import NotFound
from portal.kit.refs import new_id
from portal.kit.web import machine, public
from portal.oauth.queries import Access, access_of
from portal.residency.databases import RegionDatabase, Regions, regions

bp = Blueprint("api", __name__)
Run = TypeVar("Run", bound=Callable[..., Any])
OPERATIONS: list[Operation] = []


@dataclass(frozen=True)
class Ask:
    """One request, checked: who asks, when, about which contract, with what."""

    actor: Actor
    now: datetime
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    database: RegionDatabase | None = None
    found: Contract | None = None

    @property
    def contract(self) -> Contract:
        """The contract of the address."""
        if self.found is None:
            raise NotFound
        return self.found

    @property
    def session(self) -> Session:
        """The session of the contract's region."""
        return regions().session(self.contract.region)

    @property
    def place(self) -> RegionDatabase:
        """The region's database."""
        return regions()[self.contract.region]

    @property
    def side(self) -> Side:
        """The side on which the member stands."""
        side = own_side(self.contract, self.actor)
        return side

    @property
    def args(self) -> tuple[Session, Contract, Actor]:
        """The first arguments of every action."""
        return self.session, self.contract, self.actor


@dataclass(frozen=True)
class Page:
    """One page of a list, and where the next begins."""

    items: list[Any]
    next: list[Any] | None = None


@dataclass(frozen=True)
class Made:
    """An answer to a write that is more than its body: where the new thing is."""

    body: Any
    location: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class FileAnswer:
    """An answer that is a file."""

    content: bytes
    kind: str
    name: str


def operation(
    method: str, path: str, *, scope: str, needs: str, summary: str, tag: str,
    answers: Schema | None = None, body: Schema | None = None,
    query: Mapping[str, Schema] | None = None, paged: bool = False, status: int | None = None,
    reads: str | None = None, kind: str = JSON, most_bytes: int = 1_000_000,
) -> Callable[[Run], Run]:  # fmt: skip
    """Declare an operation: its address, its scope, its row of the permissions, its schemas."""

    def declare(run: Run) -> Run:
        usual = {"POST": 201, "DELETE": 204}.get(method, 200)
        one = Operation(
            method=method, path=path, name=run.__name__, scope=scope, needs=needs, summary=summary,
            tag=tag, run=run, answers=answers, body=body, query=query or {}, paged=paged,
            status=status or usual, reads=reads, kind=kind, most_bytes=most_bytes,
        )  # fmt: skip
        OPERATIONS.append(one)

        @public
        @machine
        def view(**values: Any) -> Response:
            return _answer(one, values)

        view.operation = one  # type: ignore[attr-defined]
        bp.add_url_rule(
            f"/api/v1{one.flask_path}", endpoint=one.name, view_func=view, methods=[method]
        )
        return run

    return declare


def _answer(one: Operation, values: dict[str, Any]) -> Response:
    request_id, now = new_id(clock.now()), clock.now()
    counted: Counted | None = None
    try:
        access = _authenticate(now)
        counted = _count(access, one, now)
        response = _serve(one, values, access, now)
    except Exception as error:  # every answer of the API is JSON, also one to a failure of ours
        response = problem_response(error, request_id)
    if counted is not None:
        _add_limits(response, one, counted, now)
    response.headers["Request-Id"] = request_id
    return response


def _authenticate(now: datetime) -> Access:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    base = current_app.config["SETTINGS"].base_url
    where = f'Bearer resource_metadata="{base}/.well-known/oauth-protected-resource"'
    if kind.lower() != "bearer" or not token.strip():
        raise Problem("token_needed", headers={"WWW-Authenticate": where})
    access = access_of(token.strip(), at=now)
    if access is None:
        why = f'{where}, error="invalid_token"'
        raise Problem("token_invalid", headers={"WWW-Authenticate": why})
    return access


def _count(access: Access, one: Operation, now: datetime) -> Counted:
    scope = "api:write" if one.writes else "api:read"
    counted = count_up(scope, access.grant_id, at=now)
    if not counted.allowed:
        wait = max(1, math.ceil((counted.until - now).total_seconds()))
        raise Problem("too_many", headers={"Retry-After": str(wait)})
    return counted


def _add_limits(response: Response, one: Operation, counted: Counted, now: datetime) -> None:
    name = "write" if one.writes else "read"
    window, left = int(counted.window.total_seconds()), (counted.until - now).total_seconds()
    response.headers["RateLimit-Policy"] = f'"{name}";q={counted.most};w={window}'
    response.headers["RateLimit"] = f'"{name}";r={counted.left};t={max(0, math.ceil(left))}'


def _serve(one: Operation, values: dict[str, Any], access: Access, now: datetime) -> Response:
    if one.scope not in access.scopes:
        said = f'Bearer error="insufficient_scope", scope="{one.scope}"'
        raise Problem(
            "scope_missing", f"The token lacks {one.scope}.", headers={"WWW-Authenticate": said}
        )
    # Found as a reader: the write lock is taken when the request is known to be carried out.
    act_as(access.actor)
    before = reading.set(True)
    try:
        ask = _opened(Ask(access.actor, now), values)
        demand(access.actor, one.needs)
    finally:
        reading.reset(before)
    if one.writes:
        Regions.close()
        ask = _opened(ask, values) if one.guarded else ask
    ask = replace(ask, query=read_query(one), body=read_body(one))
    rest = {name: value for name, value in values.items() if name != "ref"}
    if one.method == "POST":
        return _post(one, values, rest, ask, access)
    if one.guarded:
        _demand_match(one, ask, rest)
    return _written(one, one.run(ask, **rest), ask)


def _opened(ask: Ask, values: Mapping[str, Any]) -> Ask:
    if "ref" not in values:
        return ask
    session = regions().session_of(values["ref"])
    return replace(ask, found=find_contract(session, ask.actor, values["ref"]))


def _post(
    one: Operation, values: dict[str, Any], rest: dict[str, Any], ask: Ask, access: Access
) -> Response:
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise Problem("key_needed")
    if len(key) > 200 or not (key.isascii() and key.isprintable() and " " not in key):
        raise Problem("malformed", "An Idempotency-Key is 1 to 200 plain characters.")
    body = request.get_data(cache=True) + request.query_string
    address = f"{one.method} {request.path}"
    once = Once(ask.actor.organisation_id, access.client_id, address, key, body)
    database = ask.place if ask.found else _region_asked(ask)

    def run() -> Kept:
        response = _written(one, one.run(_opened(ask, values), **rest), ask)
        headers = {k: v for k, v in response.headers.items() if k in {"Location", "ETag"}}
        owner = response.headers.pop("X-Owner", None) or (ask.contract.id if ask.found else "")
        return Kept(response.status_code, response.get_json(silent=True), headers, owner)

    kept, again = carry_out(database, once, run, at=ask.now)
    response = json_answer(kept.body, kept.status) if kept.status != 204 else make_response("", 204)
    response.headers.update(kept.headers)
    if again:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _region_asked(ask: Ask) -> RegionDatabase:
    """Return the region that the body names, for what is not yet a contract."""
    name = ask.body.get("region") if isinstance(ask.body, dict) else None
    if not isinstance(name, str) or name not in regions().databases:
        raise Problem("invalid", errors=[Wrong("#/region", "This region is not known here.")])
    return regions()[name]


def _demand_match(one: Operation, ask: Ask, rest: dict[str, Any]) -> None:
    sent = request.headers.get("If-Match", "").strip()
    if not sent:
        raise Problem("match_needed")
    reads = next(other for other in OPERATIONS if other.name == one.reads)
    known = {name: value for name, value in rest.items() if name in reads.parameters}
    now = etag_of(plain(reads.run(replace(ask, query={}, body=None), **known)))
    if sent != now:
        raise Problem("stale", headers={"ETag": now})


def _written(one: Operation, said: Any, ask: Ask) -> Response:
    if isinstance(said, FileAnswer):
        response = make_response(said.content)
        response.mimetype = said.kind
        response.headers["Content-Disposition"] = f'attachment; filename="{said.name}"'
        response.headers["ETag"] = f'"{hashlib.sha256(said.content).hexdigest()[:32]}"'
        return _unless_known(response)
    if isinstance(said, Page):
        return _page(one, said, ask)
    made = said if isinstance(said, Made) else Made(said)
    if one.status == 204:
        return make_response("", 204)
    body = plain(made.body)
    response = json_answer(body, one.status)
    if made.location:
        response.headers["Location"] = f"/api/v1{made.location}"
    if made.owner:
        response.headers["X-Owner"] = made.owner
    if not one.writes:
        response.headers["ETag"] = etag_of(body)
        return _unless_known(response)
    return response


def _unless_known(response: Response) -> Response:
    sent = request.headers.get("If-None-Match", "")
    if response.headers["ETag"] in {one.strip() for one in sent.split(",")}:
        etag = response.headers["ETag"]
        response = make_response("", 304)
        response.headers["ETag"] = etag
    return response


def _page(one: Operation, page: Page, ask: Ask) -> Response:
    written = cursors(one, ask).write(plain(page.next)) if page.next is not None else None
    response = json_answer({"items": plain(page.items), "next_cursor": written}, 200)
    if written is not None:
        kept = {k: v for k, v in request.args.items() if k != "cursor"}
        args = "&".join(f"{k}={quote(v, safe='')}" for k, v in {**kept, "cursor": written}.items())
        response.headers["Link"] = f'<{request.path}?{args}>; rel="next"'
    return response


def cursors(one: Operation, ask: Ask) -> Cursors:
    """Return the cursors of one list for one organisation."""
    key: bytes = current_app.config["SECRET_KEY"]
    ref = ask.found.id if ask.found else ""
    return Cursors(key, f"{one.name}|{ref}|{ask.actor.organisation_id}")


def place_in(ask: Ask, name: str) -> list[Any] | None:
    """Return where the page that was asked for begins; None for the first."""
    sent = ask.query.get("cursor")
    if sent is None:
        return None
    one = next(other for other in OPERATIONS if other.name == name)
    try:
        return cursors(one, ask).read(sent)
    except (ValueError, TypeError):
        wrong = [At("cursor", "This is no cursor of this list.")]
        raise Problem("invalid", errors=wrong) from None


def paged(ask: Ask, name: str, rows: list[Any], shown: Callable[[Any], Any]) -> Page:
    """Return one page of rows that were found whole, told by what is shown of each."""
    begin = place_in(ask, name) or [0]
    limit = ask.query.get("limit", 50)
    first = begin[0]
    part = rows[first : first + limit]
    more = first + limit < len(rows)
    return Page([shown(row) for row in part], [first + limit] if more else None)
