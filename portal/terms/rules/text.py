"""Text as people type it: cleaned once, here, so that nothing hidden reaches a contract."""

import re
import unicodedata

from portal.kit.words import say
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value

LONGEST_INPUT = 20_000
"""No term needs more characters than this; longer input is refused before any parsing."""

_NONE_WORDS = frozenset({"", "none", "-", "–", "—"})
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters by category, yet drawn as nothing: a name made of them would look empty.
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_SPACES = re.compile(r"[^\S\n]+")


def means_none(text: str) -> bool:
    """Say whether this text is the explicit "none"."""
    return text.strip().casefold() in _NONE_WORDS


def clean_lines(text: str, longest: int = LONGEST_INPUT) -> str:
    """Return the text in NFC with plain spaces and line ends, or refuse what cannot be seen."""
    if len(text) > longest:
        raise Unreadable(
            say("This is too long: write at most %(longest)s characters.", longest=longest)
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = unicodedata.normalize("NFC", text)
    _refuse_hidden(text)
    lines = [_SPACES.sub(" ", line).strip() for line in text.split("\n")]
    text = "\n".join(lines).strip("\n")
    if len(text) > longest:
        raise Unreadable(
            say("This is too long: write at most %(longest)s characters.", longest=longest)
        )
    return text


def clean_line(text: str, longest: int = LONGEST_INPUT) -> str:
    """Return one clean line; line ends become spaces."""
    return " ".join(clean_lines(text, longest).split("\n")).strip()


def _refuse_hidden(text: str) -> None:
    for character in text:
        if character == "\n":
            continue
        if unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _INVISIBLE_LETTERS:
            code = f"U+{ord(character):04X}"
            raise Unreadable(
                say(
                    "Remove the hidden or control character %(code)s: a contract shows "
                    "all it says.",
                    code=code,
                )
            )


def _refuse_none_word(text: str) -> str:
    if means_none(text):
        raise Unreadable(say('Leave it empty to say "none".'))
    return text


def _read_line(shape: Shape, text: str) -> Value:
    return _refuse_none_word(clean_line(text, shape.max_length))


def _read_prose(shape: Shape, text: str) -> Value:
    return _refuse_none_word(clean_lines(text, shape.max_length))


def _normal_line(shape: Shape, value: Value) -> Value:
    return _read_line(shape, a_string(value))


def _normal_prose(shape: Shape, value: Value) -> Value:
    return _read_prose(shape, a_string(value))


def a_string(value: Value) -> str:
    """Return the value if it is text, else refuse it."""
    if not isinstance(value, str):
        raise Unreadable(say("Write text here."))
    return value


def _write(_shape: Shape, value: Value) -> str:
    return str(value)


TEXT = Kind(_read_line, _write, _normal_line)
PROSE = Kind(_read_prose, _write, _normal_prose)
