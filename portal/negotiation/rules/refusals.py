"""The ways an answer can come too late. Each carries what is needed to show both values."""

from portal.kit.errors import Refused
from portal.kit.words import say


class TooLate(Refused):
    """The table moved on while somebody was answering; `term` is the one they answered, if one."""

    title = say("This changed while you were looking")

    def __init__(self, message: str, *, term: str | None = None) -> None:
        super().__init__(message)
        self.term = term


class Stale(TooLate):
    """The offer, the draft or the agreed set is another than the one they saw."""


class WrongTurn(TooLate):
    """It is the other side's turn."""

    title = say("It is not your turn")


class Frozen(TooLate):
    """The terms are frozen, or the contract has ended."""

    title = say("The terms are frozen")


class Incomplete(Refused):
    """A round or a set of offers has values that cannot stand: `problems` says which, by term."""

    def __init__(self, message: str, *, problems: dict[str, list[str]]) -> None:
        super().__init__(message)
        self.problems = problems
