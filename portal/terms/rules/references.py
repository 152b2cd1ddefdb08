"""References to a thing outside the contract: its name, its version, and its address or hash."""

from portal.kit.words import say
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.text import clean_line, means_none

_PARTS = ("name", "version", "target")
_MESSAGE = say(
    'Write the name, the version and the address, such as "Security policy | 3 | https://…".'
)


def _read(shape: Shape, text: str) -> Value:
    cells = [cell.strip() for cell in clean_line(text, 3 * shape.max_length).split("|")]
    if len(cells) > len(_PARTS) or means_none(cells[0]):
        raise Unreadable(_MESSAGE)
    cells += [""] * (len(_PARTS) - len(cells))
    return {
        part: None if means_none(cell) else clean_line(cell, shape.max_length)
        for part, cell in zip(_PARTS, cells, strict=True)
    }


def _write(_shape: Shape, value: Value) -> str:
    cells = [value[part] or "none" for part in _PARTS]
    while cells[-1] == "none":
        cells.pop()
    return " | ".join(cells)


def _normal(shape: Shape, value: Value) -> Value:
    if not isinstance(value, dict) or not set(value) <= set(_PARTS) or not value.get("name"):
        raise Unreadable(_MESSAGE)
    full = {part: value.get(part) for part in _PARTS}
    for cell in full.values():
        if cell is not None and (not isinstance(cell, str) or "|" in cell):
            raise Unreadable(_MESSAGE)
    return _read(shape, _write(shape, full))


REF = Kind(_read, _write, _normal)
