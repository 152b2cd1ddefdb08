"""Codes from an authenticator (RFC 6238: SHA-1, six digits, 30 seconds), by pyotp and segno."""

import hmac
import io
from datetime import datetime
from urllib.parse import quote, urlencode

import pyotp
import segno

from portal.accounts.rules import STEP_SECONDS

DIGITS = 6
REACH = 1  # one step late or early (RFC 6238, 5.2): typing takes time, phones drift
NEARBY = 10  # a match this far off is never accepted, but it tells that the clock is wrong


def new_secret() -> str:
    """Return a new seed of 160 random bits in base 32 (RFC 4226, 4 R6)."""
    return pyotp.random_base32(32)


def step_of(at: datetime) -> int:
    """Return the 30-second step an instant lies in."""
    return int(at.timestamp()) // STEP_SECONDS


def read_code(typed: str) -> str | None:
    """Return six ASCII digits, spaces dropped; None for anything else."""
    code = "".join(typed.split())
    return code if len(code) == DIGITS and code.isascii() and code.isdigit() else None


def matched_step(secret: str, code: str, at: datetime) -> int | None:
    """Return the step in {t, t-1, t+1} whose code this is."""
    drift = _distance(secret, code, at, [0, -REACH, REACH])
    return None if drift is None else step_of(at) + drift


def drift(secret: str, code: str, at: datetime) -> int | None:
    """Return how many steps away, within ten, the code would be right; negative: the past."""
    far = [sign * n for n in range(REACH + 1, NEARBY + 1) for sign in (-1, 1)]
    return _distance(secret, code, at, far)


def _distance(secret: str, code: str, at: datetime, steps: list[int]) -> int | None:
    totp, now, found = pyotp.TOTP(secret), step_of(at), None
    for step in steps:  # every step is compared, whichever matches
        if hmac.compare_digest(totp.generate_otp(now + step), code) and found is None:
            found = step
    return found


def address(secret: str, *, email: str, issuer: str) -> str:
    """Return the `otpauth:` address an authenticator opens; `issuer` is the portal's host name."""
    label = quote(f"Counterpart:{email}", safe=":@")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer})}"


def qr_svg(text: str) -> bytes:
    """Return a QR code of a text as an SVG image, with its quiet zone."""
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        picture, kind="svg", border=4, scale=4, light="#fff", nl=False
    )
    return picture.getvalue()


def in_fours(secret: str) -> str:
    """Return a seed in groups of four, to be copied by eye."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def code_at(secret: str, at: datetime) -> str:
    """Return the code a person's authenticator shows at an instant."""
    return pyotp.TOTP(secret).at(at)
