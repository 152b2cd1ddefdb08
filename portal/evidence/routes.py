"""The pages of evidence: the log's checkpoints for machines."""

import base64

from flask import Blueprint, Response, current_app, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.audit.signer import signer_of
from portal.kit.errors import NotFound
from portal.kit.web import public, signed_in
from portal.residency.databases import RegionDatabase, regions

bp = Blueprint("evidence", __name__)


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
    """Answer with the public key that checkpoints of a region's log are signed with."""
    database, session = _region()
    if log.last_checkpoint(session) is None:
        raise NotFound
    return _plain(signer_of(current_app.config["SETTINGS"], database.region).vkey + "\n")


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
