"""The three words for "no" that any room may say; `app` turns each into its HTTP answer once."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """A rule said no. The message is a sentence fit for the person who asked (HTTP 409).

    Written with `kit.words.say`, it reaches that person in their language.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(Refused):
    """A party asked, but their role may not do this (HTTP 403)."""


class NotFound(Exception):
    """Missing, or not yours: the two are never told apart (HTTP 404)."""


class SignatureNeeded(Exception):
    """An act of agreement waits for its signature (HTTP 422 with the page that asks for it).

    It says the entry that would be made: what is signed. `changed`: it is not what was shown.
    """

    def __init__(
        self, chain: str, event: str, facts: Mapping[str, Any], *, changed: bool = False
    ) -> None:
        super().__init__(f"{event} in {chain} is not signed")
        self.chain, self.event, self.facts, self.changed = chain, event, facts, changed


class CodeNeeded(Exception):
    """The act needs a sign-in with a second factor first (HTTP 303 to the code page)."""
