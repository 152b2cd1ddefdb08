"""The response headers of every page (OWASP ASVS 5.0 V3.4)."""

from flask import Response

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
TWO_YEARS = 63_072_000


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
