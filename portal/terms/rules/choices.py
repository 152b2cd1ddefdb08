"""Choices: yes or no, one of a list, several of a list."""

import re

from portal.kit.words import say
from portal.terms.rules.numbers import word_of
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.text import clean_line

_YES = frozenset({"yes", "y", "true", "on", "1"})
_NO = frozenset({"no", "n", "false", "off", "0"})


def _read_bool(_shape: Shape, text: str) -> Value:
    word = clean_line(text, 20).casefold()
    if word not in _YES | _NO:
        raise Unreadable(say('Write "yes" or "no".'))
    return word in _YES


def _normal_bool(_shape: Shape, value: Value) -> Value:
    if not isinstance(value, bool):
        raise Unreadable(say('Write "yes" or "no".'))
    return value


def _choose(shape: Shape) -> Unreadable:
    labels = ", ".join(f'"{o.label}"' for o in shape.options[:12])
    if len(shape.options) > 12:
        return Unreadable(say("Choose from %(labels)s and so on.", labels=labels))
    return Unreadable(say("Choose from %(labels)s.", labels=labels))


def _read_enum(shape: Shape, text: str) -> Value:
    code = word_of(shape, clean_line(text, 200))
    if code is None:
        raise _choose(shape)
    return code


def _normal_enum(shape: Shape, value: Value) -> Value:
    if not isinstance(value, str) or shape.option(value) is None:
        raise _choose(shape)
    return value


def _write_enum(shape: Shape, value: Value) -> str:
    option = shape.option(value)
    return option.label if option else str(value)


def _read_multi(shape: Shape, text: str) -> Value:
    parts = [part.strip() for part in re.split(r"[,;]", clean_line(text, 4000))]
    return in_order(shape, [_read_enum(shape, part) for part in parts if part])


def in_order(shape: Shape, codes: list[str]) -> Value:
    """Put chosen codes in the order of the options, once each; nothing chosen is None."""
    return [o.code for o in shape.options if o.code in codes] or None


def _normal_multi(shape: Shape, value: Value) -> Value:
    if not isinstance(value, list):
        raise _choose(shape)
    return in_order(shape, [_normal_enum(shape, code) for code in value])


def _write_multi(shape: Shape, value: Value) -> str:
    return ", ".join(_write_enum(shape, code) for code in value)


def read_boxes(shape: Shape, texts: list[str]) -> Value:
    """Read the ticked boxes of a form."""
    ticked = [text for text in texts if text.strip()]
    return in_order(shape, [_read_enum(shape, text) for text in ticked])


BOOL = Kind(_read_bool, lambda _shape, value: "yes" if value else "no", _normal_bool)
ENUM = Kind(_read_enum, _write_enum, _normal_enum)
MULTI = Kind(_read_multi, _write_multi, _normal_multi)
