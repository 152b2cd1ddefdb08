"""The deed as a file."""

from flask import request
from flask.typing import ResponseReturnValue

from portal.kit.errors import NotFound
from portal.kit.web import download, needs
from portal.residency.actions import read_document
from portal.signing import queries
from portal.signing.routes.desk import bp, opened


@bp.get("/contracts/<ref>/deed")
@bp.get("/contracts/<ref>/deed.pdf")
@needs("contract:see")
def deed(ref: str) -> ResponseReturnValue:
    """Give the newest revision of the deed: in the browser, or as a file with `?download=1`."""
    desk = opened(ref)
    version = desk.version
    found = queries.latest_deed(desk.session, version) if version else None
    if version is None or found is None:
        raise NotFound
    content = read_document(desk.session, desk.database, queries.document_of(desk.session, found))
    return download(
        content,
        name=f"{desk.contract.id}-v{version.number}-{found.kind}.pdf",
        mimetype="application/pdf",
        inline=request.args.get("download") != "1",
    )
