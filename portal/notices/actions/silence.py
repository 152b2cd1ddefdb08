"""The address in a mail that turns one optional event off: it needs no sign-in."""

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from portal.kit.errors import NotFound
from portal.notices import rules
from portal.notices.actions.telling import base_url


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="counterpart.unsubscribe")


def silence_address(person_id: str, event: str) -> str:
    """Return the address that turns an event's mail off for a person."""
    return f"{base_url()}/unsubscribe/{_serializer().dumps([person_id, event])}"


def read_token(token: str) -> tuple[str, str]:
    """Return (person, event) of an address this portal wrote, or raise `NotFound`."""
    try:
        person_id, event = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError) as error:
        raise NotFound from error
    if not rules.is_optional(event):
        raise NotFound
    return person_id, event
