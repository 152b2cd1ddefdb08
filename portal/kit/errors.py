"""The three words for "no" that any room may say; `app` turns each into its HTTP answer once."""


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


class CodeNeeded(Exception):
    """The act needs a sign-in with a second factor first (HTTP 303 to the code page)."""
