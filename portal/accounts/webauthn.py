"""Passkeys (W3C Web Authentication), by the library of the same name."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)


class NotProven(Exception):
    """The answer does not prove the passkey."""


@dataclass(frozen=True)
class Place:
    """Where passkeys are bound to: the portal's host, and the exact origin of its pages."""

    host: str
    origin: str

    @classmethod
    def of(cls, base_url: str) -> "Place":
        """Return the place of a portal's address."""
        parts = urlsplit(base_url)
        return cls(parts.hostname or "localhost", f"{parts.scheme}://{parts.netloc}")


@dataclass(frozen=True)
class Made:
    """The public half of a new passkey."""

    credential: str
    public_key: bytes
    sign_count: int


# The password was given already: the passkey is the second factor, so the device need not ask for
# a PIN or a finger as well, though most do.
VERIFICATION = UserVerificationRequirement.PREFERRED


def making(place: Place, *, person: str, email: str, challenge: str, known: list[str]) -> str:
    """Return what the browser is asked for to make a passkey, as JSON."""
    options = webauthn.generate_registration_options(
        rp_id=place.host, rp_name="Counterpart", user_id=person.encode(), user_name=email,
        challenge=base64url_to_bytes(challenge), exclude_credentials=_described(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=VERIFICATION
        ),
    )  # fmt: skip
    return str(webauthn.options_to_json(options))


def read_made(place: Place, answer: str, *, challenge: str) -> Made:
    """Return the passkey a browser made; raise `NotProven` for any other answer."""
    try:
        made = webauthn.verify_registration_response(
            credential=_json(answer), expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host, expected_origin=place.origin,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotProven from error
    name = bytes_to_base64url(made.credential_id)
    return Made(name, made.credential_public_key, made.sign_count)


def asking(place: Place, *, challenge: str, known: list[str]) -> str:
    """Return what the browser is asked for to prove one of these passkeys, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=place.host, challenge=base64url_to_bytes(challenge),
        allow_credentials=_described(known), user_verification=VERIFICATION,
    )  # fmt: skip
    return str(webauthn.options_to_json(options))


def read_proof(
    place: Place, answer: str, *, challenge: str, public_key: bytes, sign_count: int
) -> int:
    """Return the passkey's new count of uses; raise `NotProven` for any other answer."""
    try:
        proof = webauthn.verify_authentication_response(
            credential=_json(answer), expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host, expected_origin=place.origin,
            credential_public_key=public_key, credential_current_sign_count=sign_count,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotProven from error
    return int(proof.new_sign_count)


def credential_of(answer: str) -> str:
    """Return which passkey an answer names, before anything about it is believed."""
    try:
        return str(_json(answer).get("id", ""))
    except (ValueError, AttributeError):
        return ""


def _described(known: list[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known]


def _json(answer: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer)
    return found
