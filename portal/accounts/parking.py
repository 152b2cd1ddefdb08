"""What was typed when a session had ended, or the database was away: sealed in a cookie for half
an hour, given back after.

Nothing of it is kept here. Only the person whose session it was gets it back, on the page it was
typed on; codes and passwords are never parked.
"""

import base64
import json
from datetime import datetime, timedelta

from flask import Response, current_app, request
from flask_login import current_user
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import MultiDict

from portal.accounts.gate import cookie_name, key_of
from portal.accounts.models import SignIn
from portal.kit import clock
from portal.kit.db import directory_reader
from portal.kit.vault import CannotOpen, Cipher
from portal.settings.rules import Settings

LIFE = timedelta(minutes=30)
LARGEST = 3_500
NEVER = frozenset({"csrf_token", "code", "password"})
# Left out first where a cookie cannot hold it all: people can draw again.
LEAST_NEEDED = "strokes"


def park(response: Response, *, at: datetime) -> Response:
    """Seal this request's form into the answer, for the person whose session it was."""
    owner = _owner()
    form = {name: values for name, values in request.form.lists() if name not in NEVER}
    if owner is None:
        return response
    for left_out in ("", LEAST_NEEDED):
        form.pop(left_out, None)
        sealed = _seal({**owner, "at": clock.stamp(at), "form": form})
        if len(sealed) <= LARGEST:
            response.set_cookie(
                _name(), sealed, max_age=int(LIFE.total_seconds()), path=_path(), httponly=True,
                secure=_settings().secure_cookies, samesite="Lax",
            )  # fmt: skip
            break
    return response


def kept(*, at: datetime) -> MultiDict[str, str] | None:
    """Return what the person typed on this page and could not send, if it is fresh."""
    sealed = request.cookies.get(_name())
    if not sealed:
        return None
    try:
        plain = _cipher().open(base64.urlsafe_b64decode(sealed), context=_context())
    except (CannotOpen, ValueError):
        return None
    found = json.loads(plain)
    fresh = at - clock.read_stamp(found["at"]) <= LIFE
    mine = {"person": current_user.person.id, "session": current_user.sign_in.id}
    if not fresh or not any(found.get(kind) == mine[kind] for kind in mine):
        return None
    return MultiDict([(name, value) for name, values in found["form"].items() for value in values])


def forget(response: Response) -> Response:
    """Drop what was kept: it was sent."""
    if _name() in request.cookies:
        response.delete_cookie(_name(), path=_path(), secure=_settings().secure_cookies)
    return response


def _owner() -> dict[str, str] | None:
    """Return whose form it is: the person; or only the session, where nobody can say whose."""
    cookie = request.cookies.get(cookie_name(_settings()))
    if not cookie:
        return None
    if current_user.is_authenticated:
        return {"person": current_user.person.id}
    try:
        with directory_reader() as directory:
            row = directory.get(SignIn, key_of(cookie))
    except DBAPIError:
        return {"session": key_of(cookie)}
    return {"person": row.person_id} if row else None


def _seal(content: dict[str, object]) -> str:
    plain = json.dumps(content, ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_cipher().seal(plain, context=_context())).decode()


def _name() -> str:
    return "__Secure-parked" if _settings().secure_cookies else "parked"


def _path() -> str:
    return request.path


def _context() -> str:
    return f"parked|{request.path}"


def _cipher() -> Cipher:
    found: Cipher = current_app.extensions["directory_cipher_of"]("parked")
    return found


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found
