"""Answers that say no (RFC 9457): one table of codes, each with its status and its title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.api.rules.shapes import SHA256, STRING, Schema, Wrong, answer, many

TITLES: Mapping[str, tuple[int, str, str]] = {
    "token_needed": (401, "A token is needed", "Send Authorization: Bearer with an access token."),
    "token_invalid": (401, "The token does not count", "It is unknown, over, or was taken back."),
    "scope_missing": (403, "The token lacks the scope", "Ask the member to grant it."),
    "role_missing": (403, "The member’s role may not do this", "Their administrator gives roles."),
    "not_found": (404, "Nothing is here", "It is missing, or not yours."),
    "method_unknown": (405, "This address does not know the method", "See the Allow header."),
    "refused": (409, "A rule said no", "The detail says which; nothing was changed."),
    "busy": (409, "Another request was first", "Nothing was changed: send it again, same key."),
    "stale": (412, "It changed since you read it", "Read it again and send its new ETag."),
    "too_large": (413, "The body is too large", "At most 1 MB, or what the operation says."),
    "not_json": (415, "The body is not JSON", "Send Content-Type: application/json."),
    "malformed": (400, "The request cannot be read", "The detail says why."),
    "key_needed": (400, "An Idempotency-Key is needed", "Send one with each POST."),
    "key_reused": (422, "This Idempotency-Key was used for another request", "Send a new one."),
    "invalid": (422, "Something sent does not fit", "errors says where, with a JSON Pointer each."),
    "match_needed": (428, "If-Match is needed", "Send the ETag of what you read."),
    "too_many": (429, "Too many requests", "Wait as long as Retry-After says."),
    "broken": (500, "The portal failed", "Nothing was changed. Tell the operator the request_id."),
    "unavailable": (503, "The portal cannot answer now", "Try again later, with the same key."),
}  # fmt: skip


@dataclass(frozen=True)
class At:
    """A thing wrong outside the body: a parameter of the address, by its name."""

    parameter: str
    detail: str


class Problem(Exception):
    """An answer that says no."""

    def __init__(
        self, code: str, detail: str = "", *, errors: Sequence[Wrong | At] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(code)
        self.code, self.errors, self.headers = code, list(errors), dict(headers or {})
        self.status, self.title, usual = TITLES[code]
        self.detail = detail or usual

    def body(self, *, base: str, request_id: str) -> dict[str, Any]:
        """Return the answer."""
        said: dict[str, Any] = {
            "type": f"{base}/api/v1#problem-{self.code}", "title": self.title,
            "status": self.status, "detail": self.detail, "code": self.code,
            "request_id": request_id,
        }  # fmt: skip
        if self.errors:
            said["errors"] = [vars(one) for one in self.errors]
        return said


_ERROR: Schema = {
    "type": "object", "required": ["detail"],
    "properties": {"pointer": STRING, "parameter": STRING, "detail": STRING},
}  # fmt: skip
PROBLEM: Schema = answer(
    type={"type": "string", "format": "uri"}, title=STRING, status={"type": "integer"},
    detail=STRING, code={"type": "string", "enum": list(TITLES)}, request_id=STRING,
)  # fmt: skip
PROBLEM["properties"] |= {"errors": many(_ERROR)}

__all__ = ["PROBLEM", "SHA256", "TITLES", "At", "Problem"]
