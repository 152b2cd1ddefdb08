"""The pages of evidence: a contract's bundle, the public check of a file, and the checkpoints."""

import base64
import hashlib
from datetime import datetime

from flask import Blueprint, Response, current_app, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from portal.accounts.actions import reserve
from portal.accounts.gate import current_actor
from portal.accounts.rules import demand, wait_message
from portal.audit import queries as log
from portal.audit.sentences import sentence
from portal.audit.signer import signer_of
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract
from portal.evidence import queries, rules
from portal.evidence.forms import VerifyForm
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.web import download, needs, page, public, signed_in
from portal.residency.databases import RegionDatabase, regions
from portal.settings.rules import Settings
from portal.signing.keys import root_pem
from portal.signing.queries import CLOSED, known_file
from portal.signing.rules import hash_words

bp = Blueprint("evidence", __name__)


@bp.get("/contracts/<ref>/evidence")
@needs("log:read")
def show(ref: str) -> ResponseReturnValue:
    """Show what both sides can prove about a contract, and how they check it alone."""
    session, contract = _opened(ref)
    found = queries.coverage(session, contract.id)
    lines = log.lines(session, contract.id)
    receipts = [
        {"seq": line.seq, "at": line.at, "hash": line.hash, "sentence": sentence(line)}
        for line in lines[: len(found.covered)]
        if line.event in rules.RECEIPTS
    ]
    return page(
        "evidence/show.html", contract=contract, covered=len(found.covered), total=found.total,
        newest=found.newest, signed_at=found.signed_at, receipts=receipts,
        spoken=hash_words(found.root) if found.root else [],
        head=lines[-1].hash if lines else None,
        stamps=log.stamps_of(session, [found.newest] if found.newest else []),
    )  # fmt: skip


@bp.get("/contracts/<ref>/evidence.zip")
@needs("log:read")
def download_bundle(ref: str) -> ResponseReturnValue:
    """Hand out the evidence of a contract: the same bytes to both sides."""
    session, contract = _opened(ref)
    demand(current_actor(), "log:read")
    database = regions()[contract.region]
    settings = _settings()
    place = queries.Place(
        session, database, signer_of(settings, database.region), settings.operator,
        root_pem(settings),
    )  # fmt: skip
    content = queries.bundle_of(place, contract)
    if content is None:
        raise NotFound
    return download(content, name=f"evidence-{contract.id}.zip", mimetype="application/zip")


def _opened(ref: str) -> tuple[Session, Contract]:
    session = regions().session_of(ref)
    return session, find_contract(session, current_actor(), ref)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


# Anybody may ask whether a file is an original.


@bp.get("/verify")
@public
def verify_page() -> ResponseReturnValue:
    """Ask for a file or its hash."""
    return page("evidence/verify.html", form=VerifyForm(formdata=None))


@bp.post("/verify")
@public
def verify() -> ResponseReturnValue:
    """Answer match or no match, and nothing else; tries are counted in the database."""
    form = VerifyForm()
    if not form.validate_on_submit():
        return page("evidence/verify.html", 422, form=form)
    until = _too_often(at=clock.now())
    if until is not None:
        return page("evidence/verify.html", 429, form=form, wait=wait_message(until))
    sha256 = _hash_of(form.file.data) if form.file.data else form.sha256.data
    return page("evidence/verify.html", form=form, sha256=sha256, known=_is_original(sha256))


def _hash_of(upload: FileStorage) -> str:
    with upload.stream as file:
        return hashlib.sha256(file.read()).hexdigest()


def _too_often(*, at: datetime) -> datetime | None:
    address = request.remote_addr or "unknown"
    return reserve({"verify:address": address, "verify:all": "all"}, at=at)


def _is_original(sha256: str) -> bool:
    found = (known_file(session, sha256) for _, session in regions().each())
    return any(known is not None and known.kind in CLOSED for known in found)


# The log's checkpoints, for machines and for the other side.


@bp.get("/log/checkpoint")
@public
def checkpoint() -> ResponseReturnValue:
    """Answer with the newest checkpoint of a region's log, for anybody to compare."""
    _, session = _region()
    row = log.last_checkpoint(session)
    if row is None:
        raise NotFound
    return _plain(row.note)


@bp.get("/log/key")
@public
def key() -> ResponseReturnValue:
    """Answer with the public keys of a region’s log, one a line; the last one signs now."""
    database, session = _region()
    if log.last_checkpoint(session) is None:
        raise NotFound
    return _plain(signer_of(_settings(), database.region).keys.text)


@bp.get("/log/consistency")
@signed_in
def consistency() -> ResponseReturnValue:
    """Answer with the proof that one checkpoint's log extends another's (RFC 6962)."""
    _, session = _region()
    first, second = (request.args.get(name, type=int) or 0 for name in ("from", "to"))
    sizes = set(log.checkpoint_sizes(session))
    if first > second or not {first, second} <= sizes:
        raise NotFound
    path = log.tree_of(session).consistency(first, second)
    return jsonify(
        {"from": first, "to": second, "path": [base64.b64encode(h).decode() for h in path]}
    )


def _region() -> tuple[RegionDatabase, Session]:
    """Return the region the address names; without a name, the first one of this host."""
    found = regions()
    name = request.args.get("region") or next(iter(found.databases))
    return found[name], found.session(name)


def _plain(text: str) -> Response:
    answer = make_response(text)
    answer.mimetype = "text/plain"
    return answer
