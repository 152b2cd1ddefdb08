"""The response headers of every page (OWASP ASVS 5.0 V3.4)."""

import json

from flask import Response

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; report-uri /policy-report"
)
DIRECTIVES = frozenset(part.split()[0] for part in CSP.split(";")) | {
    "script-src-elem", "script-src-attr", "style-src-elem", "style-src-attr",
}  # fmt: skip
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
TWO_YEARS = 63_072_000


def broken_directive(report: bytes) -> str:
    """Return which directive of the policy a browser's report names; "unknown" for any other."""
    try:
        said = json.loads(report)["csp-report"]
        named = said.get("effective-directive") or said["violated-directive"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "unknown"
    words = named.split() if isinstance(named, str) else []
    return words[0] if words and words[0] in DIRECTIVES else "unknown"


def add_headers(response: Response, *, secure: bool, signed_in: bool) -> Response:
    """Add the security headers; pages of a signed-in person are never stored."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = PERMISSIONS
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}; includeSubDomains"
    if "Cache-Control" not in headers or signed_in:
        headers.setdefault("Cache-Control", "no-store")
    response.vary.update(["HX-Request", "Cookie", "Accept-Language"])
    return response
